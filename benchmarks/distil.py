"""What students keep of what an alliance gains, and what they take, on open tables; and by which lessons.

    python benchmarks/distil.py [--sets adult,letter] [--rows 20000] [--out FOLDER]

A contest a table: entrants, `greedy` of them, and one of them, a network, taught by it in several ways. Told is, on the
test part (`quality_sets`), the metric of the best single entrant and of the alliance, and of each student: how much of
what the alliance gains over the best single entrant (by this very test part, which flatters that one) it keeps, the
time of a row and the size of its files as shares of the alliance's, and its metric beside that of the same recipe
taught by labels alone. Time is what preparing and predicting the held-out rows took. A contest lies in a folder of its
own, so that the command goes on where it stopped.
"""

from __future__ import annotations

import argparse
import os
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from quality_sets import SETS, Set, divided

from concours import Contest, Entrant, Result, Split, Task
from concours.core.entrant import Candidate
from concours.core.lineage import row_s_of
from concours.engine.prediction import needed_for

ENTRANTS = ("logistic", "forest", "extra-trees", "lightgbm", "xgboost", "svm")
NUMBERS = ("ridge", *ENTRANTS[1:])
STUDENT = Entrant("net", "dnn", {"hidden": [512, 256], "epochs": 40, "dropout": 0.1})
LESSONS: Mapping[str, Mapping[str, Any]] = {
    "half true labels": {"made": 0, "mix": 0.5},
    "half true labels, four rows made of each": {"made": 4, "mix": 0.5},
    "a fifth true labels, sixteen rows made of each": {"made": 16, "mix": 0.2},
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sets", default="abalone,diamonds,letter,spambase,wine-quality")
    parser.add_argument("--rows", type=int, default=4_000, help="of the training part at most")
    parser.add_argument("--out", type=Path, default=Path("runs/distil"))
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    print("| table | model | metric | gain kept | time of a row | size | its recipe by labels alone |")
    print("|---|---|---:|---:|---:|---:|---:|")
    for name in args.sets.split(","):
        result = contest(SETS[name], args.rows, args.out).run()
        for line in told(name, result):
            print(line, flush=True)
    print(f"\nload: {' '.join(f'{each:.1f}' for each in os.getloadavg())}")


def contest(one: Set, rows: int, out: Path) -> Contest:
    """The contest of a table, of so many rows at most."""
    train, test = divided(one, seed=0)
    files = [out / "data" / f"{one.name}-{rows}-{part}.csv" for part in ("train", "test")]
    files[0].parent.mkdir(parents=True, exist_ok=True)
    for part, file in zip((train.sample(min(rows, len(train)), random_state=0), test), files, strict=True):
        part.to_csv(file, index=False)
    task = Task(
        kind=one.kind,
        data=str(files[0].resolve()),
        test=str(files[1].resolve()),
        target=one.target,
        split=Split(folds=3),
        metrics=(one.metric,),
    )
    names = ENTRANTS if one.classes else NUMBERS
    taught = [
        {"name": how, "how": "distil", "of": ["greedy"], "student": STUDENT.name, **lessons}
        for how, lessons in LESSONS.items()
    ]
    return Contest(
        task=task,
        entrants=[*(Entrant(each, each) for each in names), STUDENT],
        lineup="none",
        cooperate=["greedy", *taught],
        workers=1,
        out=out / f"{one.name}-{rows}",
    )


def told(name: str, result: Result) -> Iterator[str]:
    """Lines of the table."""
    scores = {line.entrant.name: line.score for line in result.standings if line.score is not None}
    roles = {line.entrant.name: line.entrant.role for line in result.standings}
    sign = 1 if result.setup.problem.metrics[0].greater_is_better else -1
    singles = [each for each in scores if roles[each] == "single"]
    best, before = max(singles, key=lambda each: sign * scores[each]), result.candidates["greedy"]
    gain = sign * (scores["greedy"] - scores[best])
    time, size = _taken(result, before)
    yield f"| {name} | {best}, the best single | {scores[best]:.4f} | 0% | {_share(result, best, time, size)} | |"
    yield f"| | greedy | {scores['greedy']:.4f} | 100% | {1e6 * time:.0f} µs | {size / 1e6:.1f} MB | |"
    for each in LESSONS:
        kept = f"{sign * (scores[each] - scores[best]) / gain:.0%}" if gain > 0 else "nothing is gained"
        row = _share(result, each, time, size)
        yield f"| | {STUDENT.name}: {each} | {scores[each]:.4f} | {kept} | {row} | {scores[STUDENT.name]:.4f} |"


def _share(result: Result, name: str, time: float, size: float) -> str:
    own_time, own_size = _taken(result, result.candidates[name])
    return f"{own_time / time:.1%} | {own_size / size:.1%}"


def _taken(result: Result, one: Candidate) -> tuple[float, int]:
    """Seconds to prepare and predict a row, and bytes of all that predicting reads."""
    known = {candidate.entrant.digest: candidate for candidate in result.candidates.values()}
    store = result.folder.store
    return row_s_of(one, known) or 0.0, sum(store.size(digest) for digest in needed_for(store, known, one))


if __name__ == "__main__":
    main()
