"""Texts that each have a text that they should become: sentences and their translations, documents and summaries."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from concours.tasks.inputs.table import TEXT

SENTENCE: Final = replace(
    TEXT,
    what="pairs of texts",
    preparations=(),
    reader="concours.tasks.pairs:read_pairs",
    renewer="concours.tasks.pairs:read_sentences",
    lacks=("options", "positive", "classes", "labels"),
    slow=True,
)
DOCUMENT: Final = replace(SENTENCE, what="texts with summaries")
