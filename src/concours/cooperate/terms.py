"""Terms of credit: by way to join, which members of an alliance count, and how some of them would be joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from concours.core.digests import Digest
from concours.core.joint import Joint
from concours.core.needed import meta_learners as learners_of
from concours.core.registry import load
from concours.kernels.merging.mixes import Mix


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How coalitions of an alliance's members are joined.

    Attributes:
        members: digests of the parents that count where it is evaluated.
        weights: (groups of rows, members): one group, or one for each fold.
        refit: whether the weights are found again for each coalition.
        learners: meta-learners that join instead of weights, for each group.
        thresholds: (groups, members), where members are asked one after the other: the confidence from which each
            answers.
        scorers: (groups, members), where answers are believed by what speaks for them
            (`kernels.joining.scorers.Scorer.to_json`).
        handicaps: (groups, members), where learners are routers: what speaks against asking each.
        mixes: where it is their models that are joined, how, for each group.
    """

    members: tuple[Digest, ...]
    weights: tuple[tuple[float, ...], ...]
    refit: bool = False
    learners: tuple[Digest, ...] = ()
    thresholds: tuple[tuple[float, ...], ...] = ()
    scorers: tuple[tuple[Any, ...], ...] = ()
    handicaps: tuple[tuple[float, ...], ...] = ()
    mixes: tuple[Mix, ...] = ()


def terms_of(joint: Joint, *, by_fold: bool) -> Terms:
    """The terms of a joint, on new rows or, `by_fold`, on out-of-fold predictions."""
    terms: Terms = load(joint.join.credit)(joint, by_fold=by_fold)
    return terms


def kept_weights(joint: Joint, *, by_fold: bool) -> Terms:
    """A coalition has the alliance's weights, scaled to sum to one; who has none in any group does not count."""
    weights = joint.fold_weights if by_fold and joint.fold_weights else (joint.weights,)
    used = [i for i in range(len(joint.parents)) if any(row[i] for row in weights)]
    return Terms(
        members=tuple(joint.parents[i] for i in used), weights=tuple(tuple(row[i] for i in used) for row in weights)
    )


def kept_thresholds(joint: Joint, *, by_fold: bool) -> Terms:
    """Who is there is asked in the same order and answers by the same thresholds, and the last of them always."""
    asked, thresholds, scorers = (_groups(joint, name, by_fold=by_fold) for name in ("asked", "thresholds", "scorers"))
    some = [i for i in range(len(joint.parents)) if any(row[i] for row in asked)]

    def listed(rows: Sequence[Sequence[Any]]) -> tuple[tuple[Any, ...], ...]:
        return tuple(tuple(row[i] for i in some) for row in rows)

    return Terms(
        members=tuple(joint.parents[i] for i in some),
        weights=listed(asked),
        thresholds=listed(thresholds),
        scorers=listed(scorers),
    )


def kept_scorers(joint: Joint, *, by_fold: bool) -> Terms:
    """A row has the answer for which most speaks of those who are there, and nobody hears who is not."""
    scorers = _groups(joint, "scorers", by_fold=by_fold)
    return Terms(members=joint.parents, weights=((1.0,) * len(joint.parents),), scorers=tuple(map(tuple, scorers)))


def _groups(joint: Joint, name: str, *, by_fold: bool) -> Sequence[Sequence[Any]]:
    """An artifact for each fold, or that for new rows; nothing where there is none."""
    kept: dict[str, Any] = dict(joint.artifacts)
    if name not in kept:
        return ()
    return kept[f"fold_{name}"] if by_fold and joint.fold_weights else [kept[name]]  # type: ignore[no-any-return]


def kept_routers(joint: Joint, *, by_fold: bool) -> Terms:
    """A row goes to whoever is there and would be asked before all others that are."""
    kept, folds = joint.artifacts, by_fold and bool(joint.fold_weights)
    return Terms(
        members=joint.parents,
        weights=joint.fold_weights if folds else (joint.weights,),
        learners=tuple(learners_of(joint, by_fold=folds)),
        handicaps=tuple(map(tuple, kept["fold_handicaps"] if folds else [kept["handicaps"]])),
    )


def of_nobody(joint: Joint, *, by_fold: bool) -> Terms:  # noqa: ARG001
    """No coalition is joined: each would have to be asked anew."""
    return Terms(members=(), weights=((),))


def merged_again(joint: Joint, *, by_fold: bool) -> Terms:
    """Models of who is there are merged, with the alliance's weights scaled to sum to one."""
    terms, folds = kept_weights(joint, by_fold=by_fold), by_fold and bool(joint.fold_weights)
    kept: Any = joint.artifacts.get("fold_mixes" if folds else "mix") or {}
    each = kept if isinstance(kept, Sequence) else [kept] * len(terms.weights)
    places = [joint.parents.index(member) for member in terms.members]
    rows = joint.fold_weights if folds else (joint.weights,)
    mixes = tuple(Mix.of(row, one).only(places) for row, one in zip(rows, each, strict=True))
    return replace(terms, mixes=mixes)


def weights_found_again(joint: Joint, *, by_fold: bool) -> Terms:
    """As `kept_weights`, but a coalition's weights are those that suit it best."""
    kept = kept_weights(joint, by_fold=by_fold)
    return replace(kept, refit=True)


def meta_learners(joint: Joint, *, by_fold: bool) -> Terms:
    """Everybody counts: the meta-learners stay as they are, and somebody speaks for who is absent."""
    return Terms(members=joint.parents, weights=(joint.weights,), learners=tuple(learners_of(joint, by_fold=by_fold)))
