"""How good predictions are within a limit of time: our default model, our best single entrant, and AutoGluon's presets.

    .venv/bin/python benchmarks/quality.py [--run] [--table] [--seconds 60] [--systems …] [--sets …] [--seeds …]

All systems read the same `train.csv` and `test.csv`, one after the other, each in a process and an environment of its
own, on two cores, told nothing but the task and the same limit. A cell is one run of a system on a split: a file in
`runs/quality/cells-60` (the limit is in the name) with its scores and times, beside it the predictions, which pair the
rows in the table. Cells that are there are not run again, so a run that is stopped goes on where it was; to begin anew,
remove that folder. Let the machine be quiet: threads that wait for one another suffer most from company. Each cell
keeps the load of the machine as it began and as it ended.

With neither `--run` nor `--table`: both. `benchmarks/requirements.txt` says how to make the peers' environment.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from quality_cells import ROOT, SYSTEMS, Place, run_cell, stale
from quality_sets import SETS, Set
from quality_table import table


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
        f"({cell['single']}), {cell['wall_s']:.0f} s, CPU {cell['cpu_s']:.0f} s, "
        f"load {cell['load_at_start']} to {cell['load_at_end']}"
    )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", action="store_true", help="run the cells that are not there")
    parser.add_argument("--table", action="store_true", help="print what is there")
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=SYSTEMS)
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS), metavar="SET")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--seconds", type=float, default=60.0, help="the limit that each system is told")
    parser.add_argument("--stale", action="store_true", help="run again what failed, or was run with other source")
    parser.add_argument("--out", type=Path, default=ROOT / "runs/quality")
    parser.add_argument(
        "--peers", default=str(ROOT / ".venv-peers/bin/python"), help="python of AutoGluon's environment"
    )
    return parser.parse_args()


def main() -> None:
    given = arguments()
    python = {system: sys.executable if system == "concours" else given.peers for system in SYSTEMS}
    place = Place(folder=given.out, python=python, seconds=given.seconds)
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
