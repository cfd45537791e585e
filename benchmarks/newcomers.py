"""What a newcomer gets: `concours new` on open sets as they lie there, then `concours run` with no edit in between.

    .venv/bin/python benchmarks/newcomers.py [--sets …] [--seconds 20 40 120] [--found] > docs/found.md

A set under a limit is a cell: a file in `runs/newcomers` with what was found and, unless `--found` is given, what was
fitted and scored and when the prompt came back. Cells that are there are not made again; to begin anew, remove that
folder. Sets whose target cannot be known without reading their description are asked for first, as a person is, and
then named; the table says so.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Any

from concours.entrants.costs import FAMILIES

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("CONCOURS_DATA", "../shared/data"))
CELLS = ROOT / "runs" / "newcomers"
CONCOURS = (sys.executable, "-m", "concours")
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
    "fsdd-subset",
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
FOUND = ("set", "command", "kind", "target", "notes")
SCORED_HEAD = """
## What a budget comes to

How many entrants were fitted of those that were to be, of how many families; the members of the largest alliance and
their families; the default model and its score; how much the score is worse than after the longest time; and after how
many seconds of wall time the command came back, from its start to its end, with the load of the machine when it began.
"""
SCORED = (
    "set",
    "s",
    "fitted",
    "families",
    "alliance",
    "default model",
    "score",
    "and",
    "worse",
    "back after s",
    "load",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="*", default=SETS, metavar="SET", help=", ".join(SETS))
    parser.add_argument("--seconds", nargs="*", type=float, default=[20.0, 40.0, 120.0], help="of each run")
    parser.add_argument("--found", action="store_true", help="do not run the contests")
    asked = parser.parse_args()
    CELLS.mkdir(parents=True, exist_ok=True)
    limits = [None] if asked.found else asked.seconds
    for name in asked.sets:
        if not (DATA / name).exists():
            print(f"no {name} in {DATA}", file=sys.stderr)
            continue
        for seconds in limits:
            if not known(name, seconds):
                print(f"{name}, {shown(seconds)} s, load {os.getloadavg()[0]:.1f} …", file=sys.stderr, flush=True)
                place(name, seconds).write_text(json.dumps(made(name, seconds), indent=1))
    cells = {name: [cell for s in limits if (cell := known(name, s))] for name in SETS}
    print(HEAD.format(cores=os.cpu_count()))
    table(FOUND, [found(made_[0]) for made_ in cells.values() if made_])
    if not asked.found:
        print(SCORED_HEAD)
        table(SCORED, [scored(cell, made_) for made_ in cells.values() for cell in made_])


def table(columns: tuple[str, ...], rows: list[list[str]]) -> None:
    print("\n".join(f"| {' | '.join(row)} |" for row in (columns, ["---"] * len(columns), *rows)))


def place(name: str, seconds: float | None) -> Path:
    """The file of a cell."""
    return CELLS / (f"{name}.json" if seconds is None else f"{name}-{seconds:g}.json")


def known(name: str, seconds: float | None) -> dict[str, Any]:
    """The cell of a set under a limit, empty where there is none yet."""
    file = place(name, seconds)
    return json.loads(file.read_text()) if file.exists() else {}


def made(name: str, seconds: float | None) -> dict[str, Any]:
    """The cell of a set: what was found, and what the contest came to."""
    with tempfile.TemporaryDirectory() as folder:
        data = str((DATA / name).resolve())
        command, cell = ["new", data], {"set": name, "question": "", "target": None, "seconds": seconds}
        code, out, err = concours(folder, *command, "--json")
        if code == 2 and "--target" in err and name in DESCRIBED:
            cell |= {"question": err.strip(), "target": DESCRIBED[name]}
            code, out, err = concours(folder, *command, "--target", DESCRIBED[name], "--json")
        if code:
            return {**cell, "settings": {}, "warnings": [], "failed": err.strip()}
        told = json.loads(out)
        cell |= {"settings": tomllib.loads(Path(folder, "contest.toml").read_text()), "warnings": told["warnings"]}
        if seconds is not None:
            cell["load"], began = os.getloadavg()[0], time.monotonic()
            code, out, err = concours(folder, "run", "contest.toml", "--seconds", str(seconds), "--json")
            cell |= {"wall_s": time.monotonic() - began, "code": code}
            result = json.loads(out) if out else {"default": None}
            why = (err.strip().splitlines() or ["nothing was printed"])[-1]
            cell |= {"board": board(result)} if result["default"] else {"failed": why}
        return cell


def concours(folder: str, *words: str) -> tuple[int, str, str]:
    """A command in a folder: its exit code, and what it printed."""
    done = subprocess.run([*CONCOURS, *words], cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def board(result: dict[str, Any]) -> dict[str, Any]:
    """The line of the default model, who was fitted and who was to be, and whom the largest alliance joins."""
    lines = result["standings"]
    singles = [line for line in lines if line["role"] == "single"]
    joined = [list(alliance["weights"]) for alliance in result["alliances"].values()]
    return {
        "metric": result["task"]["metrics"][0],
        "default": next(line for line in lines if line["name"] == result["default"]),
        "fitted": [line["name"] for line in singles if line["status"] == "ok"],
        "wanted": [line["name"] for line in singles if line["status"] != "skipped"],
        "members": max(joined, key=lambda names: len(families(names)), default=[]),
    }


def families(names: list[str]) -> set[str]:
    """The families that entrants are of."""
    return {FAMILIES.get(name, name) for name in names}


def found(cell: dict[str, Any]) -> list[str]:
    """What was found in a set as a row of the table."""
    task = cell["settings"].get("task", {})
    named = f" --target {cell['target']}" if cell["target"] else ""
    target = f"`{task['target']}`" if "target" in task else "the folders or files"
    target += ", asked for" if cell["target"] else ", found"
    return [
        cell["set"],
        f"`concours new ../shared/data/{cell['set']}{named}`",
        task.get("kind", "–"),
        target,
        notes(cell),
    ]


def scored(cell: dict[str, Any], cells: list[dict[str, Any]]) -> list[str]:
    """What a budget came to as a row of the table; `cells` are those of the set."""
    row, tail = [cell["set"], shown(cell["seconds"])], [shown(cell.get("wall_s")), shown(cell.get("load"))]
    if "board" not in cell:
        return [*row, "–", "–", "–", cell.get("failed", ""), "–", "–", "–", *tail]
    made_, best = cell["board"], cell["board"]["default"]
    score, (low, high) = best["score"], best["ci"] or (float("nan"), float("nan"))
    beside = next((name for name in ("accuracy", "r2") if name in best["metrics"]), "")
    return [
        *row,
        f"{len(made_['fitted'])} of {len(made_['wanted'])}",
        str(len(families(made_["fitted"]))),
        f"{len(made_['members'])} of {len(families(made_['members']))} families" if made_["members"] else "none",
        best["name"],
        "not evaluated: no time" if score is None else f"{made_['metric']} {score:.4g} [{low:.4g}, {high:.4g}]",
        f"{beside} {best['metrics'][beside]:.4g}" if beside else "–",
        worse(score, [c["board"]["default"]["score"] for c in cells if "board" in c][-1]),
        *tail,
    ]


def worse(score: float | None, last: float | None) -> str:
    """By how much a loss is greater than that after the longest time."""
    return f"{score / last - 1:+.1%}" if score is not None and last else "–"


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
    if isinstance(value, float):
        return f"{value:.1f}".removesuffix(".0")
    return "–" if value is None else Path(value).name if isinstance(value, str) else str(value)


if __name__ == "__main__":
    main()
