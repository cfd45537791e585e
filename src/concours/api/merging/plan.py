"""From what is wished to the tensors to make: which of which model, by which method, with which numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from concours.api.merging.layers import in_front, layers_of, require_one_stack, spread, with_layers
from concours.api.merging.parents import Parents, require_shapes
from concours.api.merging.wished import Slice, Source, Wish, method_of, spelt, value_of
from concours.core.errors import ContestError, DataError
from concours.core.seeds import derive_seed
from concours.core.visible import visible
from concours.kernels.merging.floats import FLOATS
from concours.stores.checkpoints.folders import Checkpoint, few
from concours.stores.checkpoints.pieces import Piece
from concours.stores.checkpoints.tensors import Stored


@dataclass(frozen=True)
class Place:
    """Where a tensor of the new model comes from.

    Attributes:
        name: of the new tensor.
        olds: of the tensor in each source of the slice; `base` in the base.
        t: where its layer is within the slice.
    """

    name: str
    slice: Slice
    olds: tuple[str, ...]
    base: str
    t: float


def planned(wish: Wish, parents: Parents) -> tuple[list[Piece], dict[str, Any]]:
    """The tensors to make, and the settings of the model that they make.

    Raises:
        DataError: layers are asked for that a model has not, or tensors do not fit together.
        ContestError: the method wants other models, or an option that is not there.
    """
    _require_models(wish)
    places = list(_stacked(wish, parents) if wish.stacked else _alike(wish, parents))
    _require_forms(wish, parents, places)
    pieces = [_piece(wish, parents, place) for place in places]
    return pieces, _config(wish, parents)


def _alike(wish: Wish, parents: Parents) -> Iterator[Place]:
    """The places of a merge of whole models."""
    first = next(iter(parents.models.values()))
    layers, whole = layers_of(first), wish.slices[0]
    for name in first.tensors:
        yield Place(name, whole, (name,) * len(whole.sources), name, layers.t(name))


def _stacked(wish: Wish, parents: Parents) -> Iterator[Place]:
    """Those of layers that are numbered anew, between what comes before and behind them."""
    named = parents.models[wish.slices[0].sources[0].model]
    layers = require_one_stack(named)
    loose = [name for name in named.tensors if layers.place(name) is None]
    last = parents.models[wish.slices[-1].sources[0].model]
    for name in filter(in_front, loose):
        yield Place(name, wish.slices[0], (name,) * len(wish.slices[0].sources), name, 0.0)
    number = 0
    for each in wish.slices:
        for step in range(_length(each)):
            yield from _layer(each, step, number, parents.models)
            number += 1
    for name in loose:
        if not in_front(name):
            if name not in last.tensors:
                raise DataError(f"{last.path} lacks tensor {visible(name)!r}, which {named.path} has")
            yield Place(name, wish.slices[-1], (name,) * len(wish.slices[-1].sources), name, 0.0)


def _layer(each: Slice, step: int, number: int, models: Mapping[str, Checkpoint]) -> Iterator[Place]:
    begins = [source.layers[0] + step for source in each.sources if source.layers]
    first = models[each.sources[0].model]
    stacks = [require_one_stack(models[source.model]) for source in each.sources]
    for source, begin, stack in zip(each.sources, begins, stacks, strict=True):
        if begin >= stack.count:
            raise DataError(f"{source.model}: layer_range ends behind its {stack.count} layers")
    for name in first.tensors:
        if stacks[0].place(name) == begins[0]:
            olds = tuple(stack.renumbered(name, begin) for stack, begin in zip(stacks, begins, strict=True))
            yield Place(stacks[0].renumbered(name, number), each, olds, name, spread(step, _length(each)))


def _length(each: Slice) -> int:
    layers = each.sources[0].layers
    return layers[1] - layers[0] if layers else 0


def _piece(wish: Wish, parents: Parents, place: Place) -> Piece:
    method, models = method_of(wish.method), parents.models
    base = _tensor(models, wish.base, place.base) if wish.base and method.takes("base") else None
    merged = list(_merged(wish, place))
    tensors = tuple(_tensor(models, source.model, old) for source, old in merged)
    require_shapes(place.name, [*([base] if base else []), *tensors])
    own = base or tensors[0]
    dtype = (wish.dtype or own.dtype) if own.dtype in FLOATS else own.dtype
    if own.dtype not in FLOATS:
        return Piece(place.name, dtype, own.shape, None, (*([base] if base else []), *tensors))
    given: dict[str, Any] = {}
    for option in method.options.values():
        shared = (place.slice.settings, wish.settings)
        if option.each:
            own_values = [
                value_of(option, (source.settings, *shared), old, place.t, source.model) for source, old in merged
            ]
            if None in own_values and any(value is not None for value in own_values):
                raise ContestError(f"{wish.method}: {spelt(option)} is given for some models and not for all")
            given |= {option.name: own_values} if None not in own_values else {}
        else:
            given[option.name] = value_of(option, shared, place.name, place.t, wish.method)
    if method.takes("seed"):
        given["seed"] = derive_seed(0, "merge", place.name)
    return Piece(place.name, dtype, own.shape, wish.method, tensors, base, given)


def _merged(wish: Wish, place: Place) -> Iterator[tuple[Source, str]]:
    """The sources that are merged, and their tensors: without a base that has a part of its own; of two, it first."""
    rows = list(zip(place.slice.sources, place.olds, strict=True))
    if method_of(wish.method).takes("base"):
        return iter([row for row in rows if row[0].model != wish.base])
    if wish.method == "slerp" and wish.base:
        own = [row for row in rows if row[0].model == wish.base] or [(Source(model=wish.base), place.base)]
        return iter([*own, *(row for row in rows if row[0].model != wish.base)])
    return iter(rows)


def _tensor(models: Mapping[str, Checkpoint], model: str, name: str) -> Stored:
    if name not in models[model].tensors:
        raise DataError(f"{models[model].path} lacks tensor {visible(name)!r}; models of one architecture are merged")
    return models[model].tensors[name]


def _require_models(wish: Wish) -> None:
    """The method takes as many models, with a base or without. Raises ContestError."""
    method = method_of(wish.method)
    takes_base = method.takes("base")
    if takes_base and not wish.base:
        raise ContestError(f"{wish.method} adds to what the models come from: name it (base_model, or --base)")
    for each in wish.slices:
        named = [source.model for source in each.sources]
        if not takes_base and wish.base and wish.base not in named and wish.method != "slerp":
            raise ContestError(f"{wish.method} takes no base, and {wish.base} is not among the models")
        count = len(list(_merged(wish, Place("", each, ("",) * len(named), "", 0.0))))
        least, most = method.models
        if count < least or (most is not None and count > most):
            wanted = f"{least}" if least == most else f"{least} or more"
            beside = " besides the base" if takes_base else ""
            raise ContestError(f"{wish.method} takes {wanted} model{'s' * (wanted != '1')}{beside}, got {count}")


def _require_forms(wish: Wish, parents: Parents, places: Sequence[Place]) -> None:
    """Tensors of different forms become one only in a form that was asked for. Raises DataError."""
    if wish.dtype:
        return
    odd: dict[tuple[str, str], list[str]] = {}
    for place in places:
        names = [(source.model, old) for source, old in zip(place.slice.sources, place.olds, strict=True)]
        if wish.base and wish.base not in {model for model, _ in names}:
            names.append((wish.base, place.base))
        forms = {_tensor(parents.models, model, old).dtype: model for model, old in names}
        if len(forms) > 1:
            told = ", ".join(f"{dtype} in {model}" for dtype, model in forms.items())
            odd.setdefault((wish.method, told), []).append(place.name)
    for (_, told), found in odd.items():
        raise DataError(
            f"{len(found):,} of {len(places):,} tensors are {told} ({few(found)}); say in which form they are to be "
            "written: --dtype, or dtype in the file"
        )


def _config(wish: Wish, parents: Parents) -> dict[str, Any]:
    config = dict(parents.config)
    if wish.stacked and config:
        first = require_one_stack(parents.models[wish.slices[0].sources[0].model])
        ranges = [each.sources[0].layers or (0, 0) for each in wish.slices]
        config = with_layers(config, [place for low, high in ranges for place in range(low, high)], first.count)
    if wish.dtype and config:
        key = "torch_dtype" if "torch_dtype" in config else "dtype"
        config[key] = FLOATS[wish.dtype].name
    return config
