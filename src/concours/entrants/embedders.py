"""What a model that was trained before makes of texts or pictures: a vector each, by which they are told apart."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from concours.core.errors import RecipeError
from concours.entrants.architectures import config_of, kind_of, loaded
from concours.entrants.beginnings import Beginning
from concours.entrants.inputs import images
from concours.entrants.pixels import Pixels
from concours.entrants.texts import as_texts
from concours.entrants.tokens import Tokens
from concours.entrants.told import told_by

Floats = NDArray[np.float32]

_KEPT = 200_000
"""Vectors that a process remembers: of texts that it has read already, as those of another fold."""
_known: dict[bytes, Floats] = {}


def _mean(states: Tensor) -> Tensor:
    """Of all tokens, or all places of a picture (Reimers and Gurevych 2019, "Sentence-BERT")."""
    return states.mean(dim=1) if states.ndim == 3 else states.flatten(2).mean(dim=2)


def _first(states: Tensor) -> Tensor:
    """Of the first token, which stands for the whole in some models (Devlin et al. 2019, "BERT")."""
    return states[:, 0] if states.ndim == 3 else _mean(states)


def _statistics(states: Tensor) -> Tensor:
    """Mean and deviation over all tokens, one behind the other (Snyder et al. 2017, "Deep neural network
    embeddings").
    """
    places = states if states.ndim == 3 else states.flatten(2).transpose(1, 2)
    return torch.cat([places.mean(dim=1), places.std(dim=1, unbiased=False)], dim=1)


POOLINGS: dict[str, Callable[[Tensor], Tensor]] = {"statistics": _statistics, "mean": _mean, "first": _first}
"""From the states of tokens (1, tokens, width), or of places (1, width, height, width), to one vector (1, …)."""


class Embedder:
    """A model of a folder of Hugging Face, without what it was trained to say, that gives a vector (width,) for each
    text or picture.

    Law: the vector of a row hangs on that row alone, to the byte, whatever it is asked beside: rows are read one at a
    time, which costs little, as a row is many tokens.

    Args:
        length: the most tokens that are read of a text.
        pooling: a name of `POOLINGS`.
        layers: whose states are pooled, one vector behind the other; 0 are the vectors of words alone, or of patches of
            a picture, and -1 is the last one.

    Raises:
        RecipeError: the folder is of no model that `transformers` knows, or lacks weights.
    """

    def __init__(self, beginning: Beginning, *, length: int, pooling: str, layers: Sequence[int]) -> None:
        self._beginning, self._length, self._layers = beginning, length, tuple(layers)
        self._pool = POOLINGS[pooling]
        self._told = told_by(beginning.files)
        self._salt = f"{length} {pooling} {self._layers} ".encode() + _digest(beginning)

    @property
    def reads(self) -> str:
        """What rows must be: `texts` or `pictures`."""
        return "texts" if "tokens" in self._told else "pictures"

    def vectors(self, X: Any, largest: float = 255.0) -> Floats:
        """Vectors (n, width) float32 of texts (n,), or of pictures (n, height, width[, colours]), whose `largest` value
        there can be becomes 1.
        """
        found = []
        for key, row in self._rows(X, largest):
            if key not in _known:
                if len(_known) >= _KEPT:
                    with suppress(KeyError, StopIteration):
                        del _known[next(iter(_known))]
                _known[key] = self._vector(row())
            found.append(_known[key])
        return np.stack(found)

    def _vector(self, row: Mapping[str, Tensor]) -> Floats:
        with torch.inference_mode():
            states = self._model(**row, output_hidden_states=True).hidden_states
            return torch.cat([self._pool(states[layer])[0] for layer in self._layers]).numpy()

    def _rows(self, X: Any, largest: float) -> Iterator[tuple[bytes, Callable[[], dict[str, Tensor]]]]:
        """A key for each row, and what makes it the inputs of the model."""
        if self.reads == "texts":
            for text in as_texts(X):
                yield self._key(text.encode()), lambda text=text: self._of_text(text)  # type: ignore[misc]
            return
        pictures = images(X)
        pixels = Pixels.of(self._told["pixels"])
        for picture in pictures:
            content = f"{picture.shape} {largest}".encode() + np.ascontiguousarray(picture).tobytes()
            yield (
                self._key(content),
                lambda picture=picture: {"pixel_values": torch.from_numpy(pixels.taken(picture[None], largest))},  # type: ignore[misc]
            )

    def _of_text(self, text: str) -> dict[str, Tensor]:
        tokens = torch.tensor(self._tokens.of([text], self._length))
        return {"input_ids": tokens, "attention_mask": torch.ones_like(tokens)}

    def _key(self, content: bytes) -> bytes:
        return hashlib.blake2b(self._salt + content, digest_size=16).digest()

    @cached_property
    def _tokens(self) -> Tokens:
        return Tokens(self._told["tokens"])

    @cached_property
    def _model(self) -> Any:
        from transformers import AutoModel

        name = f"begin: {self._beginning.name}"
        config = config_of(self._told["config"])
        model, lacking = loaded(kind_of(AutoModel, config), config, self._beginning.tensors, name)
        if needed := sorted(each for each in lacking if "pooler" not in each):
            raise RecipeError(f"{name} lacks {len(needed)} tensors, {needed[0]} first")
        return model


def _digest(beginning: Beginning) -> bytes:
    """Of all that it holds."""
    found = hashlib.blake2b(digest_size=16)
    for name, text in sorted(beginning.files.items()):
        found.update(f"{name} {text}".encode())
    for name, tensor in sorted(beginning.tensors.items()):
        found.update(name.encode())
        found.update(
            tensor.contiguous().view(torch.uint8).numpy().tobytes() if tensor.ndim else bytes(str(tensor), "ascii")
        )
    return found.digest()
