"""A language model of Hugging Face that learns to tell classes of texts: what it has read before is of use here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from concours.core.errors import RecipeError
from concours.entrants.beginnings import Beginning, take
from concours.entrants.classifier import NeuralClassifier
from concours.entrants.layers import depths
from concours.entrants.texts import as_texts

Array = NDArray[Any]

_NO_TOKEN = -1
_WIDTH = 128
"""Of the networks for which the usual learning rate is."""
OURS = ("auto_map", "attn_implementation", "_attn_implementation", "quantization_config")
"""What a configuration must not decide: whose code is run, and in which numbers is computed."""


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
        beginning: Beginning | None = self.__dict__.get("_beginning")
        if beginning is None:
            raise ValueError("begin is missing: a folder of Hugging Face that the network begins from")
        own = beginning.state if beginning.form == "model" else _of_folder(beginning)
        self.config_, self.tokens_ = dict(own["config"]), Tokens(own["tokens"])
        longest = max(map(len, self.tokens_.of(as_texts(X), self.length)), default=1)
        self.tokens_ = Tokens({**self.tokens_.told, "length": longest})
        return super().fit(X, y, sample_weight)

    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), "config": self.config_, "tokens": dict(self.tokens_.told)}

    def set_tensors(self, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Self:
        self.config_, self.tokens_ = dict(state["config"]), Tokens(state["tokens"])
        return super().set_tensors(tensors, state)

    def _read(self, X: ArrayLike) -> Array:
        """Numbers of tokens, (n, length), behind the last of a text -1."""
        told, length = self.tokens_, int(self.tokens_.told["length"])
        rows = told.of(as_texts(X), length)
        found = np.full((len(rows), length), _NO_TOKEN, dtype=np.int64)
        for row, numbers in zip(found, rows, strict=True):
            row[: len(numbers)] = numbers
        return found

    def _usual_rate(self) -> float:
        width = getattr(_config(self.config_, 2, self.tokens_.pad), "hidden_size", None)
        return self._learning_rate * _WIDTH / width if isinstance(width, int) else self._learning_rate

    def _shape_network(self) -> dict[str, Any]:
        return {}

    def _learn_scaling(self, network: Any, rows: Array) -> None:
        """Numbers of tokens have no scale."""

    def _made(self) -> Any:
        from transformers import AutoModelForSequenceClassification

        config = _config(self.config_, self.architecture_["outputs"], self.tokens_.pad)
        return Speaking(AutoModelForSequenceClassification.from_config(config, dtype=torch.float32), self.tokens_.pad)

    def _give(self, beginning: Beginning, network: Any) -> None:
        if beginning.form == "model":
            super()._give(beginning, network)
            return
        take(network.model, _fitting(beginning, network.model), beginning.name)


class Tokens:
    """Texts as numbers of tokens.

    Args:
        told: `tokenizer`, the text of a `tokenizer.json`; `pad`, the number that stands where no token is; `length`,
            the most tokens of a text.
    """

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.told = told

    @property
    def pad(self) -> int:
        return int(self.told["pad"])

    def of(self, texts: Any, length: int) -> list[list[int]]:
        """The first tokens of each text, so many at most; one at least, that stands for nothing."""
        self._tokenizer.enable_truncation(length)
        return [self._tokenizer.encode(text).ids or [self.pad] for text in texts]

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        found = Tokenizer.from_str(self.told["tokenizer"])
        found.no_padding()
        return found


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


def _of_folder(beginning: Beginning) -> dict[str, Any]:
    """Configuration and tokens of a folder."""
    config = json.loads(beginning.files["config.json"])
    tokenizer = json.loads(beginning.files["tokenizer.json"])
    named = json.loads(beginning.files.get("tokenizer_config.json", "{}")).get("pad_token")
    word = named.get("content") if isinstance(named, Mapping) else named
    numbers = {token["content"]: token["id"] for token in tokenizer.get("added_tokens", ())}
    ends = config.get("eos_token_id")
    known = [numbers.get(word), config.get("pad_token_id"), *(ends if isinstance(ends, list) else [ends]), 0]
    pad = next(number for number in known if number is not None)
    return {"config": config, "tokens": {"tokenizer": beginning.files["tokenizer.json"], "pad": pad}}


def _config(told: Mapping[str, Any], outputs: int, pad: int) -> Any:
    from transformers import AutoConfig

    own = {name: value for name, value in told.items() if name not in (*OURS, "id2label", "label2id", "num_labels")}
    config = AutoConfig.for_model(own.pop("model_type"), **own)
    config.num_labels, config.pad_token_id, config.problem_type = outputs, pad, None
    config.return_dict, config.use_cache = True, False
    return config


def _fitting(beginning: Beginning, model: nn.Module) -> dict[str, Tensor]:
    """The weights of a folder by the names that they have in a classifier; its output layer has none.

    Raises:
        RecipeError: they lack some of another layer.
    """
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    told: dict[str, Any] = {"config": model.config, "state_dict": dict(beginning.tensors), "output_loading_info": True}
    try:
        cls: Any = type(model)
        loaded, said = cls.from_pretrained(None, **told, dtype=torch.float32, ignore_mismatched_sizes=True)
    except Exception as error:  # noqa: BLE001 (whatever weights of others make the library raise)
        raise RecipeError(f"begin: {beginning.name} cannot be loaded: {' '.join(str(error).split())[:200]}") from None
    lacking = {*said["missing_keys"], *(each[0] for each in said["mismatched_keys"])}
    layers = depths(model)
    if others := sorted(name for name in lacking if layers.get(name, 0) < max(layers.values())):
        raise RecipeError(f"begin: {beginning.name} lacks {len(others)} of {len(layers)} tensors, {others[0]} first")
    return {name: tensor for name, tensor in loaded.state_dict().items() if name not in lacking}
