"""Pictures and their masks from files to two arrays of one size."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.core.written import counted, written
from concours.kernels.scoring.masks import VOID
from concours.tasks.labelled import MOST, Labelled
from concours.tasks.readers.archives import Files
from concours.tasks.readers.coco_masks import region_of
from concours.tasks.readers.mask_pairs import BACKGROUND, Pair
from concours.tasks.readers.opened import Options
from concours.tasks.readers.pictures import common_size, open_picture, read_pictures, shapes_of
from concours.tasks.readers.smeared import Seen, meant, seen_in

Keys = NDArray[np.int64]
"""What is written in each pixel of a mask: a grey value, the number of a label of COCO, or a colour from `_COLOUR`."""

_COLOUR: Final = 1 << 24
_HIGHEST: Final = 64
"""Of labels below one that is void."""
_CELLS: Final = 1 << 28
"""Probabilities of all pixels of all pictures that an entrant says at most: half a gigabyte."""


@dataclass(kw_only=True)
class Read:
    """Pictures uint8 (rows, height, width[, 3]) and their masks.

    Attributes:
        kept: numbers of the pairs that could be read.
    """

    x: NDArray[np.uint8]
    y: Labelled
    kept: list[int]
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def read_masks(
    files: Files,
    pairs: Sequence[Pair],
    *,
    skip: bool,
    shape: tuple[int, ...] | None = None,
    known: Callable[[Any], bool] = lambda label: True,
    named: Collection[str] = (),
) -> Read:
    """Decodes pairs one at a time, and brings them to one size: pictures smoothly, masks by the nearest pixel.

    That is the size of most or the median, of 256 pixels at most, and smaller where probabilities of all pixels of all
    labels would take more than half a gigabyte an entrant.

    Args:
        skip: whether pairs that cannot be read are left out, with a warning; else the first one is an error.
        shape: of pictures, where it is known.
        known: whether a label is one that masks may have.
        named: labels that the task names, as they are written.

    Raises:
        DataError: a file is broken, a mask is of another size than its picture, or has a label that is not known.
    """
    bad: dict[int, str] = {}
    found = _looked_at(files, pairs, bad)
    labels, said = _labels(files.name, pairs, [look.seen for look in found.values()], named)
    if shape is None or len(found):
        _check_labels(found, labels, known, bad)
    shapes = _picture_shapes(files, pairs, skip=skip)
    for row, pair in enumerate(pairs):
        size = shapes.get(pair.picture)
        if size is not None and row in found and found[row].size != size[:2]:
            told = " and ".join(f"{width} × {height}" for height, width in (found[row].size, size[:2]))
            bad[row] = f"it and its picture are of different sizes, {told} pixels"
    if bad and not skip:
        row, why = min(bad.items())
        raise DataError(
            f'{pairs[row].mask}: {why}; mend or remove it, or leave such pictures out by on_bad_row = "skip" in [task]'
        )
    good = [row for row, pair in enumerate(pairs) if row in found and row not in bad and pair.picture in shapes]
    if not good:
        raise DataError(f"{files.name}: none of the {len(pairs)} masks can be read")
    if shape is None:
        shape, changed = _common(files.name, [shapes[pairs[row].picture] for row in good], len({*labels.values()}))
        said += changed
    pictures = read_pictures(
        files, [pairs[row].picture for row in good], Options(shape=shape, on_bad_row="skip" if skip else "fail")
    )
    kept = [good[place] for place in pictures.kept]
    if bad:
        row, why = min(bad.items())
        said.append(
            f"{files.name}: {counted(len(bad), 'picture')} left out for their masks; first: {pairs[row].mask} ({why})"
        )
    return Read(
        x=pictures.x,
        y=_drawn(files, [pairs[row] for row in kept], labels, (shape[0], shape[1])),
        kept=kept,
        notes=pictures.notes,
        warnings=[*pictures.warnings, *said],
    )


@dataclass(frozen=True)
class _Look:
    """The size of a mask, and what is written in it."""

    size: tuple[int, int]
    seen: Seen


def _looked_at(files: Files, pairs: Sequence[Pair], bad: dict[int, str]) -> dict[int, _Look]:
    found = {}
    for row, mask in _each(files, pairs):
        if isinstance(mask, str):
            bad[row] = mask
        else:
            height, width = mask.shape
            found[row] = _Look((height, width), seen_in(mask))
    return found


def _check_labels(
    found: dict[int, _Look], labels: dict[int, Any], known: Callable[[Any], bool], bad: dict[int, str]
) -> None:
    for row, look in found.items():
        if unknown := [
            labels[key] for key in look.seen.keys.tolist() if labels[key] is not None and not known(labels[key])
        ]:
            bad[row] = f"it has the label {written(unknown[0])!r}, which is not among those of the task"


def _picture_shapes(files: Files, pairs: Sequence[Pair], *, skip: bool) -> dict[str, tuple[int, ...]]:
    options = Options(on_bad_row="skip" if skip else "fail")
    return shapes_of(files, [pair.picture for pair in pairs], options, {})


def _labels(
    name: str, pairs: Sequence[Pair], masks: Sequence[Seen], named: Collection[str]
) -> tuple[dict[int, Any], list[str]]:
    """What the keys mean, none where no label, and what is said of that: texts of COCO; grey values; or, if there is
    one that is not grey, colours as #rrggbb.
    """
    if pairs[0].regions is not None:
        return dict(enumerate(coco_labels(pairs))), []
    keys = np.unique(np.concatenate([mask.keys for mask in masks]))
    smeared = meant(masks, _colours(keys), keys)
    if smeared is None:
        labels = _named(name, keys.tolist())
        return _without_void(name, labels, masks, named)
    labels = _named(name, sorted({*smeared.nearest.values()}))
    listed = ", ".join(map(written, list(labels.values())[:8]))
    said = (
        f"{name}: masks have {len(keys):,} values, most of them at edges alone, as JPEG and smooth scaling make them: "
        f"{smeared.share:.1%} of all pixels were given the nearest label of {listed}; save masks as PNG, scaled by the "
        "nearest pixel"
    )
    return {**labels, **{key: labels[near] for key, near in smeared.nearest.items()}}, [said]


def _without_void(
    name: str, labels: dict[int, Any], masks: Sequence[Seen], named: Collection[str]
) -> tuple[dict[int, Any], list[str]]:
    """Labels without 255, where it lies far above several others, as sets mark pixels that nobody could tell."""
    others = [label for label in labels.values() if label != VOID]
    whole = all(isinstance(label, int) for label in labels.values())
    if not whole or len(others) == len(labels) or len(others) < 2 or max(others) > _HIGHEST or str(VOID) in named:
        return labels, []
    pixels = sum(int(mask.counts.sum()) for mask in masks)
    void = sum(int(mask.counts[mask.keys == key].sum()) for mask in masks for key in labels if labels[key] == VOID)
    said = (
        f"{name}: {VOID} marks pixels without a label, {void / pixels:.1%} of all, which neither train nor count; "
        f'to make it one, name it: labels = {{ {VOID} = "edge" }} in [task]'
    )
    return {key: None if label == VOID else label for key, label in labels.items()}, [said]


def _colours(keys: Keys) -> NDArray[np.int64]:
    """Red, green and blue of each key, (keys, 3)."""
    colours = np.where(keys >= _COLOUR, keys - _COLOUR, np.minimum(keys, 255) * 0x010101)
    return np.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=1)


def _named(name: str, keys: Sequence[int]) -> dict[int, Any]:
    if len(keys) > MOST:
        raise DataError(
            f"{name}: masks have {len(keys):,} values, and {MOST} labels at most are taken; if they were saved as "
            "JPEG, which changes values, save them as PNG"
        )
    colours = {key: key - _COLOUR for key in keys if key >= _COLOUR}
    grey = all(len({value >> 16, value >> 8 & 255, value & 255}) == 1 for value in colours.values())
    if grey:
        return {key: colours[key] & 255 if key in colours else key for key in keys}
    return {key: f"#{colours.get(key, key * 0x010101):06x}" for key in keys}


def coco_labels(pairs: Sequence[Pair]) -> list[str]:
    """The labels of regions, sorted, behind that of what lies in none."""
    return [BACKGROUND, *sorted({label for pair in pairs for label, _ in pair.regions or ()} - {BACKGROUND})]


def _common(name: str, shapes: Sequence[tuple[int, ...]], labels: int) -> tuple[tuple[int, ...], list[str]]:
    """The shape that all pictures get, and what that changes."""
    height, width = common_size([shape[:2] for shape in shapes])
    shrunk = min(1.0, sqrt(_CELLS / (len(shapes) * height * width * labels)))
    height, width = (max(1, int(side * shrunk)) for side in (height, width))
    colour = any(len(shape) == 3 for shape in shapes)
    changed = sum(shape[:2] != (height, width) for shape in shapes)
    why = ", so that the probabilities of an entrant take half a gigabyte at most" if shrunk < 1 else ""
    some = f"{counted(changed, 'picture')} of {len(shapes)}"
    said = f"{name}: {some}, with their masks, brought to {width} × {height} pixels{why}"
    return (height, width, 3) if colour else (height, width), [said] if changed else []


def _drawn(files: Files, pairs: Sequence[Pair], labels: dict[int, Any], size: tuple[int, int]) -> Labelled:
    """The masks of some pairs, as codes of a size."""
    distinct = tuple(label for label in dict.fromkeys(labels.values()) if label is not None)
    keys = np.array(sorted(labels), dtype=np.int64)
    places = {**{label: code for code, label in enumerate(distinct)}, None: VOID}
    codes = np.array([places[labels[key]] for key in keys.tolist()], dtype=np.uint8)
    found = np.zeros((len(pairs), *size), dtype=np.uint8)
    for row, mask in _each(files, pairs):
        assert not isinstance(mask, str)  # noqa: S101 (it was read before)
        down, across = (
            ((np.arange(new) + 0.5) * old / new).astype(np.int64) for new, old in zip(size, mask.shape, strict=True)
        )
        found[row] = codes[np.searchsorted(keys, mask[np.ix_(down, across)])]
    return Labelled(codes=found, labels=distinct)


def _each(files: Files, pairs: Sequence[Pair]) -> Iterator[tuple[int, Keys | str]]:
    """The number of each pair, and its mask (height, width), or why that cannot be read."""
    if pairs[0].regions is not None:
        numbers = {label: key for key, label in enumerate(coco_labels(pairs))}
        for row, pair in enumerate(pairs):
            try:
                yield row, _painted(pair, numbers)
            except (ValueError, TypeError, KeyError) as error:
                yield row, f"a region cannot be drawn: {str(error) or type(error).__name__}"
        return
    rows = {pair.mask: row for row, pair in enumerate(pairs)}
    for name, content in files.contents(rows):
        try:
            yield rows[name], _written_in(open_picture(content))
        except Exception as error:  # noqa: BLE001 (decoders raise whatever a broken file makes them)
            why = (
                str(error).splitlines()[0][:80] if str(error) and "cannot identify" not in str(error) else "not decoded"
            )
            yield rows[name], "the file is empty" if not content else f"it is no picture that can be read ({why})"


def _painted(pair: Pair, numbers: dict[str, int]) -> Keys:
    """Regions upon one another, the large ones below, as objects are seen before what is behind them."""
    height, width = pair.size or (0, 0)
    regions = [(region_of(told, height, width), numbers[label]) for label, told in pair.regions or ()]
    mask = np.zeros((height, width), dtype=np.int64)
    for region, number in sorted(regions, key=lambda each: -int(each[0].sum())):
        mask[region] = number
    return mask


def _written_in(picture: Any) -> Keys:
    """The values of pixels (height, width); of a palette its numbers."""
    if picture.mode in ("1", "L", "P", "I", "I;16", "I;16B"):
        return np.asarray(picture).astype(np.int64)
    red, green, blue = np.moveaxis(np.asarray(picture.convert("RGB")).astype(np.int64), 2, 0)
    return _COLOUR + (red << 16) + (green << 8) + blue
