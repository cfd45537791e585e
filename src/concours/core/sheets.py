"""Which texts a spreadsheet would take for formulas: behind an apostrophe they stay texts.

A label or a name of somebody else's may be `=HYPERLINK(…)`, and a spreadsheet that opens our table would run it (CSV
injection; https://owasp.org/www-community/attacks/CSV_Injection).
"""

from __future__ import annotations

import re
from typing import Final

FORMULA: Final = r"^'*[=+\-@\t\r\n＝＋－＠]"
"""Texts that begin so, perhaps behind apostrophes, which must then be told from ours."""
NUMBER: Final = r"^'*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
"""Those of them that are numbers, and stay as they are."""

_FORMULA, _NUMBER = re.compile(FORMULA), re.compile(NUMBER, re.ASCII)


def as_text(cell: str) -> str:
    """A cell that no spreadsheet runs: what it would run stands behind an apostrophe.

    Law: of cells of a table as `tasks.formulas.without_formulas`.
    """
    runs = _FORMULA.match(cell) and not (_NUMBER.match(cell) and not cell.endswith("\n"))
    return f"'{cell}" if runs else cell
