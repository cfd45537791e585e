"""Credit as a process: one job an alliance, of the members that count, on the test part."""

from __future__ import annotations

from dataclasses import replace

import pytest

from concours.cooperate.credit import Credit
from concours.core.digests import digest_json
from concours.core.entrant import Candidate, Entrant
from concours.core.joint import Joint
from concours.stores.memory import MemoryStore
from concours.testing.processes import all_fail, all_well, check_process, final_state
from concours.testing.toys import toy_candidates, toy_problem

WEIGHTS = {"weights": [0.5, 0.5, 0.0, 0.0], "fold_weights": [[0.5, 0.5, 0.0, 0.0]] * 2 + [[0.0, 0.5, 0.5, 0.0]]}
LEARNERS = {"model": digest_json("layer"), "fold_models": [digest_json(i) for i in range(3)]}


def fitted(candidate: Candidate) -> Candidate:
    name = candidate.entrant.name
    return replace(candidate, oof=digest_json([name, "oof"]), test=digest_json([name, "test"]))


def alliance(how: str, rule: str, members: list[Candidate], **joined) -> Entrant:
    joint = Joint(how=how, parents=[member.entrant.digest for member in members], **joined)
    return Entrant(name=how, recipe=rule, prepare="none", role="alliance", joint=joint)


def everybody() -> list[Candidate]:
    baseline, *members = (fitted(c) for c in toy_candidates(4))
    made = [
        alliance("average", "mean", members, weights=[0.25] * 4),
        alliance("greedy", "mean", members, **WEIGHTS),
        alliance("stack", "pool", members, **WEIGHTS),
        alliance("budgeted", "mean", members[:1], weights=[1.0]),
        alliance("stack-boosted", "boosted", members, weights=[0.0] * 4, artifacts=LEARNERS),
    ]
    return [baseline, *members, *(fitted(Candidate(entrant=entrant)) for entrant in made)]


def jobs(*, test: bool) -> dict:
    process = Credit(problem=toy_problem(MemoryStore(), test=test))
    planned = process.plan(process.init(everybody(), seed=0)).jobs
    return {job.label.removesuffix(": credit"): job for job in planned}


@pytest.mark.parametrize("test", [True, False])
def test_laws(test):
    """It is a process: pure, and finished when its jobs have ended, however they do."""
    check_process(Credit(problem=toy_problem(MemoryStore(), test=test)), everybody())


def test_who_has_no_weight_is_left_out():
    """Members without a weight are no part of the job; an alliance of one has none; of a layer all members are."""
    found = jobs(test=True)
    assert list(found) == ["average", "greedy", "stack", "stack-boosted"]
    assert found["greedy"].params["weights"] == [[0.5, 0.5]]
    assert found["greedy"].inputs["predictions1"] == digest_json(["toy1", "test"])
    assert "predictions2" not in found["greedy"].inputs
    assert "predictions3" in found["stack-boosted"].inputs
    assert found["stack-boosted"].inputs["model0"] == digest_json("layer")


def test_a_stack_is_weighed_again():
    """A stack's job has the members' out-of-fold predictions besides those that judge; no other has."""
    found = jobs(test=True)
    assert {name: job.params["refit"] for name, job in found.items()} == {
        "average": False, "greedy": False, "stack": True, "stack-boosted": False,
    }  # fmt: skip
    assert found["stack"].inputs["oof1"] == digest_json(["toy1", "oof"])
    assert not any(key.startswith("oof") for key in found["greedy"].inputs)


def test_without_a_test_part():
    """Out-of-fold predictions judge, with the weights and layers of the folds; who counts in one fold is a member."""
    found = jobs(test=False)
    assert found["greedy"].params["weights"] == [[0.5, 0.5, 0.0], [0.5, 0.5, 0.0], [0.0, 0.5, 0.5]]
    assert found["greedy"].inputs["predictions2"] == digest_json(["toy2", "oof"])
    assert found["stack-boosted"].inputs["model2"] == digest_json(2)
    assert found["average"].params["weights"] == [[0.25] * 4]


def test_outcomes_have_the_names_of_members():
    """How each job ended comes with the names that its values are in the order of."""
    process = Credit(problem=toy_problem(MemoryStore()))
    for answer in (all_well, all_fail):
        state = final_state(process, everybody(), answer, seed=0, order=0)
        outcomes = process.outcomes(state)
        assert outcomes["greedy"][0] == ("toy0", "toy1")
        assert outcomes["average"][1] == answer(jobs(test=True)["average"])
