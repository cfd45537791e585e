"""Agents as jobs know them: kept as bundles of arrays; those of users play in a process of their own, with limits."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
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
from concours.entrants.agents.agent import Agent
from concours.entrants.agents.making import agent_of, agreed, of_user
from concours.kernels.games.game import Game, Position, mask
from concours.kernels.games.playing import Forfeit
from concours.stores.blobs import get_bundle, get_json, put_bundle

START_SECONDS: Final = 60.0
"""That a user's agent may take to be imported."""

MOST_LATE: Final = 3
"""How often a user's agent may take too long in the matches of a job; then it forfeits those that are left."""

_ANSWER: Final = 4096


class Player(Protocol):
    """Who can be asked for a move, and is there until it is closed."""

    def move(self, position: Position, draw: Random) -> int:
        """An action. Raises Forfeit."""
        ...

    def close(self) -> None: ...


class OfOurs:
    """An agent that sees positions, and runs in this process."""

    def __init__(self, game: Game, agent: Agent) -> None:
        self._game, self._agent = game, agent

    def move(self, position: Position, draw: Random) -> int:
        return self._agent.move(self._game, position, draw)

    def close(self) -> None:
        pass


class OfUser:
    """A user's agent, in a process of its own (`engine.agent_process`), which is begun anew where it was ended.

    Args:
        seconds: that it may take for a move.

    Raises:
        RecipeError: it cannot be imported, or is no agent; the message has the last line of what it raised.
    """

    def __init__(
        self, game: Game, recipe: str, params: Mapping[str, Any], source: Mapping[str, str], seconds: float
    ) -> None:
        agreed(recipe, params, source)
        self._game, self._seconds, self._late = game, seconds, 0
        self._told = canonical_json({"recipe": recipe, "params": dict(params), "source": dict(source)})
        self._place = TemporaryDirectory(prefix="concours-agent-")
        self._process: subprocess.Popen[bytes] | None = None
        self._begin()

    def move(self, position: Position, draw: Random) -> int:
        del draw
        if self._late >= MOST_LATE:
            raise Forfeit("late", f"took too long {MOST_LATE} times, so that it is not asked again in these matches")
        if self._process is None:
            self._begin()
        seen = self._game.observe(position)
        asked = {
            "observation": seen.ravel().tolist(),
            "shape": list(seen.shape),
            "dtype": str(seen.dtype),
            "mask": mask(self._game, position).tolist(),
        }
        answer = self._asked(json.dumps(asked).encode(), self._seconds)
        if answer is None:
            self._late += 1
            raise Forfeit("late", f"had not answered after {self._seconds:g} seconds")
        if "failed" in answer:
            raise Forfeit("crashed", f"failed: {answer['failed']}")
        return int(answer["action"])

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
        self._answers, self._rest = read, b""
        answer = self._asked(self._told, START_SECONDS)
        if answer is None or "failed" in answer:
            why = answer["failed"] if answer else f"it was not there after {START_SECONDS:g} seconds"
            self.close()
            raise RecipeError(f"the agent cannot be asked: {why}")

    def _asked(self, line: bytes, seconds: float) -> dict[str, Any] | None:
        """What the process answers; none where it does not in time, and then it has been ended."""
        assert self._process is not None  # noqa: S101 (for the type checker)
        assert self._process.stdin is not None  # noqa: S101
        until = time.monotonic() + seconds
        try:
            self._process.stdin.write(line + b"\n")
            self._process.stdin.flush()
        except OSError:
            return self._gone()
        while b"\n" not in self._rest:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self._answers], [], [], left)[0]:
                self._end()
                return None
            if not (part := os.read(self._answers, _ANSWER)):
                return self._gone()
            self._rest += part
        answer, _, self._rest = self._rest.partition(b"\n")
        try:
            found = json.loads(answer)
        except ValueError:
            found = None
        return found if isinstance(found, dict) else {"failed": "it wrote what is no answer"}

    def _gone(self) -> dict[str, Any]:
        """The process has ended by itself."""
        code = self._process.wait() if self._process else 0
        self._end()
        how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        return {"failed": f"its process {how}"}

    def _end(self) -> None:
        if self._process is None:
            return
        with suppress(OSError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdin:
            with suppress(OSError):
                self._process.stdin.close()
        os.close(self._answers)
        self._process = None


class Players:
    """Players of kept agents, closed together."""

    def __init__(self, store: Store, game: Game, agents: list[Digest], seconds: float) -> None:
        self._players = list[Player]()
        try:
            for agent in agents:
                self._players.append(player(store, game, agent, seconds))
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


def asked_of_agents(store: Store, agents: Iterable[Digest]) -> frozenset[str]:
    """What is asked about before kept agents play (`core.asked`)."""
    kept = (json.loads(get_bundle(store, agent)["manifest.json"]) for agent in agents)
    return frozenset[str]().union(*(asked_of_recipe(one["recipe"], one["params"], code=one["code"]) for one in kept))


def player(store: Store, game: Game, digest: Digest, seconds: float) -> Player:
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
        return OfUser(game, recipe, params, get_json(store, Digest(code)), seconds)
    agent = agent_of(recipe, params)
    tensors = safetensors.numpy.load(files["tensors"]) if "tensors" in files else {}
    agent.set_tensors(game, tensors)
    return OfOurs(game, agent)
