"""Annotations of boxes beside pictures, in the three forms that people have: Pascal VOC, COCO, and a table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from math import isfinite
from pathlib import PurePosixPath
from typing import Any, Final, Literal
from xml.etree import ElementTree

from concours.core.errors import DataError
from concours.core.written import counted, number_in
from concours.kernels.rows.boxes import SIDES
from concours.tasks.places import row_number
from concours.tasks.readers.archives import Entry, Files
from concours.tasks.readers.delimited import read_delimited
from concours.tasks.readers.listing import PARTS, Part, told_by_paths
from concours.tasks.readers.opened import Options
from concours.tasks.readers.pictured import by_tail
from concours.tasks.readers.pictures import PICTURES

Sort = Literal["voc", "coco", "table"]
Side = tuple[float, float, float, float]
_Place = tuple[PurePosixPath, str]
"""The folder that a part of Pascal VOC lies in, and the stem of a picture."""

_PICTURE: Final = ("image", "filename", "file_name", "file", "path", "image_path", "image_id", "picture", "img")
_LABEL: Final = ("label", "class", "category", "name", "class_name", "labels")
_TABLES: Final = (".csv", ".tsv")
_CHUNK: Final = 1 << 20
_TRIES: Final = 5


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
        parts: as their maker calls them; those that have pictures, `train` alone where nothing tells parts.
        listed: of `valid` and `test` the files, or the folders, that name their pictures.
        left_out: pictures whose annotations cannot be taken.
        notes: how they were read; `warnings` what a person should know.
    """

    parts: Mapping[Part, Sequence[Marks]]
    listed: Mapping[Part, str]
    left_out: int = 0
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Faults:
    """What is wrong with annotations: the first such is an error, or their pictures are left out, as a task wants it.

    Attributes:
        told: why, by the picture, or by the annotation where that has none.
    """

    skip: bool
    told: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def of(self, picture: str) -> Iterator[None]:
        """What is raised inside belongs to that picture."""
        try:
            yield
        except DataError as error:
            if not self.skip:
                raise DataError(
                    f'{error}; mend it, or leave such pictures out by on_bad_row = "skip" in [task]'
                ) from None
            self.told.setdefault(picture, str(error))

    def warnings(self) -> list[str]:
        """How many pictures are left out for it, and the first reason."""
        first = next(iter(self.told.values()), "")
        return [f"{counted(len(self.told), 'picture')} left out for its annotation; first: {first}"] if first else []


def sort_of(files: Files) -> tuple[Sort, tuple[str, ...]] | None:
    """Which form annotations of boxes lie in, and the files of these; none where there are none."""
    names = files.names()
    if not any(name.lower().endswith(PICTURES) for name in names):
        return None
    places = {PurePosixPath(name).with_suffix("") for name in names if name.lower().endswith(PICTURES)}
    xml = [name for name in names if name.lower().endswith(".xml")]
    voc = tuple(name for name in xml if _in_annotations(name) or PurePosixPath(name).with_suffix("") in places)
    if any(_is_voc(files.entry(name)) for name in voc[:_TRIES]):
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


def marked(files: Files, sort: Sort, names: Sequence[str], *, skip: bool = False) -> Marked:
    """The boxes of such annotations.

    Args:
        skip: whether pictures whose annotation cannot be taken are left out, with a warning.

    Raises:
        DataError: an annotation is damaged, or of a picture that is not there.
    """
    pictures = by_tail([name for name in files.names() if name.lower().endswith(PICTURES)])
    return {"voc": _voc, "coco": _coco, "table": _table}[sort](files, names, pictures, _Faults(skip))


# Pascal VOC: a file a picture, and lists of the names of those of each part


def _in_annotations(name: str) -> bool:
    return PurePosixPath(name).parent.name.lower() == "annotations"


def _is_voc(entry: Entry) -> bool:
    with entry.open() as file:
        return b"<annotation" in file.read(_CHUNK)


def _voc(files: Files, names: Sequence[str], pictures: Mapping[str, list[str]], faults: _Faults) -> Marked:
    known = {_place(name, 1 + _in_annotations(name)): name for name in names}
    lists = _voc_lists(files)
    listed = [*lists.get("train", sorted(known)), *lists.get("test", [])]
    if lost := [place for place in listed if place not in known]:
        folder, stem = lost[0]
        raise DataError(
            f"{files.name}: ImageSets names {counted(len(lost), 'picture')} without an annotation, first {stem!r}; "
            f"{folder / 'Annotations' / stem}.xml was expected"
        )
    wanted = {known[place]: place for place in listed}
    read: dict[_Place, Marks] = {}
    hard = 0
    for name, content in files.contents(wanted):
        with faults.of(name):
            read[wanted[name]], difficult = _voc_marks(name, content, wanted[name], pictures)
            hard += difficult
    parts, judging, silent = _voc_parts(lists, known)
    aside, bare = len(known) - len(listed), _bare(pictures, read.values(), known)
    warnings = [f"left aside: {counted(aside, 'annotation')} that ImageSets does not name"] if aside else []
    warnings += [f"left aside: {counted(bare, 'picture')} that no annotation is called as"] if bare else []
    warnings += [f"{counted(hard, 'box')} marked as difficult, which make no difference here"] if hard else []
    return Marked(
        parts=_those({part: [read[place] for place in own if place in read] for part, own in parts.items()}),
        listed=judging,
        left_out=len(faults.told),
        notes=("Pascal VOC",),
        warnings=tuple(f"{files.name}: {text}" for text in (*warnings, *silent, *faults.warnings())),
    )


def _voc_parts(
    lists: Mapping[str, list[_Place]], known: Mapping[_Place, str]
) -> tuple[dict[Part, list[_Place]], dict[Part, str], tuple[str, ...]]:
    """The places of each part, as lists say, else folders; what names those that judge; and a warning."""
    if lists:
        test = lists.get("test", [])
        train = lists.get("train") or sorted(set(known) - set(test))
        return {"train": train, "test": test}, {"test": "ImageSets/Main/test.txt"} if test else {}, ()
    folders = {str(folder / "marks"): folder for folder in sorted({folder for folder, _ in known})}
    named, silent = _parted(list(folders))
    parts = {
        part: [place for place in sorted(known) if str(place[0] / "marks") in {*own}] for part, own in named.items()
    }
    return parts, _listed({part: [str(folders[name]) for name in own] for part, own in named.items()}), silent


def _bare(pictures: Mapping[str, list[str]], marks: Iterable[Marks], known: Iterable[_Place]) -> int:
    """How many pictures have no annotation, read or not."""
    stems = {stem for _, stem in known}
    return sum(PurePosixPath(name).stem not in stems for name in _unmarked(pictures, marks))


def _place(name: str, above: int) -> _Place:
    """The folder that is so many above a file, and the file's stem."""
    path = PurePosixPath(name)
    return path.parents[above - 1], path.stem


def _voc_lists(files: Files) -> dict[str, list[_Place]]:
    """What is in `train` and `test`, where ImageSets/Main says so; what validates is fitted on."""
    wanted = {
        name: _place(name, 3)
        for name in files.names()
        if PurePosixPath(name).parts[-3:-1] == ("ImageSets", "Main")
        and PurePosixPath(name).name in ("train.txt", "val.txt", "trainval.txt", "test.txt")
    }
    read: dict[PurePosixPath, dict[str, list[_Place]]] = {}
    for name, content in files.contents(wanted):
        folder, part = wanted[name]
        read.setdefault(folder, {})[part] = [(folder, stem) for stem in _stems(content)]
    found: dict[str, list[_Place]] = {"train": [], "test": []}
    for lists in read.values():
        found["train"] += lists.get("trainval") or [*lists.get("train", []), *lists.get("val", [])]
        found["test"] += lists.get("test", [])
    return {part: list(dict.fromkeys(places)) for part, places in found.items() if places}


def _stems(content: bytes) -> list[str]:
    return [line.split()[0] for line in content.decode("utf-8", "replace").splitlines() if line.strip()]


def _voc_marks(name: str, content: bytes, place: _Place, pictures: Mapping[str, list[str]]) -> tuple[Marks, int]:
    """The boxes of one file, and how many of them are marked as difficult."""
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise DataError(f"{name} declares entities, which no annotation needs: it is refused")
    try:
        root = ElementTree.fromstring(content)  # noqa: S314 (see above)
    except ElementTree.ParseError as error:
        raise DataError(f"{name} is no XML that can be read: {error}") from None
    (folder, stem), called = place, (root.findtext("filename") or "").strip()
    marks = Marks(picture=_picture(pictures, (f"JPEGImages/{stem}", called or stem, stem), folder, name))
    sizes = [number_in(root.findtext(f"size/{side}") or "") for side in ("width", "height")]
    if sizes[0] and sizes[1]:
        marks.size = sizes[0], sizes[1]
    difficult = 0
    for number, each in enumerate(root.iter("object"), 1):
        label = (each.findtext("name") or "").strip()
        if not label:
            raise DataError(f"{name}: object {number} has no name")
        marks.add(label, _sides([each.findtext(f"bndbox/{side}") for side in SIDES], f"{name}: object {number}"))
        difficult += (each.findtext("difficult") or "0").strip() == "1"
    return marks, difficult


# COCO: one file for all pictures of a part


def _is_coco(entry: Entry) -> bool:
    """Whether the keys of COCO's format are in a file, which is read until all are found."""
    left, before = {b'"images"', b'"annotations"', b'"bbox"'}, b""
    with entry.open() as file:
        while left and (chunk := file.read(_CHUNK)):
            left = {key for key in left if key not in before + chunk}
            before = chunk[-max(map(len, left), default=0) :]
    return not left


def _coco(files: Files, names: Sequence[str], pictures: Mapping[str, list[str]], faults: _Faults) -> Marked:
    named, silent = _parted(names)
    crowds: list[int] = []
    parts = {
        part: [one for name in own for one in _coco_marks(files, name, pictures, crowds, faults)]
        for part, own in named.items()
    }
    crowd, aside = len(crowds), len(_unmarked(pictures, chain(*parts.values())))
    warnings = [f"left out: {counted(crowd, 'box')} of crowds (iscrowd)"] if crowd else []
    warnings += [f"left aside: {counted(aside, 'picture')} that no annotations name"] if aside else []
    return Marked(
        parts=_those(parts),
        listed=_listed(named),
        left_out=len(faults.told),
        notes=("COCO",),
        warnings=tuple(f"{files.name}: {text}" for text in (*warnings, *silent, *faults.warnings())),
    )


def json_of(files: Files, name: str) -> Any:
    """What a file of JSON says. Raises DataError where it is none."""
    with files.entry(name).open() as file:
        try:
            return json.load(file)
        except ValueError as error:
            raise DataError(f"{name} is no JSON that can be read: {error}") from None


def _coco_marks(
    files: Files, name: str, pictures: Mapping[str, list[str]], crowds: list[int], faults: _Faults
) -> list[Marks]:
    told = json_of(files, name)
    try:
        labels = {each["id"]: str(each["name"]).strip() for each in told.get("categories", [])}
        called = {each["id"]: str(each["file_name"]) for each in told["images"]}
        marks = {}
        for each in told["images"]:
            with faults.of(called[each["id"]]):
                marks[each["id"]] = Marks(
                    picture=_picture(pictures, (called[each["id"]],), PurePosixPath(name).parent, name),
                    size=(each["width"], each["height"]) if each.get("width") and each.get("height") else None,
                )
        for number, each in enumerate(told["annotations"], 1):
            if each.get("iscrowd"):
                crowds.append(1)
                continue
            where, key = f"{name}: annotation {number}", each["image_id"]
            with faults.of(called.get(key, where)):
                if key not in called:
                    raise DataError(f"{where} is of image {key!r}, which images does not have")
                if each["category_id"] not in labels:
                    raise DataError(f"{where} is of category {each['category_id']!r}, which categories does not have")
                left, top, width, height = _sides(each["bbox"], where)
                if key in marks:
                    marks[key].add(labels[each["category_id"]], (left, top, left + width, top + height))
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{name} is not as COCO writes it: {type(error).__name__} {error}") from None
    return [one for key, one in marks.items() if called[key] not in faults.told]


# A table: a row a box


def _is_table(entry: Entry) -> bool:
    with entry.open() as file:
        head = file.readline(1 << 16).decode("utf-8-sig", "replace").lower()
    return all(side in head for side in SIDES)


def _table(files: Files, names: Sequence[str], pictures: Mapping[str, list[str]], faults: _Faults) -> Marked:
    named, silent = _parted(names)
    parts = {part: _of_tables(files, own, pictures, faults) for part, own in named.items()}
    aside = len(_unmarked(pictures, chain(*parts.values())))
    said = (
        [f"left aside: {counted(aside, 'picture')} that no row names; a row without a box keeps one"] if aside else []
    )
    return Marked(
        parts=_those(parts),
        listed=_listed(named),
        left_out=len(faults.told),
        notes=("a row a box",),
        warnings=tuple(f"{files.name}: {text}" for text in (*said, *silent, *faults.warnings())),
    )


def _of_tables(files: Files, names: Sequence[str], pictures: Mapping[str, list[str]], faults: _Faults) -> list[Marks]:
    found: dict[str, Marks] = {}
    for name in names:
        for marks in _table_marks(files, name, pictures, faults):
            if marks.picture in found:
                raise DataError(f"{files.name}: two tables have boxes of {marks.picture}")
            found[marks.picture] = marks
    return list(found.values())


def _table_marks(files: Files, name: str, pictures: Mapping[str, list[str]], faults: _Faults) -> Iterable[Marks]:
    opened = read_delimited(files.entry(name), Options(names=SIDES))
    table: Any = opened.x
    columns = {str(column).strip().lower(): column for column in table.column_names}
    of_picture, of_label = (next((columns[n] for n in known if n in columns), None) for known in (_PICTURE, _LABEL))
    lacking = [word for word, found in (("image", of_picture), ("label", of_label)) if found is None]
    lacking += [side for side in SIDES if side not in columns]
    if lacking:
        raise DataError(f"{name} has no column {lacking[0]!r}; it has: {', '.join(table.column_names[:20])}")
    values = [table[columns[side]].to_pylist() for side in SIDES]
    rows = zip(table[of_picture].to_pylist(), table[of_label].to_pylist(), *values, strict=True)
    found: dict[str, Marks] = {}
    for index, (picture, label, *sides) in enumerate(rows):
        where, place = f"{name}: row {row_number(opened.rows, index)}", str(picture)
        with faults.of(place):
            place = _picture(pictures, (place,), PurePosixPath(name).parent, where)
        if place in faults.told:
            continue
        marks = found.setdefault(place, Marks(picture=place))
        with faults.of(place):
            if any(str(side if side is not None else "").strip() for side in sides):
                if label is None or not str(label).strip():
                    raise DataError(f"{where} has no label")
                marks.add(str(label).strip(), _sides(sides, where))
    return [marks for place, marks in found.items() if place not in faults.told]


# What several have


def _parted(names: Sequence[str]) -> tuple[dict[Part, list[str]], tuple[str, ...]]:
    """The files of each part, as their paths say, and a warning where some are left aside.

    One alone is fitted on, and so are those that say nothing where none says `train`.
    """
    told = told_by_paths(names) if len(names) > 1 else {}
    said: dict[Part, list[str]] = {part: [name for name in told if told[name][0] == part] for part in PARTS}
    silent = [name for name in names if name not in chain(*said.values())]
    if not said["train"]:
        return {**said, "train": silent}, ()
    aside = f"left aside, as no part is said by their names, and train is by others: {', '.join(silent)}"
    return said, (aside,) if silent else ()


def _those(parts: Mapping[Part, Sequence[Marks]]) -> dict[Part, Sequence[Marks]]:
    """Parts that have pictures."""
    return {part: marks for part, marks in parts.items() if marks}


def _listed(named: Mapping[Part, Sequence[str]]) -> dict[Part, str]:
    return {part: " and ".join(names) for part, names in named.items() if names and part != "train"}


def _unmarked(pictures: Mapping[str, list[str]], marks: Iterable[Marks]) -> set[str]:
    """Pictures without an annotation that was read."""
    return {name for found in pictures.values() for name in found} - {each.picture for each in marks}


def _picture(pictures: Mapping[str, list[str]], called: Sequence[str], folder: PurePosixPath, where: str) -> str:
    """The one picture of that name, by the first of some names that only one has, that folder's own before others."""
    many: Sequence[str] = ()
    for name in called:
        plain = name.strip().replace("\\", "/").removeprefix("./")
        for key in (plain, PurePosixPath(plain).name):
            found = pictures.get(key, [])
            found = found if len(found) == 1 else _own(found, folder, plain)
            if len(found) == 1:
                return found[0]
            many = many or found
    if many:
        raise DataError(f"{where} is of picture {called[-1]!r}, and there are {len(many)} of that name, e.g. {many[0]}")
    raise DataError(f"{where} is of picture {called[-1]!r}, which is not there")


def _own(pictures: list[str], folder: PurePosixPath, plain: str) -> list[str]:
    """Of pictures of one name those that lie just so in a folder, else anywhere below it, else all."""
    place = folder / plain
    exact = [name for name in pictures if place in (PurePosixPath(name), PurePosixPath(name).with_suffix(""))]
    return exact or [name for name in pictures if folder in PurePosixPath(name).parents] or pictures


def _sides(values: Any, where: str) -> Side:
    """Four finite numbers."""
    given = list(values) if isinstance(values, (list, tuple)) else [values]
    numbers = [number_in(str(value)) if value is not None else None for value in given]
    if len(numbers) != len(SIDES) or any(number is None or not isfinite(number) for number in numbers):
        raise DataError(f"{where} has a box that is no four numbers: {given}")
    return tuple(numbers)  # type: ignore[return-value]
