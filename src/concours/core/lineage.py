"""Lineage: everybody that an alliance joins, at any depth, and what they take together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from concours.core.digests import Digest
from concours.core.entrant import Candidate, Entrant
from concours.core.errors import RunFolderError
from concours.core.joins import Needs
from concours.core.joint import Joint
from concours.core.registry import load


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a model takes: seconds to fit, to predict the test part, and to predict one row of many on one core; and
    the money of a row.

    Seconds of a row are none where those of somebody in it were not measured; its money where nobody in it is asked in
    words, or somebody who is has no price.
    """

    fit_s: float
    predict_s: float
    row_s: float | None
    row_money: float | None = None


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


def kept_objects(candidate: Candidate, known: Mapping[Digest, Candidate]) -> list[Digest]:
    """Models of a candidate and of all that it asks, and what joints keep themselves, each once."""
    everyone = lineage(candidate, known).values()
    joints = [one.entrant.joint for one in everyone if one.entrant.joint]
    models = [model for one in everyone for model in one.models]
    return list(dict.fromkeys([*models, *(digest for joint in joints for digest in joint.needs.objects)]))


def singles(candidate: Candidate, known: Mapping[Digest, Candidate], *, asked: bool = True) -> list[Candidate]:
    """The single entrants in a candidate, each once; itself, if it is one."""
    return [one for one in lineage(candidate, known, asked=asked).values() if one.entrant.joint is None]


def unanswering(candidate: Candidate, known: Mapping[Digest, Candidate]) -> list[str]:
    """The names of those in a candidate that cannot be asked for new rows: predictions in a file, models at sites."""
    return [one.entrant.name for one in lineage(candidate, known).values() if not _answers(one.entrant)]


def why_unanswering(candidate: Candidate, known: Mapping[Digest, Candidate]) -> str:
    """Why a candidate cannot be asked for new rows, in words; empty where it can."""
    name, away = candidate.entrant.name, unanswering(candidate, known)
    at_sites = [one.entrant.name for one in lineage(candidate, known).values() if one.entrant.joint]
    kinds = {
        "in a file": [other for other in away if other not in at_sites],
        "of models that stay at the sites": [other for other in away if other in at_sites],
    }
    whose = {what: "its predictions" if names == [name] else _those_of(names) for what, names in kinds.items() if names}
    return ", and ".join(f"{predictions} are {what}" for what, predictions in whose.items())


def _those_of(names: Sequence[str]) -> str:
    return f"the predictions of {' and '.join(names)}, which it joins,"


def _answers(entrant: Entrant) -> bool:
    return entrant.had.answers and (entrant.joint is None or entrant.joint.join.answers)


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


def asked_shares(candidate: Candidate, known: Mapping[Digest, Candidate], *, asked: bool = True) -> dict[Digest, float]:
    """The share of the rows that each of those in a candidate predicts that do so by models of their own.

    Who is asked in several ways counts for what these add up to, all rows at most.

    Args:
        asked: of new rows; otherwise of the test part, which all but those in a cascade have predicted.
    """
    return _shares(candidate, known, asked=asked)


def _shares(
    candidate: Candidate, known: Mapping[Digest, Candidate], *, asked: bool = True, calling: bool = False
) -> dict[Digest, float]:
    """As `asked_shares`; with those, if they are `calling`, that join others and make requests of their own besides."""
    found: dict[Digest, dict[Digest, float]] = {}
    for digest, one in lineage(candidate, known, asked=asked).items():
        joint = one.entrant.joint
        if joint is None or joint.join.own:
            found[digest] = {digest: 1.0}
            continue
        below = _added({parent: found[parent] for parent in _parents(one.entrant, asked=asked)}, joint.needs)
        found[digest] = below | ({digest: 1.0} if calling and one.calls else {})
    return found[candidate.entrant.digest]


def _added(below: Mapping[Digest, Mapping[Digest, float]], needs: Needs) -> dict[Digest, float]:
    shares = dict(zip(needs.parents, needs.shares, strict=True)) if needs.shares else dict.fromkeys(below, 1.0)
    total: dict[Digest, float] = defaultdict(float)
    for parent, each in below.items():
        for digest, share in each.items():
            total[digest] = min(1.0, total[digest] + shares.get(parent, 0.0) * share)
    return dict(total)


def cost_of(joint: Joint, known: Mapping[Digest, Candidate], asked: Sequence[float] = ()) -> Cost:
    """What a joint takes, by its way to join.

    Args:
        asked: the share of the test part that each parent was asked about, where that is known.
    """
    cost: Cost = load(joint.join.cost)(joint, known, asked)
    return cost


def added_up(joint: Joint, known: Mapping[Digest, Candidate], asked: Sequence[float] = ()) -> Cost:
    """What parents take together: who is reached in several ways counts once; of money also talks, for their requests.

    All parents were fitted. Those that are asked about some rows only count for so much of their time.
    """
    parents = [member(known, digest) for digest in joint.parents]
    fitted = {one.entrant.digest: one for parent in parents for one in singles(parent, known, asked=False)}
    each = {parent.entrant.digest: asked_shares(parent, known, asked=False) for parent in parents}
    needs = replace(joint.needs, parents=joint.parents, shares=tuple(asked)) if asked else joint.needs
    predicted = _added(each, needs)
    apart = [(parent, each[parent.entrant.digest]) for parent in parents if _joins(parent)]
    joining = sum(max(0.0, parent.predict_s - _spent(shares, known)) for parent, shares in apart)
    of_rows = _added({d: asked_shares(member(known, d), known) for d in joint.needs.parents}, joint.needs)
    rows = [None if (s := member(known, d).row_s) is None else share * s for d, share in of_rows.items() if share]
    callers = _added({d: _shares(member(known, d), known, calling=True) for d in joint.needs.parents}, joint.needs)
    called = [(share, calls) for d, share in callers.items() if share and (calls := member(known, d).calls)]
    money = [None if calls.row_money is None else share * calls.row_money for share, calls in called]
    return Cost(
        fit_s=sum(one.fit_s for one in fitted.values()),
        predict_s=_spent(predicted, known) + joining,
        row_s=None if None in rows else sum(seconds or 0.0 for seconds in rows),
        row_money=None if not money or None in money else sum(each or 0.0 for each in money),
    )


def of_its_own(joint: Joint, known: Mapping[Digest, Candidate], asked: Sequence[float] = ()) -> Cost:  # noqa: ARG001
    """What parents took to fit; what is merged predicts by models of its own, and its time is measured."""
    parents = [member(known, digest) for digest in joint.parents]
    return Cost(fit_s=sum(parent.fit_s for parent in parents), predict_s=0.0, row_s=None)


def of_its_rounds(joint: Joint, known: Mapping[Digest, Candidate], asked: Sequence[float] = ()) -> Cost:  # noqa: ARG001
    """What sites and server took to train it; its parent was trained apart from it."""
    return Cost(fit_s=joint.artifacts["fit_s"], predict_s=0.0, row_s=None)


def row_s_of(candidate: Candidate, known: Mapping[Digest, Candidate]) -> float | None:
    """Seconds to predict one row of many on one core; none where that was not measured."""
    return (
        cost_of(candidate.entrant.joint, known).row_s
        if _joins(candidate) and candidate.entrant.joint
        else candidate.row_s
    )


def row_money_of(candidate: Candidate, known: Mapping[Digest, Candidate]) -> float | None:
    """The money that predicting one row takes; none where nobody is asked, or somebody who is has no price."""
    if _joins(candidate) and candidate.entrant.joint:
        below = cost_of(candidate.entrant.joint, known).row_money
        if candidate.calls is None or below is None:
            return below
        return None if candidate.calls.row_money is None else below + candidate.calls.row_money
    return candidate.calls.row_money if candidate.calls else None


def _joins(candidate: Candidate) -> bool:
    """Whether it predicts by what others predict."""
    return candidate.entrant.joint is not None and not candidate.entrant.joint.join.own


def _spent(shares: Mapping[Digest, float], known: Mapping[Digest, Candidate]) -> float:
    return sum(share * member(known, digest).predict_s for digest, share in shares.items())


def _parents(entrant: Entrant, *, asked: bool) -> tuple[Digest, ...]:
    if entrant.joint is None:
        return ()
    return entrant.joint.needs.parents if asked else entrant.joint.parents
