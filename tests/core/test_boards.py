"""Boards as text and as HTML: nothing that was measured is left out, at any width."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.core.boards import board_html, board_text, number, shown, tier_note
from concours.core.entrant import Entrant
from concours.core.layout import Column, folded, letters, packed, text_table
from concours.core.standings import Estimate, Standing, Standings

words = st.text("abcdeé 界-_", min_size=1, max_size=45).map(str.strip).filter(bool)
scores = st.floats(-1e6, 1e6, allow_nan=False)


@st.composite
def boards(draw) -> Standings:
    """Boards of one to six lines with one to seven metrics, and perhaps one that failed."""
    metrics = draw(st.lists(words, min_size=1, max_size=7, unique=True))
    names = draw(st.lists(words, min_size=1, max_size=6, unique=True))
    lines = [
        Standing(
            entrant=Entrant(name=name, recipe="a:B"),
            rank=rank,
            rank_best=1,
            rank_worst=rank,
            tier=draw(st.integers(1, 2)),
            cv_score=Estimate(score=draw(scores), stderr=0.1),
            score=(score := draw(scores)),
            ci=(score - 1, score + 1),
            metrics={metric: score if metric == metrics[0] else draw(scores) for metric in metrics},
        )
        for rank, name in enumerate(names, 1)
    ]
    failed = Standing(entrant=Entrant(name="broken", recipe="a:B"), status="failed", reason="it <raised> something")
    return Standings((*lines, failed), metrics=tuple(metrics), default=names[0])


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


@given(boards())
def test_a_board_in_80_columns(board):
    """Every number of every metric is there, in lines that fit a terminal; names and titles that are folded are whole."""
    text = board_text(board, 80)
    table = [line for line in text.splitlines() if "it <raised>" not in line and "the default" not in line]
    assert all(letters(line) <= 80 for line in table if "show one score" not in line and "stands before" not in line)
    for line in board.lines[:-1]:
        assert all(number(value) in text for value in line.metrics.values())
        assert number(line.cv_score.score) in text
    assert "broken: failed: it <raised> something" in text
    for metric in board.metrics:
        assert metric in text or all(part in text for part in folded(metric, 20))


@given(st.text("ab 界c", min_size=1, max_size=60), st.integers(2, 20))
def test_folded_texts_are_whole(text, width):
    """Lines of a cell have its letters, in order, and no line is too long."""
    parts = folded(text, width)
    assert all(letters(part) <= width for part in parts)
    assert squeezed("".join(parts)) == squeezed(text)


@given(st.lists(st.integers(1, 30), max_size=9), st.integers(20, 90))
def test_blocks_hold_every_column_once(widths, width):
    """Columns keep their order, each is in one block, and only a block of a single wide column may be too wide."""
    name = Column("name", ("x" * 9,))
    rest = [Column(f"c{i}", ("y" * w,)) for i, w in enumerate(widths)]
    blocks = packed([name], rest, name, width)
    assert [column for block in blocks for column in block[1:]] == rest
    assert all(block[0] is name for block in blocks)
    for block in blocks:
        assert len(block) == 2 or max(map(letters, text_table(block))) <= width


class Cells(HTMLParser):
    """The texts of a table, row by row."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


@settings(max_examples=40)
@given(boards())
def test_a_board_in_a_notebook(board):
    """A row a line with all metrics; names are escaped; there is no script, and no colour of its own."""
    html = board_html(board)
    cells = Cells(html)
    assert len(cells.rows) == 1 + len(board)
    for line, row in zip(board, cells.rows[1:], strict=True):
        assert line.entrant.name in row
        assert all(number(value) in row for value in line.metrics.values())
    assert "script" not in cells.tags
    assert "&lt;raised&gt;" in html
    assert "#" not in html.replace("&#", "")


def test_the_same_score_in_two_tiers_has_a_word():
    """Lines that show one score in different tiers, or with different ranks, are told apart in a sentence."""
    assert "a and b show one score in tiers 1 and 2" in tier_note([("a", "0.5", 1, "1–2"), ("b", "0.5", 2, "1–2")])
    assert "a stands before b, but in tier 2 and not 1" in tier_note([("a", "0.5", 2, "1–2"), ("b", "0.6", 1, "1–2")])
    assert "with ranks 1 and 1–3" in tier_note([("a", "0.5", 1, "1"), ("b", "0.5", 1, "1–3")])
    assert tier_note([("a", "0.5", 1, "1"), ("b", "0.6", 2, "2"), ("c", "0.6", 2, "2")]) == ""
    lines = tuple(
        Standing(entrant=Entrant(name=n, recipe="a:B"), rank=1, rank_best=1, rank_worst=2, tier=t, score=s, ci=(0, 1))
        for n, t, s in (("a", 1, 0.50001), ("b", 2, 0.50002))
    )
    assert "show one score in tiers 1 and 2" in str(Standings(lines))
    assert len(shown(Standings(lines))) == 2


def test_an_empty_board():
    """There is a sentence instead of an empty table."""
    assert str(Standings(())) == "nobody is on the board yet"


@pytest.mark.parametrize("final", ["bag", "refit"])
@pytest.mark.parametrize("corrected", [None, 0.4321])
def test_what_is_to_be_known_of_scores_stands_below(final: str, corrected: float | None) -> None:
    """What to expect of a default that the rows that judge have chosen, and that the bag is better than its score."""
    line = Standing(
        entrant=Entrant(name="tree", recipe="a:B"),
        rank=1,
        cv_score=Estimate(score=0.4, stderr=0.1),
        score=0.4,
        corrected=corrected,
        metrics={"log_loss": 0.4},
    )
    board = Standings((line,), default="tree", final=final)
    for told in (board_text(board, 80), board_html(board)):
        assert ("expect 0.4321 on new ones" in told) is (corrected is not None)
        assert ("the bag of them all" in told) is (final == "bag")
    assert "expect" not in board_text(Standings((line,), final=final), 80)
