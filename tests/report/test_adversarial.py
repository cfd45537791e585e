"""Attackers and defenders, and generators, in the report and in the terminal."""

from __future__ import annotations

from copy import deepcopy
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from concours.cli.adversarial import print_adversarial
from concours.contest.adversaries import OPTIONS, adversaries
from concours.contest.setup import Setup
from concours.core.entrant import Candidate, Entrant
from concours.engine.inline import InlineExecutor
from concours.engine.journal import MemoryJournal
from concours.engine.loop import Engine
from concours.report.figures import Cards, Grid, Planes
from concours.report.lines import Report
from concours.report.sections.adversarial import adversarial_section
from concours.report.sections.generation import generation_section
from concours.stores.memory import MemoryStore
from concours.testing.toys import RUNNERS, code_of, toy_problem

CANDIDATES = (
    Candidate(entrant=Entrant("dummy", "sklearn.dummy:DummyClassifier", role="baseline")),
    Candidate(entrant=Entrant("net", "concours.entrants.neural:DenseClassifier")),
    Candidate(entrant=Entrant("tree", "sklearn.tree:DecisionTreeClassifier")),
)


def played(**options: Any) -> dict[str, Any]:
    """What a game of toy jobs leaves in the result."""
    store = MemoryStore()
    given = {name: option.default for name, option in OPTIONS.items()} | options
    setup = Setup(
        problem=toy_problem(store), candidates=CANDIDATES, skipped={}, seed=0, final="bag", strategies=(),
        format="adversarial", options=given,
    )  # fmt: skip
    engine = Engine(store=store, journal=MemoryJournal(), executor=InlineExecutor(store, RUNNERS), code=code_of)
    return {"name": "adversarial", **adversaries(engine, setup, CANDIDATES, None)}


@pytest.fixture(scope="module")
def attacks() -> dict[str, Any]:
    """Of attacks."""
    return played()


@pytest.fixture(scope="module")
def generators() -> dict[str, Any]:
    """Of generators."""
    return played(game="generators")


def report(found: dict[str, Any], **insights: Any) -> Report:
    """A report with nothing else in it."""
    task = {"metrics": ["log_loss"], "rows_train": 100, "rows_test": 100, "classes": [0, 1, 2]}
    return Report({"format": found, "task": task, "standings": [], "greater_is_better": False}, insights)


def printed(found: dict[str, Any]) -> str:
    """What the terminal shows."""
    out = Console(file=StringIO(), width=120)
    print_adversarial(found, out)
    return out.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_other_formats_have_no_such_section(attacks: dict[str, Any], generators: dict[str, Any]) -> None:
    """Nor has each game the other's, nor one that has not come to its end."""
    for found in ({}, {"name": "leaderboard"}, {"name": "adversarial", "game": "attacks", "failed": {}}):
        assert adversarial_section(report(found)) is None
        assert generation_section(report(found)) is None
    assert generation_section(report(attacks)) is None
    assert adversarial_section(report(generators)) is None


def test_the_matrix_has_every_defender_and_attack(attacks: dict[str, Any]) -> None:
    """The ranked first; a dash where an attack cannot be made, and then an upper bound and no rank."""
    section = adversarial_section(report(attacks))
    assert section
    matrix, curves, rounds = (figure.drawing for figure in section.figures)
    assert isinstance(matrix, Grid)
    assert matrix.head == ("no attack", "fgsm", "pgd", "square", "all together")
    assert len(matrix.cells) == len(matrix.shades) == len(matrix.names) == 5
    assert {name.partition(". ")[2] for name in matrix.names[:2]} == {"net", "net-hardened"}
    assert set(matrix.names[2:4]) == {"dummy", "tree"}
    assert all(row[1] == "–" and row[-1].startswith("≤ ") for row in matrix.cells[2:4])
    assert isinstance(curves, Planes)
    assert isinstance(rounds, Planes)
    assert any("tree" in text and "upper bound" in text for text in map(str, section.text))


def test_pictures_are_shown_as_they_are_attacked(attacks: dict[str, Any]) -> None:
    """Of a network and its hardened twin: the picture as it is, then as the strongest attack leaves it."""
    found = deepcopy(attacks)
    told = {"true": [0, 1], "places": [5, 7], "named": [[0, 1], [0, 2], [2, 2], [0, 1]]}
    found["examples"] = {"net": told, "net-hardened": {**told, "named": [[0, 1]] * 4}}
    gallery = {name: [[f"{name}{a}{i}" for i in range(2)] for a in range(4)] for name in ("net", "net-hardened")}
    section = adversarial_section(report(found, gallery=gallery))
    assert section
    cards = section.figures[-1].drawing
    assert isinstance(cards, Cards)
    assert [card.title.split(",")[0] for card in cards.cards[:3]] == ["test row 5", "net", "net-hardened"] or [
        card.title.split(",")[0] for card in cards.cards[:3]
    ] == ["test row 7", "net", "net-hardened"]
    assert len(cards.cards) == 6


def test_hidden_gradients_and_failures_are_said(attacks: dict[str, Any]) -> None:
    """On the page and in the terminal."""
    found = deepcopy(attacks)
    found["defenders"][0]["masked"] = True
    found["failed"] = {"cnn": "the budget is spent"}
    section = adversarial_section(report(found))
    assert section
    said = " ".join(map(str, section.text))
    assert "hidden" in said
    assert "cnn did not come to a first trial: the budget is spent." in said
    assert "gradients are hidden" in printed(found)
    assert "cnn: the budget is spent" in printed(found)


def test_the_terminal_has_the_boards(attacks: dict[str, Any], generators: dict[str, Any]) -> None:
    """Of either game, and nothing of one that has not come to its end."""
    assert all(word in printed(attacks) for word in ("net-hardened", "fgsm", "≤", "left on average"))
    assert all(word in printed(generators) for word in ("dense-dense", "normal", "passes with the panel"))
    assert printed({"name": "adversarial", "failed": {}}) == ""


def test_generators_have_distances_a_panel_and_rounds(generators: dict[str, Any]) -> None:
    """The nearest first, with what the baseline has; pictures where they were looked up."""
    section = generation_section(report(generators, gallery={"generators": [["a"] * 12] * 3}))
    assert section
    assert section.figures[0].form == "rows"
    passing = next(figure.drawing for figure in section.figures if isinstance(figure.drawing, Grid))
    assert passing.head[-1] == "panel"
    cards = section.figures[-1].drawing
    assert isinstance(cards, Cards)
    assert len(cards.cards) == 18
    alone = deepcopy(generators)
    for line in alone["generators"]:
        line["panel"] = line["panel_rank"] = None
    assert generation_section(report(alone))
    assert "–" in printed(alone)
