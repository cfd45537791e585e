"""Generators of pictures and discriminators that tell them from real ones (Goodfellow et al. 2014), small ones.

Pictures have shape (n, height, width, colours) and values in [-1, 1] here. A pair trains in rounds: its networks are
kept as tensors after each, and the next round goes on from there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from concours.core import progress
from concours.entrants.bookmarks import Bookmark, all_chances, moving_of
from concours.entrants.optimisers import Flat, flatten, release
from concours.entrants.training import seeded

NOISE = 32
"""Numbers that a picture is made from, normal ones."""

_BATCH = 64
_SURE = 0.9
"""What a discriminator is to say of a real picture: one-sided label smoothing (Salimans et al. 2016)."""
_RATE = 5e-4


class _Drawn(nn.Module):
    """From noise (n, NOISE) to pictures, by `body` to (n, colours, height, width) of any height and width."""

    def __init__(self, body: nn.Module, shape: Sequence[int]) -> None:
        super().__init__()
        self.body, self.size = body, tuple(shape[:2])

    def forward(self, noise: Tensor) -> Tensor:
        drawn = functional.interpolate(self.body(noise), size=self.size, mode="bilinear", align_corners=False)
        return torch.tanh(drawn).permute(0, 2, 3, 1)


class _Seen(nn.Module):
    """From pictures to what `body` says of them with colours first, (n,)."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, pictures: Tensor) -> Tensor:
        said: Tensor = self.body(pictures.permute(0, 3, 1, 2))
        return said[:, 0]


def _dense_generator(shape: Sequence[int], told: int) -> nn.Module:
    height, width, colours = shape
    layers = [nn.Linear(NOISE + told, 128), nn.LeakyReLU(0.2), nn.Linear(128, 256), nn.LeakyReLU(0.2)]
    last = [nn.Linear(256, prod(shape)), nn.Unflatten(1, (colours, height, width))]
    return _Drawn(nn.Sequential(*layers, *last), shape)


def _convolutional_generator(shape: Sequence[int], told: int) -> nn.Module:
    """As DCGAN (Radford et al. 2016), with upsampling in place of strides, and small."""
    height, width = (math.ceil(size / 4) for size in shape[:2])
    layers: list[nn.Module] = [nn.Linear(NOISE + told, 48 * height * width), nn.Unflatten(1, (48, height, width))]
    for before, after in ((48, 32), (32, 24)):
        norm = nn.BatchNorm2d(before, track_running_stats=True)
        layers += [norm, nn.ReLU(), nn.Upsample(scale_factor=2), nn.Conv2d(before, after, 3, padding=1)]
    last = [nn.BatchNorm2d(24), nn.ReLU(), nn.Conv2d(24, shape[2], 3, padding=1)]
    return _Drawn(nn.Sequential(*layers, *last), shape)


def _dense_discriminator(shape: Sequence[int], told: int) -> nn.Module:
    pixels = prod(shape[:2]) * (shape[2] + told)
    hidden = [nn.Linear(pixels, 128), nn.LeakyReLU(0.2), nn.Dropout(0.3), nn.Linear(128, 64), nn.LeakyReLU(0.2)]
    return _Seen(nn.Sequential(nn.Flatten(), *hidden, nn.Dropout(0.3), nn.Linear(64, 1)))


def _convolutional_discriminator(shape: Sequence[int], told: int) -> nn.Module:
    layers: list[nn.Module] = []
    for before, after in ((shape[2] + told, 24), (24, 48)):
        layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.LeakyReLU(0.2), nn.Dropout(0.3)]
    flat = 48 * prod(math.ceil(size / 4) for size in shape[:2])
    return _Seen(nn.Sequential(*layers, nn.Flatten(), nn.Linear(flat, 1)))


Builder = Callable[[Sequence[int], int], nn.Module]
"""By the shape of a picture, and how many numbers tell what is asked for."""
GENERATORS: Mapping[str, Builder] = {"dense": _dense_generator, "conv": _convolutional_generator}
DISCRIMINATORS: Mapping[str, Builder] = {"dense": _dense_discriminator, "conv": _convolutional_discriminator}


@dataclass(frozen=True)
class Pair:
    """A generator and the discriminator that it trains against."""

    generator: nn.Module
    discriminator: nn.Module

    def tensors(self) -> dict[str, NDArray[np.float32]]:
        """All that was learned, by name."""
        parts = {"generator": self.generator, "discriminator": self.discriminator}
        return {
            f"{side}.{name}": np.array(tensor.numpy(), order="C")
            for side, network in parts.items()
            for name, tensor in network.state_dict().items()
        }


def pair_of(
    generator: str,
    discriminator: str,
    shape: Sequence[int],
    *,
    seed: int,
    tensors: Mapping[str, Any] | None = None,
    told: int = 0,
) -> Pair:
    """A pair that has learned nothing, or what these tensors hold, for pictures of a shape.

    Args:
        told: how many numbers tell what is asked for (Mirza and Osindero 2014); the generator gets them beside noise,
            the discriminator as channels that are even.
    """
    with seeded(seed, torch.device("cpu")):
        pair = Pair(GENERATORS[generator](shape, told), DISCRIMINATORS[discriminator](shape, told))
    for side, network in (("generator", pair.generator), ("discriminator", pair.discriminator)):
        if tensors is not None:
            names = {name.partition(".")[2]: torch.tensor(v) for name, v in tensors.items() if name.startswith(side)}
            network.load_state_dict(names)
        network.eval()
    return pair


def gan_round(
    pair: Pair, pictures: NDArray[np.float32], *, epochs: int, seed: int, told: NDArray[np.float32] | None = None
) -> tuple[float, float]:
    """Trains both sides in turns for some epochs; each of the generator's steps raises what fools the discriminator.

    The loss is the non-saturating one. Changes the networks of the pair. Gives the mean losses of the last epoch, of
    the discriminator and of the generator, in nats. Law: a function of its arguments.

    Args:
        told: (n, numbers) what is asked for of each picture, where the pair is told of it.
    """
    asked = None if told is None else torch.from_numpy(np.array(told, dtype=np.float32))
    real = torch.from_numpy(np.array(pictures, dtype=np.float32))
    batches = max(1, len(real) // _BATCH)
    with seeded(seed, torch.device("cpu")) as generator:
        drawing, telling = flatten(pair.generator), flatten(pair.discriminator)
        pair.generator.train()
        pair.discriminator.train()
        losses, done = torch.zeros(2), 0
        bookmark = Bookmark(
            lambda: {**moving_of(pair.generator, drawing, "draw."), **moving_of(pair.discriminator, telling, "tell.")},
            [generator, *all_chances(real.device)],
            given=[real] if asked is None else [real, asked],
            how=str(epochs),
        )
        if page := bookmark.find():
            losses, done = page.aside["losses"], page.notes["done"]
            drawing.steps, telling.steps = page.notes["steps"]
        for epoch in range(done, epochs):
            losses = torch.zeros(2)
            for chosen in torch.randperm(len(real), generator=generator).tensor_split(batches):
                noise = torch.randn(len(chosen), NOISE, generator=generator)
                some = None if asked is None else asked[chosen]
                losses += torch.stack([
                    _tell(pair, real[chosen], noise, telling, some), _draw(pair, noise, drawing, telling, some)
                ])  # fmt: skip
            bookmark.keep({"done": epoch + 1, "steps": [drawing.steps, telling.steps]}, {"losses": losses})
            progress.report(epoch=epoch + 1, epochs=epochs, loss=float(losses[1]) / batches)
        for network in (pair.generator, pair.discriminator):
            release(network)
            network.eval()
    return float(losses[0]) / batches, float(losses[1]) / batches


def samples(
    network: nn.Module, count: int, *, seed: int, told: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Pictures (count, height, width, colours) of a generator; `told` (count, numbers) as of `gan_round`."""
    noise = torch.randn(count, NOISE, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        drawn: NDArray[np.float32] = network(_asked(noise, told if told is None else torch.from_numpy(told))).numpy()
    return drawn


def told(network: nn.Module, pictures: NDArray[np.float32]) -> NDArray[np.float64]:
    """How real a discriminator finds pictures, (n,), log odds."""
    with torch.no_grad():
        said: NDArray[np.float64] = network(torch.from_numpy(np.array(pictures, dtype=np.float32))).numpy()
    return said.astype(np.float64)


def gaussian_samples(pictures: NDArray[np.float32], count: int, *, seed: int) -> NDArray[np.float32]:
    """Pictures with the mean and the covariance of real ones, and nothing else: what a generator has to beat."""
    flat, rng = pictures.reshape(len(pictures), -1).astype(np.float64), np.random.default_rng(seed)
    centred = flat - flat.mean(axis=0)
    drawn = flat.mean(axis=0) + rng.standard_normal((count, len(flat))) @ centred / len(flat) ** 0.5
    return drawn.clip(-1, 1).astype(np.float32).reshape(count, *pictures.shape[1:])


def _asked(noise: Tensor, asked: Tensor | None) -> Tensor:
    """Noise with what is asked for beside it."""
    return noise if asked is None else torch.cat([noise, asked], dim=1)


def _beside(pictures: Tensor, asked: Tensor | None) -> Tensor:
    """Pictures with an even channel for each number of what is asked for."""
    if asked is None:
        return pictures
    planes = asked[:, None, None].expand(*pictures.shape[:3], asked.shape[1])
    return torch.cat([pictures, planes], dim=3)


def _tell(pair: Pair, real: Tensor, noise: Tensor, flat: Flat, asked: Tensor | None) -> Tensor:
    """One step of the discriminator."""
    with torch.no_grad():
        drawn = pair.generator(_asked(noise, asked))
    said, of_drawn = pair.discriminator(_beside(real, asked)), pair.discriminator(_beside(drawn, asked))
    loss = functional.binary_cross_entropy_with_logits(said, torch.full_like(said, _SURE))
    loss = loss + functional.binary_cross_entropy_with_logits(of_drawn, torch.zeros_like(of_drawn))
    loss.backward()
    _step(flat)
    return loss.detach() / 2


def _draw(pair: Pair, noise: Tensor, flat: Flat, other: Flat, asked: Tensor | None) -> Tensor:
    """One step of the generator."""
    drawn = _beside(pair.generator(_asked(noise, asked)), asked)
    loss = functional.softplus(-pair.discriminator(drawn)).mean()
    loss.backward()
    _step(flat)
    other.gradient.zero_()
    return loss.detach()


def _step(flat: Flat) -> None:
    """Adam with the short memory that such games need (Radford et al. 2016)."""
    flat.steps += 1
    flat.first.lerp_(flat.gradient, 0.5)
    flat.second.mul_(0.999).addcmul_(flat.gradient, flat.gradient, value=0.001)
    scale = (flat.second / (1 - 0.999**flat.steps)).sqrt_().add_(1e-8)
    flat.weights.addcdiv_(flat.first, scale, value=-_RATE / (1 - 0.5**flat.steps))
    flat.gradient.zero_()
