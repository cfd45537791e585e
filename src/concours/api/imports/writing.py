"""An evaluation that was read, written as a contest: a file, and beside it a folder with the files that it needs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from concours.api.imports.imported import Imported, Left, Row
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
        return any((scheme := scheme_of(one.keys["recipe"])) and HAD[scheme.had].calls for one in self.entrants)


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
    found, path = importer(source)
    more = listed(models, out.parent) if models else []
    imported: Imported = load(found.reader)(path, out.stem)
    entrants = _entrants(imported, more)
    settings = list(imported.settings)
    settings.append(LINEUP if entrants else _FITTED)
    kind = KINDS.get(next(one.value for one in settings if one.key == "kind"))
    if kind and (join := joined(kind, [one.keys for one in entrants])):
        settings.append(join)
    head = (f"Written by `concours import {source}`. Change what you know better.",)
    left = tuple(f"{one.what}: {one.why}" for one in imported.left)
    told = (*head, *(("Not carried over:", *(f"- {line}" for line in left)) if left else ()))
    text = toml_of(settings, told, (), entrants or [_example(imported)])
    files = {out.parent / name: rows for name, rows in imported.files.items()}
    content = {file: _lines(file, rows) for file, rows in files.items()}
    for file in (out, *files):
        if file.exists() and not force:
            raise ContestError(f"{file} is there already: choose another name with -o, or write over it with --force")
    for file, lines in content.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(lines)
    out.write_text(text, encoding="utf-8")
    return Written(
        path=out,
        files={file: len(rows) for file, rows in files.items()},
        settings=tuple(settings),
        entrants=tuple(entrants),
        left=tuple(imported.left),
        after=tuple(imported.after),
    )


def _entrants(imported: Imported, more: Sequence[Mapping[str, Any]]) -> list[EntrantText]:
    """Those with answers, and each model in each way; what is said of a model itself goes before what the way says."""
    asked = [
        {**model, "name": _named(model["name"], way.label), **({"params": params} if params else {})}
        for model in (*imported.models, *more)
        for way in imported.ways
        if (params := {**(way.params if model["recipe"].startswith("openai:") else {}), **model.get("params", {})})
        is not None
    ]
    tables = [*imported.recorded, *(EntrantText(keys=keys) for keys in asked)]
    names = [table.keys["name"] for table in tables]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ContestError(f"two entrants would be called {twice[0]!r}; rename one of them")
    return tables


def _example(imported: Imported) -> EntrantText:
    """A model for a person to fill in, asked as the evaluation asks."""
    params = {**EXAMPLE.keys["params"], **imported.ways[0].params}
    return EntrantText(keys={**EXAMPLE.keys, "params": params}, why=EXAMPLE.why, example=True)


def _named(model: str, label: str) -> str:
    return called(f"{model}, {label}" if label else model)


def _lines(file: Path, rows: Sequence[Row]) -> bytes:
    try:
        return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows).encode()
    except UnicodeEncodeError as error:
        row = error.object.count("\n", 0, error.start) + 1
        raise DataError(
            f"{file.name}: row {row} holds half a character, which is no text: mend it where it comes from"
        ) from None
