"""How good predictions are within two minutes: our default model, our best single entrant, and AutoGluon's.

    .venv/bin/python benchmarks/quality.py [--run] [--table] [--systems …] [--sets …] [--seeds …] [--stale]

Both systems read the same `train.csv` and `test.csv`, one after the other, each in a process and an environment of its
own, on two cores, told nothing but the task and a limit. A cell is one run of a system on a split: a file in
`runs/quality/cells` with its scores and times, beside it the predictions, which pair the rows in the table. Cells that
are there are not run again, so a run that is stopped goes on where it was; to begin anew, remove that folder. Let the
machine be quiet: threads that wait for one another suffer most from company. Each cell keeps the load it began with.

With neither `--run` nor `--table`: both. `benchmarks/requirements.txt` says how to make the peers' environment.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil
from quality_paired import Difference, mean_ranks, over_seeds, paired, row_losses, score
from quality_sets import SETS, Parts, Set, split

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
LIMIT = 120.0
TOLD = {"concours": 105.0, "autogluon": 110.0}
"""Seconds that a system is told, so that start, reading and prediction fit into the limit."""
KILLED_AFTER = 2 * LIMIT
CORES = 2
NOT_COUNTED = "adult-own-test"
MODELS = (("concours", "default"), ("concours", "single"), ("autogluon", "default"), ("autogluon", "single"))
TITLES = ("Concours", "its best single", "AutoGluon", "its best single")
QUIET = {"PYTHONWARNINGS": "ignore", "RAY_USAGE_STATS_ENABLED": "0", "RAY_DISABLE_IMPORT_WARNING": "1"}

NOTE = """\
Scores are means over the splits, lower is better. Differences are paired, by the losses on the same test rows (for the
RMSE by the delta method); over the splits, their mean, with the mean of their variances, not divided by the number of
splits, because splits share rows. Better and worse are those whose interval leaves zero out."""

Known = dict[tuple[str, str, int], dict[str, Any]]
"""Cells by system, set and seed."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where cells and splits lie, and the interpreter of each system."""

    folder: Path
    python: dict[str, str]

    def cell(self, system: str, which: str, seed: int) -> Path:
        """Of one cell, without a suffix: `.json` is the cell, `.npz` predictions and truth, `.log` what was printed."""
        return self.folder / "cells" / f"{system}-{which}-{seed}"

    def parts(self, which: Set, seed: int) -> Parts:
        """The files of a split."""
        return split(which, seed, self.folder / "data" / f"{which.name}-{seed}")

    def cells(self) -> Known:
        """Those that are there."""
        read = [json.loads(file.read_text(encoding="utf-8")) for file in (self.folder / "cells").glob("*.json")]
        return {(cell["system"], cell["set"], cell["seed"]): cell for cell in read}


def source_digest(system: str) -> str:
    """Covers what decides the predictions here: our source tree, or the pins of the peers."""
    files = sorted((ROOT / "src/concours").rglob("*.py")) if system == "concours" else [HERE / "requirements.txt"]
    covered = hashlib.sha256()
    for file in files:
        covered.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes() + b"\0")
    return covered.hexdigest()[:16]


def stale(cell: dict[str, Any]) -> bool:
    """Whether the cell failed, or was run with other source than is here now."""
    return bool(cell["error"]) or cell["source"] != source_digest(cell["system"])


def run_cell(place: Place, system: str, which: Set, seed: int) -> dict[str, Any]:
    """Runs a system on a split and keeps what came of it, also where it failed."""
    parts, base = place.parts(which, seed), place.cell(system, which.name, seed)
    base.parent.mkdir(parents=True, exist_ok=True)
    cell: dict[str, Any] = {
        "system": system,
        "set": which.name,
        "seed": seed,
        "metric": which.metric,
        "error": "",
        "source": source_digest(system),
        "data": parts.digest[:16],
        "load_at_start": round(os.getloadavg()[0], 2),
        "cores": CORES,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    with tempfile.TemporaryDirectory(dir=place.folder, prefix="scratch-") as scratch:
        began = time.time()
        error = _started(place.python[system], system, _job(which, seed, parts, Path(scratch), system), base)
        cell["whole_wall_s"] = round(time.time() - began, 2)
        out = Path(scratch) / "out"
        if error:
            cell["error"] = error
        else:
            cell |= _told(out, began, which, parts, base)
    aside = base.with_suffix(".part")
    aside.write_text(json.dumps(cell, indent=1), encoding="utf-8")
    aside.rename(base.with_suffix(".json"))
    return cell


def _job(which: Set, seed: int, parts: Parts, scratch: Path, system: str) -> Path:
    job = scratch / "job.json"
    work = {
        "kind": which.kind,
        "metric": which.metric,
        "target": which.target,
        "train": str(parts.train.resolve()),
        "test": str(parts.test.resolve()),
        "seed": seed,
        "seconds": TOLD[system],
        "scratch": str(scratch.resolve()),
        "out": str(scratch.resolve() / "out"),
    }
    job.write_text(json.dumps(work), encoding="utf-8")
    return job


def _started(python: str, system: str, job: Path, base: Path) -> str:
    """Waits for the process of a system; empty, or what went wrong."""
    log = base.with_suffix(".log")
    with log.open("w") as printed:
        process = subprocess.Popen(
            [python, str(HERE / "quality_systems.py"), system, str(job)],
            stdout=printed,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            cwd=job.parent,
            env={**os.environ, **QUIET},
            start_new_session=True,
            preexec_fn=_two_cores,
        )
        try:
            process.wait(timeout=KILLED_AFTER)
        except subprocess.TimeoutExpired:
            return f"killed after {KILLED_AFTER:.0f} s"
        finally:
            _ended(process)
    if process.returncode:
        lines = log.read_text(errors="replace").strip().splitlines()
        return f"exit status {process.returncode}: " + " | ".join(lines[-3:])[-500:]
    return ""


def _two_cores() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])


def _ended(process: subprocess.Popen[bytes]) -> None:
    """Kills the process and what it has started, if they still run."""
    if process.poll() is None:
        family = psutil.Process(process.pid)
        for one in [*family.children(recursive=True), family]:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        process.wait()


def _told(out: Path, began: float, which: Set, parts: Parts, base: Path) -> dict[str, Any]:
    """What the process wrote, and the scores."""
    told = json.loads(out.with_suffix(".run.json").read_text(encoding="utf-8"))
    arrays = dict(np.load(out.with_suffix(".npz")))
    truth = parts.targets()
    np.savez_compressed(base.with_suffix(".npz"), y=truth, **arrays)
    losses = {
        model: row_losses(which.metric, arrays[model], truth, arrays["classes"]) for model in ("default", "single")
    }
    return {
        "scores": {model: score(which.metric, each) for model, each in losses.items()},
        "rows_test": len(truth),
        "wall_s": round(told.pop("ready_at") - began, 2),
        "cpu_s": round(told.pop("cpu_s"), 2),
        **told,
    }


def run(place: Place, chosen: Sequence[tuple[str, Set, int]], *, rerun_stale: bool) -> None:
    """Runs the chosen cells that are not there, one after the other, and prints a line of each."""
    for system, which, seed in chosen:
        known = place.cells().get((system, which.name, seed))
        if known and not (rerun_stale and stale(known)):
            continue
        cell = run_cell(place, system, which, seed)
        print(f"{cell['started']} {system} {which.name} {seed}: {_line(cell)}", flush=True)


def _line(cell: dict[str, Any]) -> str:
    if cell["error"]:
        return f"failed after {cell['whole_wall_s']:.0f} s: {cell['error']}"
    scores = cell["scores"]
    return (
        f"{cell['metric']} {scores['default']:.5g} ({cell['default']}), best single {scores['single']:.5g} "
        f"({cell['single']}), {cell['wall_s']:.0f} s, CPU {cell['cpu_s']:.0f} s, load {cell['load_at_start']}"
    )


@dataclass(frozen=True, kw_only=True)
class Row:
    """One set in the table.

    Attributes:
        seeds: splits that count: those that every system which has been run at all on the set has come to an end on.
        scores: mean over the splits, by system and model.
        peer: default model minus AutoGluon's; none where there are not both.
        single: default model minus our best single entrant.
    """

    which: Set
    seeds: tuple[int, ...]
    scores: dict[tuple[str, str], float]
    peer: Difference | None
    single: Difference | None


def row(place: Place, cells: Known, which: Set) -> Row | None:
    """What is known of a set; none where nothing is."""
    there = {
        system: {seed for seed in which.seeds if (c := cells.get((system, which.name, seed))) and not c["error"]}
        for system in TOLD
    }
    systems = [system for system, seeds in there.items() if seeds]
    seeds = tuple(sorted(set.intersection(*(there[system] for system in systems)))) if systems else ()
    if not seeds:
        return None
    losses = {
        seed: {key: each for system in systems for key, each in _losses(place, which, system, seed).items()}
        for seed in seeds
    }

    def difference(first: tuple[str, str], second: tuple[str, str]) -> Difference | None:
        if not {first, second} <= losses[seeds[0]].keys():
            return None
        return over_seeds([paired(which.metric, losses[seed][first], losses[seed][second]) for seed in seeds])

    return Row(
        which=which,
        seeds=seeds,
        scores={
            key: float(np.mean([score(which.metric, losses[seed][key]) for seed in seeds])) for key in losses[seeds[0]]
        },
        peer=difference(MODELS[0], MODELS[2]),
        single=difference(MODELS[0], MODELS[1]),
    )


def _losses(place: Place, which: Set, system: str, seed: int) -> dict[tuple[str, str], Any]:
    arrays = np.load(place.cell(system, which.name, seed).with_suffix(".npz"))
    return {
        (system, model): row_losses(which.metric, arrays[model], arrays["y"], arrays["classes"])
        for model in ("default", "single")
    }


def table(place: Place, sets: Iterable[Set]) -> str:
    """Everything that is known, in Markdown."""
    cells = place.cells()
    rows = [one for which in sets if (one := row(place, cells, which))]
    return "\n\n".join(
        part for part in (_scores(rows), NOTE, _counts(rows), _runs(cells, sets), _faults(cells)) if part
    )


def _scores(rows: Sequence[Row]) -> str:
    head = ["set", "metric", "splits", *TITLES, "Concours − AutoGluon [95%]", "Concours is"]
    lines = [
        [
            one.which.name,
            one.which.metric.replace("_", " "),
            f"{len(one.seeds)} of {len(one.which.seeds)}",
            *(f"{one.scores[model]:.5g}" if model in one.scores else "" for model in MODELS),
            _interval(one.peer),
            one.peer.outcome if one.peer else "",
        ]
        for one in rows
    ]
    return _markdown(head, lines, left=2)


def _interval(difference: Difference | None) -> str:
    if difference is None:
        return ""
    low, high = difference.interval
    return f"{difference.value:+.3g} [{low:+.3g}, {high:+.3g}]"


def _counts(rows: Sequence[Row]) -> str:
    """Win, tie and loss over the sets that count."""
    counted = [one for one in rows if one.which.name != NOT_COUNTED]
    lines = [
        *_won("the default model against AutoGluon's", [one.peer for one in counted if one.peer]),
        *_won("the default model against the best single entrant", [one.single for one in counted if one.single]),
    ]
    whole = [one for one in counted if len(one.scores) == len(MODELS)]
    if whole:
        ranks = mean_ranks(np.array([[one.scores[model] for model in MODELS] for one in whole]))
        named = ", ".join(f"{title} {rank:.2f}" for title, rank in zip(TITLES, ranks, strict=True))
        lines.append(f"- Mean rank over {len(whole)} sets: {named}.")
    return "\n".join(lines)


def _won(what: str, differences: Sequence[Difference]) -> list[str]:
    if not differences:
        return []
    by_interval, by_point = Counter(d.outcome for d in differences), Counter(d.point for d in differences)
    fine = by_point["better"] + by_point["equal"]
    return [
        (
            f"- On {len(differences)} sets, {what}: {by_interval['better']} better, {by_interval['equal']} equal, "
            f"{by_interval['worse']} worse by interval; {by_point['better']} better, {by_point['worse']} worse by the "
            f"mean alone (better or equal on {fine})."
        )
    ]


def _runs(cells: Known, sets: Iterable[Set]) -> str:
    """Times of the runs, and which models ran."""
    names = {which.name for which in sets}
    lines, ran = [], []
    for system in TOLD:
        mine = [cell for (who, name, _), cell in cells.items() if who == system and name in names]
        good = [cell for cell in mine if not cell["error"]]
        if not good:
            continue
        walls, cpus = [cell["wall_s"] for cell in good], [cell["cpu_s"] for cell in good]
        lines.append(
            [
                system,
                str(len(mine)),
                str(len(mine) - len(good)),
                f"{median(walls):.0f}",
                f"{max(walls):.0f}",
                str(sum(wall > LIMIT for wall in walls)),
                f"{median(cpus):.0f}",
                f"{max(cell['load_at_start'] for cell in mine):.1f}",
                str(sum(map(stale, mine))),
            ]
        )
        models = Counter(name for cell in good for name in cell["fitted"])
        ran.append(f"- Models that {system} had, in how many of {len(good)} runs: {_counted(models)}.")
        versions = {f"{name} {version}" for cell in good for name, version in cell["versions"].items()}
        ran.append(f"- Versions of {system}: {', '.join(sorted(versions))}.")
    head = ["system", "runs", "failed", "wall s, median", "max", f"over {LIMIT:.0f} s", "CPU s, median"]
    return _markdown([*head, "load at start, max", "stale"], lines, left=1) + "\n\n" + "\n".join(ran) if lines else ""


def _counted(models: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(models.items(), key=lambda pair: (-pair[1], pair[0])))


def _faults(cells: Known) -> str:
    return "\n".join(
        f"- Failed: {system} on {name}, seed {seed}: {cell['error']}"
        for (system, name, seed), cell in sorted(cells.items())
        if cell["error"]
    )


def _markdown(head: Sequence[str], lines: Sequence[Sequence[str]], *, left: int) -> str:
    rule = ["---"] * left + ["---:"] * (len(head) - left)
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *lines))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", action="store_true", help="run the cells that are not there")
    parser.add_argument("--table", action="store_true", help="print what is there")
    parser.add_argument("--systems", nargs="+", choices=list(TOLD), default=list(TOLD))
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS), metavar="SET")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--stale", action="store_true", help="run again what failed, or was run with other source")
    parser.add_argument("--out", type=Path, default=ROOT / "runs/quality")
    parser.add_argument(
        "--peers", default=str(ROOT / ".venv-peers/bin/python"), help="python of AutoGluon's environment"
    )
    return parser.parse_args()


def main() -> None:
    given = arguments()
    place = Place(folder=given.out, python={"concours": sys.executable, "autogluon": given.peers})
    missing = [system for system in given.systems if not shutil.which(place.python[system])]
    sets = [SETS[name] for name in SETS if name in given.sets]
    if given.run or not given.table:
        if missing:
            raise SystemExit(f"no python for {missing[0]}: see benchmarks/requirements.txt")
        chosen = [
            (system, which, seed)
            for seed in given.seeds
            for which in sets
            if seed in which.seeds
            for system in given.systems
        ]
        run(place, chosen, rerun_stale=given.stale)
    if given.table or not given.run:
        print(table(place, sets))


if __name__ == "__main__":
    main()
