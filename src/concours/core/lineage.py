"""Lineage: everybody that an alliance joins, at any depth, and what they take together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from concours.core.digests import Digest
from concours.core.entrant import Candidate, Entrant
from concours.core.errors import RunFolderError
from concours.core.joint import Joint
from concours.core.registry import load


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a model takes, in seconds: to fit, to predict the test part, and to predict one row of many on one core.

    The last is none where that of somebody in it was not measured.
    """

    fit_s: float
    predict_s: float
    row_s: float | None


def lineage(candidate: Candidate, known: Mapping[Digest, Candidate], *, asked: bool = True) -> dict[Digest, Candidate]:
    """A candidate and all that it joins, at any depth, by digest: each once, after those that it joins itself.

    Args:
        known: candidates by the digest of their entrant.
        asked: only those that predicting with it asks; otherwise all.

    Raises:
        RunFolderError: somebody in it is not known.
    """
    found: dict[Digest, Candidate] = {}
    waiting = [candidate]
    while waiting:
        missing = [parent for parent in _parents(waiting[-1].entrant, asked=asked) if parent not in found]
        if missing:
            waiting += [member(known, parent) for parent in missing]
        else:
            last = waiting.pop()
            found[last.entrant.digest] = last
    return found


def member(known: Mapping[Digest, Candidate], digest: Digest) -> Candidate:
    """One that is joined.

    Raises:
        RunFolderError: it is not known.
    """
    if digest not in known:
        raise RunFolderError("candidates.json lacks a member of a joint model; run the contest again to write it anew")
    return known[digest]


def singles(candidate: Candidate, known: Mapping[Digest, Candidate], *, asked: bool = True) -> list[Candidate]:
    """The single entrants in a candidate, each once; itself, if it is one."""
    return [one for one in lineage(candidate, known, asked=asked).values() if one.entrant.joint is None]


def unanswering(candidate: Candidate, known: Mapping[Digest, Candidate]) -> list[str]:
    """The names of those in a candidate that cannot be asked for new rows, as their predictions are in a file."""
    return [one.entrant.name for one in lineage(candidate, known).values() if not one.entrant.had.answers]


def by_digest(entrants: Iterable[Entrant]) -> dict[Digest, list[str]]:
    """The names of entrants by their digests; several where they differ in name only."""
    names: dict[Digest, list[str]] = defaultdict(list)
    for entrant in entrants:
        names[entrant.digest].append(entrant.name)
    return dict(names)


def in_turn(digests: Sequence[Digest], names: Mapping[Digest, Sequence[str]]) -> tuple[str, ...]:
    """The names of those that are joined. Where several share a digest each is named once, in order."""
    left = {digest: iter(names[digest]) for digest in digests}
    return tuple(next(left[digest], names[digest][-1]) for digest in digests)


def cost_of(joint: Joint, known: Mapping[Digest, Candidate], asked: Sequence[float] = ()) -> Cost:
    """What a joint takes, by its way to join.

    Args:
        asked: the share of the test part that each parent was asked about, where that is known.
    """
    cost: Cost = load(joint.join.cost)(joint, known, asked)
    return cost


def as_asked(joint: Joint, known: Mapping[Digest, Candidate], asked: Sequence[float] = ()) -> Cost:
    """What parents take for the rows that they are asked about; all were fitted."""
    parents, shares = [member(known, digest) for digest in joint.parents], joint.artifacts["asked"]
    rows = [
        share * row_s if (row_s := _row_s(parent, known)) is not None else None
        for parent, share in zip(parents, shares, strict=True)
        if share
    ]
    return Cost(
        fit_s=added_up(joint, known).fit_s,
        predict_s=sum(share * parent.predict_s for parent, share in zip(parents, asked or shares, strict=True)),
        row_s=None if None in rows else sum(seconds or 0.0 for seconds in rows),
    )


def _row_s(candidate: Candidate, known: Mapping[Digest, Candidate]) -> float | None:
    joint = candidate.entrant.joint
    return cost_of(joint, known).row_s if joint else candidate.row_s


def added_up(joint: Joint, known: Mapping[Digest, Candidate], asked: Sequence[float] = ()) -> Cost:  # noqa: ARG001
    """What parents take together: a single entrant that is reached in several ways counts once.

    All parents were fitted and have predicted the test part; new rows are predicted by those alone that are asked.
    """
    parents = [member(known, digest) for digest in joint.parents]
    everyone = {one.entrant.digest: one for parent in parents for one in singles(parent, known, asked=False)}
    rows = {one.entrant.digest: one.row_s for d in joint.needs.parents for one in singles(member(known, d), known)}
    joining = sum(
        parent.predict_s - sum(one.predict_s for one in singles(parent, known, asked=False))
        for parent in parents
        if parent.entrant.joint
    )
    return Cost(
        fit_s=sum(one.fit_s for one in everyone.values()),
        predict_s=sum(one.predict_s for one in everyone.values()) + joining,
        row_s=None if None in rows.values() else sum(seconds or 0.0 for seconds in rows.values()),
    )


def _parents(entrant: Entrant, *, asked: bool) -> tuple[Digest, ...]:
    if entrant.joint is None:
        return ()
    return entrant.joint.needs.parents if asked else entrant.joint.parents
