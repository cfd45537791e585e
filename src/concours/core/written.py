"""How a label or an identifier is written, wherever it comes from."""

from __future__ import annotations

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
