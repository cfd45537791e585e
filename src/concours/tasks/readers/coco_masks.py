"""Regions of pixels as COCO's JSON writes them: polygons, and runs of pixels, plain or packed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def region_of(segmentation: Any, height: int, width: int) -> Mask:
    """The pixels (height, width) of a region: a list of polygons x, y, x, y, …, or a mapping with `counts` and `size`.

    Runs go down the columns, the first without pixels of the region; packed ones are differences from the run before
    the last, five bits a character (Lin et al. 2014, "Microsoft COCO"). Polygons are filled by Pillow, whose edges may
    differ by a pixel from those of COCO's own tools.

    Raises:
        ValueError: it is none of these, or does not fit the picture.
    """
    if isinstance(segmentation, Mapping):
        return _of_runs(segmentation, height, width)
    if not isinstance(segmentation, Sequence) or isinstance(segmentation, str) or not segmentation:
        raise ValueError("a segmentation must be a list of polygons, or have counts and size")
    return _of_polygons(segmentation, height, width)


def _of_polygons(polygons: Sequence[Any], height: int, width: int) -> Mask:
    from PIL import Image, ImageDraw

    canvas = Image.new("1", (width, height))
    pen = ImageDraw.Draw(canvas)
    for polygon in polygons:
        points = [float(number) for number in polygon]
        if len(points) < 6 or len(points) % 2 or not np.isfinite(points).all():
            raise ValueError(f"a polygon must have three points or more, x and y each; one has {len(points)} numbers")
        pen.polygon(points, fill=1, outline=1)
    return np.asarray(canvas, dtype=bool)


def _of_runs(told: Mapping[str, Any], height: int, width: int) -> Mask:
    size = [int(side) for side in told["size"]]
    if size != [height, width]:
        raise ValueError(f"runs are of {size[0]} × {size[1]} pixels, and the picture of {height} × {width}")
    counts = told["counts"]
    runs = np.asarray(unpacked(counts) if isinstance(counts, str) else counts, dtype=np.int64)
    if (runs < 0).any() or runs.sum() != height * width:
        raise ValueError(f"runs have {int(runs.sum()):,} pixels, and the picture {height * width:,}")
    inside = np.arange(len(runs)) % 2 == 1
    return np.repeat(inside, runs).reshape(width, height).T


def unpacked(text: str) -> list[int]:
    """Runs from their packed form."""
    runs: list[int] = []
    value = shift = 0
    for character in text:
        bits = ord(character) - 48
        value |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:
            continue
        if bits & 0x10:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    if shift:
        raise ValueError("packed runs end within a number")
    return runs
