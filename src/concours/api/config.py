"""Contest files: TOML to a contest, every key checked."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from concours.cooperate.light import LIMITS
from concours.core.entrant import Entrant
from concours.core.errors import ContestError, nearest
from concours.tasks.task import Split, Task


@dataclass(frozen=True)
class Form:
    """What a value must be, in words and as a test."""

    words: str
    accepts: Callable[[Any], bool]


def _is(*types: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, types) and (bool in types or not isinstance(value, bool))


def _list_of(inner: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(inner(item) for item in value)


_TEXT = Form("a text", _is(str))
_TEXTS = Form("a list of texts", _list_of(_is(str)))
_SOURCE = Form("a text, or a list of texts", lambda value: _is(str)(value) or _TEXTS.accepts(value))
_TABLE = Form("a table", _is(dict))
_TABLES = Form("a list of tables, each begun by [[entrant]]", _list_of(_is(dict)))
_BOOL = Form("true or false", _is(bool))
_SECONDS = Form("a number of seconds above 0", lambda value: _is(int, float)(value) and value > 0)
_POSITIVE = Form("a number above 0", _SECONDS.accepts)
_COUNT = Form("a whole number", _is(int))
_SHARE = Form("a share from 0 up to 1", lambda value: _is(int, float)(value) and 0 <= value < 1)


def _one_of(*words: str) -> Form:
    return Form("one of " + ", ".join(f'"{word}"' for word in words), lambda value: value in words)


_FILE = {"task": _TABLE, "compete": _TABLE, "cooperate": _TABLE, "limits": _TABLE, "entrant": _TABLES, "seed": _COUNT}
_TASK = {
    "kind": _TEXT,
    "data": _SOURCE,
    "target": Form("the name or the number of a column", _is(str, int)),
    "test": _SOURCE,
    "metrics": _TEXTS,
    "split": _TABLE,
    "header": _BOOL,
    "drop": _TEXTS,
    "id": _TEXT,
    "positive": Form("a label", _is(str, int, float, bool)),
    "classes": Form("a list of labels", _list_of(_is(str, int, float))),
    "labels": Form("a table of labels, each with the one that is meant", _is(dict)),
    "text": Form("the name of a column, or a list of names", lambda v: _is(str)(v) or _TEXTS.accepts(v)),
    "source": _TEXT,
    "encoding": _TEXT,
    "on_bad_row": _one_of("fail", "skip"),
    "name": _TEXT,
}
_SPLIT = {
    "test": _SHARE,
    "folds": Form("a whole number from 2", lambda v: _is(int)(v) and v >= 2),
    "by": _one_of("stratified", "random"),
    "group": _TEXT,
    "time": _TEXT,
    "repeats": Form("a whole number from 1", lambda v: _is(int)(v) and v >= 1),
    "public": _SHARE,
}
_COMPETE = {
    "format": _one_of("leaderboard"),
    "final": _one_of("refit", "bag"),
    "lineup": _one_of("fast", "full", "none"),
    "budget": _TABLE,
}
_BUDGET = {"seconds": _SECONDS}
_COOPERATE = {"strategies": _TEXTS, "limits": _TABLE}
_LIGHT = dict.fromkeys(LIMITS, _POSITIVE)
_LIMITS = {"seconds": _SECONDS, "memory_gb": _POSITIVE}
_ENTRANT = {"name": _TEXT, "recipe": _TEXT, "params": _TABLE, "search": _TABLE, "prepare": _TEXT}


def read_contest(path: Path) -> dict[str, Any]:
    """The arguments of a `Contest` that a file stands for.

    Raises:
        ContestError: the file is missing, is not TOML, or a key is wrong; the message names the key, what it must be,
            what it got, and the nearest right name.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ContestError(f"{path} does not exist") from None
    except IsADirectoryError:
        raise ContestError(f"{path} is a folder; a contest file was expected") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ContestError(f"{path.name} is not TOML: {error}") from None
    _check("", content, _FILE)
    if "task" not in content:
        raise ContestError(f"{path.name} has no [task]")
    compete, limits = content.get("compete", {}), content.get("limits", {})
    _check("compete", compete, _COMPETE)
    _check("compete.budget", compete.get("budget", {}), _BUDGET)
    cooperate = content.get("cooperate", {})
    _check("cooperate", cooperate, _COOPERATE)
    _check("cooperate.limits", cooperate.get("limits", {}), _LIGHT)
    _check("limits", limits, _LIMITS)
    arguments: dict[str, Any] = {
        "task": _task(content["task"]),
        "entrants": [_entrant(index, values) for index, values in enumerate(content.get("entrant", []), 1)],
        "lineup": compete.get("lineup"),
        "final": compete.get("final"),
        "cooperate": cooperate.get("strategies"),
        "limits": cooperate.get("limits"),
        "seconds": compete.get("budget", {}).get("seconds"),
        "job_seconds": limits.get("seconds"),
        "job_memory_gb": limits.get("memory_gb"),
        "seed": content.get("seed"),
    }
    return {name: value for name, value in arguments.items() if value is not None}


def _task(values: Mapping[str, Any]) -> Task:
    _check("task", values, _TASK)
    _check("task.split", values.get("split", {}), _SPLIT)
    for key in ("kind", "data"):
        if key not in values:
            raise ContestError(f"task.{key} is missing")
    fields: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
    if isinstance(fields.get("text"), str):
        fields["text"] = (fields["text"],)
    fields["split"] = Split(**fields.get("split", {}))
    return Task(**fields)


def _entrant(index: int, values: Mapping[str, Any]) -> Entrant:
    where = f"entrant {index}" + (f" ({values['name']})" if isinstance(values.get("name"), str) else "")
    _check(where, values, _ENTRANT)
    if "recipe" not in values:
        raise ContestError(f"{where}: recipe is missing")
    name = values.get("name") or values["recipe"].rpartition(":")[2]
    return Entrant(**{**values, "name": name})


def _check(where: str, values: Mapping[str, Any], forms: Mapping[str, Form]) -> None:
    for key, value in values.items():
        name = f"{where}.{key}" if where else key
        if key not in forms:
            raise ContestError(f"{name}: unknown key; {nearest(key, forms)}")
        if not forms[key].accepts(value):
            raise ContestError(f"{name} must be {forms[key].words}, got {value!r}")
