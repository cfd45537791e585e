"""Networks that tell the next byte, on plain torch: recurrent, and a transformer.

Rows are bytes (n, before + told) uint8; 0 stands before a text begins, and behind its end. A network says for each row
how surprised it is by the bytes told, each after all before it in the row, so that training needs no more of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from concours.entrants.networks import Network
from concours.entrants.passages import NOTHING

BYTES = 256
_WORD = 0.1
_ROWS = 64
_MIXED, _BITS = 2654435761, 32
"""A multiplier that spreads numbers over 32 bits (Knuth 1973, 6.4)."""
_FLAT = 0.02


def recurrent(
    *, shape: Sequence[int], outputs: int, before: int, width: int, hidden: int, buckets: int, dropout: float
) -> Network:
    """Long short-term memory (Hochreiter and Schmidhuber 1997). `shape` is (before + told,)."""
    del shape
    return Network(nn.Identity(), Recurrent(outputs, before, width, hidden, buckets, dropout))


def decoder(
    *, shape: Sequence[int], outputs: int, before: int, width: int, depth: int, heads: int, buckets: int, dropout: float
) -> Network:
    """A decoder (Radford et al. 2018), normed before each block (Xiong et al. 2020). `shape` as above."""
    del shape
    return Network(nn.Identity(), Decoder(outputs, before, width, depth, heads, buckets, dropout))


class Speaker(nn.Module):
    """What the networks share: what is read at a place, what is told there, and the surprise by it."""

    def __init__(self, outputs: int, before: int, width: int, told: int, buckets: int, dropout: float) -> None:
        super().__init__()
        self.before = before
        self.reads = Last(width, buckets)
        self.dropout = nn.Dropout(dropout)
        self.tells = nn.Linear(told, outputs)

    def forward(self, rows: Tensor) -> Tensor:
        """(n, 1): the sum of surprises by the bytes told, in nats."""
        if self.training or len(rows) <= _ROWS:
            return self._surprise(rows)
        return torch.cat([self._surprise(part) for part in rows.split(_ROWS)])

    def _surprise(self, rows: Tensor) -> Tensor:
        told = rows[:, self.before :].long()
        logs = self.logs(rows[:, :-1], self.before)
        lost = functional.nll_loss(logs.flatten(0, 1), told.flatten(), reduction="none").view(told.shape)
        return (lost * (told != NOTHING)).sum(dim=1, keepdim=True)

    def logs(self, read: Tensor, before: int) -> Tensor:
        """(n, places, outputs) log-probabilities of what comes behind each place of what is read (n, length), from
        that on behind which the byte numbered `before` stands.
        """
        return self.tells(self.dropout(self.understood(self.dropout(self.reads(read)))[:, before - 1 :])).log_softmax(2)

    def understood(self, vectors: Tensor) -> Tensor:
        """(n, length, told) of what is read at places up to each, (n, length, width)."""
        raise NotImplementedError


class Last(nn.Module):
    """A vector for the last byte, the last two and the last three, which are spread over `buckets` (hashed grams, as in
    Pagnoni et al. 2025, "Byte Latent Transformer"): what a small network would learn slowly, it reads off.
    """

    def __init__(self, width: int, buckets: int) -> None:
        super().__init__()
        self.buckets = buckets
        self.one, self.two, self.three = (nn.Embedding(size, width) for size in (BYTES, buckets, buckets))
        for each in (self.one, self.two, self.three):
            nn.init.normal_(each.weight, std=_WORD)

    def forward(self, read: Tensor) -> Tensor:
        one = read.long()
        two = one + BYTES * _shifted(one)
        three = two + BYTES**2 * _shifted(_shifted(one))
        found: Tensor = self.one(one) + self.two(self._bucket(two)) + self.three(self._bucket(three))
        return found

    def _bucket(self, grams: Tensor) -> Tensor:
        return ((grams * _MIXED) % (1 << _BITS) >> 8) % self.buckets


class Recurrent(Speaker):
    """A layer of long short-term memory over what is read."""

    def __init__(self, outputs: int, before: int, width: int, hidden: int, buckets: int, dropout: float) -> None:
        super().__init__(outputs, before, width, hidden, buckets, dropout)
        self.remembers = nn.LSTM(width, hidden, batch_first=True)

    def understood(self, vectors: Tensor) -> Tensor:
        found: Tensor = self.remembers(vectors)[0]
        return found


class Decoder(Speaker):
    """Blocks of attention to what was read before: the farther, the less, each head at a rate of its own (Press et al.
    2022), so that no places are learned, and longer texts can be read than it was trained on.
    """

    def __init__(
        self, outputs: int, before: int, width: int, depth: int, heads: int, buckets: int, dropout: float
    ) -> None:
        super().__init__(outputs, before, width, width, buckets, dropout)
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.heads = heads

    def understood(self, vectors: Tensor) -> Tensor:
        place = torch.arange(vectors.shape[1], device=vectors.device)
        far = (place[:, None] - place).to(vectors.dtype)
        slopes = torch.exp2(-8 * torch.arange(1, self.heads + 1, device=vectors.device) / self.heads)
        near = (-slopes[:, None, None] * far).masked_fill(far < 0, -math.inf)
        for block in self.blocks:
            vectors = block(vectors, near)
        found: Tensor = self.norm(vectors)
        return found


class Block(nn.Module):
    """Attention by what is near, then two linear layers, each added to its input."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.inward, self.outward = nn.Linear(width, 3 * width), nn.Linear(width, width)
        last = nn.Linear(4 * width, width)
        self.think = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), last)
        self.dropout = nn.Dropout(dropout)
        for each in (self.outward, last):
            nn.init.normal_(each.weight, std=_FLAT)

    def forward(self, vectors: Tensor, near: Tensor) -> Tensor:
        n, length, width = vectors.shape
        parts = self.inward(self.norms[0](vectors)).view(n, length, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=near)
        vectors = vectors + self.dropout(self.outward(mixed.transpose(1, 2).reshape(n, length, width)))
        result: Tensor = vectors + self.dropout(self.think(self.norms[1](vectors)))
        return result


def _shifted(numbers: Tensor) -> Tensor:
    """What stands one place before, (n, length); nothing before the first."""
    return functional.pad(numbers, (1, 0))[:, :-1]
