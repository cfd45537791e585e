"""What the parts of the names of files tell: columns, as a task calls them, such as a label, a speaker, a place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

import pyarrow as pa

from concours.core.errors import ContestError, DataError

_PART = re.compile(r"\{(\w+)\}")


def with_parts(table: pa.Table, names: Sequence[str], form: str | None, source: str) -> pa.Table:
    """A table with a column for each part of the names of files (rows,), as `form` calls them: `{label}_{number}`.

    Raises:
        ContestError, DataError: the form has no parts, a name is of another form, or the table has such a column.
    """
    if form is None:
        return table
    parts = _PART.findall(form)
    if not parts or len(set(parts)) < len(parts):
        raise ContestError(f'task.file_name: parts in braces were expected, as "{{label}}_{{number}}", got {form!r}')
    literal = [re.escape(text) for text in _PART.split(form)[::2]]
    pattern = re.compile("(.+?)".join(literal))
    matches = [pattern.fullmatch(PurePosixPath(name).stem) for name in names]
    if None in matches:
        name = PurePosixPath(names[matches.index(None)]).name
        raise DataError(f"task.file_name: {source}: the name of {name} is not of the form {form!r}")
    for place, part in enumerate(parts):
        if part in table.column_names:
            raise ContestError(f"task.file_name: {source} has a column {part!r} already; call that part otherwise")
        values = [match[place + 1] for match in matches if match]
        table = table.append_column(part, pa.array(values, pa.string()))
    return table


def form_of(names: Sequence[str]) -> str | None:
    """Names as parts between signs, where all have as many: `{part1}_{part2}`."""
    stems = [PurePosixPath(name).stem for name in names]
    for mark in ("_", "-"):
        counts = {stem.count(mark) for stem in stems}
        if len(counts) == 1 and 0 not in counts and all(all(stem.split(mark)) for stem in stems):
            return mark.join(f"{{part{place + 1}}}" for place in range(counts.pop() + 1))
    return None


def grouping_part(table: pa.Table, *, but: str = "") -> str | None:
    """The part of names that has few words, and no numbers alone: what several rows are of, as far as names tell."""
    for name in table.column_names:
        values = table[name].unique().to_pylist() if re.fullmatch(r"part\d+", name) and name != but else []
        words = all(isinstance(value, str) and re.search(r"[^\W\d]", value) for value in values)
        if words and 3 <= len(values) <= len(table) / 2:
            return name
    return None
