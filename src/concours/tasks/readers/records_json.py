"""JSON as a table: an object a line, an array of objects, an object of columns, or one of these under a key."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from concours.core.errors import DataError
from concours.tasks.readers.archives import Entry
from concours.tasks.readers.damage import damage_named
from concours.tasks.readers.depth import refuse_depth
from concours.tasks.readers.text import is_utf8, marked_encoding

Objects: TypeAlias = list[dict[str, Any]]

_BLOCK = 1 << 24
_HEAD = 1 << 16
_LONG = 1 << 63
_DIGITS = 20
_EXACT = float(1 << 53)
_LISTED = 5
_WANTED = "expected an object a line, or a list of objects, e.g. [{…}, {…}]"


def read_json_table(entry: Entry) -> tuple[pa.Table, tuple[str, ...], tuple[str, ...]]:
    """A JSON file as a table, notes and warnings. What an object has within it are columns `outer.inner`.

    Read are: an object a line (blank lines and a byte order mark do not count); a list of objects; an object of
    columns; what pandas writes in its forms `split`, `table`, `index` and `columns`; and an object that has one list of
    objects under one of its keys. A key that an object has not is missing there, and so are NaN and infinities.

    Raises:
        DataError: a line is not JSON, or what is in it is no table; the message names the line.
    """
    with damage_named(entry.name), entry.open() as file:
        head = file.read(_HEAD)
    with damage_named(entry.name), entry.open() as file:
        refuse_depth(file, entry.name)
    if marked_encoding(head) is None and _is_lines(head, entry):
        table = _arrow(entry)  # what is wrong is told below, with its line
        if table is not None and not _rounded(table := flat(table, entry.name)):
            return table, (), ()
    text = _text(entry)
    if not text.strip():
        raise DataError(f"{entry.name} is empty")
    found, note = _objects(_documents(text, entry.name), text, entry.name)
    table, warnings = _table(found, text, entry.name)
    return flat(table, entry.name), (note,) if note else (), warnings


def _is_lines(head: bytes, entry: Entry) -> bool:
    """Whether a file has an object a line, by its first."""
    first, end, rest = head.lstrip().partition(b"\n")
    one = not end or not rest.strip()
    if not first.startswith(b"{") or (one and entry.suffix == ".json" and len(head) < _HEAD):
        return False
    return (not end and len(head) == _HEAD) or first.rstrip().endswith(b"}")


def _arrow(entry: Entry) -> pa.Table | None:
    """The table that Arrow reads; none where it finds something wrong."""
    import pyarrow.json

    options = pyarrow.json.ReadOptions(block_size=_BLOCK)
    with damage_named(entry.name), entry.open() as file:
        try:
            return pyarrow.json.read_json(file if entry.path is not None else pa.BufferReader(file.read()), options)
        except pa.ArrowException:
            return None


def _rounded(table: pa.Table) -> bool:
    """Whether whole numbers may have lost digits: Arrow takes those beyond 64 bits for floating ones."""
    numbers = (table[field.name] for field in table.schema if pa.types.is_floating(field.type))
    return any(pc.any(pc.greater_equal(pc.abs(column), _EXACT)).as_py() for column in numbers)


def flat(table: pa.Table, name: str) -> pa.Table:
    """A table without columns of objects: what is in these are columns `outer.inner`.

    Raises:
        DataError: another column has such a name.
    """
    while any(pa.types.is_struct(field.type) for field in table.schema):
        table = table.flatten()
    twice = [column for column, times in Counter(table.column_names).items() if times > 1]
    if twice:
        raise DataError(f"{name}: two columns are called {twice[0]!r}, one of them within an object; names must differ")
    return table


def _text(entry: Entry) -> str:
    with damage_named(entry.name), entry.open() as file:
        content = file.read()
    encoding = marked_encoding(content) or "utf-8"
    if encoding == "utf-8" and not is_utf8(content):
        raise DataError(f"{entry.name} is no JSON: it is not in UTF-8")
    return content.decode(encoding, errors="replace")


# Text to objects


class _Repeated(ValueError):
    """An object has a key twice."""


def _decoder(**numbers: Any) -> json.JSONDecoder:
    return json.JSONDecoder(parse_constant=lambda _: None, object_pairs_hook=_object, **numbers)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        seen = [key for key, _ in pairs]
        raise _Repeated(next(key for key in seen if seen.count(key) > 1))
    return made


def _whole(text: str) -> int | str:
    """A whole number; as it is written where 64 bits do not hold it."""
    if len(text) > _DIGITS:  # which takes long to read, and Python refuses some
        return text
    value = int(text)
    return value if -_LONG <= value < _LONG else text


def _documents(text: str, name: str, decoder: json.JSONDecoder | None = None) -> list[tuple[int, Any]]:
    """The values that follow one another in a text, each with where it begins."""
    decoder = decoder or _decoder(parse_int=_whole)
    found: list[tuple[int, Any]] = []
    at = _past_blanks(text, 0)
    while at < len(text):
        try:
            value, end = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            line = _line(text, at) if found else error.lineno  # of an object a line, that where it begins
            where = f"line {error.lineno}, column {error.colno}"
            raise DataError(f"{name}: line {line} is not JSON: {error.msg} ({where})") from None
        except _Repeated as error:
            raise DataError(f"{name}: line {_line(text, at)}: an object has the key {str(error)!r} twice") from None
        except RecursionError:
            raise DataError(f"{name}: line {_line(text, at)}: objects within objects, too deep to be a table") from None
        found.append((at, value))
        at = _past_blanks(text, end)
    return found


def _past_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _elements(text: str, at: int) -> Iterator[int]:
    """Where the elements of the list that begins at a place begin."""
    decoder = _decoder(parse_int=str)
    at = _past_blanks(text, at + 1)
    while at < len(text) and text[at] != "]":
        yield at
        at = _past_blanks(text, decoder.raw_decode(text, at)[1])
        at = _past_blanks(text, at + 1) if text[at : at + 1] == "," else at


# Objects to rows


def _objects(documents: Sequence[tuple[int, Any]], text: str, name: str) -> tuple[Objects, str]:
    """The rows, and where they lay, if that is worth a word."""
    if len(documents) > 1:
        for at, value in documents:
            if not isinstance(value, dict):
                raise DataError(f"{name}: line {_line(text, at)} holds {_what(value)}; {_WANTED}")
        return [value for _, value in documents], ""
    at, value = documents[0]
    if isinstance(value, list):
        return _listed(value, text, at, name), ""
    if isinstance(value, dict):
        return _within(value, name)
    raise DataError(f"{name} holds {_what(value)}; {_WANTED}")


def _listed(value: list[Any], text: str, at: int, name: str) -> Objects:
    if not value:
        raise DataError(f"{name} has no rows")
    wrong = next((place for place, row in enumerate(value) if not isinstance(row, dict)), None)
    if wrong is not None:
        places = list(_elements(text, at))
        raise DataError(f"{name}: line {_line(text, places[wrong])} holds {_what(value[wrong])}; {_WANTED}")
    return value


def _within(value: dict[str, Any], name: str) -> tuple[Objects, str]:
    """The rows of an object: its columns, those of pandas, one list of objects in it, or itself."""
    if set(value) >= {"columns", "data"} and _is_matrix(value["data"], value["columns"]):
        return [dict(zip(map(str, value["columns"]), row, strict=True)) for row in value["data"]], ""
    if value and all(isinstance(column, list) and column and not _has_inner(column) for column in value.values()):
        return _of_columns(value, name), ""
    paths = list(_lists(value)) or [path for key, inner in value.items() for path in _lists(inner, (key,))]
    if len(paths) == 1:
        others = [key for key in value if key != paths[0][0][0]]
        more = f"; left out: {', '.join(others[:_LISTED])}" if others else ""
        return paths[0][1], f"the rows are under {'.'.join(paths[0][0])}{more}"
    if len(paths) > 1:
        keys = ", ".join(".".join(path) for path, _ in paths[:_LISTED])
        raise DataError(f"{name} has several lists of objects, under {keys}: write the one that is the table to a file")
    if value and all(isinstance(row, dict) and not _has_inner(row.values()) for row in value.values()):
        return _of_frames(value, name), ""
    if any(isinstance(inner, list) for inner in value.values()):
        raise DataError(f"{name} holds an object with the keys {', '.join(list(value)[:_LISTED])}; {_WANTED}")
    return [value], ""


def _is_matrix(rows: Any, columns: Any) -> bool:
    return (
        isinstance(rows, list)
        and isinstance(columns, list)
        and bool(rows)
        and all(isinstance(row, list) and len(row) == len(columns) for row in rows)
    )


def _has_inner(values: Any) -> bool:
    return any(isinstance(value, (dict, list)) for value in values)


def _lists(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Objects]]:
    """The lists of objects under the keys of an object."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, list) and inner and all(isinstance(row, dict) for row in inner):
                yield (*path, key), inner


def _of_columns(columns: Mapping[str, list[Any]], name: str) -> Objects:
    lengths = {key: len(column) for key, column in columns.items()}
    first = next(iter(lengths))
    for key, length in lengths.items():
        if length != lengths[first]:
            raise DataError(f"{name}: {key!r} has {length} values where {first!r} has {lengths[first]}")
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _of_frames(value: Mapping[str, Mapping[str, Any]], name: str) -> Objects:
    """An object of objects, as pandas writes: rows by their index, or columns by their names."""
    inner = list(dict.fromkeys(key for row in value.values() for key in row))
    if all(map(str.isdecimal, inner)) and not all(map(str.isdecimal, value)):
        return [{column: rows.get(place) for column, rows in value.items()} for place in inner]
    if all(map(str.isdecimal, value)) and not all(map(str.isdecimal, inner)):
        return [dict(row) for row in value.values()]
    if len(value) == 1 or len({frozenset(row) for row in value.values()}) > 1:
        return [dict(value)]
    raise DataError(
        f"{name} holds an object of objects ({', '.join(list(value)[:_LISTED])}): are these rows or columns? {_WANTED}"
    )


def _what(value: Any) -> str:
    words = {dict: "an object", list: "a list", str: "a text", bool: "a truth value", type(None): "null"}
    return words.get(type(value), "a number")


# Rows to a table


def _table(rows: Objects, text: str, name: str) -> tuple[pa.Table, tuple[str, ...]]:
    """A table of the types that Arrow finds, as in JSON lines; a key with values of several types is texts."""
    import pyarrow.json

    kinds = _kinds(rows)
    mixed = [path for path, found in kinds.items() if len(found) > 1]
    for path in mixed:
        if set(kinds[path]) & {"an object", "a list"}:
            _refuse_mixed(path, kinds[path], name)
    if mixed:
        written = _decoder(parse_int=str, parse_float=str)
        as_text, _ = _objects(_documents(text, name, written), text, name)
        rows = [_with_texts(row, texts, set(mixed)) for row, texts in zip(rows, as_text, strict=True)]
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode("utf-8", "replace")
    refuse_depth(io.BytesIO(lines), name)
    try:
        table = pyarrow.json.read_json(
            pa.BufferReader(lines), pyarrow.json.ReadOptions(block_size=max(_BLOCK, len(lines)))
        )
    except pa.ArrowException as error:
        raise DataError(f"{name}: {str(error).splitlines()[0][:200]}") from None
    return table, tuple(_said(path, kinds[path]) for path in mixed)


def _kinds(rows: Objects) -> dict[tuple[str, ...], dict[str, int]]:
    """Of each path of keys: which kinds of values it has, each with the row where it is first, from 1."""
    kinds: dict[tuple[str, ...], dict[str, int]] = {}

    def note(value: Any, path: tuple[str, ...], number: int) -> None:
        if value is not None:
            kinds.setdefault(path, {}).setdefault(_what(value), number)
        if isinstance(value, dict):
            for key, inner in value.items():
                note(inner, (*path, key), number)

    for number, row in enumerate(rows, 1):
        for key, value in row.items():
            note(value, (key,), number)
    return kinds


def _with_texts(
    row: dict[str, Any], texts: dict[str, Any], mixed: set[tuple[str, ...]], path: tuple[str, ...] = ()
) -> Any:
    """A row whose values of several types are as the file writes them."""
    made: dict[str, Any] = {}
    for key, value in row.items():
        here = (*path, key)
        if here in mixed and value is not None:
            made[key] = json.dumps(value) if isinstance(value, bool) else texts[key]
        else:
            made[key] = _with_texts(value, texts[key], mixed, here) if isinstance(value, dict) else value
    return made


def _refuse_mixed(path: tuple[str, ...], found: Mapping[str, int], name: str) -> NoReturn:
    one, other = list(found.items())[:2]
    raise DataError(
        f"{name}: {'.'.join(path)!r} is {one[0]} in row {one[1]} and {other[0]} in row {other[1]}; values of one kind "
        "were expected"
    )


def _said(path: tuple[str, ...], found: Mapping[str, int]) -> str:
    listed = " and ".join(f"{kind} (first in row {row})" for kind, row in found.items())
    return f"{'.'.join(path)!r} holds {listed}: all are read as texts"
