"""Classifiers of Hugging Face in a folder, of texts or of pictures, as they are: asked, and never fitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax

from concours.core.errors import DataError, RecipeError
from concours.core.written import written
from concours.entrants.architectures import config_of, kind_of, loaded
from concours.entrants.beginnings import Beginning
from concours.entrants.given import places, probabilities
from concours.entrants.inputs import images
from concours.entrants.pixels import Pixels
from concours.entrants.texts import as_texts
from concours.entrants.tokens import Tokens
from concours.entrants.told import labels_of, told_by


@dataclass(frozen=True, kw_only=True)
class Params:
    """What the recipe of a folder takes.

    Attributes:
        classes: labels, of its outputs in their order; by default what it calls them, or those of the task.
        length: the most tokens that are read of a text.
    """

    classes: tuple[str | int | float, ...] | None = None
    length: int = 128


class FolderClassifier:
    """A classifier of a folder, as it answers for rows of a task: one row at a time, so that none hangs on another.

    Args:
        classes: of the task, as they are written.

    Raises:
        RecipeError: it is no folder of a classifier of these classes, or lacks weights.
    """

    def __init__(self, folder: Beginning, *, classes: Sequence[str], params: Params) -> None:
        from transformers import AutoModelForImageClassification, AutoModelForSequenceClassification

        self._who, self._classes, self._length = f"the classifier {folder.name}", tuple(classes), params.length
        told = told_by(folder.files)
        own = None if params.classes is None else tuple(map(written, params.classes))
        self._labels = labels_of(told["config"], classes) if own is None else own
        if self._labels is not None:
            try:
                places(self._labels, classes, self._who)
            except DataError as error:
                raise RecipeError(f'{error}; params = {{ classes = ["…"] }} calls its outputs otherwise') from None
        self._tokens = Tokens(told["tokens"]) if "tokens" in told else None
        self._pixels = None if self._tokens else Pixels.of(told["pixels"])
        auto = AutoModelForSequenceClassification if self._tokens else AutoModelForImageClassification
        config = config_of(told["config"])
        self._model: Any
        self._model, lacking = loaded(kind_of(auto, config), config, folder.tensors, self._who)
        if lacking:
            raise RecipeError(
                f"{self._who} lacks {len(lacking)} tensors, {min(lacking)} first: what nobody has fitted to classes "
                'begins an entrant that is, recipe = "pretrained"'
            )

    def predict(self, x: Any) -> NDArray[np.float64]:
        """Probabilities (rows, classes), in the order of the classes.

        Raises:
            DataError: the rows are not what it reads.
        """
        rows = list(self._inputs(x))
        with torch.inference_mode():
            logits = [self._model(**inputs).logits[0].double().numpy() for inputs in rows]
        return probabilities(softmax(np.stack(logits), axis=1), len(rows), self._labels, self._classes, self._who)

    def _inputs(self, x: Any) -> Any:
        if self._tokens is not None:
            if np.ndim(x) != 1:
                raise DataError(f"{self._who} reads texts, and the rows are none")
            for text in as_texts(x):
                tokens = torch.tensor(self._tokens.of([text], self._length))
                yield {"input_ids": tokens, "attention_mask": torch.ones_like(tokens)}
            return
        if np.ndim(x) not in (3, 4):
            raise DataError(f"{self._who} sees pictures, and the rows are none")
        assert self._pixels is not None  # noqa: S101 (for the type checker)
        pictures = images(x)
        largest = 255.0 if pictures.dtype == np.uint8 else 1.0
        for picture in pictures:
            yield {"pixel_values": torch.from_numpy(self._pixels.taken(picture[None], largest))}


def of_files(files: Mapping[str, bytes], name: str, what: str = "a classifier") -> Beginning:
    """A folder by its files; `what` it should be of, in words.

    Raises:
        RecipeError: one of them that every model has is missing, or damaged.
    """
    if "config.json" not in files or not any(each.endswith(".safetensors") for each in files):
        lacking = "config.json" if "config.json" not in files else "weights as *.safetensors"
        raise RecipeError(f"{name} is no folder of {what} of Hugging Face: it has no {lacking}")
    about = b'{"form": "folder", "name": "folder"}'
    found = Beginning.of_files({**files, "about.json": about}, ())
    return Beginning(form="folder", name=name, tensors=found.tensors, files=found.files)
