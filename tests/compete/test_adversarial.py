"""Attackers against defenders as a process: its laws, its rounds, and when they end. No model is run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from concours.compete.adversarial import Adversarial
from concours.compete.robustness import ATTACKS, Defender, Robustness, is_network
from concours.core.digests import digest_json
from concours.core.entrant import Candidate, Entrant
from concours.core.event import Done, Failed
from concours.core.job import Job
from concours.stores.memory import MemoryStore
from concours.testing import check_process
from concours.testing.processes import check_outcome_is_settled, final_state
from concours.testing.toy_values import invented_values
from concours.testing.toys import toy_problem

PROBLEM = toy_problem(MemoryStore())
NETWORK = "concours.entrants.neural:DenseClassifier"
CANDIDATES = (
    Candidate(entrant=Entrant(name="dummy", recipe="sklearn.dummy:DummyClassifier", prepare="none", role="baseline")),
    Candidate(entrant=Entrant(name="dnn", recipe=NETWORK, prepare="pixels")),
    Candidate(entrant=Entrant(name="cnn", recipe="concours.entrants.neural:ConvClassifier", prepare="none")),
    Candidate(entrant=Entrant(name="forest", recipe="sklearn.ensemble:RandomForestClassifier", prepare="pixels")),
)
GAME = Adversarial(problem=PROBLEM, epsilon=0.1, rounds=3)


def answer(job: Job, *, gain: float | None = None) -> Done:
    """How a job ends well: shares made from its digest; what a round gains is certain unless it is given."""
    values = invented_values(job)
    if "change" in values:
        values["change"] = 0.5 if gain is None else gain
    outputs = {name: digest_json([job.digest, name]) for name in job.outputs}
    return Done(job=job.digest, outputs=outputs, values=values)


def ended(game: Adversarial = GAME, how: Any = answer) -> dict[str, Defender]:
    """The defenders in the end, by name."""
    state = final_state(game, CANDIDATES, how, seed=0, order=0)
    return {defender.candidate.entrant.name: defender for defender in game.defenders(state)}


def robustness(defenders: dict[str, Defender]) -> Robustness:
    """The evaluation of these defenders."""
    return Robustness(problem=PROBLEM, epsilon=0.1, defenders=tuple(defenders.values()))


@pytest.mark.parametrize("rounds", [0, 1, 3])
def test_conformance(rounds: int) -> None:
    """The laws of processes, and a board that does not depend on the order in which jobs end or fail."""
    game = replace(GAME, rounds=rounds)
    check_process(game, CANDIDATES, answer=answer)
    check_outcome_is_settled(game, CANDIDATES)


def test_conformance_of_robustness() -> None:
    """With a test part and without; and with nobody."""
    for problem in (PROBLEM, toy_problem(MemoryStore(), test=False)):
        check_process(replace(robustness(ended()), problem=problem), (), answer=answer)
    check_process(robustness({}), (), answer=answer)


def test_networks_enter_twice_and_attacks_suit_the_defender() -> None:
    """Attacks that follow gradients are made on networks of ours alone; other models meet the square attack."""
    defenders = ended()
    assert list(defenders) == ["dummy", "dnn", "dnn-hardened", "cnn", "cnn-hardened", "forest"]
    assert defenders["forest"].trials[0].attacks == ("square",)
    assert defenders["dnn-hardened"].trials[0].attacks == tuple(ATTACKS)
    assert not is_network(Entrant(name="x", recipe=NETWORK, prepare="patches"))
    digests = {defender.candidate.entrant.digest for defender in defenders.values()}
    assert len(digests) == 6


def test_who_meets_no_attack_takes_no_part() -> None:
    """Says why, and what to do; the others play on."""
    defenders = ended(replace(GAME, attacks=("fgsm", "pgd")))
    failed = defenders["forest"].failed
    assert failed
    assert failed.reason == 'fgsm and pgd follow gradients, and it has none; add "square" to the attacks'
    assert not defenders["forest"].jobs
    assert defenders["cnn"].status == "ok"
    check_process(replace(GAME, attacks=("fgsm",)), CANDIDATES, answer=answer)


def test_each_round_trains_on_the_last_weights_against_the_attack_that_left_least() -> None:
    """Of those that follow gradients; with the settings that this attack chose, shortened."""
    jobs = ended()["cnn-hardened"].jobs
    trials = (ended()["cnn"].trials[0], *ended()["cnn-hardened"].trials)
    training = [job for job in jobs if job.runner == "train_on_attacks"]
    assert len(training) == 3
    for job, before in zip(training, trials, strict=False):
        left = dict(zip(before.attacks, before.left, strict=True))
        assert job.inputs["model"] == before.model
        assert job.params["attack"] == min(("fgsm", "pgd"), key=left.__getitem__)
        assert "test" not in job.inputs
        assert PROBLEM.test
        assert PROBLEM.test.x not in job.inputs.values()


def test_the_best_round_is_the_defender() -> None:
    """No other round has a better worst case on the rows held out."""
    for defender in ended().values():
        assert defender.best
        assert defender.best.worst == max(trial.worst for trial in defender.trials)
        assert defender.candidate.models == (defender.best.model,)


@pytest.mark.parametrize(("gain", "rounds", "why"), [(0.5, 3, "3 rounds"), (0.1, 2, "no change beyond noise")])
def test_rounds_end_where_nothing_changes_beyond_noise(gain: float, rounds: int, why: str) -> None:
    """Or where there are no more; at least two are played."""
    found = ended(how=lambda job: answer(job, gain=gain))["dnn-hardened"]
    assert (len(found.trials), found.ended) == (rounds, why)


def test_a_defender_whose_training_fails_keeps_its_last_round() -> None:
    """One that never trained is failed, with the reason; the others go on."""

    def fails(number: int) -> Any:
        def how(job: Job) -> Done | Failed:
            if job.label.startswith(f"dnn-hardened: round {number}"):
                return Failed(job=job.digest, cause="out_of_time", reason="the budget is spent (9 s)")
            return answer(job)

        return how

    late, early = ended(how=fails(3))["dnn-hardened"], ended(how=fails(1))["dnn-hardened"]
    assert (late.status, len(late.trials), late.ended) == ("ok", 2, "the budget is spent (9 s)")
    assert (early.status, early.trials) == ("out_of_time", ())
    assert ended(how=fails(1))["cnn-hardened"].status == "ok"


def test_the_test_part_is_attacked_once_with_settings_chosen_before() -> None:
    """No job of the rounds is given it, and the robustness attacks with one setting an attack, at several ε."""
    defenders = ended()
    assert PROBLEM.test
    for defender in defenders.values():
        assert all(PROBLEM.test.x not in job.inputs.values() for job in defender.jobs)
    judging = robustness(defenders)
    jobs = judging.plan(judging.init((), seed=0)).jobs
    assert len(jobs) == len(defenders)
    for job in jobs:
        assert job.inputs["x"] == PROBLEM.test.x
        assert all(len(attack["settings"]) == 1 for attack in job.params["attacks"])
        assert 0.1 in job.params["epsilons"]
    assert max(replace(judging, epsilon=0.9).epsilons) == 1.0
