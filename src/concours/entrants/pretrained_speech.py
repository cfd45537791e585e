"""Recognisers of Hugging Face that were trained before, asked as they are: those of CTC (wav2vec 2.0), and Whisper."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from math import gcd
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
import pyarrow as pa
import torch
from numpy.typing import NDArray
from scipy.signal import resample_poly
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from concours.core.errors import RecipeError
from concours.entrants import ctc
from concours.entrants.architectures import OURS
from concours.entrants.beginnings import Beginning, take
from concours.entrants.nbest import meant, transcripts

Array = NDArray[Any]
Heard = list[tuple[str, float]]

_FULL = 32768
_RATE = 16_000
_LOWEST = 1e-7


class PretrainedRecogniser(BaseEstimator):
    """A network that heard other speech before, from a folder of Hugging Face; it learns nothing of the rows here.

    Its code is the library's, and nothing of the folder is run. Of CTC it may be any that `transformers` has, with the
    letters of `vocab.json`; of those that write, Whisper. Kept with the weights are its settings, so that a fitted
    model needs the folder no more. Rows are a frame with `sound`, samples (n,) of 16 bits, and `rate`, samples a
    second, which are brought to the rate that the network was trained on.

    `beam`: how many texts are said of each sound. `lower`: whether they are said in small letters, as many folders know
    capitals alone. Fitted: `network_`, `told_`, the texts of its files.
    """

    begins: ClassVar[tuple[str, ...]] = ("folder",)
    begins_anew: ClassVar[bool] = False

    def __init__(self, *, beam: int = 4, lower: bool = False) -> None:
        self.beam = beam
        self.lower = lower

    def begin_with(self, beginning: Beginning) -> Self:
        """The next fit takes this model. Raises RecipeError where it is of another kind."""
        beginning.require_kind(self)
        self._beginning = beginning
        return self

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Takes the model that it was told to begin with; nothing of the rows is learned."""
        del X
        meant(y)
        beginning: Beginning | None = self.__dict__.pop("_beginning", None)
        if beginning is None:
            raise ValueError("begin is missing: a folder of Hugging Face with a recogniser of speech")
        self.told_ = dict(beginning.files)
        self.network_ = _made(self.told_, beginning.name)
        own = self.network_.state_dict()
        lacking = sorted(name for name in own if name not in beginning.tensors and name not in _tied(self.network_))
        if lacking:
            raise RecipeError(f"begin: {beginning.name} lacks {len(lacking)} of {len(own)} tensors, {lacking[0]} first")
        with torch.no_grad():
            take(self.network_, beginning.tensors, beginning.name)
        self.network_.tie_weights()
        return self

    def predict(self, X: pd.DataFrame) -> pa.Array:
        """At most `beam` texts a row, or none where nothing is heard."""
        check_is_fitted(self, "network_")
        said = _whisper if _writes(self.told_) else _letters
        listen = said(self.network_, self.told_, self.beam)
        found = []
        with torch.inference_mode():
            for samples, rate in zip(X["sound"], X["rate"], strict=True):
                heard = listen(_resampled(np.asarray(samples), int(rate), _rate(self.told_)))
                texts: dict[str, float] = {}
                for text, worth in heard:
                    plain = " ".join(text.split())
                    texts.setdefault(plain.lower() if self.lower else plain, worth)
                found.append(list(texts.items()) or [("", 0.0)])
        return transcripts(found)

    def get_tensors(self) -> dict[str, Array]:
        check_is_fitted(self, "network_")
        return {name: np.array(tensor.numpy()) for name, tensor in self.network_.state_dict().items()}

    def get_state(self) -> dict[str, Any]:
        return {"told": self.told_}

    def set_tensors(self, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Self:
        self.told_ = dict(state["told"])
        self.network_ = _made(self.told_, "the model")
        with torch.no_grad():
            take(self.network_, {name: torch.tensor(tensor) for name, tensor in tensors.items()}, "the model")
        return self


def _settings(told: Mapping[str, str], name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(told.get(name, "{}"))
    return found


def _writes(told: Mapping[str, str]) -> bool:
    return bool(_settings(told, "config.json").get("model_type") == "whisper")


def _rate(told: Mapping[str, str]) -> int:
    return int(_settings(told, "preprocessor_config.json").get("sampling_rate", _RATE))


def _made(told: Mapping[str, str], name: str) -> Any:
    """The network without its weights, of the library's own code. Raises RecipeError."""
    from transformers import AutoConfig, AutoModelForCTC, WhisperForConditionalGeneration

    own = {key: value for key, value in _settings(told, "config.json").items() if key not in OURS}
    try:
        config = AutoConfig.for_model(own.pop("model_type"), **own)
        made: Any = WhisperForConditionalGeneration(config) if _writes(told) else AutoModelForCTC.from_config(config)
    except (KeyError, ValueError) as error:
        raise RecipeError(f"begin: {name} is no recogniser of speech: {str(error).splitlines()[0][:200]}") from None
    if not _writes(told) and "vocab.json" not in told:
        raise RecipeError(f"begin: {name} has no vocab.json, which says what its letters are")
    return made.float().eval()


def _tied(network: Any) -> set[str]:
    """The weights that are others of the same network."""
    known = dict(network.named_parameters())
    return {name for name in network.state_dict() if name.endswith("proj_out.weight") and name not in known}


def _resampled(samples: Array, own: int, rate: int) -> Array:
    wave = samples.astype(np.float64) / _FULL
    if own != rate:
        common = gcd(own, rate)
        wave = resample_poly(wave, rate // common, own // common)
    return wave.astype(np.float32)


def _letters(network: Any, told: Mapping[str, str], beam: int) -> Callable[[Array], Heard]:
    """By CTC, over the letters of the folder; `|` stands between words."""
    letters = {number: letter for letter, number in _settings(told, "vocab.json").items()}
    named = _settings(told, "tokenizer_config.json")
    between, pad = str(named.get("word_delimiter_token", "|")), str(named.get("pad_token", "<pad>"))
    blank = next((number for number, letter in letters.items() if letter == pad), network.config.pad_token_id or 0)
    order = [blank, *(number for number in sorted(letters) if number != blank)]
    signs = ["", *(_sign(letters[number], between) for number in order[1:])]
    normed = _settings(told, "preprocessor_config.json").get("do_normalize", True)

    def listen(wave: Array) -> Heard:
        if normed:
            wave = (wave - wave.mean()) / np.sqrt(wave.var() + _LOWEST)
        logs = network(torch.tensor(wave)[None]).logits[0, :, order].double().log_softmax(dim=1).numpy()
        said = ctc.greedy(logs) if beam == 1 else ctc.beam_search(logs, width=beam)
        return [("".join(signs[symbol] for symbol in symbols), worth) for symbols, worth in said]

    return listen


def _sign(letter: str, between: str) -> str:
    """What a letter writes: a blank between words, and nothing for `<s>` and its like."""
    if letter == between:
        return " "
    return "" if letter.startswith("<") and letter.endswith(">") else letter


def _whisper(network: Any, told: Mapping[str, str], beam: int) -> Callable[[Array], Heard]:
    """By beam search over the tokens of the folder."""
    from tokenizers import Tokenizer
    from transformers import GenerationConfig, WhisperFeatureExtractor
    from transformers.utils import logging

    logging.set_verbosity_error()
    hears = WhisperFeatureExtractor(**_own(_settings(told, "preprocessor_config.json")))
    tokens = Tokenizer.from_str(told["tokenizer.json"])
    if given := _settings(told, "generation_config.json"):
        network.generation_config = GenerationConfig(**given)

    def listen(wave: Array) -> Heard:
        heard = hears(wave, sampling_rate=hears.sampling_rate, return_tensors="pt").input_features
        said = network.generate(
            heard,
            num_beams=max(beam, 1),
            num_return_sequences=max(beam, 1),
            do_sample=False,
            return_dict_in_generate=True,
            output_scores=True,
        )
        scores = said.sequences_scores.tolist() if beam > 1 else [0.0]
        return [
            (tokens.decode(row.tolist(), skip_special_tokens=True), score)
            for row, score in zip(said.sequences, scores, strict=True)
        ]

    return listen


def _own(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if not name.endswith(("_type", "_class"))}
