"""Writes `commands.md`, the reference of the command line, from the program's own help: python docs/commands.py"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from concours.cli.app import app

PAGE = Path(__file__).with_name("commands.md")
HEAD = """# Commands

<!-- Written by `python docs/commands.py` from the program's own help. -->

`concours COMMAND --help` prints the same. Options of every command stand before its name: `concours --debug run …`.

| exit code | when |
| --- | --- |
| 0 | all went well |
| 1 | nothing could be fitted, or a defect of Concours |
| 2 | bad input: the one line on standard error says what, where, and what to do |
| 130 | stopped by Ctrl-C; the same command goes on |
"""


def page() -> str:
    """The page for today's commands."""
    group: Any = typer.main.get_command(app)
    parts = [HEAD, "## concours\n", f"{group.help}\n", _table("option", map(_option, _shown(group, "option")))]
    for name, command in _commands(group):
        parts += [f"## concours {name}\n", f"{command.help}\n", f"    {_usage(name, command)}\n"]
        parts.append(_table("argument", map(_argument, _shown(command, "argument"))))
        parts.append(_table("option", map(_option, _shown(command, "option"))))
    return "\n".join(part for part in parts if part)


def _commands(group: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """All commands, those of a group by its name and theirs."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{above}{name} ")
        else:
            yield f"{above}{name}", command


def _shown(command: Any, kind: str) -> list[Any]:
    return [param for param in command.params if param.param_type_name == kind and not getattr(param, "hidden", False)]


def _usage(name: str, command: Any) -> str:
    needed = [f"{_longest(param)} {_value(param)}" for param in _shown(command, "option") if param.required]
    words = [_metavar(param) for param in _shown(command, "argument")]
    return " ".join(["concours", name, *words, *needed, *(["[OPTIONS]"] if _shown(command, "option") else [])])


def _argument(param: Any) -> tuple[str, str, str]:
    return f"`{_metavar(param)}`", param.help, ""


def _option(param: Any) -> tuple[str, str, str]:
    value = "" if param.is_flag else f" {_value(param)}"
    names = ", ".join(f"`{name}{value if name == _longest(param) else ''}`" for name in param.opts)
    return names, param.help, _default(param)


def _longest(param: Any) -> str:
    return str(max(param.opts, key=len))


def _metavar(param: Any) -> str:
    return str(param.metavar or param.name.upper())


def _value(param: Any) -> str:
    choices = getattr(param.type, "choices", None)
    if choices:
        return "|".join(getattr(choice, "value", choice) for choice in choices)
    return str(param.metavar or {"integer range": "N", "integer": "N", "float range": "X"}.get(param.type.name, "FILE"))


def _default(param: Any) -> str:
    if param.required:
        return "to be given"
    if isinstance(param.show_default, str):
        return param.show_default
    if param.is_flag or param.default is None:
        return ""
    return f"`{getattr(param.default, 'value', param.default)}`"


def _table(what: str, rows: Any) -> str:
    cells = [tuple(re.sub(r"\|", r"\\|", cell or "") for cell in row) for row in rows]
    if not cells:
        return ""
    by_default = any(default for _, _, default in cells)
    head = f"| {what} | |{' by default |' if by_default else ''}\n| --- | --- |{' --- |' if by_default else ''}\n"
    lines = (f"| {name} | {words} |{f' {default} |' if by_default else ''}\n" for name, words, default in cells)
    return head + "".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
