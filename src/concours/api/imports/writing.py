"""An evaluation that was read, written as a contest: a file, and beside it a folder with the files that it needs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from concours.api.imports.imported import Imported, Left, Row, Way
from concours.api.imports.recorded import called
from concours.api.imports.table import importer
from concours.api.models import EXAMPLE, LINEUP, joined, listed
from concours.contest.contest_text import EntrantText, Setting, toml_of
from concours.core.errors import ContestError, DataError
from concours.core.had import HAD, scheme_of
from concours.core.registry import load
from concours.tasks.kinds import KINDS

_FITTED = Setting(
    "compete", "lineup", "fast", "simple models that are fitted here; nobody else competes yet, see below"
)


@dataclass(frozen=True, kw_only=True)
class Written:
    """A contest that was written.

    Attributes:
        path: of the contest file.
        files: with how many rows each.
        settings: the keys of the contest, each with the reason for its value.
        entrants: who competes, without examples.
        left: what could not be carried over.
        after: commands for next, besides running it.
    """

    path: Path
    files: Mapping[Path, int]
    settings: tuple[Setting, ...]
    entrants: tuple[EntrantText, ...]
    left: tuple[Left, ...]
    after: tuple[str, ...]

    @property
    def asks(self) -> bool:
        """Whether running it asks somebody."""
        return any(_is_asked(one.keys["recipe"]) for one in self.entrants)


def bring(source: str, out: Path, *, models: Path | None = None, force: bool = False) -> Written:
    """Reads an evaluation of another program, and writes a contest.

    Its files lie in a folder beside the contest file, which is called as this is.

    Args:
        source: the name of a format and a path, as `lm-eval:task.yaml`.
        models: a file that lists models which compete besides, asked as the evaluation asks.
        force: whether to write over files that are there.

    Raises:
        ContestError: there is no such format, or a file is there already.
        DataError: what is to be read is missing, damaged, too large, or cannot be a contest.
    """
    reader, path = importer(source)
    more = listed(models, out.parent) if models else []
    imported: Imported = load(reader)(path, out.stem if out.suffix else f"{out.name}-data")
    entrants = _entrants(imported, more)
    settings = _settings(imported, entrants)
    head = [f"Written by `concours import {source}`. Change what you know better."]
    if imported.left:
        head += ["Not carried over:", *(f"- {one.what}: {one.why}" for one in imported.left)]
    files = {out.parent / name: rows for name, rows in imported.files.items()}
    text = toml_of(settings, head, (), entrants or [_example(imported)])
    _write({**{file: _lines(file, rows) for file, rows in files.items()}, out: text.encode()}, force=force)
    return Written(
        path=out,
        files={file: len(rows) for file, rows in files.items()},
        settings=tuple(settings),
        entrants=tuple(entrants),
        left=tuple(imported.left),
        after=tuple(imported.after),
    )


def _settings(imported: Imported, entrants: Sequence[EntrantText]) -> list[Setting]:
    """The keys of the contest: those of its task, who competes beside the entrants, and how these are joined."""
    kind = KINDS.get(next(one.value for one in imported.settings if one.key == "kind"))
    ways = joined(kind, [one.keys for one in entrants]) if kind else None
    return [*imported.settings, LINEUP if entrants else _FITTED, *([ways] if ways else [])]


def _write(files: Mapping[Path, bytes], *, force: bool) -> None:
    """Writes all of some files, or none where one is there."""
    if not force and (there := next((file for file in files if file.exists()), None)):
        raise ContestError(f"{there} is there already: choose another name with -o, or write over it with --force")
    for file, content in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def _entrants(imported: Imported, more: Sequence[Mapping[str, Any]]) -> list[EntrantText]:
    """Those with answers, and each model in each way."""
    asked = [way for model in (*imported.models, *more) for way in _in_ways(model, imported.ways)]
    tables = [*imported.recorded, *(EntrantText(keys=keys) for keys in asked)]
    names = [table.keys["name"] for table in tables]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ContestError(f"two entrants would be called {twice[0]!r}; rename one of them")
    return tables


def _in_ways(model: Mapping[str, Any], ways: Sequence[Way]) -> list[dict[str, Any]]:
    """A model that is asked, as each way asks it; what is said of it itself counts before what the way says."""
    if not _is_asked(model["recipe"]):
        return [dict(model)]
    names = [called(f"{model['name']}, {way.label}" if way.label else model["name"]) for way in ways]
    params = [{**way.params, **model.get("params", {})} for way in ways]
    return [{**model, "name": name, "params": each} for name, each in zip(names, params, strict=True)]


def _is_asked(recipe: str) -> bool:
    scheme = scheme_of(recipe)
    return scheme is not None and HAD[scheme.had].calls


def _example(imported: Imported) -> EntrantText:
    """A model for a person to fill in, asked as the evaluation asks."""
    params = {**EXAMPLE.keys["params"], **imported.ways[0].params}
    return EntrantText(keys={**EXAMPLE.keys, "params": params}, why=EXAMPLE.why, example=True)


def _lines(file: Path, rows: Sequence[Row]) -> bytes:
    try:
        return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows).encode()
    except UnicodeEncodeError as error:
        row = error.object.count("\n", 0, error.start) + 1
        raise DataError(
            f"{file.name}: row {row} holds half a character, which is no text: mend it where it comes from"
        ) from None
