"""Layers of a model, told by the names of its tensors: the first whole number in a name is that of its layer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from concours.core.errors import DataError
from concours.stores.checkpoints.folders import Checkpoint

_COUNTS: Final = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
_FRONT: Final = ("embed", "wte", "wpe")


@dataclass(frozen=True)
class Layers:
    """The layers that a model has one after the other.

    Attributes:
        before: with what the names of their tensors begin, `model.layers.`.
        count: how many there are.
    """

    before: str
    count: int

    def place(self, name: str) -> int | None:
        """The number of the layer that a tensor belongs to, if it belongs to one."""
        number = name.removeprefix(self.before).partition(".")[0]
        return int(number) if name.startswith(self.before) and number.isdecimal() and self.before else None

    def t(self, name: str) -> float:
        """Where a tensor's layer is, from 0, the first, to 1, the last; 0 of tensors of no layer, 1 of a single one."""
        place = self.place(name)
        return 0.0 if place is None else spread(place, self.count)

    def renumbered(self, name: str, to: int) -> str:
        """The name of the same tensor in another layer."""
        return f"{self.before}{to}.{name.removeprefix(self.before).partition('.')[2]}"


def spread(place: int, count: int) -> float:
    """Of one of several places, from 0 to 1."""
    return place / (count - 1) if count > 1 else 1.0


def layers_of(model: Checkpoint) -> Layers:
    """Those of a model: of several stacks the one that has as many as its settings say, or most."""
    stacks = _stacks(model.tensors)
    said = count_in(model.config)
    if not stacks:
        return Layers("", 0)
    before = max(stacks, key=lambda name: (stacks[name] == said, stacks[name]))
    return Layers(before, stacks[before])


def require_one_stack(model: Checkpoint) -> Layers:
    """The same, of a model whose layers may be chosen and numbered anew.

    Raises:
        DataError: it has none, several stacks of them, or other than its settings say.
    """
    stacks, found, said = _stacks(model.tensors), layers_of(model), count_in(model.config)
    if not found.count:
        raise DataError(f"{model.path}: no tensor's name has a layer's number, so there are no slices of it")
    if len(stacks) > 1 and list(stacks.values()).count(found.count) > 1:
        raise DataError(f"{model.path}: layers stand in several stacks ({', '.join(sorted(stacks))}): no slices of it")
    if said is not None and said != found.count:
        raise DataError(f"{model.path}: its config.json says {said} layers, its tensors {found.count}")
    return found


def count_in(config: Mapping[str, Any]) -> int | None:
    """How many layers a model's settings say that it has."""
    found = next((config[key] for key in _COUNTS if type(config.get(key)) is int), None)
    inner = config.get("text_config")
    return found if found is not None or not isinstance(inner, dict) else count_in(inner)


def with_layers(config: Mapping[str, Any], places: list[int], count: int) -> dict[str, Any]:
    """A model's settings for other layers: their number, and lists that have an item a layer.

    Args:
        places: of each layer of the new model which one of the old it is.
        count: how many the old had.
    """

    def changed(key: str, value: Any) -> Any:
        if key in _COUNTS and value == count:
            return len(places)
        if isinstance(value, list) and len(value) == count and key.startswith("layer"):
            return [value[place] for place in places]
        if isinstance(value, dict) and key == "text_config":
            return with_layers(value, places, count)
        return value

    return {key: changed(key, value) for key, value in config.items()}


def in_front(name: str) -> bool:
    """Whether a tensor of no layer comes before the layers: an embedding; what comes behind is the last slice's."""
    return any(word in name for word in _FRONT)


def _stacks(names: Iterable[str]) -> dict[str, int]:
    """How many layers there are behind each beginning of names; those alone whose numbers go from 0 without a gap."""
    found: dict[str, set[int]] = {}
    for name in names:
        words = name.split(".")
        place = next((place for place, word in enumerate(words) if word.isdecimal()), None)
        if place:
            found.setdefault(".".join(words[:place]) + ".", set()).add(int(words[place]))
    return {before: len(numbers) for before, numbers in found.items() if numbers == {*range(len(numbers))}}
