"""Labels: their order, their codes, and those that are written in two ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from concours.core.errors import DataError, nearest


def mapped(y: NDArray[Any], labels: Mapping[str, Any]) -> NDArray[Any]:
    """Labels (rows,) with some written otherwise. What a mapping does not name stays as it is."""
    codes, distinct = pd.factorize(y)
    written = [labels.get(str(label), label) for label in distinct.tolist()]
    kinds = {type(label) for label in written}
    known = np.asarray(written if len(kinds) == 1 else [str(label) for label in written])
    return (known.astype(object) if known.dtype.kind == "U" else known)[codes]


def class_list(y: NDArray[Any], declared: Sequence[Any], name: str) -> tuple[Any, ...]:
    """The labels that occur, in the declared order, else sorted; numbers in number order, also where they are texts.

    Raises:
        DataError: the declared list lacks a label that occurs, or has one that does not.
    """
    occurring = pd.unique(y).tolist()
    if not declared:
        return tuple(sorted(occurring, key=_order(occurring)))
    by_text = {str(label): label for label in occurring}
    listed = [str(label) for label in declared]
    if missing := sorted(set(by_text) - set(listed)):
        where = f"{name}: the target has the label {missing[0]!r}, which task.classes has not"
        raise DataError(f"{where}; {nearest(missing[0], listed)}")
    if absent := [label for label in listed if label not in by_text]:
        raise DataError(f"task.classes: no row of {name} has the label {absent[0]!r}; {nearest(absent[0], by_text)}")
    return tuple(by_text[label] for label in listed)


def codes_of(y: NDArray[Any], classes: Sequence[Any], name: str) -> NDArray[np.int64]:
    """The places of labels (rows,) in the class list.

    Raises:
        DataError: a label is not in the list; the message has the mapping to write where only case, blanks or
            punctuation differ.
    """
    codes, distinct = pd.factorize(y)
    place = {label: code for code, label in enumerate(classes)}
    if classes and isinstance(classes[0], str):
        distinct = np.asarray([str(label) for label in distinct.tolist()], dtype=object)
    unknown = [label for label in distinct.tolist() if label not in place]
    if unknown:
        raise DataError(_unknown_said(sorted(map(str, unknown)), [str(label) for label in classes], name))
    return np.asarray([place[label] for label in distinct.tolist()], dtype=np.int64)[codes]


def same_but_for_form(label: str, known: Sequence[str]) -> str | None:
    """The known label that differs from this one in case, blanks and punctuation only, the nearest if several do."""
    alike = [other for other in known if _bare(other) == _bare(label)]
    return max(alike, key=lambda other: SequenceMatcher(None, label, other).ratio(), default=None)


def _unknown_said(unknown: Sequence[str], known: Sequence[str], name: str) -> str:
    pairs = {label: same_but_for_form(label, known) for label in unknown}
    text = (
        f"{name}: the target has labels that the training data has not: {', '.join(unknown[:5])}; "
        f"known: {', '.join(known[:10])}"
    )
    found = {label: other for label, other in pairs.items() if other is not None}
    if len(found) < len(unknown):
        return text
    written = ", ".join(f"{_toml(label)} = {_toml(other)}" for label, other in found.items())
    return f"{text}; if they mean the same, write in [task]: labels = {{ {written} }}"


def _toml(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _bare(label: str) -> str:
    return "".join(character for character in label.casefold() if character.isalnum())


def _order(labels: Sequence[Any]) -> Any:
    """By number where all are numbers, also as texts; else by text where there are texts."""
    try:
        numbers = {label: float(label) for label in labels}
    except (TypeError, ValueError):
        return str
    return (lambda label: (numbers[label], str(label))) if any(isinstance(v, str) for v in labels) else None
