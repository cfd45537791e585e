"""A model of Hugging Face that has seen other pictures before, and learns to tell classes of these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from torch.nn import functional

from concours.core.errors import RecipeError
from concours.entrants.architectures import config_of
from concours.entrants.augmentations import augmentation
from concours.entrants.beginnings import Beginning, take
from concours.entrants.inputs import images
from concours.entrants.looking import LooksAgain
from concours.entrants.pixels import Pixels, by_colour
from concours.entrants.pretrained import fitting
from concours.entrants.told import told_by
from concours.entrants.training import Augmentation

Array = NDArray[Any]


class OfPictures:
    """What networks share that begin from a folder of Hugging Face and see pictures: `config_` and `pixels_`, what
    their `preprocessor_config.json` says of these, are state.
    """

    config_: dict[str, Any]
    pixels_: dict[str, Any]

    def _become(self, beginning: Beginning) -> None:
        """Takes over what the beginning is. Raises RecipeError where it sees no pictures."""
        own = beginning.state if beginning.form == "model" else told_by(beginning.files)
        if "pixels" not in own:
            raise RecipeError(f"begin: {beginning.name} is a model of texts, and these are pictures")
        self.config_, self.pixels_ = dict(own["config"]), dict(own["pixels"])

    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), "config": self.config_, "pixels": self.pixels_}  # type: ignore[misc]

    def set_tensors(self, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Self:
        self.config_, self.pixels_ = dict(state["config"]), dict(state["pixels"])
        return super().set_tensors(tensors, state)  # type: ignore[misc, no-any-return]

    def _read(self, X: ArrayLike) -> Array:
        return images(X)

    def _shape_network(self) -> dict[str, Any]:
        return {}

    def _learn_scaling(self, network: Any, rows: Array) -> None:
        network.largest.fill_(255.0 if rows.dtype == np.uint8 else float(np.abs(rows).max()) or 1.0)


class PretrainedImageClassifier(OfPictures, LooksAgain):
    """A network that was trained on other pictures before, with a new output layer, fine-tuned on pictures (n, height,
    width[, colours]), uint8 or float.

    It begins from a folder of Hugging Face, of any architecture of which `transformers` has an image classifier; sizes
    and colours are brought to what its `preprocessor_config.json` says. Kept with the weights is its configuration, so
    that a fitted model needs the folder no more. `augment`, `augment_test`: as of
    `concours.entrants.neural.ConvClassifier`. Fitted besides what others have: `config_`, `pixels_`.
    """

    _learning_rate = 1e-4
    _effort = 60.0
    begins: ClassVar[tuple[str, ...]] = ("folder", "model")
    begins_anew: ClassVar[bool] = False

    def __init__(
        self,
        *,
        augment: str = "auto",
        augment_test: bool = False,
        epochs: int | None = None,
        learning_rate: float | None = None,
        training: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.augment = augment
        self.augment_test = augment_test
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.training = training
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        self._become(Beginning.given(self))
        return super().fit(X, y, sample_weight)

    def _made(self) -> Any:
        from transformers import AutoModelForImageClassification

        config = config_of(self.config_, self.architecture_["outputs"])
        model = AutoModelForImageClassification.from_config(config, dtype=torch.float32)
        return Seeing(model, Pixels.of(self.pixels_))

    def _give(self, beginning: Beginning, network: Any) -> None:
        if beginning.form == "model":
            super()._give(beginning, network)
            return
        take(network.model, fitting(beginning, network.model), beginning.name)

    def _augmentation(self) -> Augmentation | None:
        return augmentation(self.augment, self.input_shape_)


class Seeing(nn.Module):
    """An image classifier of transformers as the zoo's networks are: pictures (n, height, width, colours) in, logits
    (n, outputs) out.
    """

    def __init__(self, model: nn.Module, pixels: Pixels) -> None:
        super().__init__()
        self.model, self.pixels = model, pixels
        for name in ("sharpness", "largest"):
            self.register_buffer(name, torch.ones(()))
        self.sharpness: Tensor
        self.largest: Tensor

    def forward(self, pictures: Tensor) -> Tensor:
        said: Tensor = self.model(pixel_values=self._taken(pictures)).logits
        return said * self.sharpness

    def _taken(self, pictures: Tensor) -> Tensor:
        """As `Pixels.taken`, on the device of the network."""
        x, pixels = pictures.movedim(3, 1).float() / self.largest, self.pixels
        if x.shape[1] != pixels.colours:
            x = x.mean(dim=1, keepdim=True).expand(-1, pixels.colours, -1, -1)
        if tuple(x.shape[2:]) != (size := pixels.sized(*x.shape[2:])):
            x = functional.interpolate(x, size=size, mode="bilinear", antialias=True)
        mean, deviation = (torch.from_numpy(by_colour(each)).to(x) for each in (pixels.mean, pixels.deviation))
        return (x - mean) / deviation
