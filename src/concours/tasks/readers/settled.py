"""What was opened, its columns typed by their forms."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from concours.core.errors import DataError
from concours.tasks.forms import settle
from concours.tasks.readers.objects import refuse_lists
from concours.tasks.readers.opened import Opened, Options


def settled(opened: Opened, options: Options) -> Opened:
    """What was opened with the columns of its tables typed; a test part as the rest.

    Raises:
        DataError: a declared column is not there, or none of its cells is what was declared; or a column holds lists,
            and these are not asked for.
    """
    if not isinstance(opened.x, pa.Table):
        return opened
    if not options.lists:
        _refuse_lists(opened)
    found = settle(
        opened.x,
        opened.name,
        written=opened.cells,
        columns=options.columns,
        words=(*options.written, *([options.source] if options.source else [])),
        missing=options.missing,
        like=options.like,
    )
    like = options.like if options.like is not None else found.table.schema
    return replace(
        opened,
        x=found.table,
        test=None if opened.test is None else settled(opened.test, replace(options, like=like)),
        notes=(*opened.notes, *found.notes),
        warnings=(*opened.warnings, *found.warnings),
        cells=False,
    )


def _refuse_lists(opened: Opened) -> None:
    assert isinstance(opened.x, pa.Table)  # noqa: S101 (for the type checker)
    try:
        refuse_lists(opened.x)
    except DataError as error:
        raise DataError(f"{opened.name}: {error}") from None
