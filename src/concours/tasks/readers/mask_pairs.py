"""Which mask belongs to which picture: by their names, or by the JSON that COCO writes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from concours.core.errors import DataError
from concours.tasks.readers.annotations import json_of
from concours.tasks.readers.archives import Files
from concours.tasks.readers.listing import content_names, suffix_of
from concours.tasks.readers.pictured import by_tail
from concours.tasks.readers.pictures import PICTURES

BACKGROUND: Final = "background"
"""The label of pixels that lie in no region."""

_MASKS: Final = {
    *("mask", "masks", "label", "labels", "annotation", "annotations", "segmentation", "segmentations", "gt", "truth"),
    *("segmentationclass", "groundtruth", "labelids", "target", "targets", "manual", "seg"),
}
_PICTURES: Final = {
    *("image", "images", "img", "imgs", "picture", "pictures", "photo", "photos", "jpegimages", "input", "inputs"),
    *("original", "originals"),
}
_CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A picture and its mask.

    Attributes:
        picture: its path.
        mask: the path of its mask; of one that is to be drawn what it is called in messages.
        regions: labels and segmentations as COCO has them, of a mask that is to be drawn, and `size`, its height and
            width.
    """

    picture: str
    mask: str
    regions: tuple[tuple[str, Any], ...] | None = None
    size: tuple[int, int] | None = None


@dataclass(frozen=True, kw_only=True)
class Paired:
    """What a source has of pictures with masks.

    Attributes:
        pairs: in the order of the pictures' names.
        form: of the masks, in words.
        lone: masks whose picture is not there.
        aside: how many pictures have no mask.
    """

    pairs: tuple[Pair, ...]
    form: str
    lone: tuple[str, ...] = ()
    aside: int = 0


def paired(files: Files) -> Paired | None:
    """Pictures with masks: as COCO's JSON tells regions, else by names; none where there are none.

    By names: a mask lies in a folder that is called so, or its own name ends so, and its picture has the same name but
    for that: `images/a.png` and `masks/a.png`, or `a.jpg` and `a_mask.png`.

    Raises:
        DataError: a JSON file is damaged.
    """
    names = content_names(files)
    pictures = sorted(name for name in names if suffix_of(name) in PICTURES)
    told = [name for name in names if suffix_of(name) == ".json" and _has_regions(files, name)]
    if told and pictures:
        return _of_coco(files, told, pictures)
    keys = {name: _key(name) for name in pictures}
    of = {key: name for name, (key, is_mask) in keys.items() if not is_mask}
    masks = {name: key for name, (key, is_mask) in keys.items() if is_mask}
    pairs = [Pair(picture=of[key], mask=name) for name, key in masks.items() if key in of]
    if 2 * len(pairs) <= len(masks):
        return None
    return Paired(
        pairs=tuple(sorted(pairs, key=lambda pair: pair.picture)),
        form="a mask in a file of its own for each picture",
        lone=tuple(name for name, key in masks.items() if key not in of),
        aside=len(of) - len(pairs),
    )


def _key(name: str) -> tuple[tuple[str, ...], bool]:
    """What a picture and its mask have in common of their paths, and whether this is the mask."""
    path = PurePosixPath(name)
    words = {folder: re.sub(r"[^a-z]", "", folder.lower()) for folder in path.parts[:-1]}
    said = [word for word in words.values() if word in _MASKS | _PICTURES]
    rest = [folder for folder, word in words.items() if word not in _MASKS | _PICTURES]
    first, _, last = path.stem.rpartition("_")
    if first and last.lower() in _MASKS | _PICTURES:
        said.append(last.lower())
    else:
        first = path.stem
    return (*rest, first), any(word in _MASKS for word in said)


def _has_regions(files: Files, name: str) -> bool:
    """Whether the keys of COCO's format, and that of regions, are in a file, which is read until all are found."""
    wanted, rest = [b'"images"', b'"annotations"', b'"segmentation"'], b""
    with files.entry(name).open() as file:
        while wanted and (chunk := file.read(_CHUNK)):
            rest = rest[-20:] + chunk
            wanted = [key for key in wanted if key not in rest]
    return not wanted


def _of_coco(files: Files, names: Sequence[str], pictures: Sequence[str]) -> Paired:
    known = by_tail(pictures)
    pairs = sorted((pair for name in names for pair in _pairs_of(files, name, known)), key=lambda pair: pair.picture)
    twice = len(pairs) - len({pair.picture for pair in pairs})
    if twice:
        raise DataError(f"{files.name}: {twice} pictures are in two files of regions")
    return Paired(pairs=tuple(pairs), form="regions in JSON, as COCO has them", aside=len(pictures) - len(pairs))


def _pairs_of(files: Files, name: str, known: Mapping[str, Sequence[str]]) -> list[Pair]:
    told = json_of(files, name)
    try:
        labels = {each["id"]: str(each["name"]).strip() for each in told.get("categories", [])}
        regions: dict[Any, list[tuple[str, Any]]] = {each["id"]: [] for each in told["images"]}
        for number, each in enumerate(told["annotations"], 1):
            where = f"{name}: annotation {number}"
            if each["image_id"] not in regions:
                raise DataError(f"{where} is of image {each['image_id']!r}, which images does not have")
            if each["category_id"] not in labels:
                raise DataError(f"{where} is of category {each['category_id']!r}, which categories does not have")
            regions[each["image_id"]].append((labels[each["category_id"]], each["segmentation"]))
        return [
            Pair(
                picture=_picture(name, str(each["file_name"]), known),
                mask=f"{name}: {each['file_name']}",
                regions=tuple(regions[each["id"]]),
                size=(int(each["height"]), int(each["width"])),
            )
            for each in told["images"]
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{name} is not as COCO writes it: {type(error).__name__} {error}") from None


def _picture(name: str, called: str, known: Mapping[str, Sequence[str]]) -> str:
    plain = called.strip().replace("\\", "/").removeprefix("./")
    found = known.get(plain) or known.get(PurePosixPath(plain).name) or ()
    if len(found) != 1:
        raise DataError(f"{name} names the picture {called!r}, of which there are {len(found)}")
    return found[0]
