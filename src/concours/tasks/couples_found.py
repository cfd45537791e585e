"""What tells that a source holds pairs of texts with something that is said of each."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from concours.core.errors import ConcoursError
from concours.tasks.columns import Column, describe
from concours.tasks.couples import couple_of
from concours.tasks.question_columns import folded, usual
from concours.tasks.readers.archives import entry_at, is_archive
from concours.tasks.readers.damage import damage_named
from concours.tasks.readers.listing import TABLES, suffix_of
from concours.tasks.readers.opened import Options
from concours.tasks.readers.source import open_source
from concours.tasks.targets import form_of

Keys = dict[str, tuple[Any, str]]

_TARGETS: Final = (
    "gold_label",
    "label",
    "is_duplicate",
    "duplicate",
    "same",
    "entailment",
    "target",
    "class",
    "score",
    "similarity",
    "relatedness",
    "relatedness_score",
)
"""Usual names of what is to be said, in the order in which they are looked for."""
_WORDS: Final = 2.0
"""Of a text on average, at least: what is shorter is a label or a name."""
_HEAD: Final = 1 << 12
_NAME: Final = re.compile(r"\w[\w -]{0,38}\w")


def find_classes(source: Path, options: Options) -> Keys | None:
    """The keys of `[task]` for a table with two columns of texts by usual names, and a class of each pair, each with a
    reason; none where a source is something else.
    """
    return _found(source, options, "classes")


def find_number(source: Path, options: Options) -> Keys | None:
    """The same where a number is said of each pair."""
    return _found(source, options, "number")


def _found(source: Path, options: Options, form: str) -> Keys | None:
    if source.is_dir() or is_archive(source.name) or suffix_of(source.name) not in (*TABLES, ".json"):
        return None
    if not _may_hold(source):
        return None
    try:
        opened = open_source(source, Path(), replace(options, input="table"))
    except ConcoursError:
        return None  # who reads it as a table says what is wrong
    table = opened.x
    if not isinstance(table, pa.Table) or (pair := couple_of(table.column_names)) is None:
        return None
    columns = {column.name: column for column in describe(table)}
    left = [name for name in columns if name not in pair]
    wanted = next(iter(options.names), None)
    target = wanted if wanted in left else usual(_TARGETS, left)
    if target is None or not all(_is_text(table, name) for name in pair):
        return None
    said = _form(columns[target], table[target], source.name)
    if said is None or said[0] != form:
        return None
    keys: Keys = {
        "data": (str(source), f"{len(table):,} pairs"),
        "text": (list(pair), "the two texts, by their names"),
        "target": (target, f"{'named by --target' if wanted else 'by its name'}: {said[1]}"),
    }
    named = next((name for name in left if folded(name) in ("id", "pair_id", "pairid", "index")), None)
    if named is not None and columns[named].distinct == len(table):
        keys["id"] = (named, "it names the pairs, and no model gets it")
    return {**keys, "split": ({"test": 0.2}, "pairs that share a text keep together")}


def _form(column: Column, values: pa.ChunkedArray, name: str) -> tuple[str, str] | None:
    """Whether a column holds classes or numbers, and why; none where it cannot be predicted."""
    try:
        counts = pd.Series(values.to_pandas()).value_counts().sort_index().to_numpy()
        found = form_of(column, counts, name)
    except ConcoursError:
        return None
    return found.target, found.why


def _is_text(table: pa.Table, name: str) -> bool:
    column = table[name]
    if not pa.types.is_string(column.type):
        return False
    some = [text for text in column.slice(0, 1000).to_pylist() if text]
    return bool(some) and float(np.mean([len(text.split()) for text in some])) >= _WORDS


def _may_hold(source: Path) -> bool:
    """Whether the beginning of a file has words that are names of the columns of a pair; one that is no text may."""
    try:
        with damage_named(source.name), entry_at(source, whole=False).open() as file:
            head = file.read(_HEAD)
    except (ConcoursError, OSError):
        return False  # who reads it as a table says what is wrong
    return b"\0" in head or couple_of(sorted(set(_NAME.findall(head.decode(errors="replace"))))) is not None
