"""Networks that draw pictures, told what is asked for: a variational autoencoder, an adversarial pair, a diffusion.

Pictures are uint8 (rows, height, width, channels), in [-1, 1] within; `X` is what is asked for of each, texts (rows,),
which become numbers by `kernels.rows.conditions`: a column a label, or the leading directions of descriptions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn
from torch.nn import functional

from concours.entrants.generators import GENERATORS, gan_round, pair_of, samples
from concours.entrants.samplers import pictures_of, texts_of
from concours.entrants.settings import Settings
from concours.entrants.training import seeded, train
from concours.kernels.rows.conditions import Conditions

Array = NDArray[Any]

_AT_ONCE = 512
_CPU = torch.device("cpu")


@dataclass(frozen=True, kw_only=True, eq=False)
class Space:
    """In what a network learns pictures.

    Attributes:
        mean: (values,) of pictures.
        turn: (codes, values), rows at right angles: a picture is the mean and a sum of these.
    """

    mean: NDArray[np.float32]
    turn: NDArray[np.float32]

    @classmethod
    def plain(cls, values: int) -> Space:
        """As they are."""
        return cls(mean=np.zeros(values, dtype=np.float32), turn=np.eye(values, dtype=np.float32))

    @classmethod
    def whitened(cls, flat: NDArray[np.float32], kept: float) -> Space:
        """Principal components that keep a share of the variance, each of variance 1."""
        rows = flat.astype(np.float64)
        mean = rows.mean(axis=0)
        _, lengths, directions = np.linalg.svd(rows - mean, full_matrices=False)
        shares = np.cumsum(np.square(lengths)) / max(float(np.square(lengths).sum()), 1e-12)
        most = min(int(np.searchsorted(shares, kept)) + 1, len(lengths))
        deviations = np.maximum(lengths[:most] / len(rows) ** 0.5, 1e-6)
        turn = deviations[:, None] * directions[:most]
        return cls(mean=mean.astype(np.float32), turn=np.ascontiguousarray(turn, dtype=np.float32))

    def codes(self, flat: NDArray[np.float32]) -> NDArray[np.float32]:
        """(rows, codes) of pictures (rows, values)."""
        found: NDArray[np.float32] = (flat - self.mean) @ (self.turn / np.square(self.turn).sum(axis=1)[:, None]).T
        return found

    def pictures(self, codes: NDArray[np.float32]) -> NDArray[np.float32]:
        """The inverse, as far as there is one."""
        found: NDArray[np.float32] = self.mean + codes @ self.turn
        return found


class DrawingNetwork(BaseEstimator):
    """What the networks share.

    Fitted: `conditions_`, `shape_`, `space_`, `network_` and `seed_`.
    """

    conditioned: bool
    epochs: int | None
    random_state: Any
    _steps: ClassVar[int]
    """Of a training, unless epochs are given."""
    _batch: ClassVar[int] = 128
    _rate: ClassVar[float] = 2e-3
    _decay: ClassVar[float] = 0.0
    """Of learning, and of weights."""

    def fit(self, X: ArrayLike, y: Any) -> Self:
        texts, pictures = texts_of(X), pictures_of(y)
        self.seed_ = int(check_random_state(self.random_state).randint(2**31 - 1))
        self.shape_ = tuple(pictures.shape[1:])
        self.conditions_ = Conditions.among(texts if self.conditioned else [""] * len(texts))
        self._learn(pictures.astype(np.float32) / 127.5 - 1, self._told(texts))
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.uint8]:
        """A picture for each text; the same texts get the same pictures."""
        check_is_fitted(self, "network_")
        told = self._told(texts_of(X))
        starts = range(0, len(told), _AT_ONCE)
        parts = [self._draw(told[start : start + _AT_ONCE], self.seed_ + start) for start in starts]
        drawn = np.concatenate(parts).reshape(-1, *self.shape_)
        return np.clip(np.rint((drawn + 1) * 127.5), 0, 255).astype(np.uint8)

    def _told(self, texts: list[str]) -> NDArray[np.float32]:
        return self.conditions_.of(texts).astype(np.float32)

    def _epochs(self, rows: int) -> int:
        """As many as make the steps that suit a thousand rows or more; of fewer rows fewer."""
        steps = self._steps * min(1.0, max(rows, 100) / 1000)
        return self.epochs or max(1, round(steps / max(1, rows // self._batch)))

    def _made(self) -> nn.Module:
        """The network, untrained."""
        raise NotImplementedError

    def _learn(self, pictures: NDArray[np.float32], told: NDArray[np.float32]) -> None:
        """Trains a network whose output is the loss of each row, of pictures, what is asked for, and noise."""
        flat = pictures.reshape(len(pictures), -1)
        self.space_ = self._space(flat)
        values = torch.from_numpy(np.concatenate([self.space_.codes(flat), told], axis=1))
        settings = Settings(
            epochs=self._epochs(len(values)),
            batch_size=self._batch,
            learning_rate=self._rate,
            weight_decay=self._decay,
            device="cpu",
        )
        with seeded(self.seed_, _CPU) as generator:
            self.network_ = self._made()
            train(
                self.network_,
                lambda losses, *_: losses.mean(),
                (values,),
                settings,
                generator=generator,
                augment=self.network_.with_chance,  # type: ignore[arg-type]
            )

    def _draw(self, told: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
        """Pictures (rows, values) in [-1, 1]."""
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            drawn: NDArray[np.float32] = self.network_.drawn(torch.from_numpy(told), generator).numpy()  # type: ignore[operator]
        return self.space_.pictures(drawn)

    def _space(self, flat: NDArray[np.float32]) -> Space:
        """In what pictures (rows, values) are learned: as they are."""
        return Space.plain(flat.shape[1])

    def get_state(self) -> dict[str, Any]:
        check_is_fitted(self, "network_")
        return {**self.conditions_.to_json(), "shape": list(self.shape_), "seed": self.seed_}

    def get_tensors(self) -> dict[str, Array]:
        check_is_fitted(self, "network_")
        learned = {f"network.{name}": np.array(each.numpy()) for name, each in self.network_.state_dict().items()}
        turn = np.ascontiguousarray(self.conditions_.turn)
        space = {"space.mean": self.space_.mean, "space.turn": self.space_.turn}
        return {"conditions.turn": turn, **space, **learned}

    def set_tensors(self, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Self:
        self.conditions_ = Conditions.from_json(state, np.asarray(tensors["conditions.turn"], dtype=np.float64))
        self.shape_, self.seed_ = tuple(state["shape"]), int(state["seed"])
        self.space_ = Space(mean=np.asarray(tensors["space.mean"]), turn=np.asarray(tensors["space.turn"]))
        with seeded(0, _CPU):
            self.network_ = self._made().eval()
        learned = {
            name.partition(".")[2]: np.array(each) for name, each in tensors.items() if name.startswith("network.")
        }
        self.network_.load_state_dict({name: torch.from_numpy(each) for name, each in learned.items()})
        return self


class _Blocks(nn.Module):
    """A dense network with residual blocks, each of which is told again what is known beside its inputs."""

    def __init__(self, inputs: int, told: int, outputs: int, *, width: int, depth: int) -> None:
        super().__init__()
        self.first = nn.Linear(inputs + told, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(depth))
        self.inner = nn.ModuleList(nn.Linear(width + told, width) for _ in range(depth))
        self.outer = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.last = nn.Linear(width, outputs)

    def forward(self, inputs: Tensor, told: Tensor) -> Tensor:
        found = self.first(torch.cat([inputs, told], dim=1))
        for norm, inner, outer in zip(self.norms, self.inner, self.outer, strict=True):
            found = found + outer(functional.silu(inner(torch.cat([norm(found), told], dim=1))))
        last: Tensor = self.last(functional.silu(found))
        return last


class _Autoencoder(nn.Module):
    """Its loss is that of a normal distribution around what is decoded, with the deviation that suits a batch best
    (Rybkin, Daniilidis and Levine 2021), and the divergence of codes from normal ones (Kingma and Welling 2014).
    """

    def __init__(self, values: int, told: int, *, width: int, code: int) -> None:
        super().__init__()
        self.values, self.told, self.code = values, told, code
        self.encoder = _Blocks(values, told, 2 * code, width=width, depth=2)
        self.decoder = _Blocks(code, told, values, width=width, depth=2)

    def with_chance(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        return torch.cat([rows, torch.randn(len(rows), self.code, generator=generator)], dim=1)

    def forward(self, rows: Tensor) -> Tensor:
        pictures, told, noise = rows.split([self.values, self.told, self.code], dim=1)
        mean, log_variance = self.encoder(pictures, told).chunk(2, dim=1)
        log_variance = log_variance.clamp(-10, 10)
        decoded = torch.tanh(self.decoder(mean + noise * (log_variance / 2).exp(), told))
        errors = (decoded - pictures).square()
        surprise = self.values / 2 * errors.mean().clamp(min=1e-6).log()
        divergence = (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1) / 2
        return (divergence + surprise) / self.values

    def drawn(self, told: Tensor, generator: torch.Generator) -> Tensor:
        return torch.tanh(self.decoder(torch.randn(len(told), self.code, generator=generator), told))


class VaeSampler(DrawingNetwork):
    """A variational autoencoder (Kingma and Welling 2014), told what is asked for (Sohn, Lee and Yan 2015).

    `width`: of its layers; `code`: numbers that a picture is made from.
    """

    _steps, _rate = 1_500, 3e-3

    def __init__(
        self,
        *,
        width: int = 128,
        code: int = 16,
        conditioned: bool = True,
        epochs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.width = width
        self.code = code
        self.conditioned = conditioned
        self.epochs = epochs
        self.random_state = random_state

    def _made(self) -> nn.Module:
        return _Autoencoder(int(np.prod(self.shape_)), self.conditions_.numbers, width=self.width, code=self.code)


class _Diffusion(nn.Module):
    """Predicts what noise was added to, at a level from 0, none, to 1, nothing else (Ho, Jain and Abbeel 2020). The
    loss weighs levels as one of velocities would (Salimans and Ho 2022), bounded (Hang et al. 2023).

    What it learns has a variance of 1 in every direction, so that all it has to add to the best linear prediction is
    what is not normal in it.
    """

    def __init__(self, values: int, told: int, *, width: int, depth: int, steps: int) -> None:
        super().__init__()
        self.values, self.told, self.steps = values, told, steps
        self.body = _Blocks(values, told + 2 * len(_WAVES), values, width=width, depth=depth)

    def with_chance(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        noise = torch.randn(len(rows), self.values, generator=generator)
        return torch.cat([rows, noise, torch.rand(len(rows), 1, generator=generator)], dim=1)

    def forward(self, rows: Tensor) -> Tensor:
        pictures, told, noise, level = rows.split([self.values, self.told, self.values, 1], dim=1)
        signal, spread = _schedule(level)
        errors = (self.clean(signal * pictures + spread * noise, told, level) - pictures).square().mean(dim=1)
        return errors * (1 + (signal / spread).square().clamp(max=_MOST)[:, 0])

    def clean(self, noisy: Tensor, told: Tensor, level: Tensor) -> Tensor:
        """What is below the noise: the best linear prediction, and a correction."""
        waves = level * torch.tensor(_WAVES)
        signal, spread = _schedule(level)
        seen = self.body(noisy, torch.cat([told, waves.sin(), waves.cos()], dim=1))
        found: Tensor = signal * noisy + spread * seen
        return found

    def drawn(self, told: Tensor, generator: torch.Generator) -> Tensor:
        """By steps from noise to none, with no noise anew (Song, Meng and Ermon 2021)."""
        now = torch.randn(len(told), self.values, generator=generator)
        levels = torch.linspace(1 - _END, 0.0, self.steps + 1)
        for level, after in pairwise(levels):
            clean = self.clean(now, told, level.expand(len(told), 1))
            (signal, spread), (next_signal, next_spread) = _schedule(level), _schedule(after)
            now = next_signal * clean + next_spread * (now - signal * clean) / spread
        return now


_WAVES = tuple(float(2**power) for power in range(-1, 6))
_END = 0.02
_MOST = 5.0


def _schedule(level: Tensor) -> tuple[Tensor, Tensor]:
    """How much of the picture, and of the noise, there is at a level (Nichol and Dhariwal 2021)."""
    angle = (level * (1 - 1e-3) + 1e-3) * (math.pi / 2)
    return angle.cos(), angle.sin()


class DiffusionSampler(DrawingNetwork):
    """A diffusion of few steps (Ho, Jain and Abbeel 2020), told what is asked for.

    It learns the principal components that keep `kept` of the variance. `width`, `depth`: of its network; `steps`: from
    noise to a picture.
    """

    _steps, _rate, _decay = 3_000, 4e-3, 0.1

    def __init__(
        self,
        *,
        width: int = 128,
        depth: int = 3,
        steps: int = 25,
        kept: float = 0.98,
        conditioned: bool = True,
        epochs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.width = width
        self.depth = depth
        self.steps = steps
        self.kept = kept
        self.conditioned = conditioned
        self.epochs = epochs
        self.random_state = random_state

    def _made(self) -> nn.Module:
        values, told = len(self.space_.turn), self.conditions_.numbers
        return _Diffusion(values, told, width=self.width, depth=self.depth, steps=self.steps)

    def _space(self, flat: NDArray[np.float32]) -> Space:
        """Their principal components."""
        return Space.whitened(flat, self.kept)


class GanSampler(DrawingNetwork):
    """A generator that trained against a discriminator (Goodfellow et al. 2014), told what is asked for (Mirza and
    Osindero 2014): the pairs of `entrants.generators`.

    `generator`, `discriminator`: `dense` or `conv`.
    """

    _steps, _batch = 2_000, 64

    def __init__(
        self,
        *,
        generator: str = "dense",
        discriminator: str = "dense",
        conditioned: bool = True,
        epochs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.generator = generator
        self.discriminator = discriminator
        self.conditioned = conditioned
        self.epochs = epochs
        self.random_state = random_state

    def _learn(self, pictures: NDArray[np.float32], told: NDArray[np.float32]) -> None:
        pair = pair_of(self.generator, self.discriminator, self.shape_, seed=self.seed_, told=told.shape[1])
        asked = told if told.shape[1] else None
        gan_round(pair, pictures, epochs=self._epochs(len(pictures)), seed=self.seed_, told=asked)
        self.network_, self.space_ = pair.generator, Space.plain(int(np.prod(self.shape_)))

    def _draw(self, told: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
        drawn = samples(self.network_, len(told), seed=seed, told=told if told.shape[1] else None)
        return drawn.reshape(len(drawn), -1)

    def _made(self) -> nn.Module:
        return GENERATORS[self.generator](self.shape_, self.conditions_.numbers)
