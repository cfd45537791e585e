"""Tensors in fewer bytes: whole numbers of a byte with a scale a row, or those that are not 0 alone.

Packed tensors are tensors again, under names that say what they are, so that a file of them is safetensors like any.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Packing = Literal["bytes", "sparse"]

_SCALE, _WHERE, _SHAPE = ":scale", ":where", ":shape"
_LARGEST = 127
_DIGITS = 12
"""Binary digits of a scale: so few that its products with whole numbers of a byte are exact."""


def packed(tensors: Mapping[str, Array], packing: Packing | None) -> dict[str, Array]:
    """Tensors packed, those of one axis or none as they are; without a packing all are.

    `bytes`: each row of a matrix, along the first axis, is whole numbers from -127 to 127 times a scale of its own, so
    that no number is further from what it was than half of that. `sparse`: a bit for each number says whether it is 0,
    and the others are kept as they are; where that would be longer, the tensor stays.

    Laws: `unpacked(packed(t, p))` packed again is the same to the byte; of `sparse` it is `t`.
    """
    pack = {"bytes": _in_bytes, "sparse": _sparse}.get(packing or "")
    if pack is None:
        return dict(tensors)
    found: dict[str, Array] = {}
    for name, tensor in tensors.items():
        weights = tensor.ndim > 1 and tensor.dtype == np.float32
        found |= pack(name, tensor) if weights else {name: tensor}
    return found


def unpacked(tensors: Mapping[str, Array]) -> dict[str, Array]:
    """The inverse of `packed`, of float32; tensors that are not packed stay as they are."""
    found: dict[str, Array] = {}
    for name, tensor in tensors.items():
        if name.endswith((_SCALE, _WHERE, _SHAPE)):
            continue
        if f"{name}{_SCALE}" in tensors:
            found[name] = tensor.astype(np.float32) * tensors[f"{name}{_SCALE}"]
        elif f"{name}{_WHERE}" in tensors:
            shape = tuple(tensors[f"{name}{_SHAPE}"].tolist())
            whole = np.zeros(int(np.prod(shape)), dtype=np.float32)
            whole[np.unpackbits(tensors[f"{name}{_WHERE}"], count=len(whole)).astype(np.bool_)] = tensor
            found[name] = whole.reshape(shape)
        else:
            found[name] = tensor
    return found


def _in_bytes(name: str, tensor: Array) -> dict[str, Array]:
    most = np.abs(tensor).max(axis=tuple(range(1, tensor.ndim)), keepdims=True)
    digits, power = np.frexp(most / np.float32(_LARGEST))
    scale = np.ldexp(np.ceil(np.ldexp(digits, _DIGITS)), power - _DIGITS).astype(np.float32)
    scale[scale == 0] = 1.0
    return {name: np.rint(tensor / scale).astype(np.int8), f"{name}{_SCALE}": scale}


def _sparse(name: str, tensor: Array) -> dict[str, Array]:
    where = tensor.reshape(-1) != 0
    if where.sum() * 4 + len(where) / 8 >= tensor.nbytes:
        return {name: tensor}
    shape = np.asarray(tensor.shape, dtype=np.int64)
    return {name: tensor.reshape(-1)[where], f"{name}{_WHERE}": np.packbits(where), f"{name}{_SHAPE}": shape}
