"""Programs of any language as jobs ask them: rows as a table of CSV or Arrow, and the predictions that come."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from concours.core import consent
from concours.core.asked import asked_of_recipe
from concours.core.errors import DataError
from concours.core.had import CONTENT
from concours.core.job import Job
from concours.core.objects import last_name
from concours.core.ports import Store
from concours.core.typed import typed
from concours.core.written import counted, written
from concours.entrants.programs import Params, Program
from concours.tasks.outputs.output import Values
from concours.tasks.outputs.table import output_told
from concours.tasks.predicted import Wanted, read_file

_ARROW = (b"ARROW1", b"\xff\xff\xff\xff")
"""How a file and a stream of Arrow begin."""
_SAID = "said"
_CURE = "; mend it"
"""Begins what is advised about files of data, which what a program writes is not."""


class Speaking:
    """A program as it answers for rows of a task."""

    def __init__(self, job: Job, program: Program) -> None:
        self._program = program
        self._output = output_told(job.params["output"], labels := job.params["labels"])
        self._wanted = Wanted(classes=tuple(map(written, labels)), texts=self._output.texts)

    def predict(self, x: Any) -> Values:
        """Predictions (rows, …).

        Raises:
            RecipeError: the program cannot be started.
            DataError: it failed, took too long, or wrote no table with a prediction for each row, in their order.
        """
        rows, who = as_table(x), self._program.who
        said = self._program.said(FORMS[self._program.params.form](rows))
        if not said.strip():
            raise DataError(f"{who} wrote nothing; a table of predictions with a header was expected")
        with TemporaryDirectory() as folder:
            file = Path(folder) / f"{_SAID}.{'arrow' if said.startswith(_ARROW) else 'csv'}"
            file.write_bytes(said)
            try:
                table = read_file(file, self._wanted)
                if len(table) != len(rows):
                    told = f"{counted(len(table), 'prediction')} for {counted(len(rows), 'row')}"
                    raise DataError(f"it wrote {told}; one a row was expected")
                whole = self._output.given(table, _SAID).whole
            except DataError as error:
                told = str(error).removeprefix(f"{_SAID}: ").replace(file.name, "what it wrote").partition(_CURE)[0]
                raise DataError(f"{who}: {told}") from None
        return self._output.accepted(whole, len(rows))


def opened(job: Job, store: Store) -> Speaking:
    """The program of a job's file.

    Raises:
        TrustError: it may not run here.
    """
    recipe, params = job.params["recipe"], job.params["params"]
    consent.require(asked_of_recipe(recipe, params))
    own = typed(Params, {name: value for name, value in params.items() if name != CONTENT})
    with store.open(job.inputs["code"]) as kept:
        content = kept.read()
    return Speaking(job, Program(content=content, name=last_name(recipe.partition(":")[2]), params=own))


def as_table(x: Any) -> pa.Table:
    """Rows as a program reads them: the columns of a table; texts as `text`; of pictures `height`, `width`, `colours`
    and `pixels`, a list that goes through rows of pixels, then pixels, then colours.
    """
    if isinstance(x, pd.DataFrame):
        return pa.Table.from_pandas(x, preserve_index=False).replace_schema_metadata()
    if x.dtype == np.object_:
        return pa.table({"text": pa.array(x.tolist(), pa.string())})
    if x.ndim == 2:
        return pa.table({f"x{number}": x[:, number] for number in range(x.shape[1])})
    rows, (height, width, *more) = len(x), x.shape[1:]
    shape = {"height": height, "width": width, "colours": more[0] if more else 1}
    flat = pa.FixedSizeListArray.from_arrays(pa.array(x.reshape(-1)), int(np.prod(x.shape[1:])))
    return pa.table({**{name: np.full(rows, size, np.int32) for name, size in shape.items()}, "pixels": flat})


def _csv(table: pa.Table) -> bytes:
    """With a header; what is missing is an empty cell, and the numbers of a list are divided by blanks."""
    frame = table.to_pandas()
    for field in table.schema:
        if pa.types.is_list(field.type) or pa.types.is_fixed_size_list(field.type):
            frame[field.name] = [" ".join(map(str, cell)) for cell in frame[field.name]]
    return frame.to_csv(index=False).encode()


def _arrow(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


FORMS: Mapping[str, Callable[[pa.Table], bytes]] = {"csv": _csv, "arrow": _arrow}
"""By the name of a form: a table as a program reads it."""
