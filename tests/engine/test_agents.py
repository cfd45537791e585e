"""Agents of users play in a process of their own: who plays wrongly, hangs or crashes forfeits, and is named."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from concours.api.contest import Contest
from concours.core import consent
from concours.core.asked import asked_of_recipe
from concours.core.digests import digest_json
from concours.core.entrant import Entrant
from concours.core.errors import ContestError, DataError, RecipeError
from concours.engine.agents import MOST_LATE, OfUser
from concours.kernels.games.named import game_named
from concours.kernels.games.playing import Forfeit
from concours.runs.play import move
from concours.runs.verify import verify
from concours.tasks.task import Split, Task

GAME = game_named("tictactoe")
FIRST = "def act(observation, mask):\n    return next(i for i, may in enumerate(mask) if may)\n"


def agent(text: str, seconds: float = 5.0) -> OfUser:
    source = {"mine.py": text}
    with consent.granted(asked_of_recipe("mine.py:act", {}, code=digest_json(source))):
        return OfUser(GAME, "mine.py:act", {}, source, seconds)


def asked(text: str, seconds: float = 5.0) -> Forfeit:
    made = agent(text, seconds)
    try:
        with pytest.raises(Forfeit) as found:
            made.move(GAME.start(0), Random(0))
    finally:
        made.close()
    return found.value


def test_an_agent_sees_an_array_and_a_mask() -> None:
    made = agent(
        "import numpy as np\n"
        "def act(observation, mask):\n"
        "    assert observation.shape == (3, 3, 2) and mask.dtype == np.int8\n"
        "    print('what is said goes nowhere')\n"
        "    return np.flatnonzero(mask)[-1]\n"
    )
    try:
        assert made.move(GAME.start(0), Random(0)) == 8
    finally:
        made.close()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def act(observation, mask):\n    return 1 / 0\n", "failed: ZeroDivisionError: division by zero"),
        ("def act(observation, mask):\n    return 'left'\n", "act must give the number of an action, got 'left'"),
        ("def act(observation, mask):\n    return 2.5\n", "act must give the number of an action, got 2.5"),
        ("import os\ndef act(observation, mask):\n    os._exit(3)\n", "its process ended with exit code 3"),
        ("import os\ndef act(observation, mask):\n    os.kill(os.getpid(), 11)\n", "was ended by signal 11"),
    ],
)
def test_who_crashes_forfeits(text: str, said: str) -> None:
    found = asked(text)
    assert found.why == "crashed"
    assert said in str(found)


def test_who_hangs_forfeits_and_is_not_asked_for_ever() -> None:
    made = agent("def act(observation, mask):\n    while True:\n        pass\n", 0.3)
    told = []
    try:
        for _ in range(MOST_LATE + 1):
            with pytest.raises(Forfeit) as found:
                made.move(GAME.start(0), Random(0))
            told.append((found.value.why, str(found.value)))
    finally:
        made.close()
    assert told[0] == ("late", "had not answered after 0.3 seconds")
    assert told[-1][0] == "late"
    assert "is not asked again" in told[-1][1]


def test_what_cannot_be_imported_says_so() -> None:
    with pytest.raises(RecipeError, match="the agent cannot be asked: ModuleNotFoundError|MissingPackage"):
        agent("import nowhere_to_be_found\n" + FIRST)


def contest(folder: Path, text: str, **more) -> Contest:
    (folder / "mine.py").write_text(text)
    return Contest(
        task=Task(
            kind="game",
            data="tictactoe",
            split=Split(test=0.5, folds=2),
            options={"openings": 12, "move_seconds": 0.5},
        ),
        entrants=[Entrant(name=name, recipe=name) for name in ("greedy-agent", "minimax")]
        + [Entrant(name="mine", recipe="./mine.py:act")],
        engine="inline",
        folder=folder,
        out=folder / "run",
        **more,
    )


WRONG = (
    "def act(observation, mask):\n"
    "    return next(i for i, may in enumerate(mask) if may) if observation.sum() < 5 else 99\n"
)


def test_a_contest_counts_forfeits_and_alliances_meet_the_field(tmp_path: Path) -> None:
    result = contest(tmp_path, WRONG, cooperate=["nash", "council"]).run()
    shown = result.format
    assert shown["forfeits"].keys() == {"mine"}
    told = shown["forfeits"]["mine"]
    assert told["illegal"] > 0 == told["late"] == told["crashed"]
    assert "played 99 at ply" in told["first"]
    assert any("mine forfeited" in warning and "may not be played" in warning for warning in result.warnings)
    assert shown["games"] == 12 * 2 * 6
    lines = {line.entrant.name: line for line in result.standings}
    assert lines["greedy-agent"].score > lines["mine"].score
    assert {"nash", "council", "random-agent"} <= lines.keys()
    page = (tmp_path / "run" / "report.html").read_text() if (tmp_path / "run" / "report.html").exists() else ""
    assert "<script" not in page
    assert not [finding for finding in verify(tmp_path / "run").findings if finding.state == "fault"]
    found = move(result, (4, 0), model="council")
    assert found.action not in (4, 0)
    assert len(found.board) == 3
    assert move(result, (), model="nash").by in lines
    with pytest.raises(DataError, match="ply 2 plays 4"):
        move(result, (4, 4))
    assert json.loads((tmp_path / "run" / "result.json").read_text())["format"]["replay"]["plies"]


def test_who_cannot_play_a_game_is_skipped_with_the_reason(tmp_path: Path) -> None:
    task = Task(kind="game", data="kuhn_poker", split=Split(test=0.5, folds=2), options={"openings": 12})
    found = Contest(
        task=task,
        entrants=[
            Entrant(name="mcts", recipe="mcts"),
            Entrant(name="tabular-q", recipe="tabular-q", params={"games": 300}),
        ],
        engine="inline",
        out=tmp_path / "run",
    ).run()
    line = next(line for line in found.standings if line.entrant.name == "mcts")
    assert line.status == "skipped"
    assert "not everything can be seen" in line.reason


def test_games_are_held_in_matches_alone(tmp_path: Path) -> None:
    with pytest.raises(ContestError, match="a task of kind game is held in matches; leave the format out"):
        contest(tmp_path, FIRST, format="tournament").run()
