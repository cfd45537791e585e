"""Estimators whose weights can be merged: the protocol that they keep, whoever has written them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, Self, runtime_checkable

from numpy.typing import NDArray


@runtime_checkable
class Mergeable(Protocol):
    """An estimator that gives its weights away and takes others: what `soup` asks for.

    Law: `set_tensors(get_tensors(), get_state())`, of another estimator of the same parameters, makes that predict the
    same. Tensors of models of one architecture have the same names, shapes and types, and may be averaged.

    It may also have `begin_alike(seed)`, called before `fit`: the weights that it begins with, and the rows that it
    holds out, are then to follow from this seed alone, and the rest of its chance from `random_state` as always. And
    `renew_statistics(X)`, called after weights were averaged, with the rows of the fit: what it knows of activations,
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


def mergeable(estimator: Any) -> bool:
    """Whether an estimator, fitted or not, keeps the protocol."""
    return issubclass(type(estimator), Mergeable)
