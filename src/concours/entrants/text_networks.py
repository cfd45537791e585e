"""Small neural networks for texts as scikit-learn estimators: a bag of embedded words, and a transformer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from concours.entrants import networks
from concours.entrants.classifier import NeuralClassifier
from concours.entrants.texts import as_texts
from concours.entrants.training import Augmentation
from concours.entrants.vocabulary import NOTHING, Vocabulary

Array = NDArray[Any]


class TextClassifier(NeuralClassifier):
    """What networks for texts (n,) of str share: a vocabulary learned from the training rows, and word dropout.

    `words`: the most that the vocabulary has. `length`: the most words that are read of a text. `word_dropout`: the
    share of words that training leaves out at random. Fitted besides what others have: `vocabulary_`.
    """

    words: int
    length: int
    word_dropout: float

    _pairs: ClassVar[bool]
    begins = ("model",)

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        if beginning := self.__dict__.get("_beginning"):  # its weights are of its own words
            self.vocabulary_ = Vocabulary.from_state(beginning.state["vocabulary"])
        else:
            self.vocabulary_ = Vocabulary.learn(as_texts(X), most=self.words, length=self.length, pairs=self._pairs)
        return super().fit(X, y, sample_weight)

    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), "vocabulary": self.vocabulary_.state()}

    def set_tensors(self, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Self:
        self.vocabulary_ = Vocabulary.from_state(state["vocabulary"])
        return super().set_tensors(tensors, state)

    def _read(self, X: ArrayLike) -> Array:
        return self.vocabulary_.encode(as_texts(X))

    def _learn_scaling(self, network: Any, rows: Array) -> None:
        """Numbers of words have no scale."""

    def _augmentation(self) -> Augmentation | None:
        share = self.word_dropout

        def leave_out(words: Tensor, generator: torch.Generator) -> Tensor:
            gone = torch.rand(words.shape, generator=generator) < share
            return words.masked_fill(gone.to(words.device), NOTHING)

        return leave_out if share else None


class EmbeddingBagClassifier(TextClassifier):
    """The mean of the vectors of words and of pairs of words, then a linear layer: fastText (Joulin et al. 2017).

    `width`: numbers a vector.
    """

    _build = staticmethod(networks.embedding_bag)
    _learning_rate = 5e-3
    _effort = 250.0
    _pairs = True

    def __init__(
        self,
        *,
        words: int = 30_000,
        length: int = 256,
        width: int = 24,
        word_dropout: float = 0.2,
        dropout: float = 0.2,
        epochs: int | None = None,
        learning_rate: float | None = None,
        training: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.words = words
        self.length = length
        self.width = width
        self.word_dropout = word_dropout
        self.dropout = dropout
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.training = training
        self.random_state = random_state

    def _shape_network(self) -> dict[str, Any]:
        return {"words": self.vocabulary_.size, "width": self.width, "dropout": self.dropout}


class TextTransformerClassifier(TextClassifier):
    """A small transformer encoder over words, each with its position; the mean of all words is what is classified.

    `width`: numbers a word, a multiple of 16, which is the width of an attention head. `depth`: encoder blocks.
    """

    _build = staticmethod(networks.text_transformer)
    _learning_rate = 5e-3
    _effort = 100.0
    _pairs = False

    def __init__(
        self,
        *,
        words: int = 10_000,
        length: int = 64,
        width: int = 48,
        depth: int = 1,
        word_dropout: float = 0.2,
        dropout: float = 0.1,
        epochs: int | None = None,
        learning_rate: float | None = None,
        training: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.words = words
        self.length = length
        self.width = width
        self.depth = depth
        self.word_dropout = word_dropout
        self.dropout = dropout
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.training = training
        self.random_state = random_state

    def _shape_network(self) -> dict[str, Any]:
        if self.width < 16 or self.width % 16:
            raise ValueError(f"width must be a multiple of 16; got {self.width!r}")
        return {
            "words": self.vocabulary_.size,
            "width": self.width,
            "depth": self.depth,
            "heads": self.width // 16,
            "dropout": self.dropout,
        }
