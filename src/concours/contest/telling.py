"""What is said before anybody is asked: which difference of two models questions can tell, and what talks take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from concours.contest.setup import Setup
from concours.core.entrant import Candidate
from concours.core.joins import JOINS
from concours.core.problem import Problem
from concours.core.written import counted
from concours.engine.talks import TALKS
from concours.kernels.ranking.questions import difference_of, questions_for
from concours.tasks.outputs.table import output_valued

_SMALL = 0.03
"""The difference whose questions are told beside: Miller's example."""


def telling(problem: Problem) -> str:
    """A line of which difference of two models can be told; nothing where answers have no scores from 0 to 1.

    Two models are taken to be apart, one right and the other wrong, on every ninth question (`questions.APART`).
    """
    output, name = output_valued(problem.output), problem.metrics[0].name
    if "answers" not in output.can or name not in output.measures:
        return ""
    metric = output.metric(name)
    if (metric.low, metric.high) != (0.0, 1.0):
        return ""
    part = problem.test or problem.train
    least, needed = 100 * difference_of(part.rows), questions_for(_SMALL)
    grouped = " (which count as fewer, as some belong together)" if part.groups else ""
    small = f"; {100 * _SMALL:.0f} points would take {needed:,} questions" if part.rows < needed else ""
    return (
        f"the {counted(part.rows, 'question')} that judge{grouped} tell two models apart four times in five if they "
        f"differ by about {least:.2g} points of 100{small}"
    )


def talked(setup: Setup) -> list[str]:
    """How many requests talks are going to take besides what entrants take, a line each."""
    problem, lines = setup.problem, list[str]()
    rows = problem.train.rows + (problem.test.rows if problem.test else 0)
    for one in setup.strategies:
        if usual := JOINS[one.how].rounds:
            asked = [c for c in setup.candidates if c.entrant.had.calls and (not one.of or c.entrant.name in one.of)]
            most = rows * TALKS[one.how].most(len(asked), one.rounds or usual)
            lines.append(f"{one.name} asks besides, where its members differ: {most:,} requests at most")
    return lines


def judged_by_themselves(problem: Problem, candidates: Sequence[Candidate]) -> list[str]:
    """Who competes and judges too, a line each: a judge is apt to like what it wrote itself."""
    where = {_address(c.entrant.recipe, c.entrant.params): c.entrant.name for c in candidates}
    judges = [
        (judge["name"], _address(judge["recipe"], judge["params"])) for judge in problem.output.meta.get("judges", ())
    ]
    return [
        f"the judge {name} is {where[address]}, who competes: it judges what it wrote itself"
        for name, address in judges
        if address in where
    ]


def _address(recipe: str, params: Mapping[str, Any]) -> tuple[str, Any]:
    return recipe, params.get("base_url")
