"""What lies in files and is not learned from as it lies: recordings, films, boxes in pictures, two languages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from concours.core.errors import DataError
from concours.tasks.readers.archives import Files
from concours.tasks.readers.damage import damage_named
from concours.tasks.readers.glimpse import head_of
from concours.tasks.readers.listing import TABLES, content_names, stem_of, suffix_of
from concours.tasks.readers.pictures import PICTURES
from concours.tasks.readers.sounds import SOUNDS, UNREAD

_FILMS = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".mpg", ".mpeg")
_LANGUAGES = {
    "ar", "bg", "bn", "ca", "cs", "da", "de", "el", "en", "es", "et", "fa", "fi", "fr", "he", "hi", "hr", "hu", "id",
    "it", "ja", "ko", "lt", "lv", "nl", "no", "pl", "pt", "ro", "ru", "sk", "sl", "sr", "sv", "sw", "th", "tr", "uk",
    "ur", "vi", "zh",
}  # fmt: skip
_YOLO = re.compile(rb"\s*\d+(\s+[01]?\.\d+|\s+[01]){4,}\s*")
_HEAD = 1 << 14
_TRIES = 5

BOXES = (
    "what Concours can do is find things in pictures: give the folder or the archive with pictures and boxes, as "
    "Pascal VOC, as COCO, or as a csv with the columns image, label, xmin, ymin, xmax, ymax (kind object-detection)."
)
TRANSLATION = (
    "what Concours can do is learn to write one from the other: concours new DATA --kind translation takes a table "
    "with a column for each, or two files whose lines belong together."
)


def looks_like_prose(lines: Sequence[str]) -> bool:
    """Whether lines are words rather than cells."""
    some = lines[:500]
    letters = sum(character.isalpha() for line in some for character in line)
    words = sum(len(line.split()) for line in some)
    return words >= 3 * len(some) and letters > 0.6 * sum(len("".join(line.split())) for line in some)


PROSE = (
    "holds lines of text and no labels. What Concours can do: learn to go on with them, by kind language-modelling; or "
    "learn the class of texts, with the label before each and a tab between, or with a file or a folder for each class."
)


def refuse_foreign(files: Files, *, labelled: bool) -> None:
    """Raises where files are of a kind that is known and not learned from yet.

    Args:
        labelled: whether labels are asked for, and not only rows to predict.

    Raises:
        DataError: with what it is, that it cannot be learned from, and what can be done instead.
    """
    names = content_names(files)
    sounds = [name for name in names if suffix_of(name) in (*SOUNDS, *UNREAD)]
    films = [name for name in names if suffix_of(name) in _FILMS]
    pictures = [name for name in names if suffix_of(name) in PICTURES]
    if len(sounds) > len(names) / 2:
        raise DataError(
            f"{files.name} holds {len(sounds):,} recordings of sound ({suffix_of(sounds[0])}). What Concours can do "
            f"is learn their classes, by kind audio-classification, from {', '.join(SOUNDS)}: lay them into a folder a "
            "class, or give a table that names them."
        )
    if len(films) > len(names) / 2:
        raise DataError(
            f"{files.name} holds {len(films):,} films ({suffix_of(films[0])}). What Concours can do is learn their "
            "classes, by kind video-classification: lay them into a folder a class."
        )
    if labelled and pictures and (form := _boxes(files, names, pictures)):
        raise DataError(f"{files.name} holds {len(pictures):,} pictures with boxes in them ({form}): {BOXES}")
    if labelled and (pair := _parallel(files, names)):
        raise DataError(
            f"{files.name} holds texts of the same lines in two languages ({pair[0]} and {pair[1]}): {TRANSLATION}"
        )


def _boxes(files: Files, names: Sequence[str], pictures: Sequence[str]) -> str | None:
    """The form of boxes beside pictures, if there are any."""
    stems = {PurePosixPath(name).stem for name in pictures}
    beside = [name for name in names if PurePosixPath(name).stem in stems]
    xml = [name for name in beside if suffix_of(name) == ".xml"]
    txt = [name for name in beside if suffix_of(name) == ".txt"]
    json = [name for name in names if suffix_of(name) == ".json"]
    if len(xml) > len(pictures) / 2 and any(b"<bndbox>" in _head(files, name) for name in xml[:_TRIES]):
        return "Pascal VOC"
    if len(txt) > len(pictures) / 2:
        lines = [line for name in txt[:_TRIES] for line in _head(files, name).splitlines() if line.strip()]
        if lines and all(_YOLO.fullmatch(line) for line in lines):
            return "YOLO"
    return "COCO" if any(_is_coco(files, name) for name in json[:_TRIES]) else None


def _is_coco(files: Files, name: str) -> bool:
    found = head_of(files.entry(name))
    if isinstance(found, dict):
        regions = found.get("annotations")
        return "images" in found and isinstance(regions, list) and any("bbox" in str(each)[:_HEAD] for each in regions)
    return '"annotations"' in found and '"bbox"' in found


def _parallel(files: Files, names: Sequence[str]) -> tuple[str, str] | None:
    """Two files of text whose names differ by a language only, and that have as many lines."""
    texts = {name: _language(name) for name in names if suffix_of(name) not in TABLES}
    spoken = [name for name, language in texts.items() if language]
    if len(spoken) < 2 or len(spoken) < len(names) / 2:
        return None
    first = spoken[0]
    rest = first.replace(texts[first] or "", "", 1)
    for other in spoken[1:]:
        same = len(first) == len(other) and sum(a != b for a, b in zip(first, other, strict=True)) <= 2
        if rest and same and texts[other] != texts[first] and _lines(files, first) == _lines(files, other) > 1:
            return PurePosixPath(first).name, PurePosixPath(other).name
    return None


def _language(name: str) -> str | None:
    """The code of a language in the name of a file of text: its ending, or its last word."""
    last = re.split(r"[._-]", stem_of(name).lower())[-1]
    return last if last in _LANGUAGES else None


def _lines(files: Files, name: str) -> int:
    with damage_named(name), files.entry(name).open() as file:
        return sum(1 for _ in file)


def _head(files: Files, name: str) -> bytes:
    with damage_named(name), files.entry(name).open() as file:
        return file.read(_HEAD)
