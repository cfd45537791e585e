"""Contest files as text: keys with a comment on each."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from concours.core.written import quoted

_WIDTH = 110


@dataclass(frozen=True)
class Setting:
    """One key of a contest file.

    Attributes:
        table: the one it stands in, e.g. `task`.
        why: the reason for its value, in one line; empty where there is nothing to say.
        hints: what else could be set, a line each.
    """

    table: str
    key: str
    value: Any
    why: str
    hints: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class EntrantText:
    """A table `[[entrant]]` of a contest file.

    Attributes:
        keys: as `name`, `recipe` and `params`.
        why: what is to be said of it; empty where there is nothing.
        example: whether it is a comment as a whole, for a person to take over.
    """

    keys: Mapping[str, Any]
    why: str = ""
    example: bool = False


def toml_of(
    settings: Sequence[Setting], head: Sequence[str], warnings: Sequence[str], entrants: Sequence[EntrantText] = ()
) -> str:
    """A contest file: what it is of, what to look into, every key below the reason for it, and who competes."""
    lines = [line for text in head for line in _commented(text)]
    if warnings:
        lines += ["#", "# To look into:", *(line for text in warnings for line in _commented(text, "- "))]
    for table in dict.fromkeys(setting.table for setting in settings):
        lines += ["", f"[{table}]"]
        for setting in settings:
            if setting.table == table:
                lines += [line for text in (setting.why, *setting.hints) if text for line in _commented(text)]
                lines.append(f"{setting.key} = {toml(setting.value)}")
    for entrant in entrants:
        lines += ["", *_commented(entrant.why), *_table(entrant)]
    return "\n".join(lines) + "\n"


def _table(entrant: EntrantText) -> list[str]:
    mark = "# " if entrant.example else ""
    return [f"{mark}[[entrant]]", *(f"{mark}{_key(key)} = {toml(value)}" for key, value in entrant.keys.items())]


def toml(value: Any) -> str:
    """A value in TOML: text, number, truth value, list or inline table."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    return repr(value)


def comment(text: str) -> str:
    """A text that may stand in a comment: one line, without control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _key(name: str) -> str:
    return name if name.isascii() and name.isidentifier() else toml(name)


def _commented(text: str, mark: str = "") -> list[str]:
    return textwrap.wrap(
        comment(text), _WIDTH, initial_indent=f"# {mark}", subsequent_indent="#   ", break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
