"""Contest files: TOML to a contest, every key checked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from concours.compete.looks import STOPS
from concours.contest.federations import NAME as FEDERATION
from concours.contest.federations import check_federation
from concours.contest.formats import FORMATS, LEADERBOARD, options_of
from concours.contest.forms import BOOL, POSITIVE, Form, check, is_of, list_of, one_of, whole
from concours.contest.strategies import read_strategies
from concours.contest.toml_file import read_toml
from concours.cooperate.budgeted import LIMITS
from concours.core.entrant import Entrant
from concours.core.errors import ContestError
from concours.core.had import SEEN
from concours.core.objects import last_name, references
from concours.tasks.kinds import KINDS, kind_named
from concours.tasks.task import Split, Task, one_at_a_time

_TEXT = Form("a text", is_of(str))
_TEXTS = Form("a list of texts", list_of(is_of(str)))
_ONE_OR_MORE = Form("a table, or several", lambda value: is_of(dict)(value) or list_of(is_of(dict))(value))
_SOURCE = Form("a text, or a list of texts", lambda value: is_of(str)(value) or _TEXTS.accepts(value))
_TABLE = Form("a table", is_of(dict))
_TABLES = Form("a list of tables, each begun by [[entrant]]", list_of(is_of(dict)))
_SECONDS = Form("a number of seconds above 0, at most 1e+09", POSITIVE.accepts)
_SEED = whole(0, (1 << 63) - 1)
_SHARE = Form("a share from 0 up to 1", lambda value: is_of(int, float)(value) and 0 <= value < 1)

_FILE = {
    "task": _TABLE,
    "compete": _TABLE,
    "cooperate": _TABLE,
    "federation": _TABLE,
    "limits": _TABLE,
    "entrant": _TABLES,
    "seed": _SEED,
}
_TASK = {
    "kind": _TEXT,
    "data": _SOURCE,
    "target": Form(
        "the name or the number of a column, or a list of names", lambda v: is_of(str, int)(v) or list_of(is_of(str))(v)
    ),
    "test": _SOURCE,
    "metrics": _TEXTS,
    "split": _TABLE,
    "header": Form("true, false, or the number of a line from 1", lambda v: BOOL.accepts(v) or whole(1).accepts(v)),
    "drop": _TEXTS,
    "id": _TEXT,
    "weight": Form("the name or the number of a column", is_of(str, int)),
    "positive": Form("a label", is_of(str, int, float, bool)),
    "classes": Form("a list of labels", list_of(is_of(str, int, float))),
    "labels": Form("a table of labels, each with the one that is meant", is_of(dict)),
    "text": Form("the name of a column, or a list of names", lambda v: is_of(str)(v) or _TEXTS.accepts(v)),
    "source": _TEXT,
    "encoding": _TEXT,
    "on_bad_row": one_of("fail", "skip"),
    "columns": Form("a table of columns, each with what it holds", is_of(dict)),
    "missing": _TEXTS,
    "options": _TABLE,
    "name": _TEXT,
}
_NAMED = [name for name, format in FORMATS.own.items() if not format.command]
_FORMAT = Form(f"{one_of(*_NAMED).words}, or of a plugin", lambda value: is_of(str)(value) and value in FORMATS)
_SPLIT = {
    "test": _SHARE,
    "folds": whole(2),
    "by": one_of("stratified", "random"),
    "group": _TEXT,
    "time": _TEXT,
    "repeats": whole(1, 1000),
    "public": _SHARE,
}
_COMPETE = {
    "format": _FORMAT,
    "options": _TABLE,
    "final": one_of("refit", "bag"),
    "lineup": one_of("fast", "full", "none"),
    "budget": _TABLE,
    "stop": one_of(*STOPS),
}
_BUDGET = {"seconds": _SECONDS}
_STRATEGIES = Form(
    "a list of texts, and of tables with name, how and of", list_of(lambda v: is_of(str)(v) or is_of(dict)(v))
)
_COOPERATE = {"strategies": _STRATEGIES, "limits": _TABLE}
_LIGHT = dict.fromkeys(LIMITS, POSITIVE)
_LIMITS = {"seconds": _SECONDS, "memory_gb": POSITIVE, "cost": POSITIVE, "requests": whole(0)}
_ENTRANT = {
    "name": _TEXT,
    "recipe": _TEXT,
    "params": _TABLE,
    "search": _TABLE,
    "prepare": _TEXT,
    "frozen": BOOL,
    "seen": one_of(*SEEN),
}


def read_contest(path: Path) -> dict[str, Any]:
    """The arguments of a `Contest` that a file stands for.

    Raises:
        ContestError: the file is missing, is not TOML, or a key is wrong; the message names the key, what it must be,
            what it got, and the nearest right name.
    """
    content = read_toml(path)
    check("", content, _FILE)
    if "task" not in content:
        raise ContestError(f"{path.name} has no [task]")
    compete, limits = _federated(content), content.get("limits", {})
    given = compete.get("format", LEADERBOARD)
    if isinstance(given, str):
        options = compete.get("options", {})
        options_of(given, options if isinstance(options, dict) else {})
    check("compete", compete, _COMPETE)
    check("compete.budget", compete.get("budget", {}), _BUDGET)
    cooperate = content.get("cooperate", {})
    check("cooperate", cooperate, _COOPERATE)
    read_strategies(cooperate.get("strategies", []))
    check("cooperate.limits", cooperate.get("limits", {}), _LIGHT)
    check("limits", limits, _LIMITS)
    arguments: dict[str, Any] = {
        "task": task_of(content["task"]),
        "entrants": [entrant_of(index, values) for index, values in enumerate(content.get("entrant", []), 1)],
        "lineup": compete.get("lineup"),
        "final": compete.get("final"),
        "format": compete.get("format"),
        "options": compete.get("options"),
        "stop": compete.get("stop"),
        "cooperate": cooperate.get("strategies"),
        "limits": cooperate.get("limits"),
        "seconds": compete.get("budget", {}).get("seconds"),
        "job_seconds": limits.get("seconds"),
        "job_memory_gb": limits.get("memory_gb"),
        "max_cost": limits.get("cost"),
        "max_requests": limits.get("requests"),
        "seed": content.get("seed"),
    }
    return {name: value for name, value in arguments.items() if value is not None}


def _federated(content: Mapping[str, Any]) -> dict[str, Any]:
    """The table of how it is competed; a federation is a format, whose options have a table of their own."""
    compete: dict[str, Any] = content.get("compete", {})
    if compete.get("format") == FEDERATION and FEDERATION not in content:
        raise ContestError(f"a federation has a table of its own: write [{FEDERATION}], and no compete.format")
    if FEDERATION not in content:
        return compete
    check_federation(content[FEDERATION])
    if taken := [key for key in ("format", "options") if key in compete]:
        raise ContestError(f"compete.{taken[0]}: a contest with [{FEDERATION}] has no other format; leave it out")
    return {**compete, "format": FEDERATION, "options": content[FEDERATION]}


def task_of(values: Mapping[str, Any]) -> Task:
    """A task from its table in a file. Raises ContestError, as `read_contest` does."""
    named = values.get("kind")
    kind = kind_named(named) if isinstance(named, str) and named in KINDS else None
    input = kind.input if kind else None
    if isinstance(values.get("target"), list) and not (kind and kind.output.several):
        raise ContestError(one_at_a_time(values["target"]))
    own = input.keys if input else {}
    tables = dict.fromkeys(input.tables, _ONE_OR_MORE) if input else {}
    check("task", values, {**_TASK, **dict.fromkeys(own, _SOURCE), **tables})
    check("task.split", values.get("split", {}), _SPLIT)
    for key in ("kind", "data"):
        if key not in values:
            raise ContestError(f"task.{key} is missing")
    fields: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
    if own:
        if "options" in fields:
            raise ContestError(f"task.options: a task of kind {named} has its keys beside the others: {', '.join(own)}")
        fields["options"] = {key: fields.pop(key) for key in own if key in fields}
    if isinstance(fields.get("text"), str):
        fields["text"] = (fields["text"],)
    fields["split"] = Split(**fields.get("split", {}))
    return Task(**fields)


def read_models(path: Path) -> list[dict[str, Any]]:
    """The tables of a file of `[[entrant]]` alone, as a contest file has them, each with a name.

    Raises:
        ContestError: the file is missing, is not TOML, names nobody, or a key is wrong.
    """
    content = read_toml(path)
    check("", content, {"entrant": _TABLES})
    tables = content.get("entrant", [])
    if not tables:
        raise ContestError(f"{path.name} has no [[entrant]]: write one for each model, with name, recipe and params")
    return [{"name": entrant_of(index, values).name, **values} for index, values in enumerate(tables, 1)]


def entrant_of(index: int, values: Mapping[str, Any]) -> Entrant:
    """An entrant from its table in a file. Raises ContestError."""
    where = f"entrant {index}" + (f" ({values['name']})" if isinstance(values.get("name"), str) else "")
    check(where, values, _ENTRANT)
    if "recipe" not in values:
        raise ContestError(f"{where}: recipe is missing")
    if nested := sorted({reference for _, reference in references(values.get("params", {}))}):
        raise ContestError(
            f"{where}: params name {nested[0]}; what has parts is made in a file, ./that_file.py:model, or in Python"
        )
    name = values.get("name") or last_name(values["recipe"].rpartition(":")[2])
    return Entrant(**{**values, "name": name})
