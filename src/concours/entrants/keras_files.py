"""Models in `.keras` files, asked as they are: loaded with Keras's safe mode on, and of layers of Keras alone."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from concours.core.archive import require_unpackable
from concours.core.errors import DataError, RecipeError
from concours.core.written import written
from concours.entrants.given import numbers, places, probabilities
from concours.entrants.keras_models import BATCH, keras
from concours.entrants.shapes import said, shaped


@dataclass(frozen=True, kw_only=True)
class Params:
    """What the recipe of a file takes.

    Attributes:
        classes: labels, of the columns of what the model gives, in their order; by default those of the task.
        scale: by which numbers are divided before they go in, such as 255 of pictures.
        softmax: whether what the model gives are scores, of which a softmax makes probabilities.
    """

    classes: tuple[str | int | float, ...] | None = None
    scale: float = 1.0
    softmax: bool = False

    def amiss(self) -> str:
        """What is wrong of its values."""
        return "" if self.scale > 0 else "scale: a number above 0 was expected"


class KerasFile:
    """A model in a `.keras` file, as it answers for rows of a task.

    Args:
        classes: of the task, as they are written; none of a number.

    Raises:
        MissingPackage: Keras is not installed.
        RecipeError: the file is no model of Keras, or names code that is not Keras's own.
    """

    def __init__(self, content: bytes, name: str, *, classes: Sequence[str], params: Params) -> None:
        self._who, self._classes, self._params = f"the model {name}", tuple(classes), params
        self._labels = None if params.classes is None else tuple(map(written, params.classes))
        if self._labels is not None:
            try:
                places(self._labels, classes, f"{self._who}, by its parameter classes,")
            except DataError as error:
                raise RecipeError(str(error)) from None
        library = keras()
        _require_own(content, self._who)
        with TemporaryDirectory() as folder:
            file = Path(folder) / "model.keras"
            file.write_bytes(content)
            try:
                self._model = library.saving.load_model(file, compile=False, safe_mode=True)
            except Exception as error:  # noqa: BLE001 (whatever a file of others makes the library raise)
                raise RecipeError(f"{self._who} cannot be loaded: {' '.join(str(error).split())[:200]}") from None

    def predict(self, x: Any) -> NDArray[np.float64]:
        """Predictions (rows, outputs): probabilities in the order of the classes, or values.

        Raises:
            DataError: the rows are not as the model takes them, or it gives no predictions.
        """
        try:
            array = np.asarray(x, dtype=np.float32) / np.float32(self._params.scale)
        except (TypeError, ValueError):
            raise DataError(f"{self._who} takes numbers, and the rows hold others") from None
        asked = self._model.input_shape
        if isinstance(asked, (list, dict)):
            raise DataError(f"{self._who} has {len(asked)} inputs; one was expected")
        rows = shaped(array, tuple(asked))
        if rows is None:
            raise DataError(
                f"{self._who} takes rows of shape {said(asked[1:])}; those of the task have {said(array.shape[1:])}"
            )
        found = np.asarray(self._model.predict(rows, batch_size=BATCH, verbose=0), dtype=np.float64)
        if not self._classes:
            return numbers(found, len(rows), self._who)
        if self._params.softmax:
            found = softmax(found, axis=1)
        if len(self._classes) == 2 and found.shape[1:] == (1,):
            found = np.concatenate([1 - found, found], axis=1)
        return probabilities(found, len(rows), self._labels, self._classes, self._who)


def _require_own(content: bytes, who: str) -> None:
    """Refuses what is made of more than Keras's own classes: the file would decide which code is imported."""
    try:
        require_unpackable(content)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            config = json.loads(archive.read("config.json"))
    except (zipfile.BadZipFile, KeyError, ValueError):
        raise RecipeError(f"{who} is no .keras file: save it by model.save, as NAME.keras") from None
    for module, name in _named(config):
        if module.partition(".")[0] != "keras":
            raise RecipeError(f"{who} names {module}:{name}, which is not Keras's own, and is not run")
        if name in ("Lambda", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "TFSMLayer"):
            raise RecipeError(f"{who} has a layer {name}, which holds code, and is not run; name a file that makes it")


def _named(value: Any) -> Iterator[tuple[str, str]]:
    """The classes and functions that a configuration names."""
    if isinstance(value, dict):
        if isinstance(value.get("module"), str):
            yield value["module"], str(value.get("class_name"))
        if value.get("registered_name") not in (None, value.get("class_name")) and not value.get("module"):
            yield "somewhere", str(value["registered_name"])
        value = list(value.values())
    for part in value if isinstance(value, list) else ():
        yield from _named(part)
