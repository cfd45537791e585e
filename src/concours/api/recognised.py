"""New contests of kinds that tell a source themselves: what it is, and the keys of its task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from concours.contest.contest_text import Setting
from concours.core.errors import DataError
from concours.core.registry import load
from concours.engine.usage import usable_cores
from concours.tasks.kinds import KINDS, Kind, kind_named

_SECONDS = 120


def recognised(source: str, kind: str | None, target: str | None = None) -> tuple[Setting, ...] | None:
    """The keys of a contest for a source that a kind knows, or none where no kind does.

    Args:
        kind: the kind, where a person names it, a plugin's too; else that one of ours which is sure of the source by
            itself.
        target: the column to predict, where a person names it.

    Raises:
        ContestError, DataError: there is no such kind, or the source is none of it.
    """
    if kind is not None and not kind_named(kind).finder:
        return None
    asked = [kind_named(kind)] if kind is not None else [one for one in KINDS.own.values() if one.finder and one.sure]
    for one in asked if Path(source).exists() else ():
        if keys := load(one.finder)(Path(source)):
            named = {"target": (target, "named by --target")} if target else {}
            why = "named by --kind" if kind else "by how the data lies"
            return _settings(one, why, {**keys, **named})
    if kind is not None:
        raise DataError(f"{source} holds nothing for a task of kind {kind}, as far as it can be told")
    return None


def maybe(source: str) -> list[str]:
    """What to say of kinds of ours that a source may be of too."""
    found = [one for one in KINDS.own.values() if one.finder and not one.sure and Path(source).exists()]
    return [
        f"it may be a task of kind {one.name} too: concours new {source} --kind {one.name}"
        for one in found
        if load(one.finder)(Path(source))
    ]


def _settings(kind: Kind, why_kind: str, keys: dict[str, tuple[Any, str]]) -> tuple[Setting, ...]:
    because = f"for {usable_cores()} cores; more seconds, more fits and better joint models"
    name = next(iter(kind.lineups), "fast")
    listed = (f"entrants: {', '.join(kind.lineups.get(name, ()))}",)
    return (
        Setting("task", "kind", kind.name, why_kind),
        *(Setting("task", key, value, why) for key, (value, why) in keys.items()),
        Setting("compete", "lineup", name, "all that there is for this kind", hints=listed),
        Setting("compete", "budget", {"seconds": _SECONDS}, because),
    )
