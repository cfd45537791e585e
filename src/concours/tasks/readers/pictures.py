"""Pictures from files to one array, all of the same size."""

from __future__ import annotations

import io
import warnings
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.core.written import counted
from concours.tasks.readers.archives import Files
from concours.tasks.readers.opened import Options

PICTURES = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".pgm", ".ppm")
_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
"""Those that are decoded, whatever a file is called; others that Pillow knows may start programs (PostScript)."""
LONGEST = 256
"""Pixels of the longer side at most."""
_DEEP = ("I", "I;16", "I;16L", "I;16B")
"""Modes of Pillow's in which a pixel is a whole number of more than 8 bits."""
_GREY = ("1", "L", *_DEEP, "F")


@dataclass(kw_only=True)
class Pictures:
    """Pictures that were read.

    Attributes:
        x: uint8 (rows, height, width[, 3]), in the order of the names that were asked for.
        kept: numbers of the names that could be read, where some could not.
        sizes: (rows, 2) width and height that they had.
    """

    x: NDArray[np.uint8]
    kept: list[int]
    sizes: NDArray[np.int64]
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class _Differs(Exception):
    """A picture has another size than the first, or is too large."""


def read_pictures(files: Files, names: Sequence[str], options: Options) -> Pictures:
    """Decodes the pictures of these names, one at a time.

    Pictures of one size are read in one pass. Where sizes differ, a first pass looks at them all, and a second one
    brings them to the size of most, or to the median; the longer side is 256 pixels at most.

    Raises:
        DataError: a picture is broken, and is not to be left out; or there is no room for all of them.
    """
    place = {name: row for row, name in enumerate(names)}
    broken: dict[str, str] = {}
    deep: list[str] = []
    said: list[str] = []
    sizes = np.zeros((len(names), 2), dtype=np.int64)
    shape = options.shape
    try:
        x = _decoded(files, place, shape, options, broken, deep, sizes, strict=shape is None)
    except _Differs:
        broken.clear()
        deep.clear()
        shape, said = _common_shape(files, place, options, broken)
        x = _decoded(files, place, shape, options, broken, deep, sizes, strict=False)
    kept = [row for row, name in enumerate(names) if name not in broken]
    if not kept:
        raise DataError(f"{files.name}: none of the {len(names)} pictures can be read")
    if broken:
        name, why = next(iter(broken.items()))
        said.append(f"{files.name}: {counted(len(broken), 'picture')} left out as broken; first: {name} ({why})")
        x, sizes = x[kept], sizes[kept]
    if deep:
        said.append(f"{files.name}: of {counted(len(deep), 'picture')} of 16 bits a pixel the upper 8 bits are kept")
    size = f"{counted(len(kept), 'picture')} of {x.shape[2]} × {x.shape[1]} pixels" + (
        ", in colour" if x.ndim == 4 else ", grey"
    )
    return Pictures(x=x, kept=kept, sizes=sizes, notes=[size], warnings=said)


def _decoded(
    files: Files,
    place: dict[str, int],
    shape: tuple[int, ...] | None,
    options: Options,
    broken: dict[str, str],
    deep: list[str],
    sizes: NDArray[np.int64],
    *,
    strict: bool,
) -> NDArray[np.uint8]:
    x: NDArray[np.uint8] | None = None
    for name, content in files.contents(place):
        try:
            picture = open_picture(content)
            found = _shape(picture)
            if strict and (max(found[:2]) > LONGEST or (x is not None and found != x.shape[1:])):
                raise _Differs
            if x is None:
                x = _room(files.name, len(place), shape or found)
            x[place[name]] = _pixels(picture, x.shape[1:])
            sizes[place[name]] = picture.size
            if picture.mode in _DEEP:
                deep.append(name)
        except _Differs:
            raise
        except Exception as error:  # noqa: BLE001 (decoders raise whatever a broken file makes them)
            _count_broken(name, error, content, options, broken)
    if x is None:
        raise DataError(
            f"{files.name}: none of the {len(place)} pictures can be read; first: {next(iter(broken.items()), '')}"
        )
    return x


def _common_shape(
    files: Files, place: dict[str, int], options: Options, broken: dict[str, str]
) -> tuple[tuple[int, ...], list[str]]:
    shapes = [*shapes_of(files, place, options, broken).values()]
    height, width = common_size([shape[:2] for shape in shapes])
    changed = sum(shape[:2] != (height, width) for shape in shapes)
    said = f"{files.name}: {counted(changed, 'picture')} of {len(shapes)} brought to {width} × {height} pixels"
    colour = any(len(shape) == 3 for shape in shapes)
    return (height, width, 3) if colour else (height, width), [said] if changed else []


def shapes_of(
    files: Files, wanted: Collection[str], options: Options, broken: dict[str, str]
) -> dict[str, tuple[int, ...]]:
    """The shape (height, width[, 3]) of each picture, by its name; `broken` gets those that are left out, and why."""
    shapes = {}
    for name, content in files.contents(wanted):
        try:
            shapes[name] = _shape(open_picture(content))
        except Exception as error:  # noqa: BLE001 (as above)
            _count_broken(name, error, content, options, broken)
    return shapes


def common_size(sizes: Sequence[tuple[int, ...]]) -> tuple[int, int]:
    """The height and width of most, or the median; the longer side is 256 pixels at most."""
    (height, width), times = Counter(sizes).most_common(1)[0]
    if times <= len(sizes) / 2:
        height, width = (int(np.median([size[i] for size in sizes])) for i in (0, 1))
    scale = min(1.0, LONGEST / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def _count_broken(name: str, error: Exception, content: bytes, options: Options, broken: dict[str, str]) -> None:
    why = "the file is empty" if not content else _words(error)
    if options.on_bad_row == "fail":
        raise DataError(
            f"{name} is no picture that can be read: {why}; mend or remove it, or leave such files out by "
            'on_bad_row = "skip" in [task]'
        ) from None
    broken[name] = why


def _words(error: Exception) -> str:
    text = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
    return f"its content is none of {', '.join(_FORMATS)}" if "cannot identify" in text else text


def open_picture(content: bytes) -> Any:
    """A picture of Pillow's, the right way up; raises whatever a broken one makes it."""
    from PIL import Image, ImageOps

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        picture = Image.open(io.BytesIO(content), formats=_FORMATS)
        return ImageOps.exif_transpose(picture) if picture.getexif().get(0x0112, 1) != 1 else picture


def _shape(picture: Any) -> tuple[int, ...]:
    width, height = picture.size
    return (height, width) if picture.mode in _GREY else (height, width, 3)


def _pixels(picture: Any, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Values of 8 bits (height, width[, 3]); what can be seen through lies upon white, as on paper."""
    from PIL import Image

    if picture.mode in _DEEP:
        values = np.asarray(picture).astype(np.int64)
        if values.min() < 0 or values.max() >= 1 << 16:
            raise ValueError(f"its values go from {values.min()} to {values.max()}; at most 16 bits are read")
        picture = Image.fromarray((values >> 8).astype(np.uint8))
    elif picture.mode == "F":
        raise ValueError("its values are fractions; save it with 8 or 16 bits a pixel, or give all as one array (.npy)")
    elif picture.has_transparency_data:
        above = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", above.size, "white"), above)
    grey = len(shape) == 2 or shape[2] == 1
    picture = picture.convert("L" if grey else "RGB")
    if picture.size != (shape[1], shape[0]):
        picture = picture.resize((shape[1], shape[0]), Image.Resampling.LANCZOS)
    return np.asarray(picture, dtype=np.uint8).reshape(shape)


def _room(name: str, rows: int, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    size = rows * int(np.prod(shape))
    free = psutil.virtual_memory().available
    if size > 0.8 * free:
        raise DataError(
            f"{name}: {rows} pictures take {size / 1e9:.1f} GB, more than the free memory ({free / 1e9:.1f} GB)"
        )
    return np.zeros((rows, *shape), dtype=np.uint8)
