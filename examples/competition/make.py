"""Makes a competition of the data set bank marketing: python examples/competition/make.py DIR"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from concours.server.hosting.folder import FILE
from concours.server.hosting.new import new

DATA = Path(os.environ.get("CONCOURS_DATA", "../shared/data")) / "tab-bank-marketing" / "bank_marketing_test.csv.gz"
ABOUT = """# Who takes a term deposit?

A bank has called its customers. Say of each call, from what was known before it, how probable it is that the customer
takes a term deposit. Few do, one in nine, so that entries are ranked by log loss.
"""
LATER = """
[[phase]]
key = "final"
title = "Final"
begins = {begins}
ends = {ends}
board = "hidden"
limits = {{ per_day = 1, total = 2 }}
takes = ["predictions", "code"]

[[board]]
key = "probabilities"
title = "Probabilities"
metrics = ["log_loss", "average_precision"]

[[board]]
key = "labels"
title = "Decisions"
metrics = ["balanced_accuracy", "f1"]
rank = "mean of ranks"

[teams]"""


def main(folder: Path, now: datetime) -> None:
    """The folder, as a host would have it after some minutes."""
    new(folder, source=str(DATA), now=now)
    begins = now.replace(minute=0, second=0, microsecond=0) + timedelta(days=30)
    later = LATER.format(begins=begins.isoformat(), ends=(begins + timedelta(days=3)).isoformat())
    text = (folder / FILE).read_text("utf-8")
    for usual, ours in (
        ('title = "Bank marketing test"', 'title = "Who takes a term deposit?"'),
        ('slug = "bank-marketing-test"', 'slug = "term-deposit"'),
        ('licence = ""', 'licence = "CC-BY-4.0"'),
        ('takes = ["predictions"]', 'takes = ["predictions", "code"]\nhand_over = true'),
        ("\n[teams]", later),
    ):
        if usual not in text:
            raise SystemExit(f"{FILE} has no {usual!r}")
        text = text.replace(usual, ours, 1)
    (folder / FILE).write_text(text, "utf-8")
    (folder / "pages" / "overview.md").write_text(ABOUT, "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), datetime.now(UTC))
