"""A population in the report and in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from concours.cli.population import print_population
from concours.compete.leaderboard import Leaderboard
from concours.compete.population import RECIPES, Population
from concours.core.entrant import Candidate, Entrant
from concours.report.figures import Curve, Planes
from concours.report.lines import Report
from concours.report.sections.population import population_section
from concours.stores.memory import MemoryStore
from concours.testing.processes import all_well, final_state
from concours.testing.toys import toy_problem


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    """What a population of ten in six intervals of two epochs leaves."""
    process = Population(board=Leaderboard(problem=toy_problem(MemoryStore())), members=10, intervals=6, epochs=2)
    candidates = [Candidate(entrant=Entrant("net", RECIPES["classifier"], {}, "matrix"))]
    return process.record(final_state(process, candidates, all_well, seed=1, order=0))


def report(found: dict[str, Any]) -> Report:
    task = {"metrics": ["log_loss"], "rows_train": 100, "rows_test": 0}
    return Report(
        {
            "format": found,
            "task": task,
            "standings": [],
            "default": None,
            "metric": "log_loss",
            "greater_is_better": False,
        }
    )


def curves(section: Any, figure: int) -> Sequence[Curve]:
    drawing = section.figures[figure].drawing
    assert isinstance(drawing, Planes)
    return [curve for plane in drawing.planes for curve in plane.curves]


def test_every_copy_and_the_way_of_the_best_are_drawn(record: dict[str, Any]) -> None:
    """A dashed line a copy, a dot a network and interval, and a way of as many points as intervals to the best score."""
    section = population_section(report(record))
    assert section
    drawn = curves(section, 0)
    copies = [curve for curve in drawn if curve.form == "dashes"]
    assert len(copies) == sum(m != p for s in record["intervals"] for m, p in enumerate(s["parents"])) == 10
    assert len(drawn[0].points) == 60
    assert len(drawn[-1].points) == record["best"]["interval"] + 1
    assert "120 epochs in all, in 6 intervals" in str(section.text[0])


def test_the_schedule_is_its_table(record: dict[str, Any]) -> None:
    """The table behind the hyperparameters has the schedule's intervals, from the first epoch to the last."""
    section = population_section(report(record))
    assert section
    table = section.figures[1].table
    assert table
    assert len(table.rows) == len(record["schedule"])
    last = table.rows[-1][0].rpartition("–")[2]
    assert last == str(2 * (record["best"]["interval"] + 1))


@pytest.mark.parametrize("change", [{"name": "leaderboard"}, {"best": None}])
def test_without_a_schedule_there_is_no_section(record: dict[str, Any], change: dict[str, Any]) -> None:
    """Another format, or a population that came to nothing, is not drawn."""
    assert population_section(report({**record, **change})) is None


def test_networks_that_came_to_nothing_leave_gaps(record: dict[str, Any]) -> None:
    """Without a score there is no dot and no line, and the rest is drawn."""
    holes = deepcopy(record)
    for interval in holes["intervals"]:
        interval["scores"] = [None if i == 9 - holes["lineage"][0] else s for i, s in enumerate(interval["scores"])]
    section = population_section(report(holes))
    assert section
    assert len(curves(section, 0)[0].points) == 54


def test_the_terminal_shows_the_schedule(record: dict[str, Any]) -> None:
    """A line an interval of equal hyperparameters, and whose score it was; nothing without one."""
    text = StringIO()
    print_population(record, Console(file=text, width=200))
    lines = text.getvalue().strip().splitlines()
    assert f"network {record['best']['member'] + 1} of 10" in lines[0]
    assert len(lines) == 2 + len(record["schedule"])
    print_population({**record, "best": None}, Console(file=(nothing := StringIO())))
    assert not nothing.getvalue()
