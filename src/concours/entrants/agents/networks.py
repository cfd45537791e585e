"""Networks that learn by playing against themselves: many games at once, in step."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from concours.entrants.agents.agent import Tensors, flat, own, whole
from concours.kernels.games.game import Game, Position, mask

Floats = NDArray[np.float32]

_TOGETHER: Final = 64
"""Games that are played at once."""
_NEVER: Final = -1e9
"""Added to what may not be played."""
_FIRST: Final = 0
"""The chance by which the shape of what is seen is found out."""


class _Learned:
    """What both have in common: a network of two layers, with so many numbers for each position that is seen."""

    def __init__(self, units: int, more: int) -> None:
        self.units, self._more = whole("units", units), more
        self._network: nn.Sequential | None = None

    def get_tensors(self) -> dict[str, NDArray[Any]]:
        """The weights of the network."""
        return {} if self._network is None else {n: t.numpy() for n, t in self._network.state_dict().items()}

    def set_tensors(self, game: Game, tensors: Tensors) -> None:
        """The weights of another one's."""
        network = self._made(game)
        network.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in tensors.items()})
        self._network = network.eval()

    def _made(self, game: Game) -> nn.Sequential:
        seen = flat(game, game.start(_FIRST)).size
        return nn.Sequential(
            nn.Linear(seen, self.units),
            nn.ReLU(),
            nn.Linear(self.units, self.units),
            nn.ReLU(),
            nn.Linear(self.units, game.actions + self._more),
        )

    def _says(self, game: Game, position: Position) -> Floats:
        """(actions,) what it makes of each action, very little of what may not be played."""
        if self._network is None:
            raise ValueError("an agent learns before it plays")
        with torch.inference_mode():
            said = self._network(torch.from_numpy(flat(game, position))[None])[0, : game.actions].numpy()
        return np.where(mask(game, position) > 0, said, np.float32(_NEVER))


@dataclass
class _Turn:
    """One ply of one of the games: what was seen, what might be played, by whom what was, and what came of it."""

    seen: Floats
    allowed: NDArray[np.int8]
    player: int
    action: int
    worth: float = 0.0


class _Games:
    """Games that go on side by side; one that has ended is replaced by a new one."""

    def __init__(self, game: Game, draw: Random) -> None:
        self.game, self.draw = game, draw
        self.positions = [self._new() for _ in range(_TOGETHER)]
        self.turns: list[list[_Turn]] = [[] for _ in range(_TOGETHER)]

    def seen(self) -> tuple[torch.Tensor, torch.Tensor]:
        """(games, seen) and (games, actions) what may be played."""
        seen = np.stack([flat(self.game, position) for position in self.positions])
        allowed = np.stack([mask(self.game, position) for position in self.positions])
        return torch.from_numpy(seen), torch.from_numpy(allowed)

    def step(self, seen: torch.Tensor, allowed: torch.Tensor, actions: list[int]) -> list[list[_Turn]]:
        """Plays an action in each; gives the turns of those that have ended, each with the points of who played it."""
        ended = list[list[_Turn]]()
        for number, action in enumerate(actions):
            position = self.positions[number]
            turn = _Turn(seen[number].numpy(), allowed[number].numpy(), self.game.player(position), action)
            self.turns[number].append(turn)
            position = self.game.step(position, action)
            points = self.game.points(position)
            if points is not None:
                for each in self.turns[number]:
                    each.worth = 2 * own(points, each.player) - 1
                ended.append(self.turns[number])
                self.turns[number], position = [], self._new()
            self.positions[number] = position
        return ended

    def _new(self) -> Position:
        return self.game.start(self.draw.getrandbits(31))


class DeepQAgent(_Learned):
    """Deep Q-learning (Mnih et al. 2015) by self-play: what each action is worth, the other player part of the world.

    It learns from games at random of its last ones, by the better of two networks' doubts (van Hasselt et al. 2016).

    Args:
        steps: of learning, one after each ply of all games.
        units: of each layer.
    """

    def __init__(self, steps: int = 600, units: int = 128) -> None:
        super().__init__(units, 0)
        self.steps = whole("steps", steps)

    def learn(self, game: Game, seed: int) -> None:
        """Plays against itself, less and less at random."""
        torch.manual_seed(seed)
        draw, network, target = Random(seed), self._made(game), self._made(game)  # noqa: S311
        target.load_state_dict(network.state_dict())
        optimiser, games = torch.optim.Adam(network.parameters(), lr=1e-3), _Games(game, draw)
        memory, most = list[tuple[_Turn, _Turn | None]](), 30_000
        for step in range(self.steps):
            seen, allowed = games.seen()
            with torch.inference_mode():
                best = torch.where(allowed > 0, network(seen), _NEVER).argmax(dim=1).tolist()
            exploring = max(1.0 - step / (0.6 * self.steps), 0.1)
            legal = [game.legal(position) for position in games.positions]
            actions = [draw.choice(legal[i]) if draw.random() < exploring else best[i] for i in range(_TOGETHER)]
            for turns in games.step(seen, allowed, actions):
                memory += [(turn, _next(turns, number)) for number, turn in enumerate(turns)]
            memory = memory[-most:]
            if len(memory) < 1000:
                continue
            self._improve(network, target, optimiser, [memory[draw.randrange(len(memory))] for _ in range(256)])
            if step % 100 == 0:
                target.load_state_dict(network.state_dict())
        self._network = network.eval()

    def move(self, game: Game, position: Position, draw: Random) -> int:
        del draw
        return int(self._says(game, position).argmax())

    @staticmethod
    def _improve(
        network: nn.Module, target: nn.Module, optimiser: torch.optim.Optimizer, some: list[tuple[_Turn, _Turn | None]]
    ) -> None:
        seen = torch.from_numpy(np.stack([turn.seen for turn, _ in some]))
        then = torch.from_numpy(np.stack([(after or turn).seen for turn, after in some]))
        allowed = torch.from_numpy(np.stack([(after or turn).allowed for turn, after in some]))
        goes_on = torch.tensor([after is not None for _, after in some])
        worth = torch.tensor([turn.worth for turn, _ in some])
        with torch.no_grad():
            best = torch.where(allowed > 0, network(then), _NEVER).argmax(dim=1, keepdim=True)
            later = target(then).gather(1, best)[:, 0]
        aim = torch.where(goes_on, later, worth)
        actions = torch.tensor([[turn.action] for turn, _ in some])
        loss = functional.smooth_l1_loss(network(seen).gather(1, actions)[:, 0], aim)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


class ActorAgent(_Learned):
    """A policy and a value, one network, learned by self-play (advantage actor-critic, Mnih et al. 2016).

    It plays what it finds most probable; where not everything can be seen, by chance, as its policy says.

    Args:
        steps: of learning, each from the games that have ended since the last.
        units: of each layer.
    """

    def __init__(self, steps: int = 150, units: int = 128) -> None:
        super().__init__(units, 1)
        self.steps = whole("steps", steps)

    def learn(self, game: Game, seed: int) -> None:
        """Plays against itself, by its policy."""
        torch.manual_seed(seed)
        draw, network = Random(seed), self._made(game)  # noqa: S311
        optimiser, games = torch.optim.Adam(network.parameters(), lr=1e-3), _Games(game, draw)
        done, turns = 0, list[_Turn]()
        while done < self.steps:
            seen, allowed = games.seen()
            with torch.inference_mode():
                chances = _policy(network(seen), allowed).exp()
                actions = torch.multinomial(chances, 1)[:, 0].tolist()
            turns += [turn for ended in games.step(seen, allowed, actions) for turn in ended]
            if len(turns) >= 512:
                self._improve(network, optimiser, turns)
                done, turns = done + 1, []
        self._network = network.eval()

    def move(self, game: Game, position: Position, draw: Random) -> int:
        said = self._says(game, position)
        if game.open:
            return int(said.argmax())
        chances = np.exp(said - said.max())
        return draw.choices(range(game.actions), chances.tolist())[0]

    @staticmethod
    def _improve(network: nn.Module, optimiser: torch.optim.Optimizer, turns: list[_Turn]) -> None:
        said = network(torch.from_numpy(np.stack([turn.seen for turn in turns])))
        policy = _policy(said, torch.from_numpy(np.stack([turn.allowed for turn in turns])))
        worth, value = torch.tensor([turn.worth for turn in turns]), torch.tanh(said[:, -1])
        taken = policy.gather(1, torch.tensor([[turn.action] for turn in turns]))[:, 0]
        surprise = (worth - value).detach()
        entropy = -(policy.exp() * policy.clamp(min=-30)).sum(dim=1)
        loss = (-taken * surprise + 0.5 * (worth - value).square() - 0.02 * entropy).mean()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()


def _policy(said: torch.Tensor, allowed: torch.Tensor) -> torch.Tensor:
    """(positions, actions) logarithms of chances."""
    return torch.log_softmax(torch.where(allowed > 0, said[:, : allowed.shape[1]], _NEVER), dim=1)


def _next(turns: list[_Turn], number: int) -> _Turn | None:
    """The next turn of the same player; none where the game ended before."""
    return next((turn for turn in turns[number + 1 :] if turn.player == turns[number].player), None)
