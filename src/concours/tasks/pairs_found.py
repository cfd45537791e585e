"""What tells that a source holds pairs of texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from concours.core.errors import DataError
from concours.tasks.readers.aligned import Aligned, aligned_at
from concours.tasks.readers.archives import entry_at
from concours.tasks.readers.damage import damage_named
from concours.tasks.readers.listing import suffix_of
from concours.tasks.readers.opened import Options

Keys = dict[str, tuple[Any, str]]

_LANGUAGES = frozenset(
    """
    ar bg bn ca cs cy da de el en eo es et eu fa fi fr ga gl gu he hi hr hu hy ja ka kk ko lt lv mk ml mr nb nl nn pl pt
    ro ru sk sl sq sr sv sw ta te th tr uk ur uz vi zh
    """.split()  # noqa: SIM905 (a list of these is a page)
)
"""Languages by their usual names of two letters, without those that are common names of columns too."""
_HEAD = 200


def find(source: Path, options: Options) -> Keys | None:
    """The keys of `[task]` for line-aligned files, or a table of two columns that are called by languages, each with a
    reason; none where a source is something else.

    Which of two languages is said a person knows: by what it should become, where that is named; else English, where it
    is one of them, else the first.

    Raises:
        DataError: it holds pairs, and what a person says of it does not suit them.
    """
    if (aligned := aligned_at(source)) is not None and len(aligned.languages) > 1 and _languages(aligned.languages):
        if options.header is not None:
            raise DataError(f"--header: {source} holds texts, a line each, without names of columns; leave it out")
        return _of_files(source, aligned, options)
    languages = _columns(source, options)
    if len(languages) != 2:
        return None
    said, meant = _direction(source, languages, options)
    return _keys(source, said, meant, "a table of two columns that are called by languages", options)


def _languages(names: Sequence[str]) -> bool:
    """Whether endings are languages, as `de` or `pt_BR`: files of texts a class may have as many lines each, too."""
    return all(name.replace("_", "-").partition("-")[0].lower() in _LANGUAGES for name in names)


def _of_files(source: Path, aligned: Aligned, options: Options) -> Keys:
    tests = aligned.parts["test"]
    stem = next(iter(aligned.parts["train"] or aligned.stems))
    said, meant = _direction(source, aligned.languages, options)
    keys = _keys(source, said, meant, f"{stem}.{said} and {stem}.{meant} have a line for each other's", options)
    if len(tests) > 1:
        one = str(source / tests[0]) if source.is_dir() else f"{source}:{tests[0]}"
        keys["test"] = (one, f"judges; there are also {', '.join(tests[1:])}")
    return keys


def _direction(source: Path, languages: Sequence[str], options: Options) -> tuple[str, str]:
    """The language that is said, and that which it should become."""
    wanted = next(iter(options.names), None)
    if wanted is not None and wanted not in languages:
        raise DataError(f"--target: {source} holds texts in {' and '.join(languages)}, and none in {wanted!r}")
    left = [each for each in languages if each != wanted]
    said = "en" if "en" in left else left[0]
    return said, wanted or next(each for each in left if each != said)


def _keys(source: Path, said: str, meant: str, why: str, options: Options) -> Keys:
    return {
        "data": (str(source), why),
        "text": (said, "what is said; turn both round for the other direction"),
        "target": (meant, "named by --target" if options.names else "what it should become"),
    }


def _columns(source: Path, options: Options) -> tuple[str, ...]:
    """The names of the columns of a delimited file, where all of them are languages."""
    if not source.is_file() or suffix_of(source.name) not in (".csv", ".tsv", ".tab") or options.header is False:
        return ()
    entry = entry_at(source, whole=False)
    with damage_named(entry.name), entry.open() as file:
        for _ in range(int(options.header or 1) - 1):
            file.readline()
        head = file.readline(_HEAD).decode("utf-8-sig", errors="replace").strip()
    names = [name.strip().strip("\"'") for name in head.replace(";", ",").replace("\t", ",").split(",")]
    return tuple(names) if set(names) <= _LANGUAGES else ()
