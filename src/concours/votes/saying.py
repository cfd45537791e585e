"""What models said, looked through for who says one and the same thing to everything (Zheng et al. 2024)."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from concours.core.errors import DataError
from concours.kernels.rating.saying import one_text
from concours.tasks.readers.objects import as_table
from concours.tasks.readers.opened import Options
from concours.tasks.readers.source import open_source

_TEXTS: Final = ("text", "output", "response", "answer")


def same(texts: Any) -> list[dict[str, Any]]:
    """Models that say one text to half of what they were asked or more: `name`, `share` and the `text`.

    Args:
        texts: a file or a frame with a row an answer: a column `model`, and `text`, `output`, `response` or `answer`.

    Raises:
        DataError: it cannot be read, or has no such columns.
    """
    table = _table(texts)
    column = next((name for name in _TEXTS if name in table.column_names), None)
    if column is None or "model" not in table.column_names:
        raise DataError(
            f"texts: a column model was expected, and {' or '.join(_TEXTS)}; there are {', '.join(table.column_names)}"
        )
    said: dict[str, list[str]] = {}
    for model, text in zip(table["model"].to_pylist(), table[column].to_pylist(), strict=True):
        said.setdefault(str(model), []).append(str(text or ""))
    found = {name: one_text(each) for name, each in said.items()}
    return [{"name": name, **asdict(one)} for name, one in found.items() if one]


def _table(texts: Any) -> pa.Table:
    if not isinstance(texts, (str, Path)):
        return as_table(texts)
    table = open_source(Path(texts), Path(), Options(header=True, written=("model", *_TEXTS), missing=())).x
    if not isinstance(table, pa.Table):
        raise DataError(f"{texts} holds no table; one with a row an answer was expected")
    return table
