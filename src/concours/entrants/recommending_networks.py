"""Networks that recommend: a vector of what is known of a user beside one of each item (Covington et al. 2016).

Rows, targets and predictions are as of `entrants.recommending`. A user is no part of a model here either: the vector is
made of the items that are known, so that of whoever comes later it is made in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, Final, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor, nn
from torch.nn import functional

from concours.entrants.estimator import NeuralEstimator, outputs
from concours.entrants.losses import Loss
from concours.entrants.networks import Encoder, Network
from concours.entrants.recommending import Recommender
from concours.entrants.training import Augmentation, Settings
from concours.kernels.rows.ranked import Sought

Array = NDArray[Any]

_BUDGET: Final = 1.2e5
"""What training costs at effort 1, in millions of multiplications: some ten seconds of one core."""
_OVERHEAD: Final = 0.3
"""What a user costs besides, whatever the network."""
_MOST_EPOCHS: Final = 60
_LONGEST: Final = 512
"""As many items of a user are looked at."""
_TAKEN: Final = -1e9
"""The score of an item that somebody has."""
_SHARES: Final = (0.2, 0.8)
"""Between which lies the share of a user's items that is asked for."""
_DECAY: Final = 0.2
"""Of weights: much, as there are more of them than there is to learn from."""
_BEGUN: Final = 0.1
_HEAD: Final = 32


class NetworkRecommender(Recommender, NeuralEstimator):
    """What they share: they learn to say some items of a user by the others, other ones each time.

    Where the log has times, these are the next ones behind a moment, few more often than many, and at most as large a
    share as was held out of users. Else they are drawn, and the others stand in an order that is drawn too, as it says
    nothing then. They are told apart from all that the user has not by a softmax over all items: a step takes the
    longer, the more there are. `effort` scales the time of a fit where `epochs` is None.

    Fitted besides what others have: `timed_`, whether there were times.
    """

    width: int
    dropout: float
    effort: float

    _effort: ClassVar[float] = 0.0
    _looked_at: int = _LONGEST
    """As many items of a user are read."""

    def fit(self, X: Any, y: Any) -> Self:
        """Fit to what is known of users `X`, and to what was held out of them `y`."""
        if not self.effort > 0:
            raise ValueError(f"effort must be above 0; got {self.effort!r}")
        super().fit(X, y)
        sought, self.timed_ = Sought.of(y), "times" in X
        asked = np.split(sought.items, sought.offsets[1:-1])
        self._held = float(len(sought.items) / (len(sought.items) + sum(map(len, X["items"]))))
        each = [np.concatenate([known + 1, -1 - own]) for known, own in zip(X["items"], asked, strict=True)]
        self._fit(self._beside(each, _LONGEST), np.zeros(len(each), dtype=np.float32), self.items_)
        return self

    def get_tensors(self) -> dict[str, Array]:
        return {**Recommender.get_tensors(self), **NeuralEstimator.get_tensors(self)}

    def get_state(self) -> dict[str, Any]:
        return {**Recommender.get_state(self), **NeuralEstimator.get_state(self), "timed": self.timed_}

    def set_tensors(self, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Self:
        self.timed_ = state["timed"]
        Recommender.set_tensors(self, tensors, state)
        own = {name: tensor for name, tensor in tensors.items() if name != "popularity_"}
        return NeuralEstimator.set_tensors(self, own, state)

    def _scores(self, X: Any, known: sparse.csr_array) -> NDArray[np.floating[Any]]:
        del known
        had = [items[self.popularity_[items] > 0] + 1 for items in X["items"]]
        rows = torch.tensor(self._beside(had, self._looked_at))
        said: Array = outputs(self.network_.body.scores, rows.to(next(self.network_.parameters()).device)).cpu().numpy()
        return said

    def _beside(self, each: Sequence[Array], most: int) -> Array:
        """Items beside one another, 0 behind the last one: the last in time, or, without times, some from all over."""
        rows = np.zeros((len(each), min(most, max(map(len, each), default=0))), dtype=np.int64)
        for row, items in zip(rows, each, strict=True):
            count = min(len(items), len(row))
            first = len(items) - count
            some = np.arange(first, len(items)) if self.timed_ else np.arange(count) * len(items) // max(count, 1)
            row[:count] = items[some]
        return rows

    def _set_shape(self, shape: Sequence[int]) -> None:
        """A network reads users with any number of items: so two are alike whoever they were fitted on."""
        del shape
        super()._set_shape((self._looked_at,))

    def _augmentation(self) -> Augmentation:
        return partial(followed, held=self._held) if self.timed_ else drawn

    def _learn_scaling(self, network: Any, rows: Array) -> None:
        """Codes of items have no scale."""

    def _settings(self, rows: int) -> Settings:
        """As many epochs as the effort pays for; all users are learned from to the end."""
        affordable = self.effort * _BUDGET / (rows * 3 * (self._cost() + _OVERHEAD))
        chosen = {
            "epochs": int(np.clip(affordable, 1, _MOST_EPOCHS)) if self.epochs is None else self.epochs,
            "patience": None,
            "batch_size": int(np.clip(2 ** round(np.log2(2 * rows**0.5)), 8, 256)),
            "validation_share": 0.0,
            "weight_decay": _DECAY,
        }
        return replace(super()._settings(rows), **{**chosen, **(self.training or {})})

    def _losses(self, targets: Tensor, settings: Settings, weights: Tensor | None) -> tuple[Loss, Loss]:
        del targets, settings, weights
        return _surprise, _surprise

    def _cost(self) -> float:
        """Millions of multiplications for a user, forwards."""
        raise NotImplementedError


class TwoTowerRecommender(NetworkRecommender):
    """The vector of a user is the mean of vectors of the items that are known, through two dense layers (Covington et
    al. 2016; Yi et al. 2019); that of an item is learned. Their product, with a bias of the item, says how well they
    suit.

    `width`: numbers of a vector; the layer between has twice as many.
    """

    _learning_rate: ClassVar[float] = 5e-3

    def __init__(
        self,
        *,
        width: int = 64,
        dropout: float = 0.5,
        effort: float = 1.0,
        epochs: int | None = None,
        learning_rate: float | None = None,
        training: Mapping[str, Any] | None = None,
        items: int | None = None,
        best: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.width = width
        self.dropout = dropout
        self.effort = effort
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.training = training
        self.items = items
        self.best = best
        self.random_state = random_state

    @staticmethod
    def _build(*, shape: Sequence[int], outputs: int, width: int, dropout: float) -> Network:
        del shape
        return Network(nn.Identity(), Towers(MeanTower(outputs, width, dropout), width, outputs))

    def _shape_network(self) -> dict[str, Any]:
        return {"width": self.width, "dropout": self.dropout}

    def _cost(self) -> float:
        return self.width * (self.items_ + 4 * self.width) / 1e6


class SessionRecommender(NetworkRecommender):
    """A transformer over the last items of a user, each with its place (Kang and McAuley 2018); one more place behind
    them, for what comes next, looks at them all (Sun et al. 2019).

    `width`: numbers of a vector, a multiple of 32. `length`: the most items that are read. `depth`: blocks; in the last
    of them the place behind the items alone looks at others, as nothing else is asked of it.
    """

    _learning_rate: ClassVar[float] = 1e-2

    def __init__(
        self,
        *,
        width: int = 64,
        depth: int = 1,
        length: int = 100,
        dropout: float = 0.4,
        effort: float = 1.0,
        epochs: int | None = None,
        learning_rate: float | None = None,
        training: Mapping[str, Any] | None = None,
        items: int | None = None,
        best: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.width = width
        self.depth = depth
        self.length = length
        self.dropout = dropout
        self.effort = effort
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.training = training
        self.items = items
        self.best = best
        self.random_state = random_state

    @staticmethod
    def _build(*, shape: Sequence[int], outputs: int, width: int, depth: int, length: int, dropout: float) -> Network:
        del shape
        return Network(nn.Identity(), Towers(SessionTower(outputs, width, depth, length, dropout), width, outputs))

    @property
    def _looked_at(self) -> int:  # type: ignore[override]
        return self.length

    def _shape_network(self) -> dict[str, Any]:
        if self.width < _HEAD or self.width % _HEAD:
            raise ValueError(f"width must be a multiple of {_HEAD}; got {self.width!r}")
        return {"width": self.width, "depth": self.depth, "length": self.length, "dropout": self.dropout}

    def _cost(self) -> float:
        """As for a user with as many items as are read."""
        square, among = 8 * self.width**2, 2 * self.length * self.width
        read = self.length * ((self.depth - 1) * (square + among) + square / 4)
        return (self.width * self.items_ + read + square + among) / 1e6


class Towers(nn.Module):
    """Rows of codes and one (n, most): those of known items, minus those of items that are asked for, 0 for neither."""

    def __init__(self, user: nn.Module, width: int, items: int) -> None:
        super().__init__()
        self.user = user
        self.items = nn.Linear(width, items)
        nn.init.normal_(self.items.weight, std=_BEGUN)

    def forward(self, rows: Tensor) -> Tensor:
        """(n, 1) how surprising the items are on average that are asked for; 0 where none is."""
        asked = -rows.clamp(max=0)
        logs = self.scores(rows.clamp(min=0)).log_softmax(dim=1)
        told = logs.gather(1, (asked - 1).clamp(min=0)) * (asked > 0)
        return -told.sum(dim=1, keepdim=True) / (asked > 0).sum(dim=1, keepdim=True).clamp(min=1)

    def scores(self, known: Tensor) -> Tensor:
        """(n, items) how well each suits."""
        said: Tensor = self.items(self.user(known))
        taken = torch.zeros(len(known), said.shape[1] + 1, dtype=torch.bool, device=known.device)
        return said.masked_fill(taken.scatter(1, known, True)[:, 1:], _TAKEN)


class MeanTower(nn.Module):
    """From known items (n, most) to (n, width)."""

    def __init__(self, items: int, width: int, dropout: float) -> None:
        super().__init__()
        self.embed = nn.EmbeddingBag(items + 1, width, mode="sum", padding_idx=0)
        nn.init.normal_(self.embed.weight, std=_BEGUN)
        self.think = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Dropout(dropout), nn.Linear(2 * width, width)
        )

    def forward(self, known: Tensor) -> Tensor:
        mean = self.embed(known) / _root((known > 0).sum(dim=1, keepdim=True))
        said: Tensor = mean + self.think(mean)
        return said


class SessionTower(nn.Module):
    """From known items (n, most), the last `length` of which are read, to (n, width)."""

    def __init__(self, items: int, width: int, depth: int, length: int, dropout: float) -> None:
        super().__init__()
        self.length = length
        self.embed = nn.Embedding(items + 1, width, padding_idx=0)
        nn.init.normal_(self.embed.weight, std=_BEGUN)
        self.places = nn.Parameter(_BEGUN * torch.randn(length + 1, width))
        self.blocks = nn.ModuleList(Encoder(width, width // _HEAD, dropout) for _ in range(depth - 1))
        self.behind = LastLooks(width, width // _HEAD, dropout)

    def forward(self, known: Tensor) -> Tensor:
        known = _last(known, self.length)
        there = functional.pad(known > 0, (0, 1), value=True)
        tokens = functional.pad(self.embed(known), (0, 0, 0, 1)) + self.places[-there.shape[1] :]
        for block in self.blocks:
            tokens = block(tokens, there)
        found: Tensor = self.behind(tokens, there)
        return found


class LastLooks(nn.Module):
    """A block like `networks.Encoder`, of whose tokens (n, tokens, width) the last alone is found, (n, width)."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.ask = nn.Linear(width, width)
        self.tell = nn.Linear(width, 2 * width)
        self.outward = nn.Sequential(nn.Linear(width, width), nn.Dropout(dropout))
        inner = [nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)]
        self.think = nn.Sequential(nn.LayerNorm(width), *inner, nn.Dropout(dropout))

    def forward(self, tokens: Tensor, there: Tensor) -> Tensor:
        normed = self.norm(tokens)
        n, length, width = tokens.shape
        query = self.ask(normed[:, -1]).view(n, self.heads, 1, -1)
        key, value = self.tell(normed).view(n, length, 2, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=there[:, None, None])
        last = tokens[:, -1] + self.outward(mixed.reshape(n, width))
        found: Tensor = last + self.think(last)
        return found


def followed(rows: Tensor, chance: torch.Generator, *, held: float) -> Tensor:
    """Of rows as `Towers` takes them: the next items behind a moment are asked for, a share of `held` at most."""
    codes, place = rows.abs(), torch.arange(rows.shape[1], device=rows.device)
    moment, many = (_even(rows[:, :1].shape, chance, rows.device) for _ in range(2))
    known = 1 + (moment * ((codes > 0).sum(dim=1, keepdim=True) - 1)).long()
    end = known + (known * held / (1 - held)).clamp(min=1).pow(many).round()
    return torch.where(place < known, codes, torch.where(place < end, -codes, 0))


def drawn(rows: Tensor, chance: torch.Generator) -> Tensor:
    """Of rows as `Towers` takes them: some are asked for, by chance, and the others stand in an order by chance."""
    codes = rows.abs()
    order = (_even(rows.shape, chance, rows.device) + (codes == 0)).argsort(dim=1)
    codes = codes.gather(1, order)
    least, most = _SHARES
    shares = least + (most - least) * _even(rows[:, :1].shape, chance, rows.device)
    return torch.where(_even(rows.shape, chance, rows.device) < shares, -codes, codes)


def _even(shape: Sequence[int], chance: torch.Generator, device: torch.device) -> Tensor:
    return torch.rand(shape, generator=chance).to(device)


def _last(known: Tensor, most: int) -> Tensor:
    """The last items of each row at its end, 0 before the first: (n, as many as the longest row has)."""
    order = (known > 0).byte().argsort(dim=1, stable=True)
    longest = min(most, int((known > 0).sum(dim=1).max())) if len(known) else 0
    return known.gather(1, order)[:, known.shape[1] - longest :]


def _root(counts: Tensor) -> Tensor:
    """By what sums are divided, so that more known items say more, and not as many times more."""
    return counts.clamp(min=1).sqrt()


def _surprise(said: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
    """The mean over users, a `Loss`."""
    del targets
    return said.mean() if weights is None else (weights * said[:, 0]).mean()
