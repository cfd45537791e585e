"""What differs in how two contests of one task were set up."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from concours.contest.setup import Setup
from concours.core.entrant import Candidate, Entrant
from concours.core.event import Tick
from concours.engine.journal import read_journal
from concours.runs.folder import RunFolder
from concours.runs.result import Result


def changes(first: Result, second: Result) -> Iterator[str]:
    """From the first contest to the second, each in a line: seed, models, joining, line-up, versions, time."""
    one, other = first.setup, second.setup
    for what, before, after in (
        ("seed", one.seed, other.seed),
        ("model on the board", one.final, other.final),
        ("strategies", _joining(one), _joining(other)),
        ("limits", _words(one.limits), _words(other.limits)),
    ):
        if before != after:
            yield f"{what}: {before or 'none'} → {after or 'none'}"
    yield from _lineup({c.entrant.name: c for c in one.candidates}, {c.entrant.name: c for c in other.candidates})
    yield from _versions(first.versions, second.versions)
    yield from _time(first, second)


def _joining(setup: Setup) -> str:
    return ", ".join(f"{s.name} ({s.how} of {', '.join(s.of)})" if s.of else s.name for s in setup.strategies)


def _lineup(one: Mapping[str, Candidate], other: Mapping[str, Candidate]) -> Iterator[str]:
    gone, new = [f"− {name}" for name in one if name not in other], [f"+ {name}" for name in other if name not in one]
    if gone or new:
        yield f"line-up: {', '.join([*gone, *new])}"
    for name in (name for name in one if name in other):
        told = [*_entrant(one[name], other[name])]
        if told:
            yield f"{name}: {', '.join(told)}"


def _entrant(one: Candidate, other: Candidate) -> Iterator[str]:
    before, after = one.entrant, other.entrant
    for what, old, new in (("recipe", before.recipe, after.recipe), ("prepare", before.prepare, after.prepare)):
        if old != new:
            yield f"{what} {old} → {new}"
    if before.declared != after.declared:
        yield f"{_declared(before)} → {_declared(after)}"
    if one.code != other.code:
        yield "its file has changed"
    for key in sorted({*before.params, *after.params}):
        if before.params.get(key) != after.params.get(key):
            yield f"{key} {_value(before.params, key)} → {_value(after.params, key)}"
    if dict(before.search) != dict(after.search):
        yield "searches otherwise"


def _declared(entrant: Entrant) -> str:
    return ", ".join(f"{name} {value}" for name, value in entrant.declared.items()) or "fitted"


def _versions(one: Mapping[str, str], other: Mapping[str, str]) -> Iterator[str]:
    told = [
        f"{name} {one.get(name, 'absent')} → {other.get(name, 'absent')}"
        for name in sorted({*one, *other})
        if one.get(name) != other.get(name)
    ]
    if told:
        yield f"versions: {', '.join(told)}"


def _time(first: Result, second: Result) -> Iterator[str]:
    """How long they took, and who ran out of time; only where one of them did."""
    late = [[line.entrant.name for line in r.standings if line.status == "out_of_time"] for r in (first, second)]
    efforts = [(r.folder.read("run.json") or {}).get("effort") for r in (first, second)]
    if efforts[0] != efforts[1]:
        yield f"effort of a fit: {efforts[0]} → {efforts[1]} (1 is about ten seconds)"
    if late[0] != late[1]:
        yield f"out of time: {', '.join(late[0]) or 'none'} → {', '.join(late[1]) or 'none'}"
    if any(late) or efforts[0] != efforts[1]:
        yield f"time: {_elapsed(first.folder):.0f} s → {_elapsed(second.folder):.0f} s"


def _elapsed(folder: RunFolder) -> float:
    records, _ = read_journal(folder.journal)
    return max((record.event.elapsed_s for record in records if isinstance(record.event, Tick)), default=0.0)


def _words(limits: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in limits.items())


def _value(params: Mapping[str, Any], key: str) -> str:
    if key not in params:
        return "by default"
    text = json.dumps(params[key], ensure_ascii=False, default=str)
    return text if len(text) <= 40 else f"{text[:37]}…"
