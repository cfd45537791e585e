"""A language model of Hugging Face that tells the next bytes of passages: as it is, or after it has read more."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn
from torch.nn import functional

from concours.core.errors import RecipeError
from concours.entrants.beginnings import Beginning, take
from concours.entrants.estimator import NeuralEstimator
from concours.entrants.losses import Loss
from concours.entrants.passages import read
from concours.entrants.pieces import Pieces, pieces_of
from concours.entrants.training import History, Settings, find_device
from concours.kernels.rows.kin import Kin

Array = NDArray[Any]
Floats = NDArray[np.float64]

_NOTHING = -1
_LONGEST = 1024
_OURS = ("auto_map", "attn_implementation", "_attn_implementation", "quantization_config")
"""What a configuration must not decide: whose code is run, and in which numbers is computed."""
_SPACES = b" \n\t\r"


class PretrainedLanguageModel(NeuralEstimator):
    """A causal language model that was trained on other texts before, on passages X, a frame of `before` and `text`.

    It begins from a folder of Hugging Face, of any architecture of which `transformers` has a causal language model,
    and whose tokenizer splits texts into bytes, as those of GPT-2, Llama 3, Qwen and most others do. Its code is the
    library's, and nothing of the folder is run. Kept with the weights are configuration and tokenizer.

    `epochs`: how often it reads the passages to learn from them; 0 for a model as it is. Fitted besides what others
    have: `config_`, `tokenizer_`.
    """

    _learning_rate = 1e-4
    _effort = 0.0
    begins: ClassVar[tuple[str, ...]] = ("folder", "model")
    begins_anew: ClassVar[bool] = False
    divides = False

    def __init__(
        self,
        *,
        epochs: int = 0,
        learning_rate: float | None = None,
        training: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.training = training
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Become the model, and read the passages if it is to."""
        beginning = Beginning.given(self)
        own = beginning.state if beginning.form == "model" else _of_folder(beginning)
        self.config_, self.tokenizer_ = dict(own["config"]), str(own["tokenizer"])
        self._learn_pieces()
        each = [self._parts(row) for row in self._windows(*read(X))]
        rows, self._places = (
            [part for parts in each for part in parts],
            np.repeat(np.arange(len(each)), [*map(len, each)]),
        )
        width = max(map(len, rows))
        told = np.full((len(rows), width), _NOTHING, dtype=np.int64)
        for row, numbers in zip(told, rows, strict=True):
            row[: len(numbers)] = numbers
        self._set_shape((width,))
        self.architecture_ = {}
        if self.epochs:
            self._fit(told, (told >= 0).sum(axis=1).astype(np.float32), 1)
            return self
        network = self._made()
        with torch.no_grad():
            self._give(self.__dict__.pop("_beginning"), network)
        self.network_ = network.eval().to(find_device((self.training or {}).get("device", "auto")))
        self.history_ = History(train_loss=(), validation_loss=(), learning_rate=(), best_epoch=0, stopped="epochs")
        return self

    def predict(self, X: Any) -> list[Floats]:
        """The probability of each byte of each passage; rows that differ in their last piece alone are read once."""
        check_is_fitted(self, "network_")
        before, own = read(X)
        rows = self._windows(before, own)
        alike: dict[tuple[int, ...], list[int]] = {}
        for place, row in enumerate(rows):
            alike.setdefault(tuple(row[:-1]), []).append(place)
        found: list[Floats] = [np.empty(0)] * len(rows)
        for places in alike.values():
            p = self._probabilities(rows[places[0]])
            for place in places:
                found[place] = self._told(p, rows[place], len(own[place]))
        return found

    def _told(self, p: Sequence[tuple[Floats, Floats]], row: Sequence[int], size: int) -> Floats:
        """The probabilities of the last bytes of a row, so many."""
        told = [piece for piece in row if piece >= 0]
        each = [
            self._pieces.told_by(
                sums, float(own[piece]), self._pieces.contents[piece] or b"", ends=place < len(told) - 1
            )
            for place, (piece, (sums, own)) in enumerate(zip(told, p, strict=True))
        ]
        return np.concatenate(each)[-size:]

    @torch.inference_mode()
    def _probabilities(self, row: Sequence[int]) -> list[tuple[Floats, Floats]]:
        """Of each piece that is told sums of probabilities, and these, after all before it."""
        device, logits = next(self.network_.parameters()).device, list[Tensor]()
        for part in self._parts(row):
            ids = torch.tensor([[_id(number) for number in part[:-1]]], device=device)
            told = sum(number >= 0 for number in part)
            logits.append(self.network_.model(input_ids=ids).logits[0, -told:])
        p = torch.cat(logits).double().softmax(dim=1).cpu().numpy()[:, : len(self._pieces.contents)]
        return [(self._pieces.summed(each), each) for each in p]

    def _windows(self, before: Sequence[bytes], own: Sequence[bytes]) -> list[list[int]]:
        """Pieces of what is read, as -2 - number, and of what is told, from the beginning of a word on."""
        found = []
        for some, text in zip(before, own, strict=True):
            begin = max(some.rfind(bytes([space])) for space in _SPACES)
            reads, tells = some[: max(begin, 0)], some[max(begin, 0) :] + text
            found.append([*(-2 - number for number in [self._first, *self._numbers(reads)]), *self._numbers(tells)])
        return found

    def _parts(self, row: Sequence[int]) -> list[list[int]]:
        """A row in parts that the model can read at once, each with as much of what stands before as it can."""
        longest = int(self.config_.get("max_position_embeddings") or self.config_.get("n_positions") or _LONGEST)
        place, parts = sum(number < 0 for number in row), list[list[int]]()
        while place < len(row):
            last = min(place + max(longest // 2, 1), len(row))
            before = [-2 - _id(number) for number in row[max(last - longest, 0) : place]]
            parts.append([*before, *row[place:last]])
            place = last
        return parts

    def _numbers(self, content: bytes) -> list[int]:
        numbers: list[int] = self._tokenizer.encode(content.decode(), add_special_tokens=False).ids
        if b"".join(self._contents(numbers)) != content:
            raise ValueError(
                f"its tokenizer does not keep {content[:20].decode(errors='replace')!r} as it is, so it cannot "
                "tell probabilities of bytes"
            )
        return numbers

    def _contents(self, numbers: Sequence[int]) -> list[bytes]:
        known = self._pieces.contents
        return [(known[number] if number < len(known) else None) or b"" for number in numbers]

    def _learn_pieces(self) -> None:
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_str(self.tokenizer_)
        self._tokenizer.no_truncation()
        pieces: Pieces | None = pieces_of(self._tokenizer)
        if pieces is None:
            raise RecipeError(
                "begin: its tokenizer does not split texts into bytes, as those of GPT-2, Llama 3 or Qwen do; only "
                "those are taken"
            )
        self._pieces = pieces
        named = (self.config_.get(key) for key in ("bos_token_id", "eos_token_id"))
        firsts = [each[0] if isinstance(each, list) else each for each in named]
        self._first = next((int(each) for each in firsts if each is not None), 0)

    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), "config": self.config_, "tokenizer": self.tokenizer_}

    def set_tensors(self, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Self:
        self.config_, self.tokenizer_ = dict(state["config"]), state["tokenizer"]
        self._learn_pieces()
        return super().set_tensors(tensors, state)

    def _read(self, X: Any) -> Array:
        raise NotImplementedError

    def _told_kin(self) -> Kin | None:
        kin = super()._told_kin()
        return None if kin is None else kin.some(self._places)

    def _shape_network(self) -> dict[str, Any]:
        return {}

    def _learn_scaling(self, network: Any, rows: Array) -> None:
        """Numbers of pieces have no scale."""

    def _settings(self, rows: int) -> Settings:
        own = {"batch_size": 8, "validation_share": 0.0, "label_smoothing": 0.0, "patience": None}
        return Settings(
            **{
                "epochs": self.epochs,
                "learning_rate": self.learning_rate or self._learning_rate,
                "warm_up": 0.1,
                **own,
                **(self.training or {}),
            }
        )

    def _losses(self, targets: Tensor, settings: Settings, weights: Tensor | None) -> tuple[Loss, Loss]:
        del targets, settings, weights
        return _surprise, _surprise

    def _made(self) -> Any:
        from transformers import AutoConfig, AutoModelForCausalLM

        own = {name: value for name, value in self.config_.items() if name not in _OURS}
        config = AutoConfig.for_model(own.pop("model_type"), **own)
        config.use_cache = False
        return Speaking(AutoModelForCausalLM.from_config(config, dtype=torch.float32))

    def _give(self, beginning: Beginning, network: Any) -> None:
        if beginning.form == "model":
            super()._give(beginning, network)
            return
        take(network.model, _fitting(beginning, network.model), beginning.name)


class Speaking(nn.Module):
    """A causal language model of transformers as the zoo's networks are: rows of pieces in, the surprise (n, 1) out."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("sharpness", torch.ones(()))
        self.sharpness: Tensor

    def forward(self, rows: Tensor) -> Tensor:
        """The sum of surprises by the pieces of each row that are told; those read are -2 - number, -1 is nothing."""
        ids = torch.where(rows >= 0, rows, (-2 - rows).clamp(min=0))
        logits = self.model(input_ids=ids[:, :-1], attention_mask=(rows[:, :-1] != _NOTHING).long()).logits
        lost = functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
        told: Tensor = (lost.view(len(rows), -1) * (rows[:, 1:] >= 0)).sum(dim=1, keepdim=True)
        return told


def _surprise(lost: Tensor, counts: Tensor, weights: Tensor | None = None) -> Tensor:
    """The mean surprise by a piece, a `Loss`; by what rows weigh, where they do."""
    own = lost[:, 0] if weights is None else weights * lost[:, 0]
    return own.sum() / counts.sum()


def _id(number: int) -> int:
    return number if number >= 0 else -2 - number


def _of_folder(beginning: Beginning) -> dict[str, Any]:
    """Configuration and tokenizer of a folder."""
    return {"config": json.loads(beginning.files["config.json"]), "tokenizer": beginning.files["tokenizer.json"]}


def _fitting(beginning: Beginning, model: nn.Module) -> dict[str, Tensor]:
    """The weights of a folder by the names that they have in a causal language model.

    Raises:
        RecipeError: they lack some.
    """
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    told: dict[str, Any] = {"config": model.config, "state_dict": dict(beginning.tensors), "output_loading_info": True}
    try:
        cls: Any = type(model)
        loaded, said = cls.from_pretrained(None, **told, dtype=torch.float32)
    except Exception as error:  # noqa: BLE001 (whatever weights of others make the library raise)
        raise RecipeError(f"begin: {beginning.name} cannot be loaded: {' '.join(str(error).split())[:200]}") from None
    if lacking := sorted({*said["missing_keys"], *(each[0] for each in said["mismatched_keys"])}):
        raise RecipeError(
            f"begin: {beginning.name} is no causal language model: it lacks {len(lacking)} tensors, {lacking[0]} first"
        )
    return dict(loaded.state_dict())
