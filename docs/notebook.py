"""Runs the cells of `notebook.ipynb`, keeps what they show, and writes the page `notebook.md`: python docs/notebook.py

A notebook is JSON, and its cells are plain Python: running them needs no kernel.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
import tempfile
from pathlib import Path
from typing import Any

NOTEBOOK = Path(__file__).with_suffix(".ipynb")
PAGE = Path(__file__).with_suffix(".md")
FRAME = "<!-- Written by `python docs/notebook.py` from `notebook.ipynb`. -->"


def ran(notebook: dict[str, Any]) -> dict[str, Any]:
    """The notebook with what its cells print, and what their last lines are worth."""
    names: dict[str, Any] = {"__name__": "__notebook__"}
    cells, count = [], 0
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            count += 1
            cell = {**cell, "execution_count": count, "outputs": _outputs("".join(cell["source"]), names, count)}
        cells.append(cell)
    return {**notebook, "cells": cells}


def rendered(notebook: dict[str, Any]) -> str:
    """The notebook as a page: texts, code, and below each piece of code what it showed."""
    first, *rest = [_rendered(cell) for cell in notebook["cells"]]
    title, _, text = first.partition("\n")
    return "\n\n".join([title, FRAME, text.strip(), *rest]) + "\n"


def _outputs(code: str, names: dict[str, Any], count: int) -> list[dict[str, Any]]:
    tree, printed, value = ast.parse(code), io.StringIO(), None
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, NOTEBOOK.name, "exec"), names)  # noqa: S102 (our own notebook)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), NOTEBOOK.name, "eval"), names)  # noqa: S307
    outputs: list[dict[str, Any]] = []
    if printed.getvalue():
        outputs.append({"output_type": "stream", "name": "stdout", "text": _lines(printed.getvalue())})
    if value is not None:
        data = {"text/plain": _lines(value.to_string() if hasattr(value, "to_string") else repr(value))}
        outputs.append({"output_type": "execute_result", "metadata": {}, "execution_count": count, "data": data})
    return outputs


def _rendered(cell: dict[str, Any]) -> str:
    text = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return text
    shown = "\n".join("".join(out.get("text") or out["data"]["text/plain"]).rstrip("\n") for out in cell["outputs"])
    return f"```python\n{text}\n```" + (f"\n\n```text\n{shown}\n```" if shown else "")


def _lines(text: str) -> list[str]:
    return text.rstrip("\n").splitlines(keepends=True)


if __name__ == "__main__":
    read = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        os.environ.setdefault("XDG_STATE_HOME", folder)
        read = ran(read)
    NOTEBOOK.write_text(json.dumps(read, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    PAGE.write_text(rendered(read), encoding="utf-8")
