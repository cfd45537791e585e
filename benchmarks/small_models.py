"""Small language models in folders on multiple choice: how many they get right, by how a choice is made.

    pip install 'concours[local]'
    python benchmarks/small_models.py QUESTIONS.jsonl[.gz] ROWS FOLDER...

The first so many questions, with `options` and `label_index`; each model competes by the text of a choice (`sum`,
`characters`), by its letter in every rotation, and by the letter that it says.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pandas as pd

import concours

WAYS = ("sum", "characters", "letter", "said")


def main() -> None:
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    file, rows, folders = Path(sys.argv[1]), int(sys.argv[2]), [Path(each).resolve() for each in sys.argv[3:]]
    told = pd.read_json(file, lines=True)[["id", "question", "options", "label_index"]][:rows]
    entrants = [
        concours.Entrant(f"{folder.name}, {way}", f"transformers:{folder}", {"by": way, "max_tokens": 32})
        for folder in folders
        for way in WAYS
    ]
    with tempfile.TemporaryDirectory() as out:
        contest = concours.Contest(
            task=concours.Task(
                kind="multiple-choice",
                data=told,
                id="id",
                metrics=("choice_accuracy",),
                options={"question": "question", "choices": "options", "answer": "label_index"},
                split=concours.Split(test=0),
            ),
            entrants=entrants,
            lineup="none",
            cooperate=(),
            engine="inline",
            out=Path(out) / "run",
        )
        board = contest.run().standings
    print(f"{rows} questions of {file.name}, {1 / told.options.map(len).mean():.0%} right by chance\n")
    print("| model, by | right | accuracy | interval | ranks |")
    print("|---|---:|---:|---:|---:|")
    for line in board:
        if line.score is None:
            print(f"| {line.entrant.name} | {line.status}: {line.reason} | | | |")
            continue
        low, high = line.ci
        ranks = f"{line.rank_best}–{line.rank_worst}"
        print(
            f"| {line.entrant.name} | {line.score * rows:.0f} | {line.score:.3f} | {low:.3f} to {high:.3f} | {ranks} |"
        )


if __name__ == "__main__":
    main()
