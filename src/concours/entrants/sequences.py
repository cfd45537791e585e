"""Networks from one sequence to another, on plain torch: recurrent with attention, and a transformer; and beam search.

Rows are numbers (n, source + target): the source, then the target between `BEGIN` and `END`, each filled up by
`NOTHING`. A network says for each row how surprised it is by the target, so that training needs no more of it; and it
goes on step by step, for the search.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from concours.entrants.networks import Encoder, Network
from concours.entrants.subwords import BEGIN, END, NOTHING

_WORD = 0.1
_ROWS = 64
_SLOPE = 0.3
"""How much less a piece is looked at for each place that it is farther, before training (Press et al. 2022)."""
_SHORT = 0.6
"""The power of the length that what a text is worth is divided by: else short ones win."""

State = list[Tensor]
"""What is known of so many beginnings, (n, …) each."""


def recurrent(
    *, shape: Sequence[int], outputs: int, source: int, width: int, dropout: float, smoothing: float
) -> Network:
    """Gated recurrent units with attention (Cho et al. 2014; Luong et al. 2015). `shape` is (source + target,)."""
    del shape
    return Network(nn.Identity(), Recurrent(outputs, source, width, dropout, smoothing))


def transformer(
    *,
    shape: Sequence[int],
    outputs: int,
    source: int,
    width: int,
    depth: int,
    heads: int,
    dropout: float,
    smoothing: float,
    copies: bool = False,
) -> Network:
    """A transformer (Vaswani et al. 2017), normed before each block (Xiong et al. 2020). `shape` as above."""
    del shape
    kind = CopyingTransformer if copies else Transformer
    return Network(nn.Identity(), kind(outputs, source, width, depth, heads, dropout, smoothing))


class Translator(nn.Module):
    """What the networks share: one vector a piece for both sides and for what is said, and the surprise by a target."""

    def __init__(self, pieces: int, source: int, width: int, dropout: float, smoothing: float) -> None:
        super().__init__()
        self.source, self.width, self.smoothing = source, width, smoothing
        self.embed = nn.Embedding(pieces, width)
        nn.init.normal_(self.embed.weight, std=_WORD)
        self.bias = nn.Parameter(torch.zeros(pieces))
        self.dropout = nn.Dropout(dropout)

    def forward(self, rows: Tensor) -> Tensor:
        """(n, 1): the sum of surprises by the pieces of each target, smoothed while it trains."""
        if self.training or len(rows) <= _ROWS:
            return self._surprise(rows)
        return torch.cat([self._surprise(part) for part in rows.split(_ROWS)])

    def _surprise(self, rows: Tensor) -> Tensor:
        source, target = _trimmed(rows[:, : self.source]), _trimmed(rows[:, self.source :])
        before, after = target[:, :-1], target[:, 1:].long()
        memory = self.remember(source)
        logs = self.logs(self.teach(before, memory), memory)
        lost = -logs.gather(2, after[:, :, None])[:, :, 0]
        if self.training and self.smoothing:
            lost = (1 - self.smoothing) * lost - self.smoothing * logs.mean(dim=2)
        return (lost * (after != NOTHING)).sum(dim=1, keepdim=True)

    def logs(self, told: Tensor, memory: State) -> Tensor:
        """The logarithms of the chances of pieces, (n, length, pieces), of (n, length, width)."""
        del memory
        return functional.linear(told, self.embed.weight, self.bias).log_softmax(dim=2)

    def remember(self, source: Tensor) -> State:
        """What is known of sources (n, length)."""
        raise NotImplementedError

    def teach(self, before: Tensor, memory: State) -> Tensor:
        """(n, length, width) of beginnings of all lengths at once."""
        raise NotImplementedError

    def attention(self, before: Tensor, memory: State) -> Tensor:
        """How much is looked at each piece of the source where each next piece is said, (n, length, source)."""
        raise NotImplementedError

    def begin(self, memory: State) -> State:
        """What is known before the first piece."""
        raise NotImplementedError

    def step(self, pieces: Tensor, state: State, memory: State) -> tuple[Tensor, State]:
        """(n, width) after one more piece (n,), and what is then known."""
        raise NotImplementedError


class Recurrent(Translator):
    """A source is read forth and back; a target begins from the mean of that, and looks at all of it at each step."""

    def __init__(self, pieces: int, source: int, width: int, dropout: float, smoothing: float) -> None:
        super().__init__(pieces, source, width, dropout, smoothing)
        self.forth = nn.GRU(width, width, batch_first=True)
        self.back = nn.GRU(width, width, batch_first=True)
        self.first = nn.Linear(2 * width, 2 * width)
        self.reads = nn.Linear(2 * width, 2 * width, bias=False)
        self.says = nn.GRU(width, 2 * width, batch_first=True)
        self.mixes = nn.Linear(4 * width, width)
        self.means = nn.Linear(width, width)
        self.slope = nn.Parameter(torch.full((1,), _SLOPE))

    def remember(self, source: Tensor) -> State:
        there = source != NOTHING
        place = torch.arange(source.shape[1], device=source.device)
        lengths = there.sum(dim=1, keepdim=True)
        turned = torch.where(place < lengths, lengths - 1 - place, place)
        vectors = self.dropout(self.embed(source))
        back = self.back(_picked(vectors, turned))[0]
        memory = torch.cat([self.forth(vectors)[0], _picked(back, turned)], dim=2)
        mean = (memory * there[:, :, None]).sum(dim=1) / lengths.clamp(min=1)
        return [self.dropout(memory), self.reads(memory), there, torch.tanh(self.first(mean)), vectors]

    def teach(self, before: Tensor, memory: State) -> Tensor:
        return self._looked(*self._told(before, memory))

    def attention(self, before: Tensor, memory: State) -> Tensor:
        return self._weights(*self._told(before, memory))

    def _told(self, before: Tensor, memory: State) -> tuple[Tensor, State, Tensor]:
        """What was said at the places of all beginnings, with what looking at the source takes."""
        said, _ = self.says(self.dropout(self.embed(before)), memory[3][None].contiguous())
        return said, memory, torch.arange(said.shape[1], device=said.device)[:, None]

    def begin(self, memory: State) -> State:
        return [memory[3], memory[3].new_zeros(len(memory[3]), 1, 1)]

    def step(self, pieces: Tensor, state: State, memory: State) -> tuple[Tensor, State]:
        said, after = self.says(self.embed(pieces)[:, None], state[0][None].contiguous())
        return self._looked(said, memory, state[1])[:, 0], [after[0], state[1] + 1]

    def _looked(self, said: Tensor, memory: State, place: Tensor) -> Tensor:
        """What was said at some places, with what was looked at, and what the pieces there mean by themselves (Nguyen
        and Chiang 2018).
        """
        values, _, _, _, vectors = memory
        weights = self._weights(said, memory, place)
        mixed = torch.tanh(self.mixes(torch.cat([said, weights @ values], dim=2)))
        alone = torch.tanh(self.means(weights @ vectors))
        looked: Tensor = self.dropout(mixed + alone)
        return looked

    def _weights(self, said: Tensor, memory: State, place: Tensor) -> Tensor:
        """Of each piece of the source, near places first."""
        keys, there = memory[1], memory[2]
        far = (torch.arange(keys.shape[1], device=keys.device) - place).abs()
        found = (said @ keys.transpose(1, 2)) / math.sqrt(said.shape[2]) - self.slope * far
        return found.masked_fill(~there[:, None], -1e9).softmax(dim=2)


class Transformer(Translator):
    """Encoder blocks over the source; blocks over the target that look at what was said before, and at the source."""

    def __init__(
        self, pieces: int, source: int, width: int, depth: int, heads: int, dropout: float, smoothing: float
    ) -> None:
        super().__init__(pieces, source, width, dropout, smoothing)
        self.blocks = nn.ModuleList(Encoder(width, heads, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.says = nn.ModuleList(Decoder(width, heads, dropout) for _ in range(depth))
        self.last = nn.LayerNorm(width)

    def remember(self, source: Tensor) -> State:
        there = source != NOTHING
        tokens = self._placed(source, 0)
        for block in self.blocks:
            tokens = block(tokens, there)
        return [self.norm(tokens), there]

    def teach(self, before: Tensor, memory: State) -> Tensor:
        tokens = self._placed(before, 0)
        for block in self.says:
            tokens = block(tokens, *memory[:2], None)[0]
        result: Tensor = self.last(tokens)
        return result

    def attention(self, before: Tensor, memory: State) -> Tensor:
        """The mean over the heads of the last block but one, which look where a translator would (Garg et al. 2019,
        "Jointly learning to align and translate with transformer models").
        """
        tokens, known = self._placed(before, 0), memory[:2]
        *earlier, looking = self.says[: max(1, len(self.says) - 1)]
        for block in earlier:
            tokens = block(tokens, *known, None)[0]
        found: Tensor = looking.attention(tokens, *known)  # type: ignore[operator]
        return found

    def begin(self, memory: State) -> State:
        nothing = memory[0].new_zeros(len(memory[0]), 0, self.width)
        return [nothing for _ in self.says]

    def step(self, pieces: Tensor, state: State, memory: State) -> tuple[Tensor, State]:
        tokens, after = self._placed(pieces[:, None], state[0].shape[1]), []
        for block, before in zip(self.says, state, strict=True):
            tokens, seen = block(tokens, *memory[:2], before)
            after.append(seen)
        return self.last(tokens)[:, 0], after

    def _placed(self, numbers: Tensor, first: int) -> Tensor:
        """Vectors of pieces with those of their places, waves of many lengths."""
        place = torch.arange(first, first + numbers.shape[1], device=numbers.device)[:, None]
        rate = torch.exp(torch.arange(0, self.width, 2, device=numbers.device) * (-math.log(10_000) / self.width))
        waves = torch.cat([torch.sin(place * rate), torch.cos(place * rate)], dim=1)
        placed: Tensor = self.dropout(self.embed(numbers) / _WORD * 0.5 + waves)
        return placed


class CopyingTransformer(Transformer):
    """One that says a piece of its own, or one of the source as it is: by a share that it finds, it mixes its chances
    with how much it looks at each place of the source (pointer-generator, See et al. 2017).
    """

    def __init__(
        self, pieces: int, source: int, width: int, depth: int, heads: int, dropout: float, smoothing: float
    ) -> None:
        super().__init__(pieces, source, width, depth, heads, dropout, smoothing)
        self.looks = nn.Linear(width, width, bias=False)
        self.copies = nn.Linear(width, 1)

    def remember(self, source: Tensor) -> State:
        return [*super().remember(source), source]

    def logs(self, told: Tensor, memory: State) -> Tensor:
        states, there, source = memory
        own = functional.linear(told, self.embed.weight, self.bias).log_softmax(dim=2)
        found = self.looks(told) @ states.transpose(1, 2) / math.sqrt(self.width)
        at = found.masked_fill(~there[:, None], -1e9).softmax(dim=2)
        places = source.long()[:, None].expand(-1, told.shape[1], -1)
        copied = torch.zeros_like(own).scatter_add(2, places, at)
        gate = self.copies(told)
        parts = [own + functional.logsigmoid(-gate), copied.clamp(min=1e-9).log() + functional.logsigmoid(gate)]
        return torch.logaddexp(*parts)


class Decoder(nn.Module):
    """A block of the target's side: attention to what was said before, to the source, then two linear layers."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.own = nn.ModuleList(nn.Linear(width, size) for size in (width, 2 * width, width))
        self.other = nn.ModuleList(nn.Linear(width, size) for size in (width, 2 * width, width))
        self.think = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.slope = nn.Parameter(torch.linspace(2 * _SLOPE, 0.0, heads))
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor, memory: Tensor, there: Tensor, before: Tensor | None) -> tuple[Tensor, Tensor]:
        """Tokens (n, length, width), and what later ones look back at.

        Args:
            before: what these look back at besides one another, (n, earlier, width); then they are one.
        """
        tokens, seen = self._continued(tokens, before)
        near = self._near(tokens.shape[1], seen.shape[1], memory, there)
        mixed = self._mixed(self.other, self.norms[1](tokens), memory, near)
        tokens = tokens + self.dropout(mixed)
        return tokens + self.dropout(self.think(self.norms[2](tokens))), seen

    def attention(self, tokens: Tensor, memory: Tensor, there: Tensor) -> Tensor:
        """How much each token looks at each place of the source, (n, length, source), the mean over heads."""
        tokens, seen = self._continued(tokens, None)
        near = self._near(tokens.shape[1], seen.shape[1], memory, there)
        asks, holds, _ = self.other
        query, key = self._parted(asks(self.norms[1](tokens))), self._parted(holds(memory).chunk(2, dim=2)[0])
        found = query @ key.transpose(2, 3) / math.sqrt(query.shape[3]) + near
        return found.softmax(dim=3).mean(dim=1)

    def _continued(self, tokens: Tensor, before: Tensor | None) -> tuple[Tensor, Tensor]:
        """Tokens with what was said before them, and what later ones look back at."""
        normed = self.norms[0](tokens)
        seen = normed if before is None else torch.cat([before, normed], dim=1)
        return tokens + self.dropout(self._mixed(self.own, normed, seen, None, causal=before is None)), seen

    def _near(self, length: int, seen: int, memory: Tensor, there: Tensor) -> Tensor:
        """What looking at each place of the source costs by how far it is, (n, heads, length, source)."""
        place = torch.arange(seen - length, seen, device=memory.device)
        far = (torch.arange(memory.shape[1], device=memory.device) - place[:, None]).abs()
        return (-self.slope[:, None, None] * far).masked_fill(~there[:, None, None], -1e9)

    def _mixed(self, layers: Any, tokens: Tensor, seen: Tensor, mask: Tensor | None, *, causal: bool = False) -> Tensor:
        asks, holds, out = layers
        query = self._parted(asks(tokens))
        key, value = map(self._parted, holds(seen).chunk(2, dim=2))
        found = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=causal)
        result: Tensor = out(found.transpose(1, 2).flatten(2))
        return result

    def _parted(self, vectors: Tensor) -> Tensor:
        n, length, width = vectors.shape
        return vectors.view(n, length, self.heads, width // self.heads).transpose(1, 2)


@dataclass(frozen=True)
class Said:
    """What a search found for one row: pieces and the logarithm of what they are worth, best first."""

    pieces: list[list[int]]
    worth: list[float]


@torch.inference_mode()
def search(network: Translator, source: Tensor, *, beam: int, longest: int) -> list[Said]:
    """The best targets of sources (n, length), `beam` each, by going on with the best beginnings.

    A target is worth the logarithm of its chance, divided by a power of its length (Wu et al. 2016, simplified).
    """
    rows = len(source)
    memory = [each.repeat_interleave(beam, dim=0) for each in network.remember(_trimmed(source))]
    state = network.begin(memory)
    pieces = source.new_full((rows * beam,), BEGIN)
    said = source.new_empty((rows * beam, 0))
    chance = torch.full((rows, beam), -math.inf, device=source.device)
    chance[:, 0] = 0.0
    length = torch.ones((rows, beam), device=source.device)
    done = torch.zeros((rows, beam), dtype=torch.bool, device=source.device)
    first = torch.arange(rows, device=source.device)[:, None] * beam
    for _ in range(longest):
        told, state = network.step(pieces, state, memory)
        logs = network.logs(told[:, None], memory).view(rows, beam, -1)
        logs[:, :, [NOTHING, BEGIN]] = -math.inf
        logs[done] = -math.inf
        logs[:, :, NOTHING].masked_fill_(done, 0.0)
        chances = chance[:, :, None] + logs
        worth = chances / length[:, :, None] ** _SHORT
        kinds = logs.shape[2]
        best = worth.flatten(1).topk(beam, dim=1).indices
        parent, piece = best // kinds, best % kinds
        chance, done = chances.flatten(1).gather(1, best), done.gather(1, parent) | (piece == END)
        length = length.gather(1, parent) + (~done).float()
        places = (first + parent).flatten()
        pieces = piece.flatten().to(source.dtype)
        said = torch.cat([said[places], pieces[:, None]], dim=1)
        state = [each[places] for each in state]
        if bool(done.all()):
            break
    worth = chance / length**_SHORT
    return _listed(said.view(rows, beam, -1), worth)


def _listed(said: Tensor, worth: Tensor) -> list[Said]:
    found = []
    for row, each in zip(said.tolist(), worth.tolist(), strict=True):
        order = sorted(range(len(each)), key=lambda place: -each[place])
        kept = [place for place in order if each[place] > -math.inf]
        pieces = [[piece for piece in row[place] if piece not in (NOTHING, END)] for place in kept]
        found.append(Said(pieces, [each[place] for place in kept]))
    return found


def _trimmed(numbers: Tensor) -> Tensor:
    """Without the columns in which no row has anything; the first stays."""
    there = (numbers != NOTHING).any(dim=0)
    last = int(there.nonzero().max()) + 1 if bool(there.any()) else 1
    return numbers[:, :last]


def _picked(vectors: Tensor, places: Tensor) -> Tensor:
    """Vectors (n, length, width) in the order of places (n, length)."""
    return vectors.gather(1, places[:, :, None].expand_as(vectors))
