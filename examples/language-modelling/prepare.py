"""Plays of Shakespeare as one file of text.

    python examples/language-modelling/prepare.py

unpacks Tiny Shakespeare (Karpathy 2015; 1,115,394 characters, public domain) from `CONCOURS_DATA` to
`examples/language-modelling/data/shakespeare.txt`.
"""

from __future__ import annotations

import gzip
import os
from pathlib import Path

SOURCE = Path(os.environ.get("CONCOURS_DATA", "../shared/data")) / "tiny-shakespeare" / "input.txt.gz"
OUT = Path(__file__).parent / "data" / "shakespeare.txt"


def main() -> None:
    content = gzip.decompress(SOURCE.read_bytes())
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_bytes(content)
    print(f"{len(content):,} bytes are in {OUT}")  # noqa: T201


if __name__ == "__main__":
    main()
