"""New competitions: a folder that passes `check` at once, of data that somebody has, or of a few invented rows."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any, Final, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.api.new import Draft, draft
from concours.api.writing import write_table
from concours.contest.contest_text import Setting
from concours.core.errors import DataError
from concours.core.seeds import derive_seed
from concours.core.written import written
from concours.server.hosting.folder import FILE
from concours.server.hosting.imports.writing import bring
from concours.server.hosting.made import Made, require_new
from concours.server.hosting.texts import competition_text, pages_of
from concours.tasks.cells import form_of
from concours.tasks.kinds import KINDS, Kind
from concours.tasks.readers.archives import files_of
from concours.tasks.readers.opened import Opened, Options
from concours.tasks.readers.source import open_source

TEST: Final = 0.3
"""The share of the rows whose targets are kept secret."""
_STRATA: Final = 50
_SEED: Final = 0
Codes = NDArray[np.int64]
_CARRIED: Final = ("kind", "target", "metrics", "text", "drop", "positive", "columns", "missing", "labels", "classes")
"""Keys of a contest's task that hold of a competition as well."""


def new(folder: Path, *, source: str | None = None, target: str | None = None, now: datetime) -> Made:
    """Writes a competition's folder: of the data of a source, which is divided, or of invented rows.

    Args:
        source: a file, a folder or an archive of data, as of `concours new`; or another platform's competition
            (`imports.table`).
        target: the column to predict; by default found where the signs are strong.
        now: when it begins.

    Raises:
        ContestError: the folder is there. DataError: the data cannot be read, or is of a kind that a person divides.
    """
    require_new(folder)
    ids = ""
    if source is None:
        table, kind, title = _invented(), KINDS["tabular-classification"], "Which plant is it?"
        settings = [Setting("task", "kind", kind.name, ""), Setting("task", "target", "plant", "")]
        found = _divided_table(folder, table, "plant", strata=True)
    elif brought := bring(Path(source), folder, now=now):
        return brought
    else:
        made = _draft(source, target)
        settings = [one for one in made.settings if one.table == "task" and one.key in _CARRIED]
        values = {one.key: one.value for one in settings}
        kind = KINDS[values["kind"]]
        title = (
            PurePosixPath(source.partition(":")[2] or source)
            .name.partition(".")[0]
            .replace("_", " ")
            .replace("-", " ")
            .capitalize()
        )
        ids = next((str(one.value) for one in made.settings if (one.table, one.key) == ("task", "id")), "")
        found = _divided(folder, source, kind, values, ids)
    keys, files, left = found
    given = {one.key: one.value for one in settings} | keys
    done = _write(folder, title or "Competition", kind, given, settings, files, now)
    if ids and "id" in keys:
        left = (*left, (f"the column {ids!r}", "it names the rows, and might tell their order; new ids were drawn"))
    return replace(done, left=left)


def _draft(source: str, target: str | None) -> Draft:
    """As `api.new.draft`; what that says of data that only a person can judge has, here, another cure."""
    try:
        return draft(source, target=target)
    except DataError as error:
        if "--kind" not in str(error):
            raise
        cure = "A competition of it is divided by hand: `concours host new DIR` writes a folder to begin with."
        raise DataError(f"{error} {cure}") from None


def _write(
    folder: Path,
    title: str,
    kind: Kind,
    task: Mapping[str, Any],
    settings: Sequence[Setting],
    files: Mapping[str, str],
    now: datetime,
) -> Made:
    begins = now.replace(minute=0, second=0, microsecond=0)
    strong = next(iter(kind.lineups.get("fast", ())), kind.baseline)
    text = competition_text(
        title=title,
        task=task,
        whys={one.key: one.why for one in settings},
        begins=begins,
        ends=begins + timedelta(days=30),
        recipes=dict.fromkeys((kind.baseline, strong)),
    )
    (folder / FILE).write_text(text, "utf-8")
    (folder / "pages").mkdir(exist_ok=True)
    for name, page in pages_of(title, task).items():
        (folder / "pages" / name).write_text(page, "utf-8")
    pages = {f"pages/{name}": "to be filled in" for name in pages_of(title, task)}
    return Made(folder=folder, files={FILE: "all that you declare", **files, **pages}, settings=tuple(settings))


Left = tuple[tuple[str, str], ...]
Divided = tuple[dict[str, Any], dict[str, str], Left]
"""Keys of the task, the files that were written, and what is otherwise in them than it was, and why."""


def _divided(folder: Path, source: str, kind: Kind, task: Mapping[str, Any], ids: str) -> Divided:
    """The data of a source as files of a competition. Raises DataError where nobody but a person can divide it.

    Args:
        ids: the column that names its rows, where it has one.
    """
    named = str(task.get("target", ""))
    opened = open_source(source, Path(), Options(names=(named,) if named else ()))
    plain = kind.input.name in ("table", "text") and not kind.input.keys  # else rows belong together, or say more
    if isinstance(opened.x, pa.Table) and named in opened.x.column_names and plain:
        table, left = _as_written(source, opened)
        table = table.drop_columns([ids]) if ids in table.column_names else table
        keys, files, _ = _divided_table(folder, table, named, strata=kind.output.verbatim)
        return keys, files, (*left, *_doubts(opened, opened.x, named))
    if opened.files and opened.y is not None and kind.input.name == "image" and named in ("", opened.target or ""):
        return _divided_files(folder, source, opened)
    raise DataError(
        f"data of kind {kind.name} is divided by who knows it: put what everybody may have into data/ and what judges "
        "into truth/, as docs/organisers.md shows; `concours host new DIR` writes a folder to begin with"
    )


def _as_written(source: str, opened: Opened) -> tuple[pa.Table, Left]:
    """A table whose cells are as its file writes them, but for decimal commas: hardly any reader would know them."""
    table = cast(pa.Table, opened.x)
    if opened.cells:
        return table, ()
    cells = cast(pa.Table, open_source(source, Path(), Options(written=tuple(table.column_names), missing=("",))).x)
    commas = [field.name for field in table.schema if form_of(field).decimal == ","]
    for name in commas:
        cells = cells.set_column(cells.column_names.index(name), name, table[name])
    if not commas:
        return cells, ()
    return cells, (
        (f"numbers in {', '.join(map(repr, commas))}", "the source has decimal commas; they are written with points"),
    )


def _doubts(opened: Opened, table: pa.Table, target: str) -> Iterator[tuple[str, str]]:
    """What a person should know who has rows divided by chance."""
    if opened.test is not None:
        yield (
            "the test part",
            "the other rows alone were divided: put its rows and targets into truth/ if it shall judge",
        )
    for field in table.schema:
        if pa.types.is_temporal(field.type) and field.name != target:
            said = "it tells times, and rows were divided by chance: if the future is asked for, divide by time by hand"
            yield f"the column {field.name!r}", said


def _divided_table(folder: Path, table: pa.Table, target: str, *, strata: bool) -> Divided:
    """A table without ids divided by rows; these are drawn anew, so that no order and no number tells a target."""
    table = table.filter(table[target].is_valid())
    rng = np.random.default_rng(derive_seed(_SEED, "competition"))
    labels = [written(value) for value in table[target].to_pylist()]
    train, test = divided(labels, rng, strata=strata)
    id = next(name for name in ("id", "row_id", "concours_id") if name not in table.column_names)
    ids = rng.permutation(len(table))
    table = table.add_column(0, id, pa.array(ids))
    parts = {
        "data/train.csv": table.take(pa.array(train)),
        "data/test.csv": table.take(pa.array(test)).drop_columns([target]),
        "truth/test.csv": table.take(pa.array(test)),
    }
    for path, part in parts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        write_table(part, folder / path, formulas=True)
    said = {path: f"{len(part):,} rows, {part.num_columns} columns" for path, part in parts.items()}
    return {"id": id, "data": "data/train.csv", "test": "truth/test.csv"}, said, ()


def divided(labels: Sequence[str], rng: np.random.Generator, *, strata: bool) -> tuple[Codes, Codes]:
    """Rows of the training part and of the test part, both in a random order.

    Args:
        strata: whether each part gets its share of every label.

    Raises:
        DataError: there are too few rows.
    """
    rows = len(labels)
    if rows < 20:
        raise DataError(f"{rows} rows are too few to divide: 20 at least were expected")
    places: dict[str, list[int]] = {}
    for row in rng.permutation(rows).tolist():
        places.setdefault(labels[row] if strata else "", []).append(row)
    if len(places) > _STRATA:
        places = {"": [row for some in places.values() for row in some]}
    test = [row for some in places.values() for row in some[: round(TEST * len(some))]]
    if not test:
        test = rng.permutation(rows)[: round(TEST * rows)].tolist()
    rest = np.setdiff1d(np.arange(rows), np.asarray(test))
    return rng.permutation(rest), rng.permutation(np.asarray(test))


def _divided_files(folder: Path, source: str, opened: Opened) -> Divided:
    """Pictures in a folder a class, divided, where they have no parts yet; those that judge get new names, in no order.

    Raises:
        DataError: the part that judges has no labels, or some pictures are left out.
    """
    parts = [part.y for part in (opened, opened.test) if part is not None]
    if any(y is None for y in parts):
        raise DataError("the test part of the pictures has no labels, and nothing can be scored by it: leave it out")
    labels = [written(label) for y in parts if y is not None for label in y.tolist()]
    if len(opened.files) != len(labels):
        raise DataError("some of the pictures cannot be read: mend them, or take them away, and try again")
    rng = np.random.default_rng(derive_seed(_SEED, "competition"))
    if opened.test is None:
        train, test = divided(labels, rng, strata=True)
    else:
        learnt = len(opened.y) if opened.y is not None else 0
        train, test = rng.permutation(learnt), learnt + rng.permutation(len(labels) - learnt)
    given = files_of(Path(source))
    names: dict[str, dict[str, str]] = {"data/train.zip": {}, "data/test.zip": {}, "truth/test.zip": {}}
    for part, rows in (("train", train), ("test", test)):
        for number, row in enumerate(rows.tolist()):
            name = f"{part}-{number:05}{PurePosixPath(opened.files[row]).suffix.lower()}"
            names["data/train.zip" if part == "train" else "truth/test.zip"][f"{labels[row]}/{name}"] = opened.files[
                row
            ]
            if part == "test":
                names["data/test.zip"][name] = opened.files[row]
    for path, members in names.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        _zip(folder / path, members, lambda wanted: dict(given.contents(wanted)))
    said = {path: f"{len(members):,} pictures" for path, members in names.items()}
    return {"data": "data/train.zip", "test": "truth/test.zip"}, said, ()


def _zip(path: Path, members: Mapping[str, str], contents: Callable[[set[str]], Mapping[str, bytes]]) -> None:
    """Writes an archive whose members have the content of files by other names."""
    found = contents(set(members.values()))
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(members):
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), found[members[name]])


def _invented() -> pa.Table:
    """A few hundred invented plants: three sorts that differ a little in what is measured of them."""
    rng = np.random.default_rng(derive_seed(_SEED, "invented"))
    rows = 300
    sort = np.arange(rows) % 3
    soils = np.array(["clay", "loam", "sand"])
    lies = np.where(rng.random(rows) < 0.5, sort, rng.integers(0, 3, rows))
    return pa.table(
        {
            "height_cm": np.round(20 + 6 * sort + rng.normal(scale=5, size=rows), 1),
            "leaves": rng.poisson(8 + 2 * sort),
            "soil": soils[lies],
            "plant": np.array(["fern", "moss", "reed"])[sort],
        }
    )
