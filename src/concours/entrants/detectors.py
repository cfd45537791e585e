"""Detectors of Hugging Face in a folder, as they are: asked for the boxes of a task, and never fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from concours.core.errors import DataError, RecipeError, nearest
from concours.core.written import written
from concours.entrants.architectures import config_of, kind_of, loaded
from concours.entrants.beginnings import Beginning
from concours.entrants.inputs import images
from concours.entrants.pixels import Pixels
from concours.entrants.queries import boxes_of
from concours.entrants.told import labels_of, told_by
from concours.kernels.rows.boxes import Boxes


@dataclass(frozen=True, kw_only=True)
class Params:
    """What the recipe of a folder takes.

    Attributes:
        classes: labels, of its outputs in their order; by default what it calls them, or those of the task.
    """

    classes: tuple[str | int | float, ...] | None = None


class FolderDetector:
    """A detector of a folder, as it answers for pictures of a task: one at a time, so that none hangs on another.

    It may know more classes than the task has; their boxes are left out.

    Args:
        classes: of the task, as they are written.

    Raises:
        RecipeError: it is no folder of a detector, knows a class of the task not, or lacks weights.
    """

    def __init__(self, folder: Beginning, *, classes: Sequence[str], params: Params) -> None:
        from transformers import AutoModelForObjectDetection

        self._who, told = f"the detector {folder.name}", told_by(folder.files)
        if "pixels" not in told:
            raise RecipeError(f"{self._who} is a model of texts, and these are pictures")
        config = config_of(told["config"])
        own = None if params.classes is None else tuple(map(written, params.classes))
        named = labels_of(told["config"], classes) if own is None else own
        self._labels = int(config.num_labels)
        self._columns = _columns(classes if named is None else named, classes, self._labels, self._who)
        self._pixels = Pixels.of(told["pixels"])
        self._model: Any
        self._model, lacking = loaded(kind_of(AutoModelForObjectDetection, config), config, folder.tensors, self._who)
        if lacking:
            raise RecipeError(
                f"{self._who} lacks {len(lacking)} tensors, {min(lacking)} first: what nobody has fitted to find "
                'objects begins an entrant that is, recipe = "pretrained"'
            )

    def predict(self, x: Any) -> Boxes:
        """Boxes of pictures (rows, height, width[, colours]).

        Raises:
            DataError: the rows are none.
        """
        if np.ndim(x) not in (3, 4):
            raise DataError(f"{self._who} sees pictures, and the rows are none")
        pictures = images(x)
        largest = 255.0 if pictures.dtype == np.uint8 else 1.0
        with torch.inference_mode():
            each = [self._model(torch.from_numpy(self._pixels.taken(picture[None], largest))) for picture in pictures]
        return boxes_of([(said.logits[0], said.pred_boxes[0]) for said in each], self._labels, self._columns)


def _columns(labels: Sequence[str], classes: Sequence[str], outputs: int, who: str) -> list[int]:
    """At which output each class of the task is. Raises RecipeError."""
    otherwise = 'params = { classes = ["…"] } names its outputs in their order'
    if len(labels) != outputs:
        raise RecipeError(f"{who} has {outputs} outputs, and {len(labels)} names for them; {otherwise}")
    if unknown := [label for label in classes if label not in labels]:
        raise RecipeError(
            f"{who} knows {len(labels)} classes and not {unknown[0]!r}, of this task; {nearest(unknown[0], labels)}; "
            f"{otherwise}"
        )
    return [list(labels).index(label) for label in classes]
