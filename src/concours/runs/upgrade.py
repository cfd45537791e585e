"""Run folders of an earlier form: what came of a contest is read as this form has it.

Only what is shown is upgraded: `result.json`, and the entrants and the setup behind it. The journal of an older folder
names jobs by other words, so that a contest does not go on there, and its models are not used. What has not the
form that is upgraded stays as it is: whoever reads it then says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

from concours.tasks.kinds import KINDS
from concours.tasks.outputs.table import output_told

SCHEMA: Final = 4
"""The form of a run folder and of its `result.json`."""
_BEFORE = (2, 3)

_ROLES = {"entrant": "single"}
_STRATEGIES = {"light": "budgeted"}
_PARTS = {"selection": "oof"}
_OF_JOINTS = ("weights", "fold_weights")
_SHOWN = {"stretches": "intervals", "stretch": "interval", "unjudged": "not_evaluated"}


def upgraded_result(value: Mapping[str, Any]) -> dict[str, Any]:
    """`result.json` of an earlier schema as one of today's. Names of entrants and alliances stay as they were."""
    if value.get("schema") not in _BEFORE:
        return dict(value)
    changed = {
        "standings": lambda lines: _each(lambda line: _role(_renamed(line, {"selection": "cv_score"})), lines),
        "alliances": lambda named: _each(lambda one: _valued(one, {"strategy": _STRATEGIES}), named),
        "credit": lambda named: _each(lambda one: _valued(one, {"part": _PARTS}), named),
        "format": lambda shown: _valued(_deep(shown), {"part": _PARTS}),
    }
    return {**value, **{key: change(value[key]) for key, change in changed.items() if key in value}, "schema": SCHEMA}


def upgraded_candidates(value: list[Any]) -> Any:
    """`candidates.json`, likewise."""
    return _each(
        lambda one: {key: _entrant(item) if key == "entrant" else item for key, item in one.items()},
        _each(lambda one: _renamed(one, {"selection": "oof"}), value),
    )


def upgraded_setup(value: Mapping[str, Any]) -> dict[str, Any]:
    """`setup.json`, likewise."""
    changed: Mapping[str, Callable[[Any], Any]] = {
        "candidates": upgraded_candidates,
        "strategies": lambda names: [_strategy(name) for name in names] if _is_list(names) else names,
        "options": lambda options: _renamed(options, _SHOWN),
        "problem": _problem,
    }
    return {key: changed[key](item) if key in changed else item for key, item in value.items()}


UPGRADES: Final[Mapping[str, Callable[[Any], Any]]] = {
    "result.json": upgraded_result,
    "candidates.json": upgraded_candidates,
    "setup.json": upgraded_setup,
}
"""By the file of a run folder."""


def _each(change: Callable[[Mapping[str, Any]], Any], value: Any) -> Any:
    """What is an object of a list, or in an object, changed."""
    if isinstance(value, Mapping):
        return {key: change(item) if isinstance(item, Mapping) else item for key, item in value.items()}
    return [change(item) if isinstance(item, Mapping) else item for item in value] if _is_list(value) else value


def _role(value: Any) -> Any:
    return _valued(value, {"role": _ROLES})


def _entrant(value: Any) -> Any:
    """What the parameters of an alliance said, its joint says; it was named by its way to join."""
    if not isinstance(value, Mapping) or "parents" not in value:
        return _role(value)
    rest = {key: item for key, item in _role(value).items() if key != "parents"}
    told = value.get("params")
    if not value["parents"] or not isinstance(told, Mapping):
        return {**rest, "joint": None}
    joint = {name: told[name] for name in _OF_JOINTS if name in told}
    artifacts = {name: item for name, item in told.items() if name not in _OF_JOINTS}
    how = _in_place(_STRATEGIES, value.get("name"))
    joint |= {"how": how, "parents": value["parents"], "artifacts": artifacts}
    return {**rest, "params": {}, "joint": joint}


def _problem(value: Any) -> Any:
    """What a kind was called by alone is told by its input and output."""
    kind = KINDS.own.get(str(value.get("kind"))) if isinstance(value, Mapping) else None
    if kind is None or not _is_list(labels := value.get("classes")):
        return value
    told = {"name": kind.output.name, **({"classes": len(labels)} if labels else {})}
    try:
        output = output_told(told, labels)
    except TypeError:  # no such output has classes, or it has more than these
        return value
    sides = {"input": asdict(kind.input.value), "output": output.value.to_json()}
    return {**{key: item for key, item in value.items() if key != "classes"}, **sides}


def _strategy(name: Any) -> Any:
    """What was a name is a value; tables had that form before."""
    if not isinstance(name, str):
        return name
    how = _in_place(_STRATEGIES, name)
    return {"name": how, "how": how, "of": []}


def _valued(value: Any, words: Mapping[str, Mapping[str, str]]) -> Any:
    """An object with other words under some keys."""
    if not isinstance(value, Mapping):
        return value
    return {key: _in_place(words.get(key, {}), item) for key, item in value.items()}


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """An object with other keys."""
    return {_in_place(names, key): item for key, item in value.items()} if isinstance(value, Mapping) else value


def _deep(value: Any) -> Any:
    """What a format shows: keys by their new names at any depth, and roles."""
    if isinstance(value, Mapping):
        return _role({_in_place(_SHOWN, key): _deep(item) for key, item in value.items()})
    return [_deep(item) for item in value] if _is_list(value) else value


def _in_place(names: Mapping[str, str], name: Any) -> Any:
    return names.get(name, name) if isinstance(name, str) else name


def _is_list(value: Any) -> bool:
    return isinstance(value, list)
