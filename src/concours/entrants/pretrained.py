"""A language model of Hugging Face that learns to tell classes of texts: what it has read before is of use here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from concours.core.errors import RecipeError
from concours.entrants.architectures import config_of, loaded
from concours.entrants.beginnings import Beginning, take
from concours.entrants.classifier import NeuralClassifier
from concours.entrants.layers import depths
from concours.entrants.texts import as_texts
from concours.entrants.tokens import Tokens
from concours.entrants.told import told_by

Array = NDArray[Any]

_NO_TOKEN = -1
_WIDTH = 128
"""Of the networks for which the usual learning rate is."""


class PretrainedClassifier(NeuralClassifier):
    """A transformer that was trained on other texts before, with a new output layer, fine-tuned on texts (n,) of str.

    It begins from a folder of Hugging Face, of any architecture of which `transformers` has a sequence classifier. Its
    code is the library's, and nothing of the folder is run; the tokenizer is that of `tokenizer.json`. Kept with the
    weights are configuration and tokenizer, so that a fitted model needs the folder no more.

    `length`: the most tokens that are read of a text. `learning_rate`: where it is None, 5e-4 at a width of 128, and in
    inverse proportion to the width (Yang et al. 2021, "Tensor programs V"), so 1e-3 at 64 and 8.3e-5 at 768.
    Fitted besides what others have: `config_`, `tokens_`.
    """

    _learning_rate = 5e-4
    _effort = 100.0
    begins: ClassVar[tuple[str, ...]] = ("folder", "model")
    begins_anew: ClassVar[bool] = False

    def __init__(
        self,
        *,
        length: int = 128,
        epochs: int | None = None,
        learning_rate: float | None = None,
        training: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.length = length
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.training = training
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        beginning = Beginning.given(self)
        own = beginning.state if beginning.form == "model" else told_by(beginning.files)
        self.config_, self.tokens_ = dict(own["config"]), Tokens(own["tokens"])
        longest = max(map(len, self._numbers(X, self.length)), default=1)
        self.tokens_ = Tokens({**self.tokens_.told, "length": longest})
        return super().fit(X, y, sample_weight)

    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), "config": self.config_, "tokens": dict(self.tokens_.told)}

    def set_tensors(self, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Self:
        self.config_, self.tokens_ = dict(state["config"]), Tokens(state["tokens"])
        return super().set_tensors(tensors, state)

    def _read(self, X: ArrayLike) -> Array:
        """Numbers of tokens, (n, length), behind the last of a text -1."""
        length = int(self.tokens_.told["length"])
        rows = self._numbers(X, length)
        found = np.full((len(rows), length), _NO_TOKEN, dtype=np.int64)
        for row, numbers in zip(found, rows, strict=True):
            row[: len(numbers)] = numbers
        return found

    def _numbers(self, X: Any, length: int) -> list[list[int]]:
        """Numbers of tokens of each row, so many at most."""
        return self.tokens_.of(as_texts(X), length)

    def _usual_rate(self) -> float:
        width = getattr(config_of(self.config_, 2, self.tokens_.pad), "hidden_size", None)
        return self._learning_rate * _WIDTH / width if isinstance(width, int) else self._learning_rate

    def _shape_network(self) -> dict[str, Any]:
        return {}

    def _learn_scaling(self, network: Any, rows: Array) -> None:
        """Numbers of tokens have no scale."""

    def _made(self) -> Any:
        from transformers import AutoModelForSequenceClassification

        config = config_of(self.config_, self.architecture_["outputs"], self.tokens_.pad)
        return Speaking(AutoModelForSequenceClassification.from_config(config, dtype=torch.float32), self.tokens_.pad)

    def _give(self, beginning: Beginning, network: Any) -> None:
        if beginning.form == "model":
            super()._give(beginning, network)
            return
        take(network.model, fitting(beginning, network.model), beginning.name)


class Speaking(nn.Module):
    """A sequence classifier of transformers as the zoo's networks are: rows of tokens in, logits (n, outputs) out."""

    def __init__(self, model: nn.Module, pad: int) -> None:
        super().__init__()
        self.model, self.pad = model, pad
        self.register_buffer("sharpness", torch.ones(()))
        self.sharpness: Tensor

    def forward(self, tokens: Tensor) -> Tensor:
        there = tokens != _NO_TOKEN
        wide = int(there.sum(dim=1).max())  # behind that no row of the batch has anything
        tokens, there = tokens[:, :wide], there[:, :wide]
        said: Tensor = self.model(input_ids=tokens.where(there, self.pad), attention_mask=there.long()).logits
        return said * self.sharpness


def fitting(beginning: Beginning, model: nn.Module) -> dict[str, Tensor]:
    """The weights of a folder by the names that they have in a classifier; its output layer has none.

    Raises:
        RecipeError: they lack some of another layer.
    """
    whole, lacking = loaded(type(model), model.config, beginning.tensors, f"begin: {beginning.name}")  # type: ignore[attr-defined]
    layers = depths(model)
    if others := sorted(name for name in lacking if layers.get(name, 0) < max(layers.values())):
        raise RecipeError(f"begin: {beginning.name} lacks {len(others)} of {len(layers)} tensors, {others[0]} first")
    return {name: tensor for name, tensor in whole.state_dict().items() if name not in lacking}
