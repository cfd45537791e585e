"""SVMlight's format, and that of LETOR's sets of queries: `2 qid:10 1:0.3 7:1 # document`, a row a line.

A number that no line names is 0, as it is in all libraries that read this (https://www.cs.cornell.edu/people/tj/svm_light).
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.datasets import load_svmlight_file

from concours.core.errors import DataError
from concours.core.written import counted
from concours.tasks.readers.archives import Entry
from concours.tasks.readers.damage import damage_named
from concours.tasks.readers.opened import LEAVE_OUT, Opened, Options

QUERY: Final = "qid"
TARGET: Final = "target"
SUFFIXES: Final = (".svmlight", ".libsvm", ".svm", ".letor")

_NUMBER = rb"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_LINE = re.compile(
    rb"\s*" + _NUMBER + rb"(?:\s+qid:\d{1,18})?(?:\s+\d{1,9}:(?:" + _NUMBER + rb"|nan|NaN))*\s*(?:#.*)?$"
)
_QUERY_LINE = re.compile(rb"\s*" + _NUMBER + rb"\s+qid:\d+(\s+\d+:|\s*$)")
_MOST_CELLS: Final = 1 << 30


def is_of_queries(content: bytes) -> bool:
    """Whether a text begins as LETOR's files do: a relevance, a query, numbers."""
    first = next((line for line in content[: 1 << 16].splitlines() if line.strip() and not line.startswith(b"#")), b"")
    return bool(_QUERY_LINE.match(first))


def read_svmlight(entry: Entry, options: Options) -> Opened:
    """Such a file as a table: `target`, `qid` where lines name it, and a column for each number that occurs, by its
    own number; none of all zeros before the first one.

    Raises:
        DataError: a line is of another form, with the first such, or there are too many cells for a table.
    """
    with damage_named(entry.name), entry.open() as file:
        content = file.read()
    kept, lines, left, first = _lines(content, entry.name, skip=options.on_bad_row == "skip")
    with_query = sum(b"qid:" in line.partition(b"#")[0] for line in kept)
    if with_query not in (0, len(kept)):
        raise DataError(f"{entry.name}: {with_query:,} of {len(kept):,} lines name a query; all have to, or none")
    known = [int(name) for name in options.like.names if name.isdecimal()] if options.like else []
    x, y, query = load_svmlight_file(
        io.BytesIO(b"\n".join(kept)), query_id=True, zero_based=True, n_features=_width(kept, known)
    )
    if x.shape[0] * x.shape[1] > _MOST_CELLS:
        raise DataError(
            f"{entry.name}: {x.shape[0]:,} rows of {x.shape[1]:,} numbers are too many for a table; number them "
            "without gaps, or take the frequent ones"
        )
    begins = min(known) if known else int(x.indices.min(initial=max(x.shape[1] - 1, 0)))
    columns = {str(place): x[:, [place]].toarray()[:, 0] for place in range(begins, x.shape[1])}
    named = {TARGET: y, **({QUERY: query} if with_query else {}), **columns}
    notes = (f"SVMlight's format, {len(columns):,} numbers a row",)
    gone = f"{counted(left, 'line')} of another form {'was' if left == 1 else 'were'} left out"
    said = (f"{entry.name}: {gone}; first: line {first}",) if left else ()
    return Opened(
        x=pa.table(named),
        name=entry.name,
        target=TARGET,
        unit="line",
        left_out=left,
        rows=lines - 1,
        notes=notes,
        warnings=said,
    )


def _lines(content: bytes, name: str, *, skip: bool) -> tuple[list[bytes], NDArray[np.int64], int, int]:
    """The lines of rows, their numbers, how many were left out, and the first such."""
    kept, numbers, wrong = list[bytes](), list[int](), list[int]()
    for number, line in _numbered(content):
        if _LINE.match(line):
            kept.append(line)
            numbers.append(number)
            continue
        wrong.append(number)
        if not skip:
            raise DataError(
                f"{name}: line {number} is {line[:60].decode(errors='replace')!r}; a relevance, `qid:` and the number "
                f"of the query, and numbers as `3:0.5` were expected; mend it, or {LEAVE_OUT}"
            )
    if not kept:
        raise DataError(f"{name} has no rows")
    return kept, np.array(numbers), len(wrong), wrong[0] if wrong else 0


def _numbered(content: bytes) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").splitlines(), 1):
        if line.strip() and not line.lstrip().startswith(b"#"):
            yield number, line


def _width(lines: list[bytes], known: list[int]) -> int | None:
    """How many numbers a row has, where rows that models were fitted on tell it: more than those are ignored."""
    if not known:
        return None
    found = max((int(cell.partition(b":")[0]) for line in lines for cell in _cells(line)), default=0)
    return int(np.maximum(found, max(known))) + 1


def _cells(line: bytes) -> list[bytes]:
    return [cell for cell in line.partition(b"#")[0].split()[1:] if not cell.startswith(b"qid:")]
