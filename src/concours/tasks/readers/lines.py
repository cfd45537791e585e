"""Lines of text that bring their labels: `spam<tab>call now`, `pos: fine`, `__label__pos fine`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from concours.core.errors import DataError

_FAST = re.compile(r"((?:__label__\S+\s+)+)(.*)", re.DOTALL)
_MOST = 100  # labels
_RARE = 0.2  # of the lines: more labels than that are no labels
_LONGEST = 40
_WORDS = 3


def labelled_lines(
    lines: Sequence[str], name: str, known: Sequence[str] = ()
) -> tuple[list[str], list[str], str] | None:
    """The texts, their labels, and how they stand in the lines; none where lines have no labels.

    What stands before the first tab, after the last, or before the first colon is a label where it is short, one of
    few, comes again, and what is left is words. Where labels are known, all lines must have one of these.

    Raises:
        DataError: lines have several labels each.
    """
    if not lines:
        return None
    if all(line.startswith("__label__") for line in lines):
        return _of_fasttext(lines, name)
    for how, cut in (("before a tab", _before_tab), ("after a tab", _after_tab), ("before a colon", _before_colon)):
        pairs = [cut(line) for line in lines]
        found = [pair for pair in pairs if pair is not None]
        if len(found) == len(lines) and _are_labels([label for label, _ in found], [t for _, t in found], known):
            return [text.strip() for _, text in found], [label.strip() for label, _ in found], how
    return None


def _of_fasttext(lines: Sequence[str], name: str) -> tuple[list[str], list[str], str]:
    texts, labels = [], []
    for number, line in enumerate(lines, 1):
        match = _FAST.fullmatch(line + " ")
        marks = match[1].split() if match else []
        if match is None or len(marks) != 1:
            raise DataError(f"{name}: row {number} has {len(marks)} labels; Concours learns one label a row so far")
        labels.append(marks[0].removeprefix("__label__"))
        texts.append(match[2].strip())
    return texts, labels, "as __label__"


def _before_tab(line: str) -> tuple[str, str] | None:
    label, tab, text = line.partition("\t")
    return (label, text) if tab and "\t" not in text else None


def _after_tab(line: str) -> tuple[str, str] | None:
    text, tab, label = line.rpartition("\t")
    return (label, text) if tab and "\t" not in text else None


def _before_colon(line: str) -> tuple[str, str] | None:
    label, colon, text = line.partition(":")
    return (label, text) if colon and text[:1].isspace() else None


def _are_labels(labels: Sequence[str], texts: Sequence[str], known: Sequence[str]) -> bool:
    counts = Counter(label.strip() for label in labels)
    if known:
        return set(counts) <= set(known)
    few = 2 <= len(counts) <= min(_MOST, _RARE * len(labels))
    short = max(map(len, counts)) <= _LONGEST and all(counts)
    again = sum(count == 1 for count in counts.values()) <= len(counts) / 4 and counts[labels[0].strip()] > 1
    return few and short and again and sum(len(text.split()) for text in texts) >= _WORDS * len(texts)
