"""Templates of others: those that only name columns become prompts; others are filled, a row at a time, elsewhere."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from concours.core.errors import DataError
from concours.core.visible import shortened

_NAME: Final = re.compile(r"(?<!\{)\{\{\s*([A-Za-z_]\w*)\s*\}\}(?!\})")
_MARK: Final = re.compile(r"\{\{|\{%|\{#")
_SECONDS: Final = 120


def as_prompt(template: str, columns: Collection[str]) -> str | None:
    """A template as a prompt, `{{name}}` as `{name}`; none where it does more than naming columns, or names others.

    Law: filled with a row of texts, both come to the same.
    """
    parts = _NAME.split(template)
    if any(_MARK.search(text) for text in parts[::2]) or not set(parts[1::2]) <= set(columns):
        return None
    return "".join(f"{{{part}}}" if place % 2 else braced(part) for place, part in enumerate(parts))


def columns_in(template: str) -> list[str]:
    """The columns that a template names by `{{name}}`, each once."""
    return list(dict.fromkeys(_NAME.findall(template)))


def named_in(template: str) -> set[str]:
    """The names in a template, of columns and of what it calls: all that it may read."""
    inside = re.findall(r"\{[{%](.*?)[%}]\}", template, re.S)
    return {name for text in inside for name in re.findall(r"[A-Za-z_]\w*", text)}


def braced(text: str) -> str:
    """A text as it stands in a prompt."""
    return text.replace("{", "{{").replace("}", "}}")


def filled(
    templates: Mapping[str, tuple[str, str]], rows: Sequence[Mapping[str, Any]], where: str, ignored: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """What templates come to for each row, as `rendering.render` says.

    Raises:
        DataError: one is wrong, names what a row has not, or takes too much time or memory.
    """
    asked = json.dumps({"templates": templates, "rows": rows, "ignored": ignored}, default=str)
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "concours.api.imports.rendering"],
            input=asked,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _too_much(where) from None
    if done.returncode:
        raise _too_much(where)
    found = json.loads(done.stdout)
    if isinstance(found, dict):
        raise DataError(f"{where}: {shortened(' '.join(str(found['error']).split()), 300)}")
    return list(found)


def _too_much(where: str) -> DataError:
    return DataError(f"{where}: its templates or patterns take more time or memory than they may, and were stopped")
