"""Annotations of boxes beside pictures, in the three forms that people have: Pascal VOC, COCO, and a table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import PurePosixPath
from typing import Any, Final, Literal
from xml.etree import ElementTree

from concours.core.errors import DataError
from concours.core.written import number_in
from concours.tasks.readers.archives import Entry, Files
from concours.tasks.readers.delimited import read_delimited
from concours.tasks.readers.listing import part_of, stem_of
from concours.tasks.readers.opened import Options
from concours.tasks.readers.pictured import by_tail
from concours.tasks.readers.pictures import PICTURES

Sort = Literal["voc", "coco", "table"]
Side = tuple[float, float, float, float]

_SIDES: Final = ("xmin", "ymin", "xmax", "ymax")
_PICTURE: Final = ("image", "filename", "file_name", "file", "path", "image_path", "image_id", "picture", "img")
_LABEL: Final = ("label", "class", "category", "name", "class_name", "labels")
_TABLES: Final = (".csv", ".tsv")


@dataclass(kw_only=True)
class Marks:
    """The boxes of one picture.

    Attributes:
        picture: its path among the files.
        labels: of the boxes.
        sides: xmin, ymin, xmax, ymax, as the annotation has them.
        size: width and height that the annotation says the picture has, where it says so.
    """

    picture: str
    labels: list[str] = field(default_factory=list)
    sides: list[Side] = field(default_factory=list)
    size: tuple[float, float] | None = None

    def add(self, label: str, sides: Side) -> None:
        """One box more."""
        self.labels.append(label)
        self.sides.append(sides)


@dataclass(frozen=True, kw_only=True)
class Marked:
    """Pictures with boxes.

    Attributes:
        train: of the pictures that are fitted on, or of all.
        test: of those that their maker set apart to judge.
        notes: how they were read; `warnings` what a person should know.
    """

    train: Sequence[Marks]
    test: Sequence[Marks] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def sort_of(files: Files) -> tuple[Sort, tuple[str, ...]] | None:
    """Which form annotations of boxes lie in, and the files of these; none where there are none."""
    names = files.names()
    if not any(name.lower().endswith(PICTURES) for name in names):
        return None
    voc = tuple(name for name in names if name.lower().endswith(".xml") and _is_voc(name))
    if voc:
        return "voc", voc
    others = {name: sort for name in names if (sort := sort_of_file(files.entry(name)))}
    sorts: tuple[Sort, ...] = ("coco", "table")
    found = {sort: tuple(name for name, own in others.items() if own == sort) for sort in sorts}
    return next(((sort, own) for sort, own in found.items() if own), None)


def sort_of_file(entry: Entry) -> Sort | None:
    """Which form of annotations of many pictures a file has, if it has one."""
    if entry.suffix == ".json":
        return "coco" if _is_coco(entry) else None
    return "table" if entry.suffix in _TABLES and _is_table(entry) else None


def marked(files: Files, sort: Sort, names: Sequence[str]) -> Marked:
    """The boxes of such annotations.

    Raises:
        DataError: an annotation is damaged, or of a picture that is not there.
    """
    pictures = by_tail([name for name in files.names() if name.lower().endswith(PICTURES)])
    return {"voc": _voc, "coco": _coco, "table": _table}[sort](files, names, pictures)


# Pascal VOC: a file a picture, and lists of the names of those of each part


def _is_voc(name: str) -> bool:
    return PurePosixPath(name).parent.name.lower() == "annotations"


def _voc(files: Files, names: Sequence[str], pictures: Mapping[str, list[str]]) -> Marked:
    known = {PurePosixPath(name).stem: name for name in names}
    lists = _voc_lists(files)
    listed = [*lists.get("train", sorted(known)), *lists.get("test", [])]
    if lost := [stem for stem in listed if stem not in known]:
        raise DataError(
            f"{files.name}: ImageSets names {len(lost)} pictures without an annotation, first {lost[0]!r}; "
            f"Annotations/{lost[0]}.xml was expected"
        )
    wanted = {known[stem]: stem for stem in listed}
    read: dict[str, Marks] = {}
    hard = 0
    for name, content in files.contents(wanted):
        read[wanted[name]], difficult = _voc_marks(name, content, pictures)
        hard += difficult
    parts = {part: [read[stem] for stem in lists.get(part, [])] for part in ("train", "test")}
    train = parts["train"] or [read[stem] for stem in sorted(known) if stem not in set(lists.get("test", []))]
    aside = len(known) - len(read)
    notes = ["Pascal VOC", *(["ImageSets says which pictures are the test part"] if parts["test"] else [])]
    warnings = [f"{files.name}: {aside} annotations that ImageSets does not name are left aside"] if aside else []
    warnings += [f"{files.name}: {hard} boxes marked as difficult count like the others"] if hard else []
    return Marked(train=train, test=parts["test"], notes=tuple(notes), warnings=tuple(warnings))


def _voc_lists(files: Files) -> dict[str, list[str]]:
    """The names of `train` and `test`, where ImageSets/Main says so; what validates is fitted on."""
    wanted = {
        name: PurePosixPath(name).stem
        for name in files.names()
        if PurePosixPath(name).parts[-3:-1] == ("ImageSets", "Main")
        and PurePosixPath(name).name in ("train.txt", "val.txt", "trainval.txt", "test.txt")
    }
    read = {wanted[name]: _stems(content) for name, content in files.contents(wanted)}
    train = read.get("trainval") or [*read.get("train", []), *read.get("val", [])]
    test = read.get("test", [])
    if both := sorted(set(train) & set(test)):
        raise DataError(
            f"{files.name}: ImageSets names {both[0]!r} for training and for the test, as {len(both)} in all"
        )
    found = {"train": list(dict.fromkeys(train)), "test": list(dict.fromkeys(test))}
    return {part: stems for part, stems in found.items() if stems}


def _stems(content: bytes) -> list[str]:
    return [line.split()[0] for line in content.decode("utf-8", "replace").splitlines() if line.strip()]


def _voc_marks(name: str, content: bytes, pictures: Mapping[str, list[str]]) -> tuple[Marks, int]:
    """The boxes of one file, and how many of them are marked as difficult."""
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise DataError(f"{name} declares entities, which no annotation needs: it is refused")
    try:
        root = ElementTree.fromstring(content)  # noqa: S314 (see above)
    except ElementTree.ParseError as error:
        raise DataError(f"{name} is no XML that can be read: {error}") from None
    stem, called = PurePosixPath(name).stem, (root.findtext("filename") or "").strip()
    marks = Marks(picture=_picture(pictures, (f"JPEGImages/{stem}", called or stem, stem), name))
    sizes = [number_in(root.findtext(f"size/{side}") or "") for side in ("width", "height")]
    if sizes[0] and sizes[1]:
        marks.size = sizes[0], sizes[1]
    difficult = 0
    for number, each in enumerate(root.iter("object"), 1):
        label = (each.findtext("name") or "").strip()
        if not label:
            raise DataError(f"{name}: object {number} has no name")
        marks.add(label, _sides([each.findtext(f"bndbox/{side}") for side in _SIDES], f"{name}: object {number}"))
        difficult += (each.findtext("difficult") or "0").strip() == "1"
    return marks, difficult


# COCO: one file for all pictures of a part


def _is_coco(entry: Entry) -> bool:
    """Whether the keys of COCO's format are in a file; its beginning and its end are looked at, as it may be large."""
    with entry.open() as file:
        head, tail = file.read(1 << 20), b""
        while chunk := file.read(1 << 20):
            tail = chunk
    keys = b'"images"', b'"annotations"', b'"bbox"'
    return all(key in head or key in tail for key in keys)


def _coco(files: Files, names: Sequence[str], pictures: Mapping[str, list[str]]) -> Marked:
    parts: dict[str, list[str]] = {}
    for name in names:
        parts.setdefault(part_of(stem_of(name))[0] or "train", []).append(name)
    judge = "test" if "test" in parts else "valid" if "train" in parts else None
    fitted = [part for part in ("train", "valid") if part != judge]
    crowds: list[int] = []
    train = [
        one for part in fitted for name in parts.get(part, []) for one in _coco_marks(files, name, pictures, crowds)
    ]
    test = [one for name in parts.get(judge or "", []) for one in _coco_marks(files, name, pictures, crowds)]
    said = ["COCO", *([f"{PurePosixPath(parts[judge][0]).name} is the test part"] if judge and test else [])]
    crowd = sum(crowds)
    warnings = (f"{files.name}: {crowd} boxes of crowds (iscrowd) were left out",) if crowd else ()
    return Marked(train=train, test=test, notes=tuple(said), warnings=warnings)


def _coco_marks(files: Files, name: str, pictures: Mapping[str, list[str]], crowds: list[int]) -> list[Marks]:
    with files.entry(name).open() as file:
        try:
            told = json.load(file)
        except ValueError as error:
            raise DataError(f"{name} is no JSON that can be read: {error}") from None
    try:
        labels = {each["id"]: str(each["name"]).strip() for each in told.get("categories", [])}
        found = {each["id"]: each for each in told["images"]}
        marks = {
            key: Marks(
                picture=_picture(pictures, (str(each["file_name"]),), name),
                size=(each["width"], each["height"]) if each.get("width") and each.get("height") else None,
            )
            for key, each in found.items()
        }
        for number, each in enumerate(told["annotations"], 1):
            if each.get("iscrowd"):
                crowds.append(1)
                continue
            where = f"{name}: annotation {number}"
            if each["image_id"] not in marks:
                raise DataError(f"{where} is of image {each['image_id']!r}, which images does not have")
            if each["category_id"] not in labels:
                raise DataError(f"{where} is of category {each['category_id']!r}, which categories does not have")
            left, top, width, height = _sides(each["bbox"], where)
            marks[each["image_id"]].add(labels[each["category_id"]], (left, top, left + width, top + height))
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{name} is not as COCO writes it: {type(error).__name__} {error}") from None
    return list(marks.values())


# A table: a row a box


def _is_table(entry: Entry) -> bool:
    with entry.open() as file:
        head = file.readline(1 << 16).decode("utf-8-sig", "replace").lower()
    return all(side in head for side in _SIDES)


def _table(files: Files, names: Sequence[str], pictures: Mapping[str, list[str]]) -> Marked:
    parts: dict[str, dict[str, Marks]] = {"train": {}, "test": {}}
    tested = any(part_of(stem_of(name))[0] == "test" for name in names)
    for name in names:
        part = part_of(stem_of(name))[0] or "train"
        into = parts["test" if part == "test" or (part == "valid" and not tested and len(names) > 1) else "train"]
        for marks in _table_marks(files, name, pictures):
            if marks.picture in into:
                raise DataError(f"{files.name}: two tables have boxes of {marks.picture}")
            into[marks.picture] = marks
    named = {picture for part in parts.values() for picture in part}
    aside = len({name for found in pictures.values() for name in found} - named)
    said = [f"{aside} pictures that no row names are left aside; a row without a box keeps one"] if aside else []
    notes = ["a row a box", *(["a table of its own has the boxes of the test part"] if parts["test"] else [])]
    warnings = tuple(f"{files.name}: {text}" for text in said)
    return Marked(
        train=[*parts["train"].values()], test=[*parts["test"].values()], notes=tuple(notes), warnings=warnings
    )


def _table_marks(files: Files, name: str, pictures: Mapping[str, list[str]]) -> Iterable[Marks]:
    table: Any = read_delimited(files.entry(name), Options(names=_SIDES)).x
    columns = {str(column).strip().lower(): column for column in table.column_names}
    of_picture, of_label = (next((columns[n] for n in known if n in columns), None) for known in (_PICTURE, _LABEL))
    lacking = [word for word, found in (("image", of_picture), ("label", of_label)) if found is None]
    lacking += [side for side in _SIDES if side not in columns]
    if lacking:
        raise DataError(f"{name} has no column {lacking[0]!r}; it has: {', '.join(table.column_names[:20])}")
    values = [table[columns[side]].to_pylist() for side in _SIDES]
    rows = zip(table[of_picture].to_pylist(), table[of_label].to_pylist(), *values, strict=True)
    found: dict[str, Marks] = {}
    for number, (picture, label, *sides) in enumerate(rows, 1):
        where = f"{name}: row {number}"
        marks = found.setdefault(str(picture), Marks(picture=""))
        marks.picture = marks.picture or _picture(pictures, (str(picture),), where)
        if any(str(side if side is not None else "").strip() for side in sides):
            if label is None or not str(label).strip():
                raise DataError(f"{where} has no label")
            marks.add(str(label).strip(), _sides(sides, where))
    return found.values()


# What all have


def _picture(pictures: Mapping[str, list[str]], called: Sequence[str], where: str) -> str:
    """The one picture of that name, by the first of some names that only one has."""
    many: list[str] = []
    for name in called:
        plain = name.strip().replace("\\", "/").removeprefix("./")
        for key in (plain, PurePosixPath(plain).name):
            found = pictures.get(key, [])
            if len(found) == 1:
                return found[0]
            many = many or found
    if many:
        raise DataError(f"{where} is of picture {called[-1]!r}, and there are {len(many)} of that name, e.g. {many[0]}")
    raise DataError(f"{where} is of picture {called[-1]!r}, which is not there")


def _sides(values: Any, where: str) -> Side:
    """Four finite numbers."""
    given = list(values) if isinstance(values, (list, tuple)) else [values]
    numbers = [number_in(str(value)) if value is not None else None for value in given]
    if len(numbers) != len(_SIDES) or any(number is None or not isfinite(number) for number in numbers):
        raise DataError(f"{where} has a box that is no four numbers: {given}")
    return tuple(numbers)  # type: ignore[return-value]
