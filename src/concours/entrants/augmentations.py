"""What training changes of its inputs by chance, so that a network learns what does not matter."""

from __future__ import annotations

import torch
from torch import Tensor

_WARP, _PACE = 0.1, 0.15
"""How much higher or lower a voice is made, and how much slower or faster, at most."""
_BANDS, _TIME, _MASKS = 6, 0.1, 2
"""Bands of a mask, its share of the time of a sound, both at most; and how many masks there are of either."""


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
