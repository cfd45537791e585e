"""Estimators whose weights can be merged: the protocol that they keep, whoever has written them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, Self, runtime_checkable

from numpy.typing import NDArray

from concours.kernels.merging.rebasin import Symmetries


@runtime_checkable
class Mergeable(Protocol):
    """An estimator that gives its weights away and takes others: what `soup` asks for.

    Law: `set_tensors(get_tensors(), get_state())`, of another estimator of the same parameters, makes that predict the
    same. Tensors of models of one architecture have the same names, shapes and types, and may be averaged.

    It may also have, each by itself:

    - `begin_alike(seed)`, called before `fit`: the weights that it begins with, and the rows that it holds out, are
      then to follow from this seed alone, and the rest of its chance from `random_state` as always.
    - `first_tensors(seed)`, of one that was fitted so: the weights that it began with, by name, which `ties` takes for
      the common beginning; what it leaves out is averaged.
    - `permutations()`, of a fitted one: which orders of its units are the same function, a
      `kernels.merging.rebasin.Symmetries`, or of each tensor by name what its axes follow, or none where that is not
      known. So networks that began apart are aligned before their weights are averaged.
    - `renew_statistics(X)`, called after weights were averaged, with the rows of the fit: what it knows of activations,
      as running means of a batch norm, is to be found anew.
    """

    def get_tensors(self) -> dict[str, NDArray[Any]]:
        """Everything learned that may be averaged, by name."""
        ...

    def get_state(self) -> dict[str, Any]:
        """Everything else that was fitted, as JSON can hold it."""
        ...

    def set_tensors(self, tensors: Mapping[str, NDArray[Any]], state: Mapping[str, Any]) -> Self:
        """Becomes fitted with these weights and that state."""
        ...

    def architecture(self) -> Mapping[str, Any]:
        """What two fitted estimators must have in common to be merged, as JSON can hold it."""
        ...


def symmetries_of(estimator: Any) -> Symmetries | None:
    """Which orders of a fitted estimator's units are the same function, as far as it says."""
    told = estimator.permutations() if hasattr(estimator, "permutations") else None
    return told if told is None or isinstance(told, Symmetries) else Symmetries(tensors=told)


def mergeable(estimator: Any) -> bool:
    """Whether an estimator, fitted or not, keeps the protocol."""
    return issubclass(type(estimator), Mergeable)
