"""What a board cannot say: marks, and sentences on them."""

from __future__ import annotations

from concours.core.boards import board_html, board_text
from concours.core.entrant import Entrant
from concours.core.marks import TOO_FEW, mark, too_few, unsure_notes
from concours.core.standings import Standing, Standings

FEW = too_few("1 row is of another class than the most frequent one, and it takes 3")
UNDEFINED = "undefined, 0 / 0 on these rows"


def test_only_scores_of_too_few_rows_are_marked():
    """What is undefined has no score that a mark could stand beside."""
    assert mark({"brier": FEW}, "brier") == " ?"
    assert mark({"brier": FEW}, "f1") == mark({"f1": UNDEFINED}, "f1") == ""


def test_metrics_and_lines_of_one_reason_are_told_together():
    """Of all lines no names are given, of some theirs."""
    lines = [
        ("a", {"log_loss": FEW, "brier": FEW, "precision": UNDEFINED, "mcc": UNDEFINED}),
        ("b", {"log_loss": FEW, "brier": FEW, "precision": UNDEFINED, "mcc": UNDEFINED}),
        ("c", {"log_loss": FEW, "brier": FEW}),
    ]
    assert unsure_notes(lines) == [f"log_loss, brier ?: {FEW}", f"precision, mcc of a, b: {UNDEFINED}"]
    assert unsure_notes([("a", {}), ("b", {})]) == []


def test_boards_show_them():
    """As text and as HTML the words stand where the interval would, further metrics are marked, and it is said why."""
    lines = tuple(
        Standing(
            entrant=Entrant(name=name, recipe="a:B"),
            rank=1,
            rank_best=1,
            rank_worst=2,
            score=0.25,
            metrics={"log_loss": 0.25, "brier": 0.125},
            unsure={"log_loss": FEW, "brier": FEW},
        )
        for name in ("one", "other")
    )
    board = Standings(lines, metrics=("log_loss", "brier"))
    for text in (board_text(board), board_html(board)):
        assert text.count(TOO_FEW) == 2 + 1
        assert text.count("0.1250 ?") == 2
        assert f"log_loss, brier ?: {FEW}" in text
