"""The record of past contests that `concours advise` and `concours new` go by: who did how well on the open sets.

    python benchmarks/portfolio.py --cells FOLDER            fit, as far as cells are missing; then write and print
    python benchmarks/portfolio.py --cells FOLDER --print    print only

Each set has at most 1,000 rows, drawn by chance, in 3 folds; every entrant of the line-up `fast` of its kind is fitted
with the zoo's parameters, as a contest without a budget does, but with an effort of 0.3. A cell is a set and an
entrant. Scores are the log loss, or the root of the mean squared error in deviations of the target. Written is
`src/concours/tasks/advice/portfolio.json`, with the date and the sets; printed is how well a portfolio of the other
sets does on each, and how well entrants do that are drawn by chance.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from quality_sets import SETS, data_folder, table

from concours.core.entrant import Entrant
from concours.engine.deterministic import deterministic
from concours.engine.ingest import ingest
from concours.engine.rows import get_rows, take_rows
from concours.entrants.fitting import fit
from concours.entrants.preparation import PREPARATIONS
from concours.entrants.recipes import build, resolve
from concours.entrants.tables import has_sentences
from concours.stores.blobs import get_array
from concours.stores.memory import MemoryStore
from concours.stores.values import get_values
from concours.tasks.advice.portfolio import Record, held, portfolio_of
from concours.tasks.kinds import kind_named
from concours.tasks.task import Split, Task

ROWS, FOLDS, EFFORT, FIRST = 1000, 3, 0.3, 3
OUT = Path(__file__).resolve().parents[1] / "src" / "concours" / "tasks" / "advice" / "portfolio.json"
TEXTS = ("sms-spam", "sentence-polarity", "ag-news")


@dataclass(frozen=True, kw_only=True)
class Rows:
    """A set: its kind, and a frame with the target in the column `target`."""

    kind: str
    frame: pd.DataFrame
    target: str


def read(name: str) -> Rows:
    """A set by its name, all of its rows."""
    if name in SETS:
        found = SETS[name]
        return Rows(kind=found.kind, frame=table(found, found.files), target=found.target)
    folder = data_folder()
    if name == "machine-failure":
        frame = pd.read_csv(folder / name / "mpmc.csv.gz").drop(columns="failure.type")
        return Rows(kind="tabular-classification", frame=frame, target="target")
    if name == "sms-spam":
        frame = pd.read_csv(folder / name / "sms.tsv.gz", sep="\t", names=["target", "text"], quoting=3)
    elif name == "ag-news":
        frame = pd.read_csv(folder / "ag-news-7600" / "test.csv.gz", names=["target", "title", "body"])
        frame = pd.DataFrame({"target": frame["target"], "text": frame["title"] + " " + frame["body"]})
    else:
        frame = polarity(folder / name / "sentence_polarity.zip")
    return Rows(kind="text-classification", frame=frame, target="target")


def polarity(path: Path) -> pd.DataFrame:
    """The sentences of an archive, a file a class."""
    rows = []
    with zipfile.ZipFile(path) as archive:
        for member in sorted(archive.namelist()):
            if "pos" in Path(member).name or "neg" in Path(member).name:
                label = "pos" if "pos" in Path(member).name else "neg"
                text = archive.read(member).decode("latin-1")
                rows += [{"target": label, "text": line} for line in text.splitlines() if line.strip()]
    return pd.DataFrame(rows)


def losses(name: str, folder: Path) -> None:
    """Fits every entrant of the line-up on the folds of a set, and keeps row losses, a file a cell."""
    rows = read(name)
    frame = rows.frame.sample(min(ROWS, len(rows.frame)), random_state=0).reset_index(drop=True)
    counts = frame[rows.target].map(frame[rows.target].value_counts())
    if rows.kind.endswith("classification"):
        frame = frame[counts >= FOLDS].reset_index(drop=True)
    path = folder / f"{name}.csv"
    frame.to_csv(path, index=False)
    task = Task(kind=rows.kind, data=str(path), target=rows.target, split=Split(test=0.0, folds=FOLDS))
    store = MemoryStore()
    problem = ingest(task, store, seed=0, folder=folder).problem
    kind = kind_named(rows.kind)
    x, y = get_rows(store, problem.train.x), get_values(store, problem.train.y)
    folds = get_array(store, problem.folds).reshape(len(y), -1)[:, 0]
    form = kind.widest if kind.mixed and has_sentences(x) else kind.form
    for entrant in (form.baseline, *form.lineups["fast"]):
        cell = folder / f"{name}--{entrant}.json"
        if cell.exists():
            continue
        began = time.process_time()
        try:
            each = _row_losses(entrant, form, x, y, folds, len(problem.output.labels))
        except Exception as error:  # noqa: BLE001 (who cannot be fitted is told so)
            cell.write_text(json.dumps({"failed": f"{type(error).__name__}: {error}"[:200]}))
            continue
        told = {"losses": [round(float(loss), 6) for loss in each], "seconds": round(time.process_time() - began, 2)}
        cell.write_text(json.dumps({**told, "kind": rows.kind, "form": form.name, "rows": len(y)}))
        print(name, entrant, round(float(np.mean(each)), 4), told["seconds"], flush=True)


def _row_losses(entrant: str, form: Any, x: Any, y: Any, folds: Any, classes: int) -> Any:
    resolved = resolve(Entrant(name=entrant, recipe=entrant), form=form, folder=Path(), effort=EFFORT)
    if resolved.skipped:
        raise ValueError(resolved.skipped)
    found = np.empty(len(y))
    for fold in range(FOLDS):
        train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        seen, unseen = take_rows(x, train), take_rows(x, test)
        with deterministic(threads=1, seed=0):
            if resolved.entrant.prepare not in (None, "none"):
                preparation = PREPARATIONS[resolved.entrant.prepare]()
                seen = preparation.fit(seen, y[train]).transform(seen)
                unseen = preparation.transform(unseen)
            made = build(resolved.entrant.recipe, resolved.entrant.params, {}, Path(), seed=0, classes=classes)
            p = fit(made, seen, y[train], classes, calibrate=True).predict(unseen)
        if classes:
            found[test] = -np.log(np.maximum(p[np.arange(len(test)), y[test]], 1e-15))
        else:
            found[test] = np.square(p[:, 0] - y[test]) / np.var(y)
    return found


def record(folder: Path, names: Sequence[str]) -> list[Record]:
    """What the cells of these sets say, as far as a set has all; of numbers the root of the mean squared error."""
    found = []
    for name in names:
        cells = {file.stem.split("--")[1]: json.loads(file.read_text()) for file in folder.glob(f"{name}--*.json")}
        known = {entrant: cell for entrant, cell in cells.items() if "losses" in cell}
        if "dummy" not in known:
            continue
        form = known["dummy"]["form"]
        own = kind_named(known["dummy"]["kind"])
        lineup = (own.widest if form == own.widest.name else own.form).lineups["fast"]
        if not set(lineup) <= cells.keys():
            continue
        each = {entrant: np.asarray(cell["losses"]) for entrant, cell in known.items()}
        root = form.endswith(":number")
        scores = {one: math.sqrt(v.mean()) if root else float(v.mean()) for one, v in each.items()}
        singles = [one for one in scores if one != "dummy"]
        best = min(singles, key=lambda one: scores[one])
        noise = {one: float(np.std(each[one] - each[best], ddof=1) / math.sqrt(len(each[best]))) for one in singles}
        near = [one for one in singles if (each[one] - each[best]).mean() <= 2 * noise[one]]
        found.append(
            Record(
                name=name,
                form=form,
                rows=known["dummy"]["rows"],
                baseline=round(scores["dummy"], 5),
                scores={one: round(scores[one], 5) for one in sorted(singles)},
                near=tuple(sorted(near)),
            )
        )
    return found


def by_chance(record: Record) -> float:
    """The probability that some of three entrants that are drawn hold a set."""
    others = len(record.scores) - len(record.near)
    return 1 - math.comb(others, FIRST) / math.comb(len(record.scores), FIRST)


def main() -> None:
    """Fits what is missing, writes the portfolio, and prints how it does, a set left out at a time."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cells", type=Path, required=True, help="the folder of the cells, which fits go on from")
    parser.add_argument("--print", action="store_true", help="fit nothing")
    asked = parser.parse_args()
    asked.cells.mkdir(parents=True, exist_ok=True)
    names = [name for name in SETS if name != "adult-own-test"] + ["machine-failure", *TEXTS]
    for name in () if asked.print else names:
        losses(name, asked.cells)
    records = record(asked.cells, names)
    content = {
        "command": "python benchmarks/portfolio.py --cells FOLDER",
        "date": datetime.now(UTC).date().isoformat(),
        "how": f"at most {ROWS:,} rows, {FOLDS} folds, effort {EFFORT}, cores {os.cpu_count()}",
        "records": [one.to_json() for one in records],
    }
    OUT.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    hits = []
    for one in records:
        others = [other for other in records if other is not one]
        first = portfolio_of(others, one.form)[:FIRST]
        hits.append(held(one, first))
        best = min(one.scores, key=lambda name: one.scores[name])
        print(
            f"{one.name:18} {one.form:16} best {best:18} first {', '.join(first):50} {'held' if hits[-1] else 'missed'}"
        )
    print(f"held on {sum(hits)} of {len(hits)} sets ({sum(hits) / len(hits):.0%})")
    print(f"three drawn by chance would hold {sum(map(by_chance, records)) / len(records):.0%}")


if __name__ == "__main__":
    main()
