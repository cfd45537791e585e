"""What training changes of its inputs by chance, so that a network learns what does not matter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import torch
from torch import Tensor

from concours.core.errors import nearest
from concours.entrants.training import Augmentation

_NOISE = 0.1
"""The deviation of noise at most, as a share of the range of values."""
_PART, _PARTS = 0.15, 2
"""The share of a side of a picture that a mask hides at most; and how many masks there are of either side."""
_WARP, _PACE = 0.1, 0.15
"""How much higher or lower a voice is made, and how much slower or faster, at most."""
_BANDS, _TIME, _MASKS = 6, 0.1, 2
"""Bands of a mask, its share of the time of a sound, both at most; and how many masks there are of either."""

MIRRORS: Final = {"both": (True, True), "sideways": (False, True), "none": (False, False)}
"""Whether pictures are turned upside down, and mirrored, by chance."""

Shape = Sequence[int]
"""Of a picture: height, width, colours."""


def augmentation(name: str, shape: Shape) -> Augmentation | None:
    """What changes pictures (n, *shape) in training; none where nothing does. Raises ValueError for another name."""
    if name not in AUGMENTATIONS:
        raise ValueError(f"augment is not known; got {name!r}; {nearest(name, AUGMENTATIONS)}")
    return AUGMENTATIONS[name](shape)


def _moved(shape: Shape, *, flip: bool) -> Augmentation | None:
    height, width, _ = shape
    reach = min(height, width) // 10

    def augment(images: Tensor, generator: torch.Generator) -> Tensor:
        moves = torch.randint(-reach, reach + 1, (2, len(images), 1), generator=generator)
        rows = (torch.arange(height) + moves[0]).clamp(0, height - 1)
        columns = (torch.arange(width) + moves[1]).clamp(0, width - 1)
        if flip:
            mirrored = torch.rand(len(images), 1, generator=generator) < 0.5
            columns = torch.where(mirrored, width - 1 - columns, columns)
        index = torch.arange(len(images))[:, None, None], rows[:, :, None], columns[:, None, :]
        return images[tuple(part.to(images.device) for part in index)]

    return augment if reach or flip else None


def _noisy(images: Tensor, generator: torch.Generator) -> Tensor:
    """Gaussian noise, of another strength for each picture."""
    strength = _NOISE * torch.rand((len(images), 1, 1, 1), generator=generator)
    noise = (strength * torch.randn(images.shape, generator=generator)).to(images.device)
    if images.dtype == torch.uint8:
        return (images + 255 * noise).round().clamp(0, 255).to(torch.uint8)
    return images + (images.amax() - images.amin()) * noise


def _masked(images: Tensor, generator: torch.Generator) -> Tensor:
    """Stretches of rows and of columns are as the mean of the picture (SpecAugment, Park et al. 2019)."""
    n, height, width = images.shape[:3]
    draw = torch.rand((2, _PARTS, 2, n, 1), generator=generator)
    hidden = torch.zeros((n, height, width), dtype=torch.bool)
    for side, (length, sized) in enumerate(((height, (n, height, 1)), (width, (n, 1, width)))):
        for wide, at in draw[side]:
            low = at * length * (1 - _PART * wide)
            place = torch.arange(length)
            hidden |= ((place >= low) & (place < low + _PART * wide * length)).view(sized)
    mean = images.float().mean(dim=(1, 2), keepdim=True).to(images.dtype)
    return torch.where(hidden.to(images.device)[:, :, :, None], mean, images)


def _in_turn(*parts: Augmentation | None) -> Augmentation:
    def augment(images: Tensor, generator: torch.Generator) -> Tensor:
        for part in parts:
            images = images if part is None else part(images, generator)
        return images

    return augment


AUGMENTATIONS: Final[Mapping[str, Callable[[Shape], Augmentation | None]]] = {
    "auto": lambda shape: _moved(shape, flip=shape[2] > 1),
    "none": lambda shape: None,
    "shift": lambda shape: _moved(shape, flip=False),
    "shift-flip": lambda shape: _moved(shape, flip=True),
    "noise": lambda shape: _noisy,
    "mask": lambda shape: _masked,
    "sound": lambda shape: _in_turn(_moved(shape, flip=False), _noisy, _masked),
}
"""`shift`: by up to a tenth of the picture, edges repeated; nothing below 10 pixels. `shift-flip`: half of the pictures
mirrored, too. `auto`: mirrored where there are colours, as photographs have them and signs mostly have not. `noise`,
and `mask` of stretches of either side; `sound`: shift, noise and mask, as of pictures of log-mels."""


class Mirrored:
    """Mirrors the pictures of a batch by chance, and then whatever else is known of the same batch.

    Attributes:
        drawn: (n, 2) whether each picture of the last batch was turned upside down, and sideways.
    """

    def __init__(self, how: str) -> None:
        """By a name of `MIRRORS`. Raises ValueError for another one."""
        if how not in MIRRORS:
            raise ValueError(f"mirror must be one of {', '.join(MIRRORS)}; got {how!r}")
        self._can = torch.tensor(MIRRORS[how])
        self.drawn = torch.zeros(0, 2, dtype=torch.bool)

    def pictures(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        """Of pictures (n, height, width, colours)."""
        self.drawn = (torch.rand(len(batch), 2, generator=generator) < 0.5) & self._can
        return self.again(batch)

    def again(self, batch: Tensor) -> Tensor:
        """Of anything (n, height, width, …), as the pictures were."""
        for axis in (0, 1):
            there = self.drawn[:, axis].to(batch.device).reshape(-1, *[1] * (batch.ndim - 1))
            batch = torch.where(there, batch.flip(axis + 1), batch)
        return batch


def spoken_otherwise(sounds: Tensor, generator: torch.Generator) -> Tensor:
    """Log-mels (n, frames, bands), as `entrants.listening` has them, of other voices, at another pace, with gaps.

    The axis of pitch is stretched (vocal tract length perturbation, Jaitly and Hinton 2013), and that of time (Ko et
    al. 2015); then stretches of either are masked by the mean of the sound (SpecAugment, Park et al. 2019).
    """
    n, frames, bands = sounds.shape
    draw = torch.rand((n, 2 + 4 * _MASKS), generator=generator).to(sounds.device)
    lengths = (sounds[:, :, 0] > 0).sum(dim=1)
    warp = 1 + _WARP * (2 * draw[:, :1] - 1)
    pace = 1 + _PACE * (2 * draw[:, 1:2] - 1)
    time, pitch = torch.arange(frames, device=sounds.device), torch.arange(bands, device=sounds.device)
    new = (lengths[:, None] * pace).round().clamp(1, frames).long()
    rows = (time / pace).round().long().clamp(max=frames - 1).minimum((lengths - 1).clamp(min=0)[:, None])
    columns = (pitch * warp).round().long().clamp(max=bands - 1)
    each = torch.arange(n, device=sounds.device)[:, None, None]
    changed = sounds[each, rows[:, :, None], columns[:, None, :]]
    mean = sounds.float().sum(dim=(1, 2)) / (lengths.clamp(min=1) * bands)
    hidden = torch.zeros_like(changed, dtype=torch.bool)
    for mask in range(_MASKS):
        wide, at, long, when = draw[:, 2 + 4 * mask : 6 + 4 * mask].T[:, :, None]
        low = at * (bands - _BANDS * wide)
        hidden |= ((pitch >= low) & (pitch < low + _BANDS * wide))[:, None, :]
        start = when * new * (1 - _TIME * long)
        hidden |= ((time >= start) & (time < start + _TIME * long * new))[:, :, None]
    changed = torch.where(hidden, mean.round().clamp(min=1).to(sounds.dtype)[:, None, None], changed)
    return changed * (time < new)[:, :, None]
