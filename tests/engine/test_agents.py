"""Agents of users play in a process of their own: who plays wrongly, hangs or crashes forfeits, and is named."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from concours.api.contest import Contest
from concours.compete.leaderboard import Leaderboard
from concours.core import consent
from concours.core.asked import asked_of_recipe
from concours.core.digests import digest_json
from concours.core.entrant import Entrant
from concours.core.errors import ContestError, DataError, RecipeError
from concours.engine import agents
from concours.engine.agents import MOST_LATE, OfOurs, OfUser, Patient, Player, Team
from concours.engine.loop import Engine
from concours.entrants.agents.looking import MinimaxAgent
from concours.entrants.agents.making import agent_of, of_user
from concours.entrants.zoo import ZOO
from concours.kernels.games.game import Game
from concours.kernels.games.named import game_named
from concours.kernels.games.playing import Forfeit
from concours.report.lines import Report
from concours.report.sections.matches import matches_section
from concours.runs.play import move
from concours.runs.verify import verify
from concours.tasks.task import Split, Task

GAME = game_named("tictactoe")
FIRST = "def act(observation, mask):\n    return next(i for i, may in enumerate(mask) if may)\n"


def agent(text: str) -> OfUser:
    source = {"mine.py": text}
    with consent.granted(asked_of_recipe("mine.py:act", {}, code=digest_json(source))):
        return OfUser(GAME, "mine.py:act", {}, source)


def asked(made: Player, seconds: float = 5.0) -> int | str:
    """What a player plays from the beginning, or why it forfeits and in which words."""
    try:
        return made.move(GAME.start(0), Random(0), seconds)
    except Forfeit as given_up:
        return f"{given_up.why}: {given_up}"


NO_NUMBER = "crashed: failed: TypeError: act must give the number of an action, got "
GIVEN = {
    "3": 3,
    "np.int64(3)": 3,
    "np.uint8(3)": 3,
    "np.float32(3)": 3,
    "np.array(3)": 3,
    "3.0": 3,
    "None": NO_NUMBER + "None",
    "'left'": NO_NUMBER + "'left'",
    "2.5": NO_NUMBER + "2.5",
    "float('nan')": NO_NUMBER + "nan",
    "np.inf": NO_NUMBER + "inf",
    "True": NO_NUMBER + "True",
    "np.bool_(True)": NO_NUMBER + "np.True_",
    "[3]": NO_NUMBER + "[3]",
    "np.zeros(2)": NO_NUMBER + "array([0., 0.])",
    "10**5000": "crashed: failed: ValueError: Exceeds the limit (4300 digits) for integer string conversion; "
    "use sys.set_int_max_str_digits() to increase the limit",
    "1 / 0": "crashed: failed: ZeroDivisionError: division by zero",
    "print('x' * 10**7, flush=True) or 4": 4,
    "sys.stderr.write('x' * 10**7) and 4": 4,
    "Loud().act()": "crashed: failed: ValueError: " + "x" * 188,
    "observation.fill(1) or mask.fill(1) or 5": 5,
    "int(observation.sum()) + int(mask.sum())": 9,
}
"""What `act` gives, and what it comes to; all are asked of one agent, one after the other."""

ACTS = """
import sys
import numpy as np

class Loud:
    def act(self):
        raise ValueError("x" * 10**6)

def act(observation, mask):
    assert observation.shape == (3, 3, 2) and mask.dtype == np.int8
    return eval(next(left))
"""


def test_what_act_gives_is_an_action_or_a_forfeit() -> None:
    """Whole numbers of any type are actions; all else is lost in words, and what was printed or changed in place harms
    nobody."""
    made = agent(f"left = iter({list(GIVEN)!r})\n{ACTS}")
    try:
        found = {given: asked(made) for given in GIVEN}
    finally:
        made.close()
    assert found == GIVEN


ENDING = {
    "it ends its process": ("os._exit(3)", "crashed: failed: its process ended with exit code 3"),
    "it ends the program": ("sys.exit()", "crashed: failed: its process ended with exit code 0"),
    "it is killed": ("os.kill(os.getpid(), 11)", "crashed: failed: its process was ended by signal 11"),
    "it writes no answer": ("os.write(int(sys.argv[1]), b'hello\\n')", "crashed: failed: it wrote what is no answer"),
    "it writes another": ("os.write(int(sys.argv[1]), b'{\"action\": 1.5}\\n')", "crashed: it wrote what is no answer"),
    "it writes at length": (
        "[os.write(int(sys.argv[1]), b'x' * 4096) for _ in range(99)]",
        "crashed: failed: it answered at length, and an answer has 65,536 bytes at most",
    ),
    "it hangs": ("[None for _ in iter(int, 1)]", "late: had not answered after 0.3 seconds"),
    "it hides from its group": ("os.setpgid(0, 0) or time.sleep(99)", "late: had not answered after 0.3 seconds"),
}


@pytest.mark.parametrize(("act", "said"), ENDING.values(), ids=ENDING)
def test_who_ends_its_process_or_never_answers_forfeits(act: str, said: str) -> None:
    """Whatever an agent does to its process, it forfeits in words."""
    made = agent(f"import os, sys, time\n\ndef act(observation, mask):\n    return {act}\n")
    try:
        assert asked(made, 0.3 if said.startswith("late") else 5.0) == said
    finally:
        made.close()


def test_who_closes_its_pipe_and_lives_on_forfeits(monkeypatch) -> None:
    """An end is not waited for that does not come."""
    monkeypatch.setattr(agents, "_PATIENCE_S", 0.05)
    made = agent(
        "import os, sys, time\n\ndef act(observation, mask):\n    os.close(int(sys.argv[1]))\n    time.sleep(99)\n"
    )
    try:
        assert asked(made) == "crashed: failed: its process does not listen any more"
    finally:
        made.close()


def test_who_cannot_be_begun_anew_forfeits() -> None:
    """What an agent leaves in its folder is its own matter: it is not asked again, and nobody else is harmed."""
    made = agent(
        "import os\nif os.path.exists('seen'):\n    raise OSError('no second time')\nopen('seen', 'w').close()\n"
        "def act(observation, mask):\n    os._exit(1)\n"
    )
    try:
        asked(made)
        assert asked(made) == "crashed: could not be begun anew: the agent cannot be asked: OSError: no second time"
    finally:
        made.close()


@dataclass
class Thinker:
    """Somebody who plays an action after some seconds, as far as it has them, and counts how often it was asked."""

    action: int
    needs: float = 0.0
    asked: int = 0

    def move(self, position: object, draw: Random, seconds: float) -> int:
        self.asked += 1
        time.sleep(min(self.needs, seconds))
        if self.needs > seconds:
            raise Forfeit("late", "thinks")
        return self.action

    def close(self) -> None:
        pass


class Endless(MinimaxAgent):
    def move(self, game: Game, position: object, draw: Random) -> int:
        while True:
            pass


def test_whoever_takes_too_long_is_not_asked_for_ever() -> None:
    """One limit holds for all: for agents of users, for ready ones, and for teams of them."""
    for slow in (OfOurs(GAME, Endless()), Thinker(4, 1.0), Team(GAME, [Thinker(3, 1.0), Thinker(4, 1.0)], [1, 1])):
        player = Patient(slow)
        found = [asked(player, 0.02) for _ in range(MOST_LATE + 1)]
        assert {each.partition(":")[0] for each in found} == {"late"}
        assert "is not asked again" in found[-1]


def test_a_team_has_no_more_time_than_anybody() -> None:
    """One that hangs takes its share of a team's time and no vote from others; what the quick ones leave the slow have;
    and who cannot change the vote is not asked."""
    hanging, quick, slow = Thinker(0, 9.0), Thinker(4), Thinker(5, 0.15)
    began = time.monotonic()
    assert asked(Team(GAME, [slow, quick, Thinker(5), hanging], [0.15, 0.2, 0.2, 0.45]), 0.3) == 5
    assert time.monotonic() - began < 2.0
    assert asked(Team(GAME, [slow, quick], [0.4, 0.6]), 0.2) == 4
    assert slow.asked == 1
    assert asked(Team(GAME, [hanging], [1.0]), 0.02) == "late: thinks"
    assert asked(Team(GAME, [Thinker(99)], [1.0])) == "illegal: nobody of the team played what may be played"


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
    assert shown["teams"]["games"] == 12 * 2 * 4
    assert shown["teams"]["forfeits"].keys() == {"mine"}
    lines = {line.entrant.name: line for line in result.standings}
    assert lines["greedy-agent"].score > lines["mine"].score
    assert {"nash", "council", "random-agent"} <= lines.keys()
    kept = json.loads((tmp_path / "run" / "result.json").read_text())
    section = matches_section(Report(kept))
    assert section is not None
    assert "of the 96 games of teams against the field were forfeited, by mine. They count as lost." in section.text[1]
    assert [[row[0] for row in table.rows] for table in section.tables] == [["mine"], ["mine"]]
    assert not [finding for finding in verify(tmp_path / "run").findings if finding.state == "fault"]
    found = move(result, (4, 0), model="council")
    assert found.action not in (4, 0)
    assert len(found.board) == 3
    assert move(result, (), model="nash").by in lines
    with pytest.raises(DataError, match="ply 2 plays 4"):
        move(result, (4, 4))
    assert kept["format"]["replay"]["plies"]


def test_teams_leave_time_for_the_evaluation(tmp_path: Path, monkeypatch) -> None:
    """A team that has to meet all others does so no longer than until the evaluation begins."""
    until, drive = dict[bool, float | None](), Engine.drive

    def noted(self: Engine, process: Any, candidates: Any, **how: Any) -> Any:
        if isinstance(process, Leaderboard):
            until[any(candidate.entrant.joint for candidate in candidates)] = how.get("until_s")
        return drive(self, process, candidates, **how)

    monkeypatch.setattr(Engine, "drive", noted)
    Contest(
        task=Task(kind="game", data="tictactoe", split=Split(test=0.5, folds=2), options={"openings": 12}),
        entrants=[Entrant(name=name, recipe=name) for name in ("greedy-agent", "minimax")],
        cooperate=["council"],
        engine="inline",
        out=tmp_path / "run",
        seconds=1000,
    ).run()
    assert until[True] == 950


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


@pytest.mark.parametrize(
    ("recipe", "params"),
    [
        ("minimax", {"depth": 0}),
        ("mcts", {"simulations": "many"}),
        ("tabular-q", {"games": True}),
    ],
)
def test_what_counts_something_is_a_whole_number(recipe: str, params: dict[str, Any]) -> None:
    """A wrong parameter is refused before a match, with its name."""
    ((name, value),) = params.items()
    with pytest.raises(RecipeError, match=f"{name}: a whole number from 1 was expected, got {value!r}"):
        agent_of(ZOO[recipe]["opening:points"].recipe, params)


def test_whoever_is_asked_about_sees_what_a_player_sees() -> None:
    """Only agents that nobody is asked about see positions, and with them the other's cards; a class of a package that
    somebody names plays apart, as a file does."""
    assert not any(of_user(ZOO[name]["opening:points"].recipe) for name in ("mcts", "tabular-q", "self-play"))
    assert of_user("somebodys.package:Agent")
    assert of_user("./mine.py:act")


def test_games_are_held_in_matches_alone(tmp_path: Path) -> None:
    with pytest.raises(ContestError, match="a task of kind game is held in matches; leave the format out"):
        contest(tmp_path, FIRST, format="tournament").run()
