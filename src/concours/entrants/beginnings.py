"""What a network begins with besides chance: the weights of a model that was trained before, on other rows.

It lies in the store as a bundle: `about.json`, and the weights. A `model` is a network of a contest, with all that
it was fitted to besides; of `tensors` the weights alone are known; a `folder` is a model of Hugging Face with its
tokenizer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from concours.core.errors import RecipeError
from concours.entrants.layers import output_layer

ABOUT = "about.json"
WEIGHTS = ".safetensors"
_FORMS = {"folder": "a folder of Hugging Face", "tensors": "a file of weights", "model": "a model of a contest"}
_TARGET = "target."
"""What tensors of a regressor are called that are not its network's."""


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """A model to begin from.

    Attributes:
        form: what is known of it.
        name: what it was called, for messages.
        kind: `module:Class` of the estimator that it was, of a `model`.
        state: what that was fitted to besides weights.
        same: whether what it tells is what is to be learned now, class by class, so that its output layer is of use.
        files: of a `folder`, texts by name.
    """

    form: Literal["model", "tensors", "folder"]
    name: str
    tensors: Mapping[str, Tensor]
    kind: str = ""
    state: Mapping[str, Any] = field(default_factory=dict)
    same: bool = False
    files: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def given(cls, estimator: Any) -> Beginning:
        """What an estimator was told to begin from (`begin_with`).

        Raises:
            ValueError: nothing.
        """
        found: Beginning | None = estimator.__dict__.get("_beginning")
        if found is None:
            raise ValueError("begin is missing: a folder of Hugging Face that the network begins from")
        return found

    @classmethod
    def of_files(cls, files: Mapping[str, bytes], labels: Sequence[str]) -> Beginning:
        """From the files of a bundle; `labels` are of the classes that are to be learned, none of a number.

        Raises:
            RecipeError: a file of weights is damaged.
        """
        about = json.loads(files[ABOUT])
        tensors = dict[str, Tensor]()
        for name in sorted(each for each in files if each.endswith(WEIGHTS)):
            try:
                tensors |= safetensors.torch.load(files[name])
            except SafetensorError as error:
                raise RecipeError(f"begin: {about['name']}: {name} is no whole file of weights: {error}") from None
        texts = {name: files[name].decode() for name in files if name != ABOUT and not name.endswith(WEIGHTS)}
        same = bool(labels) and about.get("labels") == list(labels)
        return cls(
            form=about["form"],
            name=about["name"],
            tensors={name: tensor for name, tensor in tensors.items() if not name.startswith(_TARGET)},
            kind=about.get("kind", ""),
            state=about.get("state", {}),
            same=same,
            files=texts,
        )

    def require_kind(self, estimator: Any) -> None:
        """Refuses another kind of network.

        Raises:
            RecipeError: it is not what such an estimator can begin from.
        """
        own = f"{type(estimator).__module__}:{type(estimator).__qualname__}"
        if self.form not in estimator.begins:
            raise RecipeError(
                f"begin: {type(estimator).__name__} cannot begin from {_FORMS[self.form]}, as {self.name} is, but from "
                f"{' or '.join(_FORMS[form] for form in estimator.begins)}"
            )
        if self.form == "model" and self.kind != own:
            raise RecipeError(
                f"begin: {self.name} is a {self.kind.rpartition(':')[2]}, and a {type(estimator).__name__} cannot "
                "begin from it: name an entrant of the same recipe"
            )

    def give(self, network: nn.Module) -> None:
        """Gives a network these weights; the output layer begins anew where it tells something else.

        Raises:
            ValueError: the network has other layers, or something is not a number; the first is named, and how many.
        """
        own, last = network.state_dict(), output_layer(network)
        known = self.same and all(_shape(own[name]) == _shape(self.tensors.get(name)) for name in last)
        anew = frozenset() if known else last
        wrong = [
            f"{name}: {_shape(self.tensors.get(name))} there, {_shape(own.get(name))} here"
            for name in sorted({*own, *self.tensors})
            if name not in anew and _shape(own.get(name)) != _shape(self.tensors.get(name))
        ]
        if wrong:
            raise ValueError(
                f"begin: {self.name} has other layers: {wrong[0]} ({len(wrong)} of {len(own)} tensors differ); give "
                "this entrant the parameters that it had"
            )
        take(network, {name: tensor for name, tensor in self.tensors.items() if name not in anew}, self.name)


def take(network: nn.Module, tensors: Mapping[str, Tensor], name: str) -> None:
    """Copies tensors to those of the same names in a network.

    Raises:
        ValueError: one of them holds what is no number.
    """
    for key, own in network.state_dict().items():
        if key in tensors:
            if not bool(torch.isfinite(tensors[key].float()).all()):
                raise ValueError(f"begin: {name}: tensor {key} holds values that are not finite")
            own.copy_(tensors[key])


def _shape(tensor: Tensor | None) -> str:
    return "nothing" if tensor is None else f"{list(tensor.shape)}"
