"""Labels: their order, their codes, and those that are written in two ways."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from difflib import SequenceMatcher
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.core.errors import DataError, nearest
from concours.core.written import quoted, written
from concours.tasks.alike import plain
from concours.tasks.cells import cure, gaps_of


def mapped(y: NDArray[Any], labels: Mapping[str, Any]) -> NDArray[Any]:
    """Labels (rows,) with some written otherwise. What a mapping does not name stays as it is."""
    codes, distinct = pd.factorize(y)
    meant = [labels.get(written(label), label) for label in distinct.tolist()]
    kinds = {type(label) for label in meant}
    known = np.asarray(meant if len(kinds) == 1 else [written(label) for label in meant])
    return (known.astype(object) if known.dtype.kind == "U" else known)[codes]


def class_list(y: NDArray[Any], declared: Sequence[Any], name: str) -> tuple[Any, ...]:
    """The labels that occur, in the declared order, else sorted; numbers in number order, also where they are texts.

    Raises:
        DataError: the declared list lacks a label that occurs, or has one that does not.
    """
    occurring = pd.unique(y).tolist()
    if not declared:
        return tuple(sorted(occurring, key=_order(occurring)))
    listed = [label_named(label, occurring) for label in declared]
    if missing := sorted(written(label) for label in set(occurring) - set(listed)):
        where = f"{name}: the target has the label {missing[0]!r}, which task.classes has not"
        raise DataError(f"{where}; {nearest(missing[0], map(written, declared))}")
    if absent := [written(label) for label, found in zip(declared, listed, strict=True) if found is None]:
        known = nearest(absent[0], map(written, occurring))
        raise DataError(f"task.classes: no row of {name} has the label {absent[0]!r}; {known}")
    return tuple(listed)


def label_named(given: Any, classes: Iterable[Any]) -> Any:
    """The class that a task names, by how it is written, or none.

    A truth value or a number, which a contest file writes in its own way, names the class that is the same:
    `positive = true` is TRUE where the data writes it so.
    """
    forms = {written(label): label for label in classes}
    if (text := written(given)) in forms or isinstance(given, str):
        return forms.get(text)
    if isinstance(given, bool):
        return next((label for form, label in forms.items() if form.casefold() == text.casefold()), None)
    meant = by_number([text], list(forms))
    return forms.get(meant.get(text, ""))


def codes_of(y: NDArray[Any], classes: Sequence[Any], name: str) -> NDArray[np.int64]:
    """The places of labels (rows,) in the class list, by how they are written, or by the number that they write.

    Raises:
        DataError: a label is not in the list; the message has the mapping to write where only case, blanks or
            punctuation differ.
    """
    codes, distinct = pd.factorize(y)
    known = [written(label) for label in classes]
    given = [written(label) for label in distinct.tolist()]
    place = {label: code for code, label in enumerate(known)}
    place |= {label: place[meant] for label, meant in by_number(given, known).items()}
    unknown = [label for label in given if label not in place]
    if unknown:
        raise DataError(_unknown_said(sorted(unknown), known, name))
    return np.asarray([place[label] for label in given], dtype=np.int64)[codes]


def words_for_missing(field: pa.Field) -> str:
    """The end of an error about gaps in a target: which words count as missing there, and the line that keeps them."""
    found = list(gaps_of(field).items())
    if not found:
        return ""
    words = ", ".join(f"{word!r} ({count:,} rows)" for word, count in found[:3])
    many = "count" if len(found) > 1 else "counts"
    return f"; {words} {many} as missing there: if it is a class, write {cure(field.name, 'word')}"


def moments_written(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Moments (rows,) as texts: without a fraction of the second that is 0, and, all at midnight, the days alone."""
    texts = pc.replace_substring_regex(column.cast(pa.string()), r"\.0+$", "")
    midnight = pc.all(pc.ends_with(texts, " 00:00:00")).as_py()
    return pc.replace_substring(texts, " 00:00:00", "") if midnight else texts


def by_number(given: Iterable[str], known: Iterable[str]) -> dict[str, str]:
    """Labels that are not known as they are written, but write the number of one that is: 1.0 for 1, 7 for 007.

    A number that two known labels write means neither.
    """
    forms = set(known)
    values = {form: value for form in forms if (value := _value(form)) is not None}
    times = Counter(values.values())
    single = {value: form for form, value in values.items() if times[value] == 1}
    found = ((label, _value(label)) for label in given if label not in forms)
    return {label: single[value] for label, value in found if value is not None and value in single}


def alike_said(y: NDArray[Any]) -> list[str]:
    """A warning where labels (rows,) differ by blanks, case or the form of a number only, with the line to write."""
    codes, distinct = pd.factorize(y)
    forms = [written(label) for label in distinct.tolist()]
    counts = dict(zip(forms, np.bincount(codes, minlength=len(forms)).tolist(), strict=True))
    return likely_same(counts)


def likely_same(counts: Mapping[str, int]) -> list[str]:
    """As `alike_said`, of labels with their rows; a full stop behind a label is a form too, and _ for a blank."""
    found: dict[str, str] = {}
    first: dict[Any, str] = {}
    for label in sorted(counts, key=lambda label: (-counts[label], label)):
        value = _value(label)
        other = first.setdefault(plain(label.rstrip(".,;: ").replace("_", " ")) if value is None else value, label)
        if other != label:
            found[label] = other
    if not found:
        return []
    pairs = ", ".join(f"{quoted(label)} = {quoted(other)}" for label, other in sorted(found.items()))
    named = ", ".join(f"{label!r} ({counts[label]:,} rows)" for label in sorted({*found, *found.values()}))
    return [f"labels may mean the same: {named}; if so, write in [task]: labels = {{ {pairs} }}"]


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
    written = ", ".join(f"{quoted(label)} = {quoted(other)}" for label, other in found.items())
    return f"{text}; if they mean the same, write in [task]: labels = {{ {written} }}"


def _bare(label: str) -> str:
    return "".join(character for character in label.casefold() if character.isalnum())


def _order(labels: Sequence[Any]) -> Any:
    """By number where all are numbers, also as texts; else by text where there are texts."""
    if not any(isinstance(label, str) for label in labels):
        return None
    values = {label: _value(written(label)) for label in labels}
    if any(value is None for value in values.values()):
        return written
    return lambda label: (values[label], written(label))


def _value(text: str) -> Decimal | None:
    """The number that a text writes, to its last digit."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None
