"""What predictions of others must be: of each row one value, or a probability for each class, and finite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core.errors import DataError, nearest
from concours.core.visible import shortened
from concours.core.written import written

Floats = NDArray[np.float64]

_SHOWN = 60
"""Letters of a label that a message has."""

_SUM = 1e-3
"""How far a row of probabilities may be from one: they may have been computed in single precision."""


def numbers(values: Any, rows: int, who: str) -> Floats:
    """One value a row, (rows, 1).

    Args:
        values: (rows,) or (rows, 1).
        who: gave them, in words.

    Raises:
        DataError: they are of another shape, no numbers, or not finite.
    """
    found = _floats(values, who)
    if found.shape not in ((rows,), (rows, 1)):
        raise DataError(f"{who} gave values of shape {found.shape} for {rows} rows; one number a row was expected")
    return _finite(found.reshape(rows, 1), who)


def probabilities(values: Any, rows: int, labels: Sequence[str] | None, classes: Sequence[str], who: str) -> Floats:
    """Probabilities in the order of the classes, (rows, classes), each row scaled to sum to one.

    Args:
        values: (rows, classes), in the order of `labels`.
        labels: what the columns are of, as they are written; by default the classes, in their order.
        classes: of the task, as they are written.

    Raises:
        DataError: the columns are not those of the classes, or a row is no distribution.
    """
    found, columns = _floats(values, who), places(classes if labels is None else labels, classes, who)
    if found.shape != (rows, len(classes)):
        raise DataError(
            f"{who} gave values of shape {found.shape} for {rows} rows and {len(classes)} classes "
            f"({_some(classes)}); a probability for each was expected, shape ({rows}, {len(classes)})"
        )
    sums = _finite(found, who).sum(axis=1, keepdims=True)
    wrong = (found < -_SUM).any(axis=1) | (np.abs(sums[:, 0] - 1) > _SUM)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(
            f"{who} gave no probabilities: those of row {row + 1} of {rows} sum to {sums[row, 0]:.4g}, the smallest is "
            f"{found[row].min():.4g}; what gives scores must end with a softmax"
        )
    return np.asarray((np.clip(found, 0.0, None) / sums)[:, columns])


def certainties(labels: Any, rows: int, classes: Sequence[str], who: str) -> Floats:
    """All weight to the class that is named, (rows, classes).

    Args:
        labels: (rows,), labels of the classes.

    Raises:
        DataError: one is no class.
    """
    named = [written(label) for label in np.asarray(labels, dtype=object).reshape(-1).tolist()]
    if len(named) != rows:
        raise DataError(f"{who} named {len(named)} labels for {rows} rows; one a row was expected")
    known = {label: code for code, label in enumerate(classes)}
    if unknown := [label for label in named if label not in known]:
        first = shortened(unknown[0], _SHOWN)
        raise DataError(f"{who} named {first!r}, which is no class; {nearest(first, classes)}")
    return np.eye(len(classes))[[known[label] for label in named]]


def places(labels: Sequence[str], classes: Sequence[str], who: str) -> list[int]:
    """At which place of `labels` each class is.

    Raises:
        DataError: they are other labels than the classes, or one comes twice.
    """
    if sorted(labels) != sorted(classes):
        lacking = [label for label in classes if label not in labels] or [x for x in labels if x not in classes]
        raise DataError(
            f"{who} knows {len(labels)} classes ({_some(labels)}), the task has {len(classes)} ({_some(classes)})"
            + (f": {lacking[0]!r} is in one of them alone" if lacking else ": one comes twice")
        )
    return [list(labels).index(label) for label in classes]


def _floats(values: Any, who: str) -> Floats:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{who} gave no numbers") from None


def _finite(found: Floats, who: str) -> Floats:
    bad = ~np.isfinite(found).all(axis=1)
    if bad.any():
        row = int(np.argmax(bad))
        raise DataError(
            f"{who} gave {found[row][~np.isfinite(found[row])][0]} for row {row + 1} of {len(found)}, {bad.sum()} such "
            "rows in all; finite numbers were expected"
        )
    return found


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
