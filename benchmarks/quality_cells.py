"""The cells of `quality.py`: one run of a system on a split each, in a process of its own, kept as files."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from quality_paired import row_losses, score
from quality_sets import Parts, Set, split

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
SYSTEMS = ("concours", "autogluon-medium", "autogluon-high")
KILLED_AFTER = 4
"""Times the limit: a system may start, read and predict beyond it."""
CORES = 2
QUIET = {"PYTHONWARNINGS": "ignore", "RAY_USAGE_STATS_ENABLED": "0", "RAY_DISABLE_IMPORT_WARNING": "1"}

Known = dict[tuple[str, str, int], dict[str, Any]]
"""Cells by system, set and seed."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where cells and splits lie, the interpreter of each system, and the limit in seconds."""

    folder: Path
    python: dict[str, str]
    seconds: float = 60.0

    @property
    def kept(self) -> Path:
        """The folder of the cells of this limit."""
        return self.folder / f"cells-{self.seconds:g}"

    def cell(self, system: str, which: str, seed: int) -> Path:
        """Of one cell, without a suffix: `.json` is the cell, `.npz` predictions and truth, `.log` what was printed."""
        return self.kept / f"{system}-{which}-{seed}"

    def parts(self, which: Set, seed: int) -> Parts:
        """The files of a split."""
        return split(which, seed, self.folder / "data" / f"{which.name}-{seed}")

    def cells(self) -> Known:
        """Those that are there."""
        read = [json.loads(file.read_text(encoding="utf-8")) for file in self.kept.glob("*.json")]
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
        "told_s": place.seconds,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    with tempfile.TemporaryDirectory(dir=place.folder, prefix="scratch-") as scratch:
        began = time.time()
        job = _job(which, seed, parts, Path(scratch), place.seconds)
        error = _started(place.python[system], system, job, base, KILLED_AFTER * place.seconds)
        cell["whole_wall_s"] = round(time.time() - began, 2)
        cell["load_at_end"] = round(os.getloadavg()[0], 2)
        out = Path(scratch) / "out"
        if error:
            cell["error"] = error
        else:
            cell |= _told(out, began, which, parts, base)
    aside = base.with_suffix(".part")
    aside.write_text(json.dumps(cell, indent=1), encoding="utf-8")
    aside.rename(base.with_suffix(".json"))
    return cell


def _job(which: Set, seed: int, parts: Parts, scratch: Path, seconds: float) -> Path:
    job = scratch / "job.json"
    work = {
        "kind": which.kind,
        "metric": which.metric,
        "target": which.target,
        "train": str(parts.train.resolve()),
        "test": str(parts.test.resolve()),
        "seed": seed,
        "seconds": seconds,
        "scratch": str(scratch.resolve()),
        "out": str(scratch.resolve() / "out"),
    }
    job.write_text(json.dumps(work), encoding="utf-8")
    return job


def _started(python: str, system: str, job: Path, base: Path, limit: float) -> str:
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
            process.wait(timeout=limit)
        except subprocess.TimeoutExpired:
            return f"killed after {limit:.0f} s"
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
