"""Makes battles of the PandaLM test set: 999 pairs of answers, each evaluated by three people.

python examples/votes/prepare.py testset-v1.json.gz votes.csv
"""

from __future__ import annotations

import csv
import gzip
import json
import sys

WINNERS = {1: "model_a", 2: "model_b", 0: "tie"}


def main() -> None:
    """Writes a row a vote."""
    source, target = sys.argv[1:]
    with gzip.open(source, "rt", encoding="utf-8") as file:
        questions = json.load(file)
    with open(target, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["model_a", "model_b", "winner", "annotator", "question", "application", "length_a", "length_b"])
        for question in questions:
            models = question["cmp_key"].split("_")
            lengths = [len(str(question[f"response{side}"])) for side in (1, 2)]
            for number in (1, 2, 3):
                winner = WINNERS[int(question[f"annotator{number}"])]
                where = [question["idx"], question["motivation_app"]]
                table.writerow([*models, winner, f"annotator {number}", *where, *lengths])


if __name__ == "__main__":
    main()
