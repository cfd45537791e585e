"""Templates of others, filled in a process of its own: `python -m concours.api.imports.rendering`, JSON in, JSON out.

A template can count to a million by a million, and a pattern can take for ever: what runs them has limits of time and
of memory, and a sandbox that leads to nothing but texts, numbers, lists and objects.
"""

from __future__ import annotations

import ast
import json
import re
import resource
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

_SECONDS: Final = 60
"""Of the processor."""
_BYTES: Final = 1 << 31


def render(templates: Mapping[str, tuple[str, str]], rows: Sequence[Mapping[str, Any]], ignored: Sequence[str]) -> Any:
    """Each template filled with each row: objects by the names of templates; or `{"error": …}`, the first that fails.

    Args:
        templates: each with what it comes to: a `text`; a `list`, written as Python writes one; or a `target`, which is
            a list if it looks like one, and out of which all that matches one of `ignored` is taken.
    """
    env = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
    env.filters["regex_replace"] = _replaced
    where = "regexes_to_ignore"
    try:
        patterns = [re.compile(pattern) for pattern in ignored]
        made = {}
        for name, (text, form) in templates.items():
            where = name
            made[name] = env.from_string(text), form
        found: list[dict[str, Any]] = [{} for _ in rows]
        for place, row in enumerate(rows):
            for name, (template, form) in made.items():
                where = f"{name} of row {place + 1}"
                found[place][name] = _FORMS[form](template.render(row), patterns)
    except (MemoryError, RecursionError):
        return {"error": f"{where} comes to more than can be held"}
    except Exception as error:  # noqa: BLE001 (a template makes what it calls raise whatever that raises)
        return {"error": f"{where}: {error or type(error).__name__}"}
    return found


def _replaced(text: str, pattern: str, by: str, count: int = 0) -> str:
    return re.sub(pattern, by, text, count=count)


def _text(said: str, _: Sequence[re.Pattern[str]]) -> str:
    return said


def _list(said: str, _: Sequence[re.Pattern[str]]) -> list[Any]:
    value = ast.literal_eval(said)
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"expected a list, got {said[:60]!r}")
    return list(value)


def _target(said: str, ignored: Sequence[re.Pattern[str]]) -> Any:
    if said[:1] == "[" and said[-1:] == "]":
        with suppress(ValueError, SyntaxError):
            return [_without(str(each), ignored) for each in _list(said, ())]
    return _without(said, ignored)


def _without(text: str, ignored: Sequence[re.Pattern[str]]) -> str:
    for pattern in ignored:
        text = pattern.sub("", text)
    return text


_FORMS: Final[Mapping[str, Callable[[str, Sequence[re.Pattern[str]]], Any]]] = {
    "text": _text,
    "list": _list,
    "target": _target,
}


def _main() -> None:
    with suppress(ValueError, OSError):  # a system that has no such limit
        resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (_BYTES, _BYTES))
    asked = json.load(sys.stdin)
    json.dump(render(**asked), sys.stdout)


if __name__ == "__main__":
    _main()
