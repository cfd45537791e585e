"""Methods of merging by name: a function each, from the tensors of models to one, and what it has to know before.

What a method takes is read from its signature: `weights` and other `Shares` are one number a model, `base` the tensor
of the model that all come from, `seed` a number for its chance, `start` and `known` where a part lies and what was
found of the whole; all else are its options, by the names that they have in files, less the underscore Python asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from inspect import Parameter, signature
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

from concours.kernels.merging.breadcrumbs import banded, breadcrumbs, breadcrumbs_ties
from concours.kernels.merging.dare import dare_linear, dare_ties
from concours.kernels.merging.gram import gram
from concours.kernels.merging.karcher import karcher
from concours.kernels.merging.linear import linear
from concours.kernels.merging.model_stock import model_stock
from concours.kernels.merging.parts import Array, Whole, Within
from concours.kernels.merging.passthrough import passthrough
from concours.kernels.merging.slerp import slerp
from concours.kernels.merging.task_arithmetic import task_arithmetic
from concours.kernels.merging.ties import ties, trimmed

_NO_OPTIONS: Final = frozenset(("tensors", "base", "seed", "start", "known"))


@dataclass(frozen=True, kw_only=True)
class Option:
    """What a person may set of a method.

    Attributes:
        name: in a signature; `spelt` is its name elsewhere.
        kind: float, int or bool.
        each: whether each model may have its own.
        within: what its values are between; none where any number will do.
        default: what it is otherwise; `required` where there is nothing.
    """

    name: str
    kind: type
    each: bool
    within: Within | None
    default: Any

    @property
    def spelt(self) -> str:
        """Its name in files and on the command line."""
        return self.name.rstrip("_")

    @property
    def required(self) -> bool:
        """Whether it has to be set."""
        return self.default is Parameter.empty


@dataclass(frozen=True)
class Method:
    """A way to merge.

    Attributes:
        merge: the function, of tensors and keywords.
        look: of a whole tensor and those keywords that it takes: what `merge` gets as `known`; none where it needs
            nothing.
        models: how many it takes, at least and at most; none for any.
    """

    merge: Callable[..., Array]
    look: Callable[..., Any] | None = None
    models: tuple[int, int | None] = (1, None)

    @cached_property
    def options(self) -> Mapping[str, Option]:
        """Its options by the names that they have elsewhere."""
        hints = get_type_hints(self.merge, include_extras=True)
        found = [
            _option(name, hints[name], parameter.default)
            for name, parameter in signature(self.merge).parameters.items()
            if name not in _NO_OPTIONS
        ]
        return {option.spelt: option for option in found}

    def takes(self, name: str) -> bool:
        """Whether the function has a keyword."""
        return name in self._keywords

    @cached_property
    def _keywords(self) -> frozenset[str]:
        return frozenset(signature(self.merge).parameters)

    def looked(self, whole: Whole, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Keywords with what is known of a whole tensor, for `merge` of parts of it."""
        if self.look is None:
            return given
        asked = signature(self.look).parameters
        return {**given, "known": self.look(whole, **{name: given[name] for name in given if name in asked})}


def _option(name: str, hint: Any, default: Any) -> Option:
    bare, *more = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    kind = bare if bare in (bool, int) else float
    within = next((one for one in more if isinstance(one, Within)), None)
    return Option(name=name, kind=kind, each="Sequence" in str(bare), within=within, default=default)


METHODS: Final[Mapping[str, Method]] = {
    "linear": Method(linear),
    "slerp": Method(slerp, gram, models=(2, 2)),
    "task_arithmetic": Method(task_arithmetic),
    "ties": Method(ties, trimmed),
    "dare_linear": Method(dare_linear),
    "dare_ties": Method(dare_ties),
    "breadcrumbs": Method(breadcrumbs, banded),
    "breadcrumbs_ties": Method(breadcrumbs_ties, banded),
    "model_stock": Method(model_stock, gram, models=(2, None)),
    "karcher": Method(karcher, gram),
    "passthrough": Method(passthrough, models=(1, 1)),
}
"""All of them, by the names that files call them by."""
