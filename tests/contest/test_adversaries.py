"""What the format `adversarial` refuses, in one line, before anything is run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from concours.contest import adversaries
from concours.contest.adversaries import FORMATS, OPTIONS
from concours.contest.setup import Setup
from concours.stores.blobs import put_table
from concours.stores.memory import MemoryStore
from concours.tasks.kinds import kind_named
from concours.testing.toys import toy_output, toy_problem

FORMAT = FORMATS["adversarial"]


def setup(kind: str = "image-classification", **options: Any) -> Setup:
    """A setup of this kind of task."""
    given = {name: option.default for name, option in OPTIONS.items()} | options
    form, classes = kind_named(kind), 0 if kind == "tabular-regression" else 2
    problem = replace(toy_problem(MemoryStore()), kind=kind, input=form.input.value, output=toy_output(classes))
    return Setup(
        problem=problem, candidates=(), skipped={}, seed=0, final="bag", strategies=(), format="adversarial",
        options=given,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (setup("text-classification"), "and a row here is a text; take pictures, or a table of numbers"),
        (setup("tabular-regression"), "this task asks for a number"),
        (setup("tabular-classification", game="generators"), "generators draw pictures, and a row here is a table"),
        (setup("text-classification", game="generators"), "generators draw pictures, and a row here is a text"),
        (setup(game="generators", rounds=0), "one round of training at least"),
    ],
)
def test_what_does_not_suit(given: Setup, words: str) -> None:
    """Says why."""
    assert words in FORMAT.unsuited(given)


def test_without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Says how to get it; with it, nothing is wrong."""
    assert FORMAT.unsuited(setup()) == ""
    monkeypatch.setattr(adversaries, "installed", lambda module: False)
    assert FORMAT.unsuited(setup()) == "its networks need torch; get it with: pip install 'concours[torch]'"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["hill", "dale"], "column 'a' holds no numbers"),
        ([True, False], "column 'a' holds no numbers"),
        ([1, None], "column 'a' has missing values"),
        ([1.0, float("nan")], "column 'a' has missing values"),
        ([1.0, 2.0], ""),
    ],
)
def test_a_table_must_be_numbers_throughout(values: list[Any], words: str) -> None:
    """Names the column, in the training part and in the test part."""
    store = MemoryStore()
    bad, good = (put_table(store, pa.table({"a": column})) for column in (values, [1.0, 2.0]))
    given = setup("tabular-classification")
    problem = given.problem
    assert problem.test
    for train, test in ((bad, good), (good, bad)):
        parts = replace(problem, train=replace(problem.train, x=train), test=replace(problem.test, x=test))
        why = FORMAT.unsuited_data(replace(given, problem=parts), store)
        assert words in why
        assert bool(why) == bool(words)


@pytest.mark.parametrize(
    ("option", "right", "wrong"),
    [
        ("epsilon", [0.001, 1, 1.0], [0, -0.1, 1.01, float("nan"), True, "0.1"]),
        ("attacks", [["fgsm"], ["square", "pgd"]], [[], ["pgd", "pgd"], ["pdg"], "pgd"]),
        ("pairs", [["dense-conv"]], [[], ["dense"]]),
    ],
)
def test_options(option: str, right: list[Any], wrong: list[Any]) -> None:
    """What is taken, and what is not."""
    form = OPTIONS[option].form
    assert all(form.accepts(value) for value in right)
    assert not any(form.accepts(value) for value in wrong)
