"""Openings: drawn alike for everybody, read from files, refused with their row."""

from __future__ import annotations

from pathlib import Path

import pytest

from concours.api.new import draft
from concours.core.errors import ContestError, DataError
from concours.tasks.games.reading import read
from concours.tasks.kinds import KINDS
from concours.tasks.task import Task

KIND = KINDS["game"]


def task(data: str = "connect_four", **options) -> Task:
    return Task(kind="game", data=data, options=options)


def test_openings_are_drawn_alike_and_differ(tmp_path: Path) -> None:
    one, other = (read(task(openings=40), KIND, tmp_path)[0].x for _ in range(2))
    assert one.equals(other)
    assert len(set(one["moves"].to_pylist())) == 40
    assert all(len(moves.split()) == 4 for moves in one["moves"].to_pylist())


def test_fewer_openings_than_asked_for_come_again(tmp_path: Path) -> None:
    found = read(task("tictactoe", openings=12, plies=1), KIND, tmp_path)[0].x
    assert len(found) == 12
    assert len(set(found["moves"].to_pylist())) == 9


def test_rows_of_a_file_that_cannot_be_played_are_named_or_left_out(tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_text("moves\n3 3\n3 9\nleft\n0 6\n0 6 0 6 0 6 0\n")
    with pytest.raises(DataError, match=r"o.csv, row 2: ply 2 plays 9, and what may be played is 0, 1.*3 rows in all"):
        read(task(openings="o.csv"), KIND, tmp_path)
    skipping = Task(kind="game", data="connect_four", options={"openings": "o.csv"}, on_bad_row="skip")
    data = read(skipping, KIND, tmp_path)[0]
    assert data.x["moves"].to_pylist() == ["3 3", "0 6"]
    assert data.left_out == 3
    assert "o.csv: 3 rows left out: row 2" in data.warnings[0]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"openings": 1}, "task.options.openings: a whole number from 2 to 10,000 was expected, got 1"),
        ({"plies": -1}, "task.options.plies"),
        ({"move_seconds": 0}, "task.options.move_seconds: a number above 0"),
        ({"opening": 5}, "task.options.opening: unknown key; did you mean 'openings'"),
    ],
)
def test_options_are_checked(options, said: str, tmp_path: Path) -> None:
    with pytest.raises(ContestError, match=said):
        read(task(**options), KIND, tmp_path)


def test_new_knows_games_by_their_names(tmp_path: Path) -> None:
    text = draft("connect_four", out=tmp_path / "contest.toml").text
    assert 'kind = "game"' in text
    assert 'data = "connect_four"' in text


def test_new_asks_which_game_agents_play(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def act(observation, mask):\n    return 0\n")
    with pytest.raises(DataError, match=r"holds agents \(mine.py\), and nothing tells which game they play"):
        draft(str(tmp_path), out=tmp_path / "contest.toml")


def test_a_file_of_an_agent_is_no_text_to_learn_to_write(tmp_path: Path) -> None:
    """What is asked for is the one thing that it lacks: which game is played."""
    (tmp_path / "mine.py").write_text("def act(observation, mask):\n    return int(mask.argmax())\n" * 20)
    with pytest.raises(DataError, match="holds agents .mine.py., and nothing tells which game they play"):
        draft(str(tmp_path / "mine.py"))
