"""Small networks that translate, as scikit-learn estimators: recurrent with attention, and a transformer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from concours.entrants import sequences
from concours.entrants.attending import Looked
from concours.entrants.estimator import NeuralEstimator
from concours.entrants.inputs import weights_of
from concours.entrants.losses import Loss
from concours.entrants.nbest import nbest, paired, said, tokens
from concours.entrants.subwords import BEGIN, END, NOTHING, Subwords
from concours.entrants.training import Settings

Array = NDArray[Any]

_BUDGET = 3.5e5
"""What training costs at effort 1, in millions of multiplications: some 45 seconds of one core."""
_SMOOTHING = 0.1
_MOST_EPOCHS = 60
_ROWS = 32


class NeuralTranslator(NeuralEstimator):
    """What the networks share: pieces of words learned from both sides of the training rows, and beam search.

    `pieces`: merges that pieces of words are learned by. `length`: pieces that are read of a text, and said of one, at
    most. `width`: numbers a piece. `beam`: how many texts are said of each. `effort` scales the time of a fit, which is
    bounded whatever the number of rows, where `epochs` is None. Fitted besides what others have: `subwords_`,
    `source_`, how many pieces of a source the network reads.
    """

    pieces: int
    length: int
    width: int
    beam: int
    dropout: float
    effort: float

    divides = False
    copies: bool = False

    def fit(self, X: ArrayLike, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to texts `X` (n,) and what they become, one text each or several, by weights, (n,) and 1 on average."""
        sources, targets, weights = paired(X, y, sample_weight)
        if not self.effort > 0:
            raise ValueError(f"effort must be above 0; got {self.effort!r}")
        self.subwords_ = Subwords.learn([*sources, *targets], most=self.pieces)
        ends = [[BEGIN, *self._numbers(text, 2), END] for text in targets]
        self.source_ = max(1, *(len(self._numbers(text)) for text in sources))
        self.target_ = max(map(len, ends)) - 1
        read = self.source_ if self.copies else 0  # of long texts most of the work is reading
        self.tokens_ = max(float(np.mean([len(row) for row in ends])), float(read))
        rows = np.hstack([self._read(sources), _filled(ends, max(map(len, ends)))])
        counts = np.asarray([len(row) - 1 for row in ends], dtype=np.float32)
        self._fit(rows, counts, self.subwords_.size, weights_of(weights))
        return self

    def predict(self, X: ArrayLike) -> pa.Array:
        """At most `beam` texts a row."""
        check_is_fitted(self, "network_")
        texts = said(X)
        sources = [self._numbers(text) for text in texts]
        numbers = _filled(sources, max(1, *map(len, sources)))
        lengths = (numbers != NOTHING).sum(axis=1)
        order = np.argsort(lengths, kind="stable")
        device = next(self.network_.parameters()).device
        found: list[sequences.Said] = [sequences.Said([], [])] * len(texts)
        for start in range(0, len(order), _ROWS):
            some = order[start : start + _ROWS]
            most = self.target_ if self.copies else min(self.length, int(1.4 * lengths[some].max()) + 6)
            part = torch.tensor(numbers[some], device=device)
            each = sequences.search(self.network_.body, part, beam=self.beam, longest=most)
            for place, one in zip(some.tolist(), each, strict=True):
                found[place] = one
        return nbest([self._texts(one) for one in found], instead=texts)

    @torch.inference_mode()
    def looked(self, text: str, said: str) -> Looked:
        """Where the network looks, if it reads this and says that (`entrants.attending`)."""
        (read, source), (told, target) = (self._words(each) for each in (text, said))
        if not source or not target:
            return Looked(weights=np.zeros((len(told), len(read))), said=told, read=read)
        body, device = self.network_.body, next(self.network_.parameters()).device
        before = torch.tensor([[BEGIN, *target[:-1]]], device=device)
        weights = body.attention(before, body.remember(torch.tensor([source], device=device)))[0]
        return Looked(weights=weights.double().cpu().numpy(), said=told, read=read)

    def _words(self, text: str) -> tuple[list[int], list[int]]:
        """The word that each piece of a text is of, and the numbers of these pieces."""
        each = [(word, n) for word, token in enumerate(tokens(text)) for n in self.subwords_.encode_word(token)]
        return [word for word, _ in each[: self.length]], [number for _, number in each[: self.length]]

    def _texts(self, found: sequences.Said) -> list[tuple[str, float]]:
        """Different texts, in their order."""
        texts: dict[str, float] = {}
        for pieces, worth in zip(found.pieces, found.worth, strict=True):
            texts.setdefault(self.subwords_.decode(pieces), worth)
        return list(texts.items())

    def get_state(self) -> dict[str, Any]:
        own = {"subwords": self.subwords_.state(), "source": self.source_, "tokens": self.tokens_}
        own |= {"target": self.target_} if self.copies else {}
        return {**super().get_state(), **own}

    def set_tensors(self, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Self:
        self.subwords_ = Subwords.from_state(state["subwords"])
        self.source_, self.tokens_ = state["source"], state["tokens"]
        self.target_ = state.get("target", self.length)
        return super().set_tensors(tensors, state)

    def _numbers(self, text: str, ends: int = 0) -> list[int]:
        return self.subwords_.encode(text)[: self.length - ends]

    def _read(self, X: Sequence[str]) -> Array:  # type: ignore[override]
        return _filled([self._numbers(text)[: self.source_] for text in X], self.source_)

    def _learn_scaling(self, network: Any, rows: Array) -> None:
        """Numbers of pieces have no scale."""

    def _settings(self, rows: int) -> Settings:
        """As many epochs as the effort pays for, in batches that grow slowly with the rows."""
        each = self._cost() + self.subwords_.size * self.width / 1e6
        affordable = self.effort * _BUDGET / (rows * self.tokens_ * 3 * each)
        epochs = int(np.clip(affordable, 2, _MOST_EPOCHS)) if self.epochs is None else self.epochs
        chosen = {
            "epochs": epochs,
            "patience": max(5, epochs // 4),
            "batch_size": int(np.clip(2 ** round(np.log2(rows**0.5 / 1.5)), 8, 96)),
            "validation_share": 0.0 if rows < 100 else float(np.clip(150 / rows, 0.01, 0.1)),
            "label_smoothing": _SMOOTHING,
        }
        return replace(super()._settings(rows), **{**chosen, **(self.training or {})})

    def _losses(self, targets: Tensor, settings: Settings, weights: Tensor | None) -> tuple[Loss, Loss]:
        del targets, settings, weights
        return surprise, surprise

    def _cost(self) -> float:
        """Millions of multiplications for one piece, but for what says which one it is."""
        raise NotImplementedError


class GRUTranslator(NeuralTranslator):
    """Gated recurrent units that read a text forth and back, and attend to all of it at each piece that they say."""

    _build = staticmethod(sequences.recurrent)
    _learning_rate: ClassVar[float] = 3e-3
    _effort: ClassVar[float] = 0.0

    def __init__(
        self,
        *,
        pieces: int = 1000,
        length: int = 100,
        width: int = 64,
        beam: int = 4,
        dropout: float = 0.3,
        effort: float = 1.0,
        epochs: int | None = None,
        learning_rate: float | None = None,
        training: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.pieces = pieces
        self.length = length
        self.width = width
        self.beam = beam
        self.dropout = dropout
        self.effort = effort
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.training = training
        self.random_state = random_state

    def _cost(self) -> float:
        return 38 * self.width**2 / 1e6

    def _shape_network(self) -> dict[str, Any]:
        return {"source": self.source_, "width": self.width, "dropout": self.dropout, "smoothing": _SMOOTHING}


class TransformerTranslator(NeuralTranslator):
    """A small transformer. `depth`: blocks of either side. `width` is a multiple of 32, the width of a head. `copies`:
    whether it may say a piece of the source as it is, which suits summaries.
    """

    _build = staticmethod(sequences.transformer)
    _learning_rate: ClassVar[float] = 2e-3
    _effort: ClassVar[float] = 0.0

    def __init__(
        self,
        *,
        pieces: int = 1000,
        length: int = 100,
        width: int = 64,
        depth: int = 2,
        beam: int = 4,
        copies: bool = False,
        dropout: float = 0.2,
        effort: float = 1.0,
        epochs: int | None = None,
        learning_rate: float | None = None,
        training: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.pieces = pieces
        self.length = length
        self.width = width
        self.depth = depth
        self.beam = beam
        self.copies = copies
        self.dropout = dropout
        self.effort = effort
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.training = training
        self.random_state = random_state

    def _cost(self) -> float:
        return 20 * self.depth * self.width**2 / 1e6

    def _shape_network(self) -> dict[str, Any]:
        if self.width < 32 or self.width % 32:
            raise ValueError(f"width must be a multiple of 32; got {self.width!r}")
        return {
            "source": self.source_,
            "width": self.width,
            "depth": self.depth,
            "heads": self.width // 32,
            "dropout": self.dropout,
            "smoothing": _SMOOTHING,
            **({"copies": True} if self.copies else {}),
        }


def surprise(lost: Tensor, counts: Tensor, weights: Tensor | None = None) -> Tensor:
    """The mean surprise by a piece, a `Loss`; by what rows weigh, where they do."""
    own = lost[:, 0] if weights is None else weights * lost[:, 0]
    return own.sum() / counts.sum()


def _filled(rows: Sequence[Sequence[int]], width: int) -> NDArray[np.int32]:
    """Numbers (n, width), filled up by `NOTHING`."""
    found = np.full((len(rows), width), NOTHING, dtype=np.int32)
    for place, row in zip(found, rows, strict=True):
        place[: len(row)] = row
    return found
