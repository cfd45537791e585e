"""New contests of kinds that tell a source themselves: what it is, and the keys of its task."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

from concours.contest.contest_text import Setting
from concours.core.errors import ContestError, DataError
from concours.core.registry import load
from concours.engine.usage import usable_cores
from concours.tasks.kinds import KINDS, Kind, kind_named
from concours.tasks.readers.opened import Options
from concours.tasks.sources import find_source

_SECONDS = 120


def recognised(source: str, kind: str | None, options: Options) -> tuple[Kind, tuple[Setting, ...]] | None:
    """The kind that knows a source, and the keys of a contest for it; or none where no kind does.

    Args:
        kind: the kind, where a person names it, a plugin's too; else that one of ours which is sure of the source by
            itself.
        options: what a person says of how to read it; the names in it are those of the column to predict.

    Raises:
        ContestError, DataError: there is no such kind, the source is none of it, or the options do not suit it.
    """
    if kind is not None and not kind_named(kind).finder:
        if "words" in kind_named(kind).input.can:
            raise ContestError(
                f"--kind: nothing in data tells who judges, so no contest of kind {kind} is written: write a "
                f'file with [task] kind = "{kind}", data = "{Path(source).name}", question, answer, and [[task.judge]]'
            )
        return None
    if kind is not None:
        options = replace(options, input=kind_named(kind).input.name)
    asked = [kind_named(kind)] if kind is not None else [one for one in KINDS.own.values() if one.finder and one.sure]
    options = replace(options, asked=kind is not None)
    if not Path(source).exists():
        asked = [one for one in asked if one.named and load(one.named)(source)]
    for one in asked:
        if keys := load(one.finder)(Path(source), options):
            why = "named by --kind" if kind else "by how the data lies" if Path(source).exists() else "by its name"
            return one, _settings(one, why, {**keys, **_given(options, keys)})
    if kind is not None:
        find_source(source, replace(options, input=None))  # what is not there, or cannot be read at all, says so itself
        raise DataError(f"{source} holds nothing for a task of kind {kind}, as far as it can be told")
    return None


def _given(options: Options, keys: Collection[str]) -> dict[str, tuple[Any, str]]:
    """How the source was read for its keys, which is how it is to be read again."""
    given: dict[str, tuple[Any, str]] = {}
    if options.header is not None:
        given["header"] = (options.header, "named by --header")
    if options.on_bad_row == "skip":
        given["on_bad_row"] = ("skip", "named by --on-bad-row")
    return {key: value for key, value in given.items() if key not in keys}


def maybe(source: str) -> list[str]:
    """What to say of kinds of ours that a source may be of too."""
    found = [one for one in KINDS.own.values() if one.finder and not one.sure and Path(source).exists()]
    return [
        f"it may be a task of kind {one.name} too: concours new {source} --kind {one.name}"
        for one in found
        if load(one.finder)(Path(source), Options())
    ]


def usual_lineup(kind: Kind) -> tuple[str, tuple[str, ...]]:
    """The name of a kind's first line-up, and the entrants in it."""
    return next(iter(kind.lineups.items()), ("none", ()))


def _settings(kind: Kind, why_kind: str, keys: dict[str, tuple[Any, str]]) -> tuple[Setting, ...]:
    because = f"for {usable_cores()} cores; more seconds, more fits and better joint models"
    name, entrants = usual_lineup(kind)
    others = {other: [one for one in names if one not in entrants] for other, names in kind.lineups.items()}
    more = [f"{other} has {', '.join(names)} too" for other, names in others.items() if names]
    return (
        Setting("task", "kind", kind.name, why_kind),
        *(Setting("task", key, value, why) for key, (value, why) in keys.items()),
        Setting(
            "compete",
            "lineup",
            name,
            "; ".join(more) or "all that there is for this kind",
            hints=(f"entrants: {', '.join(entrants)}",) if entrants else (),
        ),
        Setting("compete", "budget", {"seconds": _SECONDS}, because),
    )
