"""A detector of Hugging Face that has found other things before, and learns to find these."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, ClassVar, Final, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from concours.core.errors import RecipeError
from concours.entrants.architectures import config_of, kind_of, loaded
from concours.entrants.augmentations import Mirrored
from concours.entrants.beginnings import Beginning, take
from concours.entrants.estimator import NeuralEstimator
from concours.entrants.inputs import weights_of
from concours.entrants.losses import Loss
from concours.entrants.pixels import Pixels
from concours.entrants.pretrained_pictures import OfPictures, Seeing
from concours.entrants.queries import boxes_of
from concours.entrants.settings import Settings, in_small_batches
from concours.entrants.training import Augmentation, outputs
from concours.kernels.rows.boxes import Boxes

Array = NDArray[Any]

_SIDES = 4
_AT_ONCE = 8
_LEARNING: Final = ("conditional_detr", "detr", "table-transformer", "yolos")
"""Architectures whose last layer alone says what is learned from. Others choose queries by classes that an earlier one
tells, which would begin anew and never learn."""


class PretrainedDetector(OfPictures, NeuralEstimator):
    """A network that has found other things in pictures before, with new classes, fine-tuned on pictures (n, height,
    width[, colours]) and their boxes, as `tasks.outputs.boxes` has them.

    It begins from a folder of Hugging Face, of YOLOS, DETR, Conditional DETR or Table Transformer; sizes and colours
    are brought to what its `preprocessor_config.json` says. The loss is the library's: each object is matched with one
    query (Carion et al. 2020). Kept with the weights is its configuration, so that a fitted model needs the folder no
    more. `mirror`: as of `concours.entrants.centres.CentreDetector`. Fitted besides what others have: `config_`,
    `pixels_`.
    """

    _learning_rate = 1e-4
    _effort = 60.0
    divides = False
    begins: ClassVar[tuple[str, ...]] = ("folder",)
    begins_anew: ClassVar[bool] = False

    def __init__(
        self,
        *,
        mirror: str = "sideways",
        epochs: int | None = None,
        learning_rate: float | None = None,
        training: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.mirror = mirror
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.training = training
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to pictures and their boxes, by weights, (n,) and 1 on average."""
        beginning = Beginning.given(self)
        self._become(beginning)
        if (kind := self.config_.get("model_type")) not in _LEARNING:
            raise RecipeError(
                f"begin: {beginning.name} is of {kind}, and {', '.join(_LEARNING)} are fine-tuned here; a detector can "
                f'stand as it is, recipe = "detector:FOLDER"'
            )
        rows, boxes = self._read(X), Boxes.of(y)
        classes = int(boxes.labels.max(initial=0)) + 1
        self._mirrored, self._told = _Mirrored(self.mirror), [_told(boxes, row) for row in range(len(boxes))]
        try:
            self._fit(rows, np.arange(len(rows), dtype=np.float32), classes, weights_of(sample_weight))
        finally:
            del self._mirrored, self._told
        return self

    def predict(self, X: ArrayLike) -> Boxes:
        """Boxes of pictures."""
        rows, labels = self._read(X), int(self.architecture_["outputs"])
        device = next(self.network_.parameters()).device
        parts = [
            outputs(self.network_, torch.tensor(rows[start : start + _AT_ONCE], device=device))
            for start in range(0, len(rows), _AT_ONCE)
        ]
        each = [said.split([said.shape[-1] - _SIDES, _SIDES], dim=-1) for part in parts for said in part]
        return boxes_of(each, labels, range(labels))

    def _made(self) -> Any:
        return _Finding(_model_of(self._config()), Pixels.of(self.pixels_))

    def _config(self) -> Any:
        config = config_of(self.config_, self.architecture_["outputs"])
        config.auxiliary_loss = False
        return config

    def _give(self, beginning: Beginning, network: Any) -> None:
        model = network.model
        name = f"begin: {beginning.name}"
        whole, lacking = loaded(type(model), model.config, beginning.tensors, name)
        if others := sorted(lacking - _of_classes(model.config)):
            raise RecipeError(f"{name} lacks {len(others)} tensors besides those of classes, {others[0]} first")
        take(model, {key: value for key, value in whole.state_dict().items() if key not in lacking}, beginning.name)

    def _settings(self, rows: int) -> Settings:
        """Small batches: each picture has many objects."""
        return in_small_batches(super()._settings(rows), rows, 8, self.training)

    def _losses(self, targets: Tensor, settings: Settings, weights: Tensor | None) -> tuple[Loss, Loss]:
        del targets, settings, weights
        told, mirrored, config = self._told, self._mirrored, self._config()
        with torch.device("meta"):
            matched = _model_of(config).loss_function

        def by(each: list[dict[str, Tensor]], said: Tensor, weights: Tensor | None) -> Tensor:
            found = []
            for one, targets in zip(said, each, strict=True):
                logits, boxes = one[None].split([one.shape[-1] - _SIDES, _SIDES], dim=-1)
                own = {name: value.to(said.device) for name, value in targets.items()}
                found.append(matched(logits, [own], said.device, boxes, config, None, None)[0])
            losses = torch.stack(found)
            return (losses if weights is None else losses * weights).mean()

        def trained(said: Tensor, rows: Tensor, weights: Tensor | None = None) -> Tensor:
            return by(mirrored.told([told[row] for row in rows.long().tolist()]), said, weights)

        def validated(said: Tensor, rows: Tensor, weights: Tensor | None = None) -> Tensor:
            return by([told[row] for row in rows.long().tolist()], said, weights)

        return trained, validated

    def _augmentation(self) -> Augmentation | None:
        return self._mirrored.pictures

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "network_")


class _Finding(Seeing):
    """A detector of transformers: pictures (n, height, width, colours) in, (n, queries, outputs + 4) out."""

    def forward(self, pictures: Tensor) -> Tensor:
        said = self.model(pixel_values=self._taken(pictures))
        return torch.cat([said.logits, said.pred_boxes], dim=-1)


class _Mirrored(Mirrored):
    """Of pictures, and of where objects are in them."""

    def told(self, each: list[dict[str, Tensor]]) -> list[dict[str, Tensor]]:
        """Of the same batch: only where the centre of a box lies is another place then."""
        found = []
        for targets, (down, across) in zip(each, self.drawn.tolist(), strict=True):
            boxes = targets["boxes"].clone()
            for turned, side in ((across, 0), (down, 1)):
                if turned:
                    boxes[:, side] = 1 - boxes[:, side]
            found.append({**targets, "boxes": boxes})
        return found


def _told(boxes: Boxes, row: int) -> dict[str, Tensor]:
    """The objects of a picture as losses of the library take them."""
    mine = slice(boxes.offsets[row], boxes.offsets[row + 1])
    low, high = boxes.corners[mine, :2], boxes.corners[mine, 2:]
    sides = np.concatenate([(low + high) / 2, high - low], axis=1)
    return {
        "class_labels": torch.from_numpy(boxes.labels[mine].copy()),
        "boxes": torch.from_numpy(sides.astype(np.float32)),
    }


def _model_of(config: Any) -> Any:
    from transformers import AutoModelForObjectDetection

    return AutoModelForObjectDetection.from_config(config, dtype=torch.float32)


def _of_classes(config: Any) -> frozenset[str]:
    """The names of tensors whose shapes hang on how many classes there are."""
    from transformers import AutoModelForObjectDetection

    kind, more = kind_of(AutoModelForObjectDetection, config), copy.deepcopy(config)
    more.num_labels = config.num_labels + 1
    with torch.device("meta"):
        own, other = (kind(each).state_dict() for each in (config, more))
    return frozenset(name for name in own if own[name].shape != other[name].shape)
