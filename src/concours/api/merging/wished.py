"""What somebody wants merged: models, a method, and settings that may differ by layer and by tensor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from concours.core.errors import ContestError, nearest
from concours.core.visible import shortened, visible
from concours.kernels.merging.methods import METHODS, Method, Option

_OTHERS: Final = (
    *("multislerp", "nearswap", "nuslerp", "ram", "ramplus_tl", "sce", "arcee_fusion", "della", "della_linear"),
)
_LIMIT: Final = 1e9
"""Of a number that has no other."""
Settings = Mapping[str, Any]
"""Values of options by name: a number or a truth value, a list that is spread over the layers, or rows of
`{filter, value}`."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A model in a slice.

    Attributes:
        model: as it was named.
        layers: from which layer on to before which; none for all.
    """

    model: str
    layers: tuple[int, int] | None = None
    settings: Settings = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Slice:
    """Layers of the model that is made, from as many layers of each source."""

    sources: tuple[Source, ...]
    settings: Settings = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A merge.

    Attributes:
        base: the model that the others come from, where one is named.
        dtype: in which floating numbers are written, as safetensors files call it; none for that of the models.
        tokenizer: the model whose tokenizer is taken; none for that of the base, or the first.
        united: whether a tokenizer of all vocabularies was asked for.
        text: as it was written, for the card.
        notes: what of it changes nothing here.
    """

    method: str
    slices: tuple[Slice, ...]
    base: str | None = None
    settings: Settings = field(default_factory=dict)
    dtype: str | None = None
    tokenizer: str | None = None
    united: bool = False
    text: str = ""
    notes: tuple[str, ...] = ()

    @property
    def models(self) -> tuple[str, ...]:
        """All that are named, each once, the base first."""
        named = [source.model for each in self.slices for source in each.sources]
        return tuple(dict.fromkeys([*([self.base] if self.base else []), *named]))

    @property
    def stacked(self) -> bool:
        """Whether layers are chosen and numbered anew."""
        return any(source.layers for each in self.slices for source in each.sources)


def method_of(name: Any) -> Method:
    """A method by its name. Raises ContestError where there is none."""
    if not isinstance(name, str) or name not in METHODS:
        said = shortened(visible(str(name)), 60)
        why = "is one of mergekit's that is not done here" if name in _OTHERS else "is not known"
        raise ContestError(f"method {said!r} {why}; {nearest(said, METHODS)}")
    return METHODS[name]


def value_of(option: Option, scopes: Iterable[Settings], name: str, t: float, where: str) -> Any:
    """What an option is for a tensor: the first scope that has something for it decides.

    Args:
        name: of the tensor, which filters look for.
        t: where its layer is, from 0, the first, to 1, the last; 0 of tensors of no layer.
        where: what is said it is an option of.

    Raises:
        ContestError: it is nowhere, and has no default.
    """
    for scope in scopes:
        if spelt(option) in scope:
            found = _read(scope[spelt(option)], name, t)
            if found is not None:
                return _checked(option, found, where)
    if option.required:
        raise ContestError(
            f"{where}: {spelt(option)} is missing (of tensor {visible(name)!r}); expected {_words(option)}"
        )
    return option.default


def spelt(option: Option) -> str:
    """What an option is called in a file: of a model by its own, in the singular."""
    return "weight" if option.name == "weights" else option.spelt


def check_settings(method: str, settings: Settings, where: str, *, of_model: bool = False) -> None:
    """Every name is an option of the method, and every value within it of its form.

    Args:
        of_model: whether they stand at one of the models.

    Raises:
        ContestError: names the option, what it must be, and what it is.
    """
    options = {spelt(option): option for option in METHODS[method].options.values()}
    for name, setting in settings.items():
        if name not in options:
            known = nearest(shortened(name, 60), options) if options else f"{method} has none"
            raise ContestError(f"{where}: {shortened(visible(name), 60)!r} is no option of {method}; {known}")
        if of_model and not options[name].each:
            raise ContestError(f"{where}: {name} is one for all models; it stands in parameters beside them")
        for value in _values(setting, f"{where}: {name}"):
            _checked(options[name], value, where)


def _values(setting: Any, where: str) -> Sequence[Any]:
    """All values within a setting."""
    rows = setting if isinstance(setting, list) else [setting]
    found: list[Any] = []
    for row in rows:
        if not isinstance(row, dict):
            found.append(row)
        elif {*row} <= {"filter", "value"} and "value" in row and isinstance(row.get("filter"), (str, type(None))):
            found += _values(row["value"], where)
        else:
            raise ContestError(f"{where}: expected {{filter, value}}, got {shortened(visible(repr(row)), 80)}")
    if not rows or len({isinstance(row, dict) for row in rows}) > 1:
        raise ContestError(f"{where}: expected a number, a list of numbers, or a list of {{filter, value}}")
    return found


def _read(setting: Any, name: str, t: float) -> Any:
    rows = [setting] if isinstance(setting, dict) else setting
    if not isinstance(rows, list):
        return rows
    if not isinstance(rows[0], dict):
        return _spread(rows, t)
    for row in rows:
        if row.get("filter") in (None, "*") or row["filter"] in name:
            return _read(row["value"], name, t)
    return None


def _spread(values: Sequence[Any], t: float) -> Any:
    """A list read at a place between its first value and its last, on the straight line between two of them."""
    if any(isinstance(value, bool) for value in values):
        return values[int(t * (len(values) - 1))]
    place = t * (len(values) - 1)
    below = int(place)
    above, share = min(len(values) - 1, below + 1), place - below
    return (1 - share) * _number(values[below]) + share * _number(values[above])


def _number(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _checked(option: Option, value: Any, where: str) -> Any:
    value = value if option.kind is bool else _number(value)
    fits = (
        isinstance(value, bool)
        if option.kind is bool
        else isinstance(value, (int, float)) and value not in (True, False)
    )
    if isinstance(value, (int, float)) and not isinstance(value, bool) and option.kind is not bool:
        fits = abs(value) < _LIMIT and (option.within is None or value in option.within)
        fits = fits and (option.kind is float or float(value).is_integer())
    if not fits:
        said = shortened(visible(repr(value)), 60)
        raise ContestError(f"{where}: {spelt(option)} must be {_words(option)}, got {said}")
    return option.kind(value)


def _words(option: Option) -> str:
    """What a value may be."""
    if option.kind is bool:
        return "true or false"
    within = option.within.words if option.within else f"below {_LIMIT:g}"
    return f"{'a whole number' if option.kind is int else 'a number'} {within}"
