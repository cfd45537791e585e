"""Run folders of an earlier form: what came of a contest is read as this form has it.

Only what is shown is upgraded: `result.json`, and the entrants and the setup behind it. The journal of an older folder
names jobs by other words, so that a contest does not go on there, and its models are not used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

SCHEMA: Final = 3
"""The form of a run folder and of its `result.json`."""
OLDER: Final = (2,)
"""Forms that are read."""

_ROLES = {"entrant": "single"}
_STRATEGIES = {"light": "budgeted"}
_PARTS = {"selection": "oof"}
_SHOWN = {"stretches": "intervals", "stretch": "interval", "unjudged": "not_evaluated"}


def upgraded_result(value: Mapping[str, Any]) -> dict[str, Any]:
    """`result.json` of schema 2 as one of schema 3. Names of entrants and alliances stay as they were."""
    return {
        **value,
        "schema": SCHEMA,
        "standings": [_line(line) for line in value["standings"]],
        "alliances": {
            name: {**alliance, "strategy": _in_place(_STRATEGIES, alliance["strategy"])}
            for name, alliance in value["alliances"].items()
        },
        "credit": {name: _of_part(credit) for name, credit in value.get("credit", {}).items()},
        "format": upgraded_format(value.get("format", {})),
    }


def upgraded_format(shown: Mapping[str, Any]) -> dict[str, Any]:
    """What a format shows, likewise: keys by their new names at any depth, and roles."""
    value: dict[str, Any] = _of_part({_in_place(_SHOWN, key): _deep(item) for key, item in shown.items()})
    return value


def upgraded_candidates(candidates: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """`candidates.json`, likewise."""
    return [
        {**_renamed(candidate, {"selection": "oof"}), "entrant": _entrant(candidate["entrant"])}
        for candidate in candidates
    ]


def upgraded_setup(setup: Mapping[str, Any]) -> dict[str, Any]:
    """`setup.json`, likewise."""
    return {
        **setup,
        "candidates": upgraded_candidates(setup["candidates"]),
        "strategies": [_in_place(_STRATEGIES, name) for name in setup["strategies"]],
        "options": _renamed(setup["options"], _SHOWN),
    }


def _line(line: Mapping[str, Any]) -> dict[str, Any]:
    return _entrant(_renamed(line, {"selection": "cv_score"}))


def _entrant(value: Mapping[str, Any]) -> dict[str, Any]:
    return {**value, "role": _in_place(_ROLES, value["role"])}


def _of_part(value: Mapping[str, Any]) -> dict[str, Any]:
    return {**value, "part": _in_place(_PARTS, value["part"])} if "part" in value else dict(value)


def _renamed(value: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {_in_place(names, key): item for key, item in value.items()}


def _deep(value: Any) -> Any:
    if isinstance(value, Mapping):
        found = {_in_place(_SHOWN, key): _deep(item) for key, item in value.items()}
        return _entrant(found) if "role" in found else found
    return [_deep(item) for item in value] if isinstance(value, list) else value


def _in_place(names: Mapping[str, str], name: Any) -> Any:
    return names.get(name, name) if isinstance(name, str) else name
