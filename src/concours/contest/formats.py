"""Formats: the ways to compete that a contest can name, each with its options and its stages in the circle.

A stage before the leaderboard decides who goes on to it, and may bring entrants of its own; a stage after it looks at
the candidates that are complete. What a stage leaves for people is small JSON under `format` in `result.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from concours.contest import adversaries, deployed, duels, federations, knockouts, matches, pairs, populations
from concours.contest.forms import check
from concours.contest.setup import Setup
from concours.contest.stages import Format
from concours.core.errors import ContentRefused, ContestError, nearest
from concours.core.ports import Store
from concours.core.registry import Registry
from concours.core.typed import typed

LEADERBOARD = "leaderboard"

_OWN: Mapping[str, Format] = {
    LEADERBOARD: Format(what="every entrant is fitted on every fold"),
    **knockouts.FORMATS,
    **duels.FORMATS,
    **pairs.FORMATS,
    **populations.FORMATS,
    **adversaries.FORMATS,
    **federations.FORMATS,
    **deployed.FORMATS,
    **matches.FORMATS,
}

FORMATS = Registry("formats", _OWN, of=Format)


def held_in(named: str, can: Mapping[str, str]) -> str:
    """The format that a contest is held in: where its output has one of its own (`meet`), a leaderboard is of that."""
    return can.get("meet", named) if named == LEADERBOARD else named


def options_of(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """All options of a format, those that are not given by default.

    Raises:
        ContestError: there is no such format, or it takes no such option or value.
    """
    if name not in FORMATS:
        named = [one for one in FORMATS if one not in FORMATS.own or not FORMATS.own[one].command]
        raise ContestError(f"compete.format: {name!r} is not known; {nearest(name, named)}")
    options = FORMATS[name].options
    if given and not options:
        raise ContestError(f"compete.options: the format {name!r} takes none; remove {', '.join(given)}")
    check("compete.options", given, {key: option.form for key, option in options.items()})
    return {key: option.default for key, option in options.items()} | dict(given)


def shown_of(name: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """What a result says that a format has left for people, as the types say that it is.

    Raises:
        ContentRefused: it is something else.
    """
    if value.get("name") != name:
        raise ContentRefused(f"format.name: expected {name}")
    if value.keys() == {"name"}:  # it has not come so far
        return dict(value)
    shown: dict[str, Any] = typed(FORMATS[name].shown, value, "format")
    return shown


def require_suited(setup: Setup, store: Store) -> None:
    """Refuses a format that cannot be held on a setup.

    Raises:
        ContestError: says why.
    """
    format, own = FORMATS[setup.format], held_in(LEADERBOARD, setup.problem.output.can)
    if setup.format != own != LEADERBOARD:
        raise ContestError(
            f"compete.format: a task of kind {setup.problem.kind} is held in {own}; leave the format out"
        )
    why = format.unsuited(setup) or format.unsuited_data(setup, store)
    if why:
        where = f"[{format.table}]" if format.table else f"compete.format: {setup.format!r}"
        raise ContestError(f"{where} does not suit: {why}")
