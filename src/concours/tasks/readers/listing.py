"""Which files of a folder or an archive are data, and what their names say: parts, classes, what lies aside.

This is the one place that decides it: `concours new`, `run`, `predict` and `score` all read by it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Final, Literal

from concours.core.errors import DataError
from concours.core.written import counted
from concours.tasks.readers.archives import Files, is_archive
from concours.tasks.readers.glimpse import are_records, tells_pictures
from concours.tasks.readers.idx import is_idx
from concours.tasks.readers.pictures import PICTURES
from concours.tasks.readers.svmlight import SUFFIXES as SVMLIGHT

Sort = Literal["tables", "texts", "pictures", "sounds", "idx", "archive"]
Part = Literal["train", "valid", "test"]

PARTS: Final[tuple[Part, ...]] = ("train", "valid", "test")

TABLES = (
    ".csv",
    ".tsv",
    ".tab",
    ".parquet",
    ".pq",
    ".jsonl",
    ".ndjson",
    ".arrow",
    ".feather",
    ".ipc",
    ".arff",
    ".npz",
    ".npy",
    *SVMLIGHT,
)
TEXTS = (".txt", ".text", ".data", ".dat")
_PACKINGS = (".gz", ".bz2", ".xz")
_ABOUT = ("readme", "license", "licence", "copying", "citation", "changelog", "notice", "thumbs", "desktop")
_NO_TEXT = (".md", ".rst", ".html", ".pdf", ".json", ".toml", ".yaml", ".yml", ".names", ".py", ".db", ".xml")
_PARTS: dict[str, Part] = {
    **dict.fromkeys(("train", "training", "trainset", "trn"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "devel", "eval"), "valid"),
    **dict.fromkeys(("test", "testing", "testset", "holdout"), "test"),
}  # fmt: skip
_SAMPLE = {"submission", "submissions", "submit"}
_NUMBERED = re.compile(r"([A-Za-z]+)[._ -]?\d+$")
_MOST_CLASSES = 100
_UNLABELLED = ("unsup", "unsupervised", "unlabeled", "unlabelled")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Files, and what their names say.

    Attributes:
        sort: what they are; `archive` is one archive in a folder, which is to be read in its stead.
        train, test: the files, in the order of their rows; `test` judges.
        valid: of tables and texts: a validation part that is fitted on too, where there is a test part beside it.
        labels: the class of each file, by its place; empty where places tell none.
        a_file: whether each file is a class whose rows are its lines, rather than a row.
        sample: a sample of a submission.
        tables: those that lie beside pictures or sounds.
        told: where every picture has a file of text that is called as it is: that file, by the picture.
        aside: files that are not read.
        notes: what was decided, for people.
    """

    sort: Sort
    train: tuple[str, ...]
    test: tuple[str, ...] = ()
    valid: tuple[str, ...] = ()
    labels: dict[str, str]
    a_file: bool = False
    sample: str | None = None
    tables: tuple[str, ...] = ()
    told: Mapping[str, str] = field(default_factory=dict)
    aside: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def suffix_of(name: str) -> str:
    """The ending of a name that tells the format, without that of its compression."""
    path = PurePosixPath(name.lower())
    return PurePosixPath(path.stem).suffix if path.suffix in _PACKINGS else path.suffix


def content_names(files: Files) -> list[str]:
    """The files that may be data: README files, licences and hidden ones do not count."""

    def counts(name: str) -> bool:
        path = PurePosixPath(name.lower())
        stem = path.stem if path.suffix not in _PACKINGS else PurePosixPath(path.stem).stem
        return (
            stem not in _ABOUT
            and path.name != "classes.txt"
            and not any(part.startswith(".") or part == "__macosx" for part in path.parts)
        )

    return [name for name in files.names() if counts(name)]


def layout_of(files: Files) -> Layout:
    """What lies in a folder or an archive.

    - Pictures, or texts, in a folder a class, perhaps under `train` and `test`; pictures with the class in their names;
      or pictures with a table beside them;
    - texts, a row a line, in a file a class;
    - one table, or several, perhaps with names that say train, valid, test; a sample of a submission;
    - pairs of idx files; one archive in a folder.

    `valid` (`val`, `validation`, `dev`) is the test part where there is no other, and joins train where there is.

    Raises:
        DataError: there is nothing of the kind, or several archives to choose from.
    """
    names = content_names(files)
    pictures = [name for name in names if suffix_of(name) in PICTURES]
    tables = [name for name in names if suffix_of(name) in TABLES or are_records(files, name)]
    archives = [name for name in names if is_archive(name)]
    idx = [name for name in names if is_idx(name)]
    known = {*pictures, *tables, *archives, *idx}
    texts = [name for name in names if name not in known and suffix_of(name) not in _NO_TEXT]
    if len(pictures) >= max(len(tables), 1) and (len(pictures) > len(texts) or _beside(pictures, texts)):
        told = _told(pictures, texts)
        tables += [name for name in texts if name not in told.values() and tells_pictures(files, name)]
        found = by_places(pictures, "pictures", tables)
        told = told if len(told) == len(pictures) and not found.labels and not found.tables else {}
        others = sorted({*names} - {*pictures, *tables, *told.values()})
        return replace(found, told=told, notes=(*found.notes, *_no_pictures(others)))
    if idx:
        return by_names(idx, "idx")
    if tables:
        return by_names(tables, "tables", files.name)
    if archives:
        if len(archives) > 1:
            raise DataError(f"{files.name} holds {len(archives)} archives; name one: {', '.join(archives[:5])}")
        return Layout(sort="archive", train=(archives[0],), labels={})
    if not texts:
        raise DataError(
            f"{files.name} holds no table, text or picture; it has: {', '.join(files.names()[:5]) or 'nothing'}"
        )
    return _of_texts(texts)


def part_of(name: str) -> tuple[Part | None, tuple[str, ...]]:
    """The part that a name tells, if it tells one, and the other words in it."""
    words = [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name.replace("t10k", "test"))]
    found = {_PARTS[word] for word in words if word in _PARTS}
    return (found.pop() if len(found) == 1 else None), tuple(word for word in words if word not in _PARTS)


def told_by_paths(names: Sequence[str]) -> dict[str, tuple[Part | None, tuple[str, ...]]]:
    """`part_of` each file, by its name and the folders that not all files have in common."""
    depth = _common([PurePosixPath(name).parts for name in names])
    folders = {name: PurePosixPath(name).parts[depth:-1] for name in names}
    return {name: part_of(" ".join((*folders[name], stem_of(name)))) for name in names}


def stem_of(name: str) -> str:
    """The name of a file without folders and without an ending that only tells the format."""
    path = PurePosixPath(name)
    path = path.with_suffix("") if path.suffix.lower() in _PACKINGS else path
    return path.stem if path.suffix.lower() in (*TABLES, *TEXTS, ".json") else path.name


def by_places(names: Sequence[str], sort: Sort, tables: Sequence[str]) -> Layout:
    """Files that are a row each: parts and classes by the folders that they lie in, else by their names, else by tables
    beside them.
    """
    train, test, labels, notes = _in_folders(names)
    if not labels and not tables:
        labels = _by_first_words(names)
        notes += ["the names of the files tell the classes"] if labels else []
    aside = tuple(tables) if labels else ()
    notes += [f"left aside: {', '.join(map(_file, aside))}"] if aside else []
    return Layout(
        sort=sort,
        train=tuple(train),
        test=tuple(test),
        labels=labels,
        tables=() if labels else tuple(tables),
        aside=aside,
        notes=tuple(notes),
    )


def _of_texts(names: Sequence[str]) -> Layout:
    """Texts in folders a class; or files side by side: parts, by their names, or a class each."""
    train, test, labels, notes = _in_folders(names)
    if labels or test:
        return Layout(sort="texts", train=tuple(train), test=tuple(test), labels=labels, notes=tuple(notes))
    parts = by_names(names, "texts")
    if parts.test or parts.labels or len(names) == 1:
        return parts
    return Layout(sort="texts", train=tuple(sorted(names)), labels=_distinct(sorted(names)), a_file=True)


def _in_folders(names: Sequence[str]) -> tuple[list[str], list[str], dict[str, str], list[str]]:
    """Files of the training and the test part, by class and name; their classes; and what folders were taken for."""
    paths = {name: PurePosixPath(name).parts for name in names}
    depth = _common(list(paths.values()))
    tops = {parts[depth] for parts in paths.values() if len(parts) > depth + 1}
    parts = {top: part_of(top) for top in tops}
    known = {part for part, _ in parts.values()}
    parted = "train" in known and bool(known & {"valid", "test"}) and len({rest for _, rest in parts.values()}) == 1
    judge = "test" if "test" in known else "valid"
    rest = {name: path[depth + parted :] for name, path in paths.items() if len(path) > depth + 1 or not parted}
    if parted:
        # `seg_train/seg_train/x.png`: a folder that only repeats its part
        rest = {name: path[1:] if len(path) > 1 and part_of(path[0])[0] else path for name, path in rest.items()}
    in_test = {name for name in rest if parted and parts[paths[name][depth]][0] == judge}
    labels = {name: path[0] for name, path in rest.items() if len(path) > 1}
    if len(set(labels.values())) < 2 and len(labels) == len(rest):
        labels = {}
    without = {name for name, label in labels.items() if label.lower() in _UNLABELLED}
    ordered = sorted(set(rest) - without, key=lambda name: (labels.get(name, ""), name))
    taken = "is the test part" if judge == "valid" else "joins train, beside test"
    notes = [f"folder {top.lower()!r} {taken}" for top in sorted(tops) if parted and parts[top][0] == "valid"]
    notes += [f"left aside: {len(without)} files in folders that say that they have no label"] if without else []
    outside = sorted(set(names) - set(rest))
    notes += [f"left aside, outside of train and test: {', '.join(map(_file, outside[:5]))}"] if outside else []
    return [n for n in ordered if n not in in_test], [n for n in ordered if n in in_test], labels, notes


def by_names(names: Sequence[str], sort: Sort, source: str = "") -> Layout:
    """Files side by side: parts of one thing where names differ by train, valid and test; else all are one part.

    Shards of a part differ by numbers only. What has another name than the parts lies aside.
    """
    told = told_by_paths(names)
    sample = next((name for name in names if _SAMPLE & set(told[name][1])), None)
    sought = [name for name in names if name != sample]
    sets: dict[tuple[str, ...], set[Part | None]] = {}
    for name in sought:
        sets.setdefault(told[name][1], set()).add(told[name][0])
    whole = [rest for rest, parts in sets.items() if "train" in parts and len(parts - {None}) > 1]
    alone = [name for name in sought if told[name][0] == "train"]
    if not whole and len(alone) == 1 and all(told[name][0] for name in sought):
        whole = [told[alone[0]][1]]
    if not whole:
        return Layout(sort=sort, train=tuple(sorted(sought)), labels={}, sample=sample)
    if len(whole) > 1 and sort == "tables":
        listed = ", ".join(sorted(sought)[:8])
        raise DataError(f"{source} holds several pairs of train and test: {listed}; name one file, or a pair in [task]")
    mine = sorted(name for name in sought if told[name][1] in whole and told[name][0])
    valid = [name for name in mine if told[name][0] == "valid"]
    test = [name for name in mine if told[name][0] == "test"]
    aside = tuple(sorted(set(sought) - set(mine)))
    notes = [f"left aside, by their names: {', '.join(map(_file, aside))}"] if aside else []
    return Layout(
        sort=sort,
        train=tuple(name for name in mine if told[name][0] == "train"),
        valid=tuple(valid if test else ()),
        test=tuple(test or valid),
        labels={name: " ".join(told[name][1]) for name in mine} if len(whole) > 1 and sort == "texts" else {},
        a_file=len(whole) > 1 and sort == "texts",
        sample=sample,
        aside=aside,
        notes=tuple(notes),
    )


def _by_first_words(names: Sequence[str]) -> dict[str, str]:
    """Classes from names like `cat.12.jpg`: a word that comes again, and a number; none unless all names are so."""
    found = {name: _NUMBERED.match(PurePosixPath(name).stem) for name in names}
    labels = {name: match[1] for name, match in found.items() if match}
    few = 2 <= len(set(labels.values())) <= min(_MOST_CLASSES, len(names) / 2)
    return labels if len(labels) == len(names) and few else {}


def _no_pictures(names: Sequence[str]) -> list[str]:
    """What is said of files that lie among pictures and are none."""
    endings = ", ".join(sorted({suffix_of(name) or "no ending" for name in names})[:5])
    return [f"left aside: {counted(len(names), 'file')} ({endings}); first: {names[0]}"] if names else []


def _common(paths: Sequence[tuple[str, ...]]) -> int:
    """How many folders all paths have in common."""
    depth = 0
    while all(len(parts) > depth + 1 for parts in paths) and len({parts[depth] for parts in paths}) == 1:
        depth += 1
    return depth


def _told(pictures: Sequence[str], texts: Sequence[str]) -> dict[str, str]:
    """The file of text beside each picture that is called as it is, `a.txt` beside `a.jpg`, of those that have one."""
    beside = {PurePosixPath(name).with_suffix(""): name for name in texts if suffix_of(name) == ".txt"}
    places = {name: PurePosixPath(name).with_suffix("") for name in pictures}
    return {name: beside[place] for name, place in places.items() if place in beside}


def _beside(pictures: Sequence[str], texts: Sequence[str]) -> bool:
    """Whether texts are called as pictures are, so that they tell of these."""
    stems = {PurePosixPath(name).stem for name in pictures}
    return sum(PurePosixPath(name).stem in stems for name in texts) > len(texts) / 2


def _distinct(names: Sequence[str]) -> dict[str, str]:
    """A class a file: its name, as far as the names differ."""
    if len(names) == 1:
        return {}
    stems = {name: PurePosixPath(name).stem for name in names}
    if len(set(stems.values())) == len(names):
        return stems
    endings = {name: PurePosixPath(name).suffix.lstrip(".") for name in names}
    return endings if len(set(endings.values())) == len(names) else {name: stem_of(name) for name in names}


def _file(name: str) -> str:
    return PurePosixPath(name).name
