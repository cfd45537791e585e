"""What a network holds in attributes besides its parameters, buffers and parts.

A network may count, remember or draw by them, in ways that nobody else can see or put back. So they are described, as
far as that can be done: two descriptions are equal if nothing has changed between them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import is_dataclass
from enum import Enum
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

_OF_EVERY_MODULE = frozenset(vars(nn.Module()))
_PLAIN = (type(None), bool, int, float, complex, str, bytes, Enum, range, slice)
_NAMED = (type, FunctionType, BuiltinFunctionType, ModuleType, torch.dtype, torch.device)
_OURS = ("torch.", "concours.", "transformers.")
"""Modules from here keep what an epoch changes in parameters and buffers."""


def attributes_of(network: nn.Module) -> str | None:
    """A description of what a network and its parts hold besides tensors; none where something cannot be described."""
    try:
        return "\n".join(f"{name}: {_described(_own(part))}" for name, part in network.named_modules())
    except (TypeError, RecursionError):
        return None


def _own(part: nn.Module) -> dict[str, Any]:
    if type(part).__module__.startswith(_OURS):
        return {}
    return {name: value for name, value in vars(part).items() if name not in _OF_EVERY_MODULE}


def _described(value: Any) -> str:
    """Raises TypeError for what cannot be described."""
    if isinstance(value, _PLAIN):
        return repr(value)
    if isinstance(value, _NAMED):
        return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', value)}"
    if isinstance(value, Tensor | np.ndarray):
        return _of_numbers(value)
    if isinstance(value, nn.Module):
        return type(value).__qualname__
    if isinstance(value, Mapping):
        return str([(_described(key), _described(inner)) for key, inner in value.items()])
    if is_dataclass(value):
        return f"{type(value).__qualname__} {_described(vars(value))}"
    if isinstance(value, tuple | list):
        return str([_described(each) for each in value])
    if isinstance(value, set | frozenset):
        return str(sorted(_described(each) for each in value))
    raise TypeError(f"{type(value).__name__} cannot be described")


def _of_numbers(value: Any) -> str:
    if isinstance(value, nn.Parameter):
        return "parameter"
    array = value.detach().cpu().numpy() if isinstance(value, Tensor) else value
    if array.dtype.hasobject:
        raise TypeError("an array of objects cannot be described")
    return f"{array.dtype} {array.shape} {hashlib.sha256(array.tobytes()).hexdigest()}"
