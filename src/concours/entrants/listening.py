"""Networks that listen, on plain torch: from log-mels over time to what is said at each moment.

Sounds are uint8 (n, frames, bands): the loudness of bands of pitch from 1 to 255, and 0 behind the end of a sound. Out
come scores (n, moments, symbols), a moment for every four frames; symbol 0 is nothing new. Behind the end of a sound
only that is said, and its score is `SURE`. What is said of a sound hangs on no other sound of the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from concours.entrants.networks import Attention, Network

SURE: Final = 1e4
_STEP = 2
"""Frames that either of two convolutions makes one of."""
_REACH = 15
"""Moments that a convolution of a conformer sees."""
_LEAST = 8.0
"""The deviation of the loudness of a band that is not made greater."""


def recurrent(*, shape: Sequence[int], outputs: int, width: int, depth: int, dropout: float) -> Network:
    """`depth` layers of gated recurrent units, forth and back (Cho et al. 2014). `shape` is (frames, bands)."""
    return Network(nn.Identity(), Listener(shape[-1], Recurrent(width, depth, dropout), width, outputs, dropout))


def conformer(*, shape: Sequence[int], outputs: int, width: int, depth: int, heads: int, dropout: float) -> Network:
    """`depth` blocks of attention and convolution (Gulati et al. 2020). `shape` as above."""
    blocks = Conformer(width, depth, heads, dropout)
    return Network(nn.Identity(), Listener(shape[-1], blocks, width, outputs, dropout))


class Listener(nn.Module):
    """What the networks share: each band about its mean over a sound, two convolutions in steps, a body, scores."""

    def __init__(self, bands: int, body: nn.Module, width: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.near = nn.Conv1d(bands, width, 2 * _STEP + 1, stride=_STEP, padding=_STEP)
        self.far = nn.Conv1d(width, width, 2 * _STEP + 1, stride=_STEP, padding=_STEP)
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)
        self.body = body
        self.says = nn.Linear(width, outputs)

    def forward(self, sounds: Tensor) -> Tensor:
        lengths = (sounds[:, :, 0] > 0).sum(dim=1).clamp(min=1)
        moments, frames = _moments(lengths), int(lengths.max())
        there = _before(lengths, frames)
        heard = _levelled(sounds[:, :frames].float(), there).transpose(1, 2)
        heard = functional.gelu(self.near(heard))
        heard = heard * _before((lengths + _STEP - 1) // _STEP, heard.shape[2])[:, None]
        heard = functional.gelu(self.far(heard)).transpose(1, 2)
        told = self.says(self.body(self.dropout(self.norm(heard)), moments))
        silence = told.new_zeros(told.shape[2])
        silence[0] = SURE
        told = torch.where(_before(moments, told.shape[1])[:, :, None], told, silence)
        left = int(_moments(torch.tensor(sounds.shape[1]))) - told.shape[1]
        return torch.cat([told, silence.expand(len(told), left, -1)], dim=1)


class Recurrent(nn.Module):
    """From (n, moments, width) to as much; a sound is read back from its own end."""

    def __init__(self, width: int, depth: int, dropout: float) -> None:
        super().__init__()
        some = dropout if depth > 1 else 0.0
        self.units = nn.GRU(width, width, depth, batch_first=True, bidirectional=True, dropout=some)
        self.mixes = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * width, width))

    def forward(self, heard: Tensor, moments: Tensor) -> Tensor:
        packed = pack_padded_sequence(heard, moments.cpu(), batch_first=True, enforce_sorted=False)
        told, _ = pad_packed_sequence(self.units(packed)[0], batch_first=True, total_length=heard.shape[1])
        result: Tensor = heard + self.mixes(told)
        return result


class Conformer(nn.Module):
    """From (n, moments, width) to as much; where a moment is, only the convolutions tell."""

    def __init__(self, width: int, depth: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(depth))

    def forward(self, heard: Tensor, moments: Tensor) -> Tensor:
        there = _before(moments, heard.shape[1])
        for block in self.blocks:
            heard = block(heard, there)
        return heard


class Block(nn.Module):
    """Half a feed-forward, attention, convolution, and the other half, each normed and added to its input."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.first, self.second = _feed(width, dropout), _feed(width, dropout)
        self.looks, self.attend = nn.LayerNorm(width), Attention(width, heads)
        self.gate = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GLU(dim=2))
        self.near = nn.Conv1d(width, width, _REACH, padding=_REACH // 2, groups=width)
        self.mixes = nn.Sequential(nn.LayerNorm(width), nn.SiLU(), nn.Linear(width, width), nn.Dropout(dropout))
        self.dropout, self.norm = nn.Dropout(dropout), nn.LayerNorm(width)

    def forward(self, heard: Tensor, there: Tensor) -> Tensor:
        heard = heard + 0.5 * self.first(heard)
        heard = heard + self.dropout(self.attend(self.looks(heard), there))
        gated = (self.gate(heard) * there[:, :, None]).transpose(1, 2)
        heard = heard + self.mixes(self.near(gated).transpose(1, 2))
        heard = heard + 0.5 * self.second(heard)
        result: Tensor = self.norm(heard)
        return result


def _feed(width: int, dropout: float) -> nn.Sequential:
    inner = [nn.Linear(width, 4 * width), nn.SiLU(), nn.Dropout(dropout), nn.Linear(4 * width, width)]
    return nn.Sequential(nn.LayerNorm(width), *inner, nn.Dropout(dropout))


def _before(lengths: Tensor, most: int) -> Tensor:
    """(n, most), whether a place lies before the end."""
    return torch.arange(most, device=lengths.device) < lengths[:, None]


def _moments(frames: Tensor) -> Tensor:
    return (frames + _STEP**2 - 1) // _STEP**2


def _levelled(heard: Tensor, there: Tensor) -> Tensor:
    """Each band of a sound about its mean, over its deviation; 0 behind the end."""
    mask, count = there[:, :, None], there.sum(dim=1)[:, None, None]
    mean = (heard * mask).sum(dim=1, keepdim=True) / count
    apart = (heard - mean) * mask
    return apart / (apart.square().sum(dim=1, keepdim=True) / count).sqrt().clamp(min=_LEAST)
