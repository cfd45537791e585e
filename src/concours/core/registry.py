"""Registries: names to `module:attribute` strings that are imported when they are used."""

from __future__ import annotations

from functools import reduce
from importlib import import_module
from typing import Any


def load(reference: str) -> Any:
    """The attribute that `module:attribute` names.

    Raises:
        ValueError: the reference is not of that form.
        ImportError, AttributeError: it leads nowhere.
    """
    module, colon, attribute = reference.partition(":")
    if not (module and colon and attribute):
        raise ValueError(f"a reference is written module:attribute, got {reference!r}")
    return reduce(getattr, attribute.split("."), import_module(module))
