"""Multiple choice by the log-probabilities of a model in a folder, against lm-evaluation-harness on the same questions.

    pip install 'concours[local]' lm-eval
    PYTHONPATH=src python benchmarks/local_models.py FOLDER QUESTIONS.jsonl[.gz] [rows] [runs]

Both read the same model with 32-bit numbers and one thread, in turn; ours as contests ask, with every answer kept in
a file that is new each time. Models are loaded before, and questions are texts. Scores must agree to 1e-4.
"""

from __future__ import annotations

import gzip
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM

from concours.entrants.endpoints.replies import Reply
from concours.entrants.endpoints.speaker import Behind
from concours.entrants.local.folders import in_folder
from concours.entrants.local.params import Local
from concours.entrants.local.speaker import InFolder

BATCH = 16


def questions(file: Path, rows: int) -> list[list[Behind]]:
    """Each choice of each question, behind it."""
    with gzip.open(file, "rt") if file.suffix == ".gz" else file.open() as lines:
        read = [json.loads(line) for line in lines][:rows]
    return [[Behind(f"Question: {row['question']}\nAnswer:", f" {each}") for each in row["options"]] for row in read]


def timed(ask: Callable[[], list[float]]) -> tuple[list[float], float, float]:
    """What it gives, seconds, and CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    told = ask()
    return told, time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    """Prints rows a second of both, the ratio, and how far scores differ."""
    folder, file = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    rows, runs = (int(sys.argv[3]) if len(sys.argv) > 3 else 60), (int(sys.argv[4]) if len(sys.argv) > 4 else 3)
    torch.set_num_threads(1)
    asked = [each for of in questions(file, rows) for each in of]
    with tempfile.TemporaryDirectory() as state:
        os.environ["XDG_STATE_HOME"] = state
        ours = InFolder(folder.name, Local(batch=BATCH), content=in_folder(str(folder), Path()).digest, threads=1)
        theirs = HFLM(pretrained=str(folder), dtype="float32", batch_size=BATCH, device="cpu")

        def by_us() -> list[float]:
            found = ours.ask(asked, None).replies
            told = [ours.likelihood(q, r) for q, r in zip(asked, found, strict=True) if isinstance(r, Reply)]
            Path(state, "concours", "answers.sqlite").unlink()
            return told

        def by_them() -> list[float]:
            made = [Instance("loglikelihood", {}, (each.text, each.more), place) for place, each in enumerate(asked)]
            return [told for told, _ in theirs.loglikelihood(made, disable_tqdm=True)]

        ours.ask(asked[:1], None)
        each = [(timed(by_us), timed(by_them)) for _ in range(runs)]
    away = max(abs(one - other) for one, other in zip(each[0][0][0], each[0][1][0], strict=True))
    print(f"{folder.name}, {rows} questions, {len(asked)} choices, batches of {BATCH}; median of {runs} runs in turn")
    medians = []
    for name, place in (("Concours", 0), ("lm-eval", 1)):
        wall, cpu = (statistics.median(run[place][part] for run in each) for part in (1, 2))
        medians.append(cpu)
        print(f"| {name} | {rows / wall:.2f} | {rows / cpu:.2f} |")
    print(f"ratio of rows per CPU second {medians[1] / medians[0]:.2f}; scores differ by at most {away:.1e}")


if __name__ == "__main__":
    main()
