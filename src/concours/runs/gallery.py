"""Pictures that a format made: rows as attacks leave them, and samples of generators. They lie in the store."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from concours.kernels.scoring.tiles import side_by_side
from concours.stores.blobs import get_array

if TYPE_CHECKING:
    from concours.runs.result import Result


def gallery(result: Result) -> dict[str, Any]:
    """By the name of a defender or generator, its pictures as addresses with their content, in the order of an array.

    Of a defender lists: the rows as they are, and after each attack. Nothing for other formats, and where an object is
    no longer in the store.
    """
    shown: Mapping[str, Any] = result.format.get("examples", {})
    store = result.folder.store
    found = {
        name: _addresses(get_array(store, example["digest"]))
        for name, example in shown.items()
        if example["digest"] in store
    }
    return {"gallery": found} if found else {}


def sheets(found: Mapping[str, Any], result: Result) -> dict[str, Any]:
    """The sheets of what was drawn, as addresses with their content, by name; nothing where there are none."""
    objects, store = found.get("drawn", {}).get("objects", {}), result.folder.store
    known = {name: get_array(store, digest) / 255 for name, digest in objects.items() if digest in store}
    return {"sheets": {name: list(map(picture_address, each)) for name, each in known.items()}} if known else {}


def _addresses(pictures: NDArray[Any]) -> Any:
    """Addresses for pictures (…, height, width, colours), nested as these are; one range for all."""
    low, high = float(pictures.min()), float(pictures.max())
    scaled = (pictures - low) / ((high - low) or 1.0)

    def nested(part: NDArray[Any]) -> Any:
        return picture_address(part) if part.ndim == 3 else [nested(one) for one in part]

    return nested(scaled)


def picture_address(values: NDArray[Any]) -> str:
    """A picture (height, width[, channels]) of values in [0, 1] as an address with its content; of a clip (frames,
    height, width, channels) its frames, from left to right and line by line.
    """
    from PIL import Image

    values = side_by_side(values, between=1, filled=1.0) if values.ndim == 4 else values
    pixels = np.round(255 * np.clip(values, 0, 1)).astype(np.uint8)
    pixels = pixels[:, :, 0] if pixels.ndim == 3 and pixels.shape[2] not in (3, 4) else pixels
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"
