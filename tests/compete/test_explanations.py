"""The explanations: what there is no time for is named, and found out later."""

from __future__ import annotations

from dataclasses import replace

from concours.compete.explanations import Explanations
from concours.core.event import BUDGET_SPENT, Done, Failed
from concours.core.job import Job
from concours.core.needs import Needs
from concours.stores.memory import MemoryStore
from concours.testing.processes import all_well, final_state
from concours.testing.toys import toy_candidates, toy_problem

PROBLEM = replace(toy_problem(MemoryStore()), kind="tabular-classification")


def test_what_there_was_no_time_for_is_late_and_not_missing() -> None:
    """By words that a reader knows, learning curves as one; what failed of itself has its reason."""
    candidates = toy_candidates(3)[1:]
    explanations = Explanations(problem=PROBLEM, default=candidates[0])

    def ended(job: Job) -> Done | Failed:
        if job.runner in ("curve", "importance"):
            return Failed(job=job.digest, cause="out_of_time", reason=f"{BUDGET_SPENT} (40 s)")
        if job.runner == "card":
            return Failed(job=job.digest, cause="exception", reason="ValueError: odd")
        return all_well(job)

    found = explanations.findings(final_state(explanations, candidates, ended, seed=0, order=0))
    assert set(found["late"]) == {"which columns matter", "learning curves"}
    assert found["missing"] == {"card": "ValueError: odd"}


def test_the_cheaper_explanations_come_first() -> None:
    """Columns before learning curves where models predict fast, and after them where they are slow."""
    for row_s, first in ((0.0, "importance"), (1.0, "curve")):
        candidates = [
            replace(candidate, fit_s=9.0, row_s=row_s, models=("sha256:" + "0" * 64,))
            for candidate in toy_candidates(3)[1:]
        ]
        explanations = Explanations(problem=PROBLEM, default=candidates[0])
        kinds = [job.runner for job in explanations.plan(explanations.init(candidates, seed=0)).jobs]
        assert next(kind for kind in kinds if kind in ("curve", "importance")) == first
        assert kinds[0] == "card"


def test_what_is_fitted_again_needs_what_its_fits_needed() -> None:
    """A GPU of its own, where its settings name one."""
    candidates = [
        replace(
            candidate,
            entrant=replace(candidate.entrant, params={"device": device}),
            fit_s=1.0,
            models=("sha256:" + "0" * 64,),
        )
        for candidate, device in zip(toy_candidates(3)[1:], ("cuda", "cpu", "cuda:1"), strict=True)
    ]
    explanations = Explanations(problem=PROBLEM, default=candidates[0])
    jobs = explanations.plan(explanations.init(candidates, seed=0)).jobs
    curves = [job for job in jobs if job.runner == "curve"]
    assert {job.params["params"]["device"] for job in curves} == {"cuda", "cpu", "cuda:1"}
    assert all(job.needs == Needs.of_params(job.params["params"]) for job in curves)
