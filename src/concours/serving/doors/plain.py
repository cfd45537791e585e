"""Our own protocol: rows as JSON, CSV, Arrow, Parquet or a file of whatever the task is read from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.csv

from concours.core.errors import DataError, nearest
from concours.serving.doors.door import Door, Wanted, ids_of
from concours.serving.doors.keys_once import require_keys_once
from concours.serving.model import Served
from concours.serving.refused import Refused, as_plain
from concours.serving.wire import Ask, Told
from concours.tasks.kinds import kind_named
from concours.tasks.outputs.output import Values

JSON: Final = "application/json"
CSV: Final = "text/csv"
ARROW: Final = "application/vnd.apache.arrow.stream"
ZIP: Final = "application/zip"
ENDINGS: Final[Mapping[str, str]] = {
    CSV: ".csv",
    "text/tab-separated-values": ".tsv",
    "text/plain": ".txt",
    "application/x-ndjson": ".jsonl",
    "application/vnd.apache.arrow.file": ".arrow",
    "application/vnd.apache.parquet": ".parquet",
    ZIP: ".zip",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "audio/wav": ".wav",
    "audio/flac": ".flac",
    "audio/ogg": ".ogg",
    "video/mp4": ".mp4",
}
"""By the type of a body, the ending of a file that `predict` would read the same bytes of."""
_FILES: Final[Mapping[str, str]] = {"image": "image/png", "sound": "audio/wav", "video": "video/mp4"}
"""By what rows are, the type of a body that is one of them."""
_FAMILIES: Final = frozenset(type.partition("/")[0] for type in _FILES.values())
_FORM: Final = 'send {"rows": [{"column": value, …}, …]}, or {"columns": […], "rows": [[…], …]}'
_decode, _encode = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode


def file_of(served: Served) -> str:
    """The type of a body that is one row, as a file; empty where rows are no files."""
    return _FILES.get(kind_named(served.result.setup.problem.kind).input.name, "")


def read(served: Served, ask: Ask) -> Wanted:
    """What a request wants, by the type of its body.

    Raises:
        Refused: it is of no type that is read, or not written as its type says.
    """
    notes: list[str] = []
    _require_suited(served, ask.type)
    if ask.type == JSON:
        rows = _rows(ask.body)
        cells = _cells(served, rows)
        return Wanted(
            ask=ask, cells=cells, notes=notes, rows=lambda: served.read(source_of(served, rows), notes.append)
        )
    if ask.type == ARROW:
        return Wanted(ask=ask, notes=notes, rows=lambda: served.read(_arrow(ask.body), notes.append))
    if ask.type not in ENDINGS:
        listed = ", ".join([JSON, ARROW, *ENDINGS])
        raise Refused(f"a body of type {ask.type or '(none)'} is not read; send one of {listed}", status=415)
    return Wanted(ask=ask, notes=notes, rows=lambda: served.read_body(ask.body, ENDINGS[ask.type], notes.append))


def _require_suited(served: Served, type: str) -> None:
    """Raises Refused where files come and rows are none, or others; or none come, and no list stands for such a row."""
    file, family = file_of(served), type.partition("/")[0]
    if file and served.columns and type in (JSON, ARROW):
        raise Refused(f"rows of this model are files: send one as {file} or the like, or several as {ZIP}", status=415)
    if family in _FAMILIES and family != file.partition("/")[0]:
        instead = f"send one file as {file} or the like, or several as {ZIP}" if file else _FORM
        raise Refused(f"this model reads no {type}; {instead}", status=415)


def _rows(body: bytes) -> list[Any]:
    try:
        found = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(f"the body is no JSON: {error}; {_FORM}") from None
    if not isinstance(found, dict) or not isinstance(found.get("rows"), list) or not found["rows"]:
        raise Refused(f"the body holds no rows; {_FORM}")
    require_keys_once(body, found)
    if unknown := sorted(found.keys() - {"rows", "columns"}):
        raise Refused(f"the body has an unknown key {unknown[0]!r}; {nearest(unknown[0], ['rows', 'columns'])}")
    rows, names = found["rows"], found.get("columns")
    if names is None:
        return rows
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise Refused("columns must be a list of different names")
    for number, row in enumerate(rows, 1):
        if not isinstance(row, list) or len(row) != len(names):
            given = f"{len(row)} cells" if isinstance(row, list) else "no list"
            raise Refused(f"row {number} has {given}, and there are {len(names)} columns")
    return [dict(zip(names, row, strict=True)) for row in rows]


def _cells(served: Served, rows: Sequence[Any]) -> list[list[Any]] | None:
    names = served.names
    try:
        return [[row[name] for name in names] for row in rows] if names else None
    except (KeyError, TypeError):
        return None


def source_of(served: Served, rows: Sequence[Any]) -> Any:
    """Rows of JSON as an object that is read as `predict` reads one."""
    tables = [isinstance(row, dict) for row in rows]
    if not any(tables):
        if served.columns:
            raise Refused(f"row 1 is no object with a value for each column; {_FORM}")
        return rows
    if not all(tables):
        raise Refused(f"row {tables.index(False) + 1} is no object, as others are; {_FORM}")
    names = list(dict.fromkeys(name for row in rows for name in row))
    return pa.table({name: _array(name, [row.get(name) for row in rows]) for name in names})


def _array(name: str, cells: list[Any]) -> pa.Array:
    try:
        return pa.array(cells)
    except OverflowError:
        raise DataError(f"the request: column {name!r} holds a whole number of more than 64 bits") from None
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        kinds = sorted({type(cell).__name__ for cell in cells if cell is not None})
        raise DataError(f"the request: column {name!r} holds {' and '.join(kinds)}; send cells of one type") from None


def _arrow(body: bytes) -> pa.Table:
    try:
        return pa.ipc.open_stream(body).read_all()
    except (pa.ArrowInvalid, OSError) as error:
        raise Refused(f"the body is no Arrow stream: {str(error).splitlines()[0]}") from None


def write(served: Served, wanted: Wanted, p: Values, partly: str) -> Told:
    """The answer: as JSON, or as a file of predictions, a line a row, in CSV or an Arrow stream."""
    accept, rows = wanted.ask.accept or wanted.ask.type, len(p)
    head = {"x-concours-model": served.name} | ({"x-concours-partly": partly} if partly else {})
    if accept in (CSV, ARROW):
        proba = served.output.estimator == "classifier"
        table = pa.table(served.output.columns(p, served.deciding, proba=proba))
        if wanted.notes:
            head["x-concours-notes"] = " | ".join(wanted.notes)[:1000].encode("ascii", "replace").decode()
        return Told(wanted.ask.id, _bytes(table, accept), type=accept, head=head, rows=rows)
    body: dict[str, Any] = {
        "model": served.name,
        "ids": ids_of(wanted.ask, rows),
        "predictions": predictions(served, p),
    }
    if served.output.estimator == "classifier":
        body |= {"labels": served.output.labels, "probabilities": p.tolist()}
    if wanted.notes:
        body["notes"] = wanted.notes
    if partly:
        body["partly"] = partly
    return Told(wanted.ask.id, _encode(body), head=head, rows=rows)


def predictions(served: Served, p: Values) -> list[Any]:
    """What a file of predictions would hold of each row: its one value, or an object of its columns."""
    if served.output.estimator == "classifier":
        found = served.output.answers(p, served.deciding)
        return found.tolist() if hasattr(found, "tolist") else list(found)
    table = pa.table(served.output.columns(p, served.deciding, proba=False))
    return table["prediction"].to_pylist() if table.column_names == ["prediction"] else table.to_pylist()


def _bytes(table: pa.Table, form: str) -> bytes:
    sink = pa.BufferOutputStream()
    if form == CSV:
        pyarrow.csv.write_csv(table, sink)
    else:
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
    return sink.getvalue().to_pybytes()


PLAIN: Final = Door(read=read, write=write, refuse=as_plain)
