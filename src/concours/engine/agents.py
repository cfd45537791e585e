"""Agents as jobs know them: kept as arrays, and held to their time; those of users play in a process of their own."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from random import Random
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Final, Protocol

import numpy as np
import safetensors.numpy

from concours.core.asked import asked_of_recipe
from concours.core.digests import Digest, canonical_json
from concours.core.errors import DataError, RecipeError
from concours.core.ports import Store
from concours.core.within import TimeUp, within
from concours.entrants.agents.agent import Agent
from concours.entrants.agents.making import agent_of, agreed, of_user
from concours.kernels.games.game import Game, Position, mask
from concours.kernels.games.playing import Forfeit
from concours.stores.blobs import get_bundle, get_json, put_bundle

START_SECONDS: Final = 60.0
"""That a user's agent may take to be imported."""

MOST_LATE: Final = 3
"""How often a player may take too long in the matches of a job; then it forfeits those that are left."""

_ANSWER: Final = 4096
_LONGEST: Final = 1 << 16
"""Bytes of an answer: what is longer is none."""
_NO_ANSWER: Final = "it wrote what is no answer"
_PATIENCE_S: Final = 1.0
"""That a process has to end once it has closed its pipes."""


class Player(Protocol):
    """Who can be asked for a move, and is there until it is closed."""

    def move(self, position: Position, draw: Random, seconds: float) -> int:
        """An action, within so many seconds. Raises Forfeit."""
        ...

    def close(self) -> None: ...


class Patient:
    """A player as long as it is worth asking: whoever has taken too long `MOST_LATE` times is not asked again."""

    def __init__(self, player: Player) -> None:
        self._player, self._late = player, 0

    def move(self, position: Position, draw: Random, seconds: float) -> int:
        if self._late >= MOST_LATE:
            raise Forfeit("late", f"took too long {MOST_LATE} times, so that it is not asked again in these matches")
        try:
            return self._player.move(position, draw, seconds)
        except Forfeit as given_up:
            self._late += given_up.why == "late"
            raise

    def close(self) -> None:
        self._player.close()


class OfOurs:
    """An agent that sees positions, and runs in this process; its seconds are of work, not of time."""

    def __init__(self, game: Game, agent: Agent) -> None:
        self._game, self._agent = game, agent

    def move(self, position: Position, draw: Random, seconds: float) -> int:
        try:
            with within(seconds):
                return self._agent.move(self._game, position, draw)
        except TimeUp:
            raise _late(seconds) from None

    def close(self) -> None:
        pass


class Team:
    """Agents that vote on each move, those with the greatest weight first; of moves with as many votes the one that was
    named first is played. Who cannot change the vote any more is not asked.

    A team has as long for a move as anybody: what is left of it is shared by those who are still to be asked. Who fails
    has no vote in that move, and where all do the team gives up.
    """

    def __init__(self, game: Game, members: Sequence[Player], weights: Sequence[float]) -> None:
        self._game = game
        pairs = [(member, weight) for member, weight in zip(members, weights, strict=True) if weight]
        self._members = sorted(pairs, key=lambda pair: -pair[1])

    def move(self, position: Position, draw: Random, seconds: float) -> int:
        votes, failed, legal = dict[int, float](), None, self._game.legal(position)
        left = sum(weight for _, weight in self._members)
        for asked, (member, weight) in enumerate(self._members):
            *_, second, first = (0.0, 0.0, *sorted(votes.values()))
            if first - second > left:
                break
            left -= weight
            share, began = seconds / (len(self._members) - asked), time.monotonic()
            try:
                action = member.move(position, draw, share)
            except Forfeit as given_up:
                failed = given_up
            else:
                if action in legal:
                    votes[action] = votes.get(action, 0.0) + weight
            seconds -= min(share, time.monotonic() - began)
        if not votes:
            raise failed or Forfeit("illegal", "nobody of the team played what may be played")
        return max(votes, key=votes.__getitem__)

    def close(self) -> None:
        """Its members are closed by whoever made them."""


class OfUser:
    """A user's agent, in a process of its own (`engine.agent_process`), which is begun anew where it was ended.

    Raises:
        RecipeError: it cannot be imported, or is no agent; the message has the last line of what it raised.
    """

    def __init__(self, game: Game, recipe: str, params: Mapping[str, Any], source: Mapping[str, str]) -> None:
        agreed(recipe, params, source)
        self._game = game
        self._told = canonical_json({"recipe": recipe, "params": dict(params), "source": dict(source)})
        self._place = TemporaryDirectory(prefix="concours-agent-", ignore_cleanup_errors=True)
        self._process: subprocess.Popen[bytes] | None = None
        self._begin()

    def move(self, position: Position, draw: Random, seconds: float) -> int:
        del draw
        if self._process is None:
            self._begin_anew()
        seen = self._game.observe(position)
        asked = {
            "observation": seen.ravel().tolist(),
            "shape": list(seen.shape),
            "dtype": str(seen.dtype),
            "mask": mask(self._game, position).tolist(),
        }
        answer = self._asked(json.dumps(asked).encode(), seconds)
        if answer is None:
            raise _late(seconds)
        if "failed" in answer:
            raise Forfeit("crashed", f"failed: {answer['failed']}")
        action = answer.get("action")
        if type(action) is not int:
            raise Forfeit("crashed", _NO_ANSWER)
        return action

    def close(self) -> None:
        self._end()
        self._place.cleanup()

    def _begin(self) -> None:
        read, write = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "concours.engine.agent_process", str(write)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(write,),
            cwd=self._place.name,
            process_group=0,
        )
        os.close(write)
        assert self._process.stdin is not None  # noqa: S101 (for the type checker)
        os.set_blocking(self._process.stdin.fileno(), False)
        self._answers, self._rest = read, b""
        answer = self._asked(self._told, START_SECONDS)
        if answer is None or "failed" in answer:
            why = answer["failed"] if answer else f"it was not there after {START_SECONDS:g} seconds"
            self.close()
            raise RecipeError(f"the agent cannot be asked: {why}")

    def _begin_anew(self) -> None:
        """Who has played before and cannot any more gives up. Raises Forfeit."""
        os.makedirs(self._place.name, exist_ok=True)
        try:
            self._begin()
        except RecipeError as error:
            raise Forfeit("crashed", f"could not be begun anew: {error}") from None

    def _asked(self, line: bytes, seconds: float) -> dict[str, Any] | None:
        """What the process answers; none where it does not in time, and then it has been ended."""
        assert self._process is not None  # noqa: S101 (for the type checker)
        assert self._process.stdin is not None  # noqa: S101
        until, told, unsaid = time.monotonic() + seconds, self._process.stdin.fileno(), line + b"\n"
        while unsaid or b"\n" not in self._rest:
            left = max(until - time.monotonic(), 0.0)
            heard, takes, _ = select.select([self._answers], [told] if unsaid else [], [], left)
            if not heard and not takes:
                self._end()
                return None
            if takes:
                try:
                    unsaid = unsaid[os.write(told, unsaid) :]
                except OSError:
                    return self._gone()
            if not heard:
                continue
            if not (part := os.read(self._answers, _ANSWER)):
                return self._gone()
            self._rest += part
            if len(self._rest) > _LONGEST:
                self._end()
                return {"failed": f"it answered at length, and an answer has {_LONGEST:,} bytes at most"}
        answer, _, self._rest = self._rest.partition(b"\n")
        try:
            found = json.loads(answer)
        except ValueError:
            found = None
        return found if isinstance(found, dict) else {"failed": _NO_ANSWER}

    def _gone(self) -> dict[str, Any]:
        """The process has ended by itself, or hears and says nothing any more."""
        assert self._process is not None  # noqa: S101 (for the type checker)
        try:
            code = self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            how = "does not listen any more"
        else:
            how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        self._end()
        return {"failed": f"its process {how}"}

    def _end(self) -> None:
        if self._process is None:
            return
        with suppress(OSError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        if self._process.stdin:
            with suppress(OSError):
                self._process.stdin.close()
        os.close(self._answers)
        self._process = None


class Players:
    """Players of kept agents, closed together."""

    def __init__(self, store: Store, game: Game, agents: list[Digest]) -> None:
        self._players = list[Player]()
        try:
            for agent in agents:
                self._players.append(Patient(player(store, game, agent)))
        except BaseException:
            self.__exit__(None, None, None)
            raise

    def __enter__(self) -> list[Player]:
        return self._players

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in self._players:
            each.close()


def keep_agent(
    store: Store, recipe: str, params: Mapping[str, Any], code: Digest | None, agent: Agent | None
) -> Digest:
    """Keeps what an agent is made of, and what it has learned; of a user's only the former."""
    tensors = {name: np.asarray(array, order="C") for name, array in agent.get_tensors().items()} if agent else {}
    manifest = {"format": "agent", "recipe": recipe, "params": dict(params), "code": code}
    files = {"tensors": safetensors.numpy.save(tensors)} if tensors else {}
    return put_bundle(store, {"manifest.json": canonical_json(manifest), **files})


def _late(seconds: float) -> Forfeit:
    return Forfeit("late", f"had not answered after {seconds:.3g} seconds")


def asked_of_agents(store: Store, agents: Iterable[Digest]) -> frozenset[str]:
    """What is asked about before kept agents play (`core.asked`)."""
    kept = (json.loads(get_bundle(store, agent)["manifest.json"]) for agent in agents)
    return frozenset[str]().union(*(asked_of_recipe(one["recipe"], one["params"], code=one["code"]) for one in kept))


def player(store: Store, game: Game, digest: Digest) -> Player:
    """The player of a kept agent.

    Raises:
        RecipeError: it cannot be made any more.
        TrustError: it may not run here.
    """
    files = get_bundle(store, digest)
    manifest = json.loads(files["manifest.json"])
    if manifest.get("format") != "agent":
        raise DataError("this is no agent")
    recipe, params, code = manifest["recipe"], manifest["params"], manifest["code"]
    if of_user(recipe):
        return OfUser(game, recipe, params, get_json(store, Digest(code)) if code else {})
    agent = agent_of(recipe, params)
    tensors = safetensors.numpy.load(files["tensors"]) if "tensors" in files else {}
    agent.set_tensors(game, tensors)
    return OfOurs(game, agent)
