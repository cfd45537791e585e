"""What a newcomer gets: `concours new` on open sets as they lie there, then `concours run` with no edit in between.

    .venv/bin/python benchmarks/newcomers.py [--sets …] [--seconds 60] [--found] > docs/found.md

A set is a cell: a file in `runs/newcomers` with what was found and, unless `--found` is given, what was scored. Cells
that are there are not made again; to begin anew, remove that folder. Sets whose target cannot be known without reading
their description are asked for first, as a person is, and then named; the table says so.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("CONCOURS_DATA", "../shared/data"))
CELLS = ROOT / "runs" / "newcomers"
CONCOURS = str(Path(sys.executable).with_name("concours"))
SETS = (
    "tab-abalone",
    "tab-adult",
    "tab-bank-marketing",
    "tab-diamonds",
    "tab-german-credit",
    "tab-horse-colic",
    "tab-letter",
    "tab-mammography",
    "tab-soybean",
    "tab-spambase",
    "tab-titanic",
    "tab-wine-quality",
    "sms-spam",
    "ag-news-7600",
    "sentence-polarity",
    "cifar10-subset",
)
DESCRIBED = {"tab-abalone": "8", "tab-diamonds": "price", "tab-horse-colic": "23"}
"""What the descriptions of sets say, where their tables do not show it."""

HEAD = """\
# What `concours new` finds

Each line is one set of `../shared/data`: the command, what it found, and how the default model of `concours run` with
no edit in between scored on the test part (so many seconds on {cores} cores; the metric that ranks, with a 95%
interval, and the accuracy or R²). Where the target cannot be known from the table, the command stops and asks for it by
name; the guesses that it gives are in the notes. Printed by `benchmarks/newcomers.py`.
"""
COLUMNS = ("set", "s", "command", "kind", "target", "notes", "default model", "score", "and")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="*", default=SETS, metavar="SET", help=", ".join(SETS))
    parser.add_argument("--seconds", type=float, default=60, help="of each run")
    parser.add_argument("--found", action="store_true", help="do not run the contests")
    asked = parser.parse_args()
    CELLS.mkdir(parents=True, exist_ok=True)
    for name in asked.sets:
        if not (DATA / name).exists():
            print(f"no {name} in {DATA}", file=sys.stderr)
            continue
        cell = known(name)
        if "settings" not in cell or ("board" not in cell and not asked.found):
            print(f"{name} …", file=sys.stderr, flush=True)
            (CELLS / f"{name}.json").write_text(json.dumps(made(name, asked.seconds, run=not asked.found), indent=1))
    cells = {name: cell for name in SETS if (cell := known(name))}
    print(HEAD.format(cores=os.cpu_count()))
    print("\n".join(f"| {' | '.join(row)} |" for row in (COLUMNS, ["---"] * len(COLUMNS), *map(line, cells.values()))))


def known(name: str) -> dict[str, Any]:
    """The cell of a set, empty where there is none yet."""
    file = CELLS / f"{name}.json"
    return json.loads(file.read_text()) if file.exists() else {}


def made(name: str, seconds: float, *, run: bool) -> dict[str, Any]:
    """The cell of a set: what was found, and what the contest came to."""
    with tempfile.TemporaryDirectory() as folder:
        data = str((DATA / name).resolve())
        command, cell = ["new", data], {"set": name, "question": "", "target": None}
        code, out, err = concours(folder, *command, "--json")
        if code == 2 and "--target" in err and name in DESCRIBED:
            cell |= {"question": err.strip(), "target": DESCRIBED[name]}
            code, out, err = concours(folder, *command, "--target", DESCRIBED[name], "--json")
        if code:
            return {**cell, "settings": {}, "warnings": [], "failed": err.strip()}
        found = json.loads(out)
        cell |= {"settings": tomllib.loads(Path(folder, "contest.toml").read_text()), "warnings": found["warnings"]}
        if run:
            code, out, err = concours(folder, "run", "contest.toml", "--seconds", str(seconds), "--json")
            result = json.loads(out) if out else {"default": None}
            why = "no entrant ended in time" if out else err.strip().splitlines()[-1]
            cell |= {"seconds": seconds, **({"board": board(result)} if result["default"] else {"failed": why})}
        return cell


def concours(folder: str, *words: str) -> tuple[int, str, str]:
    """A command in a folder: its exit code, and what it printed."""
    done = subprocess.run([CONCOURS, *words], cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def board(result: dict[str, Any]) -> dict[str, Any]:
    """The line of the default model, and the metric that ranks."""
    default = next(line for line in result["standings"] if line["name"] == result["default"])
    fitted = sum(line["status"] == "ok" for line in result["standings"])
    return {"metric": result["task"]["metrics"][0], "default": default, "fitted": fitted}


def line(cell: dict[str, Any]) -> list[str]:
    """A set as a row of the table."""
    task = cell["settings"].get("task", {})
    named = f" --target {cell['target']}" if cell["target"] else ""
    target = f"`{task['target']}`" if "target" in task else "the folders or files"
    target += ", asked for" if cell["target"] else ", found"
    row = [
        cell["set"],
        f"{cell.get('seconds', 60):g}",
        f"`concours new ../shared/data/{cell['set']}{named}`",
        task.get("kind", "–"),
        target,
        notes(cell),
    ]
    if "board" not in cell:
        return [*row, cell.get("failed", ""), "", ""]
    best = cell["board"]["default"]
    low, high = best["ci"] or (float("nan"), float("nan"))
    beside = next((name for name in ("accuracy", "r2") if name in best["metrics"]), "")
    score = f"{cell['board']['metric']} {best['score']:.4g} [{low:.4g}, {high:.4g}]"
    return [*row, best["name"], score, f"{beside} {best['metrics'][beside]:.4g}" if beside else ""]


def notes(cell: dict[str, Any]) -> str:
    """What else was found, in a few words."""
    task = cell["settings"].get("task", {})
    keys = ("test", "source", "labels", "classes", "text", "positive", "id", "drop")
    said = [f"{key} `{shown(task[key])}`" for key in keys if key in task]
    said += [f"{key} `{task['split'][key]}`" for key in ("group", "time") if key in task.get("split", {})]
    if cell["question"]:
        said.append("guesses: " + cell["question"].partition("for example ")[2])
    return "; ".join([*said, *cell["warnings"]]).replace("|", "\\|")


def shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} = {item}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return Path(value).name if isinstance(value, str) else str(value)


if __name__ == "__main__":
    main()
