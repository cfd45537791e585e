"""Clips, from films, arrays, or folders of frames, to one array of a few frames each, all of one size."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.core.optional import install_command, installed
from concours.core.written import counted
from concours.tasks.readers.archives import Files
from concours.tasks.readers.listing import suffix_of
from concours.tasks.readers.pictures import PICTURES, common_size, open_picture

FILMS: Final = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".mpg", ".mpeg")
"""Those that PyAV reads."""
ARRAYS: Final = (".npz", ".npy")

MOST: Final = 16
"""Frames of a clip that are kept, spread evenly over it."""
LONGEST: Final = 64
"""Pixels of the longer side of a frame at most."""

Frames = NDArray[np.uint8]
"""(frames, height, width, 3)"""

_TEXT_AND_NUMBER: Final = re.compile(r"([^0-9]*)([0-9]*)")
_HELD = 512  # frames of a film in memory; of longer ones every second is forgotten, again and again


@dataclass(kw_only=True)
class Clips:
    """Clips that were read.

    Attributes:
        x: uint8 (rows, frames, height, width, 3).
        kept: numbers of the clips that could be read, where some could not.
    """

    x: NDArray[np.uint8]
    kept: list[int]
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def frame_folders(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The pictures of each folder that holds two or more, by name, in the order of their names, 2 before 10."""
    folders: dict[str, list[str]] = {}
    for name in sorted(names, key=_counting):
        if suffix_of(name) in PICTURES:
            folders.setdefault(str(PurePosixPath(name).parent), []).append(name)
    return {folder: tuple(found) for folder, found in folders.items() if len(found) > 1}


def _counting(name: str) -> tuple[tuple[str, int], ...]:
    """What orders names as people count: numbers in them by what they are worth."""
    return tuple((text, int(number or 0)) for text, number in _TEXT_AND_NUMBER.findall(name))


def read_clips(
    files: Files,
    clips: Mapping[str, Sequence[str]],
    *,
    shape: tuple[int, ...] | None = None,
    skip: bool = False,
) -> Clips:
    """Decodes clips one at a time: at most 16 frames of each, spread evenly, of at most 64 pixels a side.

    All get as many frames as the one that has the most, by repeating some, and the size of most, or the median.

    Args:
        clips: by name the files that each is made of: a film, an array (frames, height, width[, 3]), or its frames.
        shape: (frames, height, width, 3) that clips are brought to; by default as above.
        skip: whether a clip that cannot be read is left out, with a warning; else it is an error.

    Raises:
        DataError: a clip is broken, or has one frame or frames of several sizes; or none is left; or a library is
            missing, and the message has the extra.
    """
    read: list[Frames] = []
    kept: list[int] = []
    bad: dict[str, str] = {}
    for row, (name, frames) in enumerate(_each(files, clips)):
        if isinstance(frames, str):
            bad[name] = frames
            if not skip:
                raise DataError(
                    f"{name} is no clip that can be read: {frames}; mend or remove it, or leave such clips out by "
                    'on_bad_row = "skip" in [task]'
                )
            continue
        kept.append(row)
        read.append(frames)
    sizes = [(frames.shape[1], frames.shape[2]) for frames in read]
    if not read:
        raise DataError(f"{files.name}: none of the {len(clips)} clips can be read")
    said = []
    if shape is None:
        shape = (max(len(frames) for frames in read), *common_size(sizes), 3)
    if bad:
        name, why = next(iter(bad.items()))
        said.append(f"{files.name}: {counted(len(bad), 'clip')} left out as broken; first: {name} ({why})")
    fewer = sum(len(frames) < shape[0] for frames in read)
    if fewer:
        some = counted(fewer, "clip")
        said.append(f"{files.name}: {some} of {len(read)} with fewer than {shape[0]} frames, of which some come twice")
    changed = sum(size != shape[1:3] for size in sizes)
    if changed:
        some = counted(changed, "clip")
        said.append(f"{files.name}: {some} of {len(read)} brought to {shape[2]} × {shape[1]} pixels, as the others are")
    x = np.stack([_fitted(frames, shape) for frames in read])
    note = f"{len(read)} clips of {shape[0]} frames, {shape[2]} × {shape[1]} pixels each"
    return Clips(x=x, kept=kept, notes=[note], warnings=said)


def _each(files: Files, clips: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, Frames | str]]:
    """Each clip in its order, or why it cannot be read. Files are gone through once, as in archives."""
    of = {part: name for name, parts in clips.items() for part in parts}
    found: dict[str, dict[str, Frames] | str] = {}
    for part, content in files.contents(of):
        name = of[part]
        try:
            if not content:
                raise ValueError(f"{PurePosixPath(part).name} is empty")
            own = found.setdefault(name, {})
            if isinstance(own, dict):
                own[part] = _spread(_shrunk(_READERS[suffix_of(part)](part, content)))
        except DataError:
            raise
        except Exception as error:  # noqa: BLE001 (decoders raise whatever a broken file makes them)
            found[name] = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
    for name, parts in clips.items():
        own = found.get(name, "it is not there")
        yield name, own if isinstance(own, str) else _joined([own[part] for part in parts])


def _joined(parts: Sequence[Frames]) -> Frames | str:
    """The frames of a clip, in their order, or why they are none."""
    size = parts[0].shape[1:]
    if any(part.shape[1:] != size for part in parts):
        return f"its frames are of several sizes, {size[1]} × {size[0]} pixels first"
    frames = np.concatenate(parts)
    return _spread(frames) if len(frames) > 1 else "it has one frame, and two were expected at least"


def _of_picture(name: str, content: bytes) -> Iterator[NDArray[Any]]:
    del name
    yield np.asarray(open_picture(content).convert("RGB"))


def _of_film(name: str, content: bytes) -> Iterator[NDArray[Any]]:
    if not installed("av"):
        raise DataError(f"{name}: films are read by PyAV; get it with: {install_command('av')}")
    import av  # an extra

    with av.open(io.BytesIO(content), mode="r", metadata_errors="ignore") as film:
        if not film.streams.video:
            raise ValueError("it has no pictures")
        for frame in film.decode(video=0):
            yield frame.to_ndarray(format="rgb24")


def _of_array(name: str, content: bytes) -> Iterator[NDArray[Any]]:
    del name
    found = np.load(io.BytesIO(content), allow_pickle=False)
    if isinstance(found, np.lib.npyio.NpzFile):
        if len(found.files) != 1:
            raise ValueError(f"one array was expected, got {', '.join(found.files)}")
        found = found[found.files[0]]
    if found.ndim not in (3, 4) or found.dtype.kind not in "uif" or (found.ndim == 4 and found.shape[3] not in (1, 3)):
        raise ValueError(
            f"frames (frames, height, width[, colours]) were expected, got {found.dtype} of shape {found.shape}"
        )
    return iter(as_bytes(found))


_READERS: Mapping[str, Callable[[str, bytes], Iterator[NDArray[Any]]]] = {
    **dict.fromkeys(FILMS, _of_film),
    **dict.fromkeys(ARRAYS, _of_array),
    **dict.fromkeys(PICTURES, _of_picture),
}


def as_bytes(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Values as uint8: numbers of at most 1 are shares of 255. Raises ValueError where some are no such numbers."""
    if values.dtype == np.uint8:
        return values
    if values.size and (not np.isfinite(values).all() or values.min() < 0 or values.max() > 255):
        raise ValueError("values of pixels must be from 0 to 1, or from 0 to 255")
    scale = 255.0 if values.dtype.kind == "f" and values.max(initial=0) <= 1 else 1.0
    return np.rint(values * scale).astype(np.uint8)


def _shrunk(frames: Iterable[NDArray[Any]]) -> Frames:
    """All frames, or of a long film every second, fourth, …, made small."""
    found: list[Frames] = []
    step, size = 1, (0, 0)
    for number, frame in enumerate(frames):
        if size not in ((0, 0), frame.shape[:2]):
            raise ValueError(f"its frames are of several sizes, {size[1]} × {size[0]} pixels first")
        size = (frame.shape[0], frame.shape[1])
        if number % step:
            continue
        scale = min(1.0, LONGEST / max(size))
        found.append(_resized(frame, (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))))
        if len(found) == _HELD:
            found, step = found[::2], 2 * step
    if not found:
        raise ValueError("it has no frames")
    return np.stack(found)


def _resized(frame: NDArray[Any], size: tuple[int, int]) -> Frames:
    """A frame (height, width, 3) of that height and width."""
    from PIL import Image

    colours = frame if frame.ndim == 3 else frame[..., None]
    picture = Image.fromarray(np.ascontiguousarray(np.broadcast_to(colours, (*colours.shape[:2], 3))))
    if colours.shape[:2] != size:
        picture = picture.resize((size[1], size[0]), Image.Resampling.LANCZOS)
    return np.asarray(picture)


def _spread(frames: Frames) -> Frames:
    """At most 16 of the frames, the first and the last among them."""
    return frames if len(frames) <= MOST else frames[_places(len(frames), MOST)]


def _places(there: int, wanted: int) -> NDArray[np.int64]:
    return np.rint(np.linspace(0, there - 1, wanted)).astype(np.int64)


def _fitted(frames: Frames, shape: tuple[int, ...]) -> Frames:
    some = frames[_places(len(frames), shape[0])]
    if some.shape[1:3] == shape[1:3]:
        return some
    return np.stack([_resized(frame, (shape[1], shape[2])) for frame in some])
