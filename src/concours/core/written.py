"""How a label or an identifier is written, wherever it comes from; and what a text writes."""

from __future__ import annotations

import json
from typing import Any


def written(value: Any) -> str:
    """A label or an identifier as text, the same in every file and on every page.

    Texts are as they are (reading a file cuts the blanks around); a truth value is True or False; a number has all its
    digits, and a floating one that is whole no fraction (1.0 is 1), since a gap in a column is enough to make its whole
    numbers floating ones.

    Law: written(written(value)) == written(value).
    """
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def quoted(text: str) -> str:
    """A text as TOML and JSON write it."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def number_in(value: Any) -> float | None:
    """The number that a value is, or that a text writes; none where it is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def counted(count: int, noun: str) -> str:
    """A number of things, e.g. `1 row`, `2 classes`, `3 boxes`, `4 queries`."""
    if count == 1:
        return f"1 {noun}"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{count:,} {noun[:-1]}ies"
    return f"{count:,} {noun}{'es' if noun.endswith(('s', 'x', 'tch')) else 's'}"


def as_observations(rows: int, observations: int | None, of: str) -> str:
    """As how many observations rows that judge count, where some of them count as one; else empty.

    Args:
        of: what each is.
    """
    if observations is None or observations >= rows:
        return ""
    count = counted(observations, "observation")
    return f"intervals and ranks count the {rows:,} rows that judge as {count}: one for each {of}"
