"""SciTLDR, abstracts only, laid as its authors part it, without papers that judge and are fitted on too.

    python examples/summarization/prepare.py

writes `train.jsonl` and `test.jsonl` into `examples/summarization/data` from the set in `CONCOURS_DATA` (Cachola et al.
2020, Apache-2.0): of each paper the abstract as a list of sentences, and its one-sentence summaries by people; one in
training, up to five in the development and test parts. The development part is fitted on with the training part. Titles
stay out: they are no part of the task, though one alone has a ROUGE-1 of 40.
"""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

DATA = Path(os.environ.get("CONCOURS_DATA", "../shared/data")) / "scitldr-a"
OUT = Path(__file__).parent / "data"


def papers(part: str) -> list[dict[str, list[str]]]:
    """Sentences and summaries, with one blank between words."""
    with gzip.open(DATA / f"{part}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [
            {key: [" ".join(text.split()) for text in paper[key]] for key in ("source", "target")}
            for paper in map(json.loads, lines)
        ]


def main() -> None:
    test = papers("test")
    judging = {"\n".join(paper["source"]) for paper in test}
    train = [paper for part in ("train", "dev") for paper in papers(part) if "\n".join(paper["source"]) not in judging]
    OUT.mkdir(parents=True, exist_ok=True)
    for name, some in (("train", train), ("test", test)):
        (OUT / f"{name}.jsonl").write_text("".join(f"{json.dumps(paper)}\n" for paper in some), encoding="utf-8")
    print(f"{len(train):,} papers to learn from and {len(test):,} to judge by are in {OUT}")  # noqa: T201


if __name__ == "__main__":
    main()
