"""Captions of pictures in English and German, as their set has them.

    python examples/translation/prepare.py

copies the training part and the test part of 2016 of Multi30k (Elliott et al. 2016; for research and education) from
`CONCOURS_DATA` into `examples/translation/data`, a file a language, a sentence a line.
"""

from __future__ import annotations

import gzip
import os
from pathlib import Path

FROM = Path(os.environ.get("CONCOURS_DATA", "../shared/data")) / "multi30k-en-de"
OUT = Path(__file__).parent / "data"


def main() -> None:
    OUT.mkdir(exist_ok=True)
    lines = {}
    for part, name in (("train", "train"), ("test", "test_2016_flickr")):
        for language in ("en", "de"):
            content = gzip.decompress((FROM / f"{name}.{language}.gz").read_bytes())
            (OUT / f"{part}.{language}").write_bytes(content)
            lines[part] = content.count(b"\n")
    print(f"{lines['train']:,} pairs to learn from and {lines['test']:,} to judge by are in {OUT}")  # noqa: T201


if __name__ == "__main__":
    main()
