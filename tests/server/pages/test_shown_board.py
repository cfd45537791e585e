"""The bars of a board are drawn on a scale of the bulk of them, and say where they go on."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from concours.server.services.boards import Board, Row
from concours.server.services.stages import RATING, Measured
from concours.server.web.pages.rendering import environment
from concours.server.web.pages.shown_board import Shown, _bulk, shown

METRIC = Measured(name="m", greater_is_better=True)


def board(*intervals: tuple[float, float, float], metric: Measured = METRIC) -> Shown:
    """A board with rows of these scores, each between its two ends."""
    empty: dict[str, Any] = dict.fromkeys(Row.__dataclass_fields__)
    rows = tuple(
        Row(**{**empty, "rank": n, "name": f"t{n}", "members": (), "score": score, "interval": (low, high)})
        for n, (low, score, high) in enumerate(intervals, 1)
    )
    lines = [
        Row(**{**vars(row), "metrics": {metric.name: row.score}, "intervals": {metric.name: row.interval}})
        for row in rows
    ]
    told = dict.fromkeys(Board.__dataclass_fields__)
    told |= {"metrics": (metric,), "rank_by": "first metric", "rows": tuple(lines), "part": "public"}
    return shown(Board(**told), (), str, root="/c/x", path="/c/x/board", page=1, find="", guarded=False)


def test_one_that_lies_far_out_squeezes_nobody_and_an_arrow_says_that_it_goes_on() -> None:
    """Five near one, one at a hundred: the five take most of the width, the other has an arrow and no dot."""
    found = board(*((0.1 * n, 0.1 * n + 0.1, 0.1 * n + 0.2) for n in range(5)), (90.0, 100.0, 110.0))
    near, far = found.lines[:5], found.lines[5]
    assert near[-1].high - near[0].low > 50
    assert not any(line.under or line.over or line.beyond for line in near)
    assert (far.under, far.over, far.beyond) == (False, True, True)
    drawn = environment("en").get_template("parts.html.j2").module.whisker
    assert "goes-on" in drawn(far) and "<circle" not in drawn(far)
    assert "goes-on" not in drawn(near[0]) and "<circle" in drawn(near[0])
    assert found.cut


def test_where_nothing_lies_far_out_nothing_is_cut() -> None:
    assert not board(*((0.1 * n, 0.1 * n + 0.1, 0.1 * n + 0.2) for n in range(6))).cut


@given(st.lists(st.floats(-1e6, 1e6), max_size=40))
def test_three_quarters_of_the_values_are_always_on_the_scale(values: list[float]) -> None:
    """And no value that was not there."""
    kept = list(_bulk(values))
    assert 4 * len(kept) >= 3 * len(values)
    assert set(kept) <= set(values)


def test_a_board_of_votes_speaks_of_no_rows() -> None:
    """Of any other it is said which rows it is about."""
    draw = environment("en").get_template("board_body.html.j2").render
    assert "public rows" in draw(b=board((0.1, 0.2, 0.3)))
    assert "public rows" not in draw(b=board((0.1, 0.2, 0.3), metric=RATING)).split("</caption>")[0]
