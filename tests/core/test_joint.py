"""Joints as values: what they are made of, what they read, and what the digest of an entrant has of them."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.core.digests import Digest, digest_json
from concours.core.entrant import Candidate, Entrant
from concours.core.errors import ContentRefused, RunFolderError
from concours.core.joins import JOINS
from concours.core.joint import Joint
from concours.core.lineage import added_up, lineage, singles
from concours.core.registry import load

MODEL = digest_json("model")
KEPT: dict[str, Any] = {
    "stack-boosted": {"model": MODEL, "fold_models": [MODEL, digest_json("other")]},
    "by-horizon": {"model": MODEL, "fold_models": [MODEL, digest_json("other")]},
    "council": {"agents": [MODEL], "field": [MODEL, digest_json("other")]},
    "mixture": {"rounds": 1, "last": 0, "fold_last": [0]},
    "debate": {"rounds": 2, "last": 0, "fold_last": [0]},
    "budgeted": {"limits": {"size_mb": 2.0}, "uses": {"size_mb": 1.5}},
    "distil": {"student": {"recipe": "logistic", "params": {"C": 2.0}, "code": None}, "lessons": {"mix": 0.5}},
    "prune": {"slimmed": {"share": 0.5}},
    "quantize": {"slimmed": {}},
    "federated": {"fold_models": [MODEL], "fit_s": 1.5},
    "alone": {"at_home": [MODEL], "fit_s": 1.5},
    "personal": {"at_home": [MODEL], "fit_s": 1.5},
}


def kept(how: str, parents: int, folds: int = 0) -> dict[str, Any]:
    """What a joint of so many parents keeps, by its way to join."""
    if how == "cascade":
        each = [0.5] * parents
        by_fold = {"fold_thresholds": [each] * folds, "fold_asked": [each] * folds}
        return {"thresholds": each, "asked": each, **by_fold}
    if how == "select":
        scorers = [[[0.5], [1.0], [0.0]]] * parents
        return {"scorers": scorers, "fold_scorers": [scorers] * folds}
    if how == "route":
        each, routers = [0.5] * parents, {"model": MODEL, "fold_models": [MODEL] * folds}
        told = {"curve": [[0.0, 1.0, 0.5], [1.0, 2.0, 0.75]], "chosen": [0.5, 1.5, 0.7]}
        return {**routers, "handicaps": each, "fold_handicaps": [each] * folds, "asked": each, **told}
    if how in ("ties", "evolve", "evolve-ties"):
        mix = {"layers": [[0.5] * parents] * 2} if how == "evolve" else {"density": 0.5}
        return {"mix": mix, "fold_mixes": [mix] * folds}
    return KEPT.get(how, {})


@pytest.mark.parametrize(
    "wrong",
    [
        {"mix": {"density": 0.0}},
        {"mix": {"density": 1.5}},
        {"mix": {"layers": [[0.5]]}},
        {"mix": {"layers": [[1.5, -0.5]]}},
        {"mix": {"density": 0.5}, "fold_mixes": [{"density": 0.5}] * 3},
        {"mix": {"density": "much"}},
        {},
    ],
)
def test_a_mix_that_is_none_is_refused(wrong: dict[str, Any]) -> None:
    """A density beyond what there is, weights of other members, other folds, and none where there must be one."""
    joint = {"how": "ties", "parents": [MODEL] * 2, "weights": [0.5, 0.5], "fold_weights": [[0.5, 0.5]] * 2}
    with pytest.raises(ContentRefused):
        Joint.from_json({**joint, "artifacts": wrong})
    right = {"mix": {"density": 0.5}, "fold_mixes": [{"density": 0.5}, {"density": 1.0}]}
    assert Joint.from_json({**joint, "artifacts": right}).artifacts["mix"] == {"density": 0.5}


def single(name: str, **costs: Any) -> Candidate:
    return Candidate(entrant=Entrant(name, "sklearn.svm:SVC", {"C": len(name)}), **costs)


def alliance(
    name: str, members: list[Candidate], *, how: str = "greedy", weights: Any = None, **costs: Any
) -> Candidate:
    joint = Joint(
        how=how,
        parents=[member.entrant.digest for member in members],
        weights=weights or [1 / len(members)] * len(members),
        artifacts=kept(how, len(members)),
    )
    return Candidate(entrant=Entrant(name, "mean", prepare="none", role="alliance", joint=joint), **costs)


def by_digest(*candidates: Candidate) -> dict[Digest, Candidate]:
    return {candidate.entrant.digest: candidate for candidate in candidates}


# Digests


@pytest.mark.parametrize(
    ("entrant", "digest"),
    [
        (Entrant("any", "dnn"), "sha256:27279daf9458ba5229b9df558d83c88ed8f12e5303b90b486b4834f10dc6c3d8"),
        (
            Entrant("any", "sklearn.svm:SVC", {"C": 0.5}, "matrix"),
            "sha256:6c92caf28eddfacd5ec72434a6b9f96bf3a01158f8487d2a3536cd66e5424037",
        ),
        (
            Entrant("any", "./mine.py:Model", role="baseline"),
            "sha256:a9098cc9343f6f42031d38c52e5f1702ee1b8829cb70a8d88ed9e60c8a48ced1",
        ),
        (
            alliance("any", [single("a"), single("bb")]).entrant,
            "sha256:da6bd13256c416dbef3722996a414540c34e6f94800cbacdd5d1ec01e426cea8",
        ),
    ],
)
def test_digests_stay_what_they_were(entrant: Entrant, digest: str) -> None:
    """Seeds follow from them: of what has no joint nothing of joints counts, and of alliances what always counted."""
    assert entrant.digest == digest


def test_how_weights_were_found_is_no_part_of_a_digest() -> None:
    """Two alliances that predict the same are the same, whatever they are called."""
    members = [single("a"), single("bb")]
    one, other = alliance("one", members, how="greedy"), alliance("other", members, how="average")
    assert one.entrant.digest == other.entrant.digest
    assert one.entrant.digest != alliance("one", members, weights=[0.25, 0.75]).entrant.digest
    assert one.entrant.digest != alliance("one", members[::-1]).entrant.digest


# Values

WEIGHTS = st.lists(st.floats(0, 1), min_size=1, max_size=4)


@given(how=st.sampled_from(sorted(JOINS)), weights=WEIGHTS, folds=st.integers(0, 3))
@settings(max_examples=60)
def test_what_is_written_is_read(how: str, weights: list[float], folds: int) -> None:
    """As JSON and as a pickle, alone and in an entrant."""
    parents = [digest_json(number) for number in range(len(weights))]
    joint = Joint(
        how=how,
        parents=parents,
        weights=weights,
        fold_weights=[weights] * folds,
        artifacts=kept(how, len(parents), folds),
    )
    assert Joint.from_json(joint.to_json()) == pickle.loads(pickle.dumps(joint)) == joint
    entrant = Entrant("both", "mean", role="alliance", joint=joint)
    assert Entrant.from_json(entrant.to_json()) == pickle.loads(pickle.dumps(entrant)) == entrant
    assert Entrant.from_json(entrant.to_json()).digest == entrant.digest


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "another way": ({"how": "gredy"}, "how: 'gredy' is no way to join; did you mean 'greedy'"),
    "another key": ({"rule": "mean"}, "joint.rule is not known"),
    "an old key": ({"model": MODEL}, "joint.model is not known"),
    "no parents": ({"parents": [], "weights": []}, "expected parents"),
    "a weight too few": ({"weights": [1.0]}, "a weight for each of 2"),
    "a fold's weight too many": ({"fold_weights": [[0.5, 0.5], [0.2, 0.3, 0.5]]}, "a weight for each of 2"),
    "no digest": ({"parents": ["../../etc", "b"]}, r"joint.parents\[0\]: expected a digest"),
    "no number": ({"weights": ["a", "b"]}, r"joint.weights\[0\]: expected a number"),
    "no learner": ({"how": "stack-boosted"}, "artifacts.model is missing"),
    "a threshold too few": (
        {
            "how": "cascade",
            "artifacts": {"thresholds": [0.5], "fold_thresholds": [], "asked": [1.0, 0.5], "fold_asked": []},
        },
        "a threshold and a share for each of 2",
    ),
    "a fold without thresholds": (
        {
            "how": "cascade",
            "fold_weights": [[0.5, 0.5]] * 2,
            "artifacts": {
                "thresholds": [0.5, 0.0],
                "fold_thresholds": [[0.5, 0.0]],
                "asked": [1.0, 0.5],
                "fold_asked": [],
            },
        },
        "in each fold",
    ),
    "a handicap too few": (
        {"how": "route", "artifacts": {**kept("route", 2), "handicaps": [0.5]}},
        "a threshold and a share for each of 2",
    ),
    "a strange artifact": ({"artifacts": {"code": MODEL}}, "artifacts.code is not known"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_joint_is_refused(name: str) -> None:
    """In a line that says where, whatever a stranger's file has."""
    change, message = WRONG[name]
    value = alliance("both", [single("a"), single("bb")]).entrant.to_json()
    with pytest.raises(ContentRefused, match=message):
        Entrant.from_json({**value, "joint": {**value["joint"], **change}})


@pytest.mark.parametrize("change", [{"role": "single"}, {"joint": None}])
def test_alliances_and_nobody_else_have_a_joint(change: dict[str, Any]) -> None:
    """What a board shows as an alliance is one."""
    value = alliance("both", [single("a"), single("bb")]).entrant.to_json()
    with pytest.raises(ContentRefused, match="expected a joint of an alliance"):
        Entrant.from_json({**value, **change})


@pytest.mark.parametrize("how", JOINS)
def test_every_way_to_join_is_whole(how: str) -> None:
    """Each reference of its row leads somewhere."""
    row = JOINS[how]
    for reference in (row.plan, row.fit, row.run, row.needs, row.credit, row.cost):
        assert callable(load(reference)), reference
    assert load(row.plan).how == how or row.declared  # of a table of its own several rows may come


def test_what_predicting_reads() -> None:
    """Who has no weight is not asked; a meta-learner hears everybody, and is read itself."""
    members = [single("a"), single("bb"), single("ccc")]
    digests = tuple(member.entrant.digest for member in members)
    weighed = alliance("x", members, weights=[0.5, 0.0, 0.5]).entrant.joint
    learned = alliance("x", members, weights=[0.5, 0.0, 0.5], how="stack-boosted").entrant.joint
    assert weighed.needs.parents == (digests[0], digests[2])
    assert (learned.needs.parents, learned.needs.objects) == (digests, (MODEL,))


# Lineage


def test_everybody_in_an_alliance_comes_once_after_those_that_it_joins() -> None:
    """Whatever the ways that lead to it; who has no weight is left out where only those are wanted that are asked."""
    a, b, c = single("a"), single("bb"), single("ccc")
    inner = alliance("inner", [a, b], weights=[1.0, 0.0])
    outer = alliance("outer", [c, inner, a])
    known = by_digest(a, b, c, inner)
    names = [one.entrant.name for one in lineage(outer, known).values()]
    assert sorted(names) == ["a", "ccc", "inner", "outer"]
    assert names.index("a") < names.index("inner") < names.index("outer")
    assert {one.entrant.name for one in singles(outer, known, asked=False)} == {"a", "bb", "ccc"}
    with pytest.raises(RunFolderError, match="lacks a member"):
        lineage(outer, by_digest(a, c))


def test_a_tower_of_alliances_is_walked_once_a_storey() -> None:
    """Two ways lead from each storey to the next: to walk all of them would take for ever, and a call each too many."""
    floor, known = single("a"), by_digest(single("a"))
    for storey in range(2000):
        floor = alliance(f"storey {storey}", [floor, floor])
        known |= by_digest(floor)
    assert len(lineage(floor, known)) == 2001


def test_costs_of_shared_members_count_once() -> None:
    """A model that is reached in two ways is fitted and asked once; what was not measured is not known."""
    a, b = single("a", fit_s=3.0, predict_s=1.0, row_s=0.5), single("bb", fit_s=4.0, predict_s=2.0, row_s=0.25)
    first = alliance("first", [a, b], fit_s=7.0, predict_s=3.5)
    second = alliance("second", [a, b], weights=[0.9, 0.1], fit_s=7.0, predict_s=3.25)
    outer = alliance("outer", [first, second]).entrant.joint
    known = by_digest(a, b, first, second)
    cost = added_up(outer, known)
    assert (cost.fit_s, cost.predict_s, cost.row_s) == (7.0, 3.75, 0.75)
    flat = alliance("flat", [a, b], weights=[1.0, 0.0]).entrant.joint
    assert added_up(flat, known).row_s == 0.5
    assert added_up(flat, known | by_digest(replace(a, row_s=None))).row_s is None


@pytest.mark.parametrize("wrong", [{"last": 2}, {"last": -1}, {"fold_last": [0, 5]}, {"rounds": 0}])
def test_a_talk_without_somebody_who_has_the_last_word_is_none(wrong: dict[str, Any]) -> None:
    """Of a run folder that somebody has changed."""
    value = {"how": "mixture", "parents": [MODEL, MODEL], "weights": [0.5, 0.5], "fold_weights": []}
    assert Joint.from_json({**value, "artifacts": KEPT["mixture"]}).artifacts["rounds"] == 1
    with pytest.raises(ContentRefused, match="the last word"):
        Joint.from_json({**value, "artifacts": {**KEPT["mixture"], **wrong}})
