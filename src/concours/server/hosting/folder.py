"""A competition read from its folder: `competition.toml`, and which files it names and has."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from concours.contest.toml_file import read_toml
from concours.core.errors import ContentRefused, ContestError
from concours.core.visible import shortened, visible
from concours.server.hosting.competition import Competition

FILE = "competition.toml"
_ARRAYS = {"phase": "phases", "board": "boards", "baseline": "baselines"}
"""Tables that TOML begins by [[one]], and what all of them are called."""
_PLACE = re.compile(r"\b(phase|board|baseline|page|measure)s\[(\d+)\]")


def from_folder(folder: Path) -> Competition:
    """What a competition's folder declares.

    Files that it names are there; what is in them is not looked at. The keys of `[task]` are those of a contest file,
    and read by `concours.contest.config.task_of`, which brings the libraries of data with it.

    Raises:
        ContestError: the file is missing, is no TOML, or something in it is wrong: which key, what was expected, the
            nearest right name. DataError: there is no such folder or file.
    """
    competition = _read(read_toml(folder / FILE, moments=True))
    if missing := next(missing_files(competition, folder), None):
        raise ContestError(f"{FILE}: {missing}")
    return competition


def _read(content: dict[str, Any]) -> Competition:
    if plural := next((many for many in _ARRAYS.values() if many in content), None):
        one = next(name for name, many in _ARRAYS.items() if many == plural)
        raise ContestError(f"{FILE}: {plural}: write one [[{one}]] for each")
    value = {_ARRAYS.get(name, name): _plain(item) for name, item in content.items()}
    try:
        return Competition.from_json(value)
    except ContentRefused as error:
        raise ContestError(f"{FILE}: {_PLACE.sub(_numbered, str(error))}") from None


def _numbered(found: re.Match[str]) -> str:
    return f"{found[1]} {int(found[2]) + 1}"


def _plain(value: Any) -> Any:
    """TOML as JSON: moments as texts."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime) else value


def named_files(competition: Competition) -> Iterator[tuple[str, str]]:
    """Every path that a competition names, with the key that does; of `archive.zip:member` the archive."""
    for place, page in enumerate(competition.pages, 1):
        yield f"page {place}.file", page.file
    yield "rules", competition.rules
    data = competition.task.get("data", [])
    for one in [data] if isinstance(data, str) else data:
        yield "task.data", one.partition(":")[0]
    yield "task.test", str(competition.task.get("test", "")).partition(":")[0]
    for phase in competition.phases:
        yield f"phase {phase.key!r}: truth", phase.truth.partition(":")[0]
        yield f"phase {phase.key!r}: inputs", phase.inputs.partition(":")[0]
        yield f"phase {phase.key!r}: rest", phase.rest
    for baseline in competition.baselines:
        yield f"baseline {baseline.name!r}", baseline.predictions or baseline.code
    if scorer := competition.scorer:
        for key in ("file", "program", "ingestion"):
            yield f"scorer.{key}", getattr(scorer, key)
    if competition.arena:
        yield "arena.prompts", competition.arena.prompts


def missing_files(competition: Competition, folder: Path) -> Iterator[str]:
    """Of the files that a competition names those that its folder has not, or that lead out of it: a line each."""
    for key, path in named_files(competition):
        if not path:
            continue
        if (linked := _link(folder, path)) is not None:
            yield f"{key}: {linked} is a link: put the file itself there"
        elif not (folder / path).exists():
            yield f"{key}: there is no {shortened(visible(path), 200)} in the folder"


def _link(folder: Path, path: str) -> str | None:
    """The first part of a path below the folder that is a link."""
    parts = PurePosixPath(path).parts
    ways = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    return next((way for way in ways if (folder / way).is_symlink()), None)


def files_of(folder: Path, under: str = "") -> dict[str, Path]:
    """All files of a competition's folder, or of a folder in it, by their path in it with slashes, in order.

    What begins with a dot is left out, as are caches of Python.

    Raises:
        ContestError: one is a link, or no plain file.
    """
    found: dict[str, Path] = {}
    for at, folders, names in os.walk(folder / under):
        folders[:] = sorted(name for name in folders if not _left_out(name))
        for name in sorted([*names, *(name for name in folders if (Path(at) / name).is_symlink())]):
            path = Path(at) / name
            inner = path.relative_to(folder).as_posix()
            if path.is_symlink() or not path.is_file():
                raise ContestError(f"{visible(inner)} is a link, or no plain file: put the file itself there")
            if not _left_out(name):
                found[inner] = path
    return dict(sorted(found.items()))


def _left_out(name: str) -> bool:
    return name.startswith(".") or name == "__pycache__"
