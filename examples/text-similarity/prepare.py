"""Pairs of English captions of pictures, and how alike their German translations are.

    pip install 'concours[text]'
    python examples/text-similarity/prepare.py

writes `examples/text-similarity/data/pairs.csv` from the first 4,000 captions of Multi30k (Elliott et al. 2016; for
research and education) in `CONCOURS_DATA`. Nobody was asked how alike two captions are. What stands for it is made of
what people wrote: each caption has a German translation by a person, and the number of a pair is the chrF (Popović
2015, by sacreBLEU) of one translation beside the other, the mean of both directions, 0 to 100. Two captions of one
meaning in other words are translated alike, and so are two that share words; the German is not in the file.

Captions are matched in couples, each with the one that is most like it, by TF-IDF of the English words, that is still
free, the likest couple first. So each caption stands in one pair, and couples are alike to different degrees.
"""

from __future__ import annotations

import csv
import gzip
import os
from pathlib import Path

import numpy as np
from sacrebleu.metrics import CHRF
from sklearn.feature_extraction.text import TfidfVectorizer

DATA = Path(os.environ.get("CONCOURS_DATA", "../shared/data")) / "multi30k-en-de"
OUT = Path(__file__).parent / "data"
CAPTIONS = 4_000


def captions(language: str) -> list[str]:
    """The first captions of the training part, with one blank between words."""
    with gzip.open(DATA / f"train.{language}.gz", "rt", encoding="utf-8") as lines:
        return [" ".join(line.split()) for line, _ in zip(lines, range(CAPTIONS), strict=False)]


def couples(texts: list[str]) -> list[tuple[int, int]]:
    """Texts that share a word, the likest couple first, each text once."""
    terms = TfidfVectorizer(sublinear_tf=True, stop_words="english", min_df=2).fit_transform(texts)
    alike = (terms @ terms.T).tocoo()
    free, found = np.ones(len(texts), dtype=bool), []
    for place in np.lexsort((alike.col, alike.row, -alike.data.round(9))):
        one, other = int(alike.row[place]), int(alike.col[place])
        if one < other and free[one] and free[other]:
            free[[one, other]] = False
            found.append((one, other))
    return found


def main() -> None:
    english, german, chrf = captions("en"), captions("de"), CHRF()
    pairs = couples(english)
    OUT.mkdir(parents=True, exist_ok=True)
    with (OUT / "pairs.csv").open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(["caption1", "caption2", "alike"])
        for one, other in pairs:
            both = ((german[one], german[other]), (german[other], german[one]))
            alike = np.mean([chrf.sentence_score(said, [beside]).score for said, beside in both])
            lines.writerow([english[one], english[other], f"{alike:.1f}"])
    print(f"{len(pairs):,} pairs are in {OUT / 'pairs.csv'}")  # noqa: T201


if __name__ == "__main__":
    main()
