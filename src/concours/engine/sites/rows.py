"""The rows of a site: read by the schema that the server sends, checked, and kept in a store of the site's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from concours.core.digests import Digest
from concours.core.errors import ConcoursError, DataError
from concours.core.job import Job
from concours.core.ports import Store
from concours.core.typed import typed
from concours.engine.rows import as_rows, put_rows
from concours.engine.schemas import Schema
from concours.entrants.models import load_object
from concours.stores.blobs import get_array, get_bundle, get_json, get_table, is_table
from concours.stores.values import put_values
from concours.tasks.kinds import kind_named
from concours.tasks.outputs.table import output_told
from concours.tasks.reading import Data, read_alike
from concours.tasks.task import Task


class Unsuited(ConcoursError):
    """The site's rows are not what the task says. The message is for both sides, and holds nothing of the rows."""


class Gone(ConcoursError):
    """What a job is about is no longer there; the site is, for the next one. The message is for both sides."""


class OwnRows:
    """The rows of a site as a job takes them; read once for each schema.

    Args:
        data: a file or a folder, as `[task] data` takes it.
        told: is given what the data owner should know, a line each.
    """

    def __init__(self, data: Path | str, told: Callable[[str], None]) -> None:
        self._data, self._told = data, told
        self._known: dict[tuple[Digest | None, ...], Mapping[str, Digest]] = {}

    def __call__(self, job: Job, store: Store) -> Mapping[str, Digest]:
        key = tuple(job.inputs.get(name) for name in ("schema", "like", "transformer"))
        if key not in self._known:
            self._known[key] = self._read(job, store)
        return self._known[key]

    def _read(self, job: Job, store: Store) -> Mapping[str, Digest]:
        schema = typed(Schema, get_json(store, job.inputs["schema"]))
        like = job.inputs["like"]
        form = get_table(store, like) if is_table(store, like) else get_array(store, like)[:0]
        task = Task(
            kind=schema.kind,
            data=str(self._data),
            target=schema.target,
            drop=tuple(schema.drop),
            labels=schema.labels,
            columns=schema.columns,
            missing=schema.missing,
        )
        output = output_told(schema.output, schema.classes)
        try:
            data = read_alike(self._data, task, kind_named(schema.kind), Path(), Data(x=form, y=None, name="the task"))
        except DataError as error:
            raise self._unsuited(error, form, schema) from None
        try:
            y, said = output.encoded(data.y, data.name)
        except DataError as error:
            self._told(str(error))
            raise Unsuited("its target has values that the task does not know") from None
        for text in (data.said, *data.warnings, *said):
            self._told(text)
        if output.codes and len(np.unique(y)) == 1:
            self._told(f"all {len(y):,} rows are of one class: what is trained on them alone knows no other")
        x = as_rows(data.x) if isinstance(data.x, pa.Table) else data.x
        if "transformer" in job.inputs:
            transformer = load_object(get_bundle(store, job.inputs["transformer"])["transformer.skops"])
            x = transformer.transform(x)
        return {"x": put_rows(store, x), "y": put_values(store, y)}

    def _unsuited(self, error: DataError, form: Any, schema: Schema) -> Unsuited:
        """Whoever has the rows is told all of it; others, which of the columns that they named it is about."""
        self._told(str(error))
        if "no rows" in str(error):
            return Unsuited("it has no rows")
        names = [*(form.column_names if isinstance(form, pa.Table) else ()), str(schema.target)]
        about = [name for name in names if repr(name) in str(error)]
        where = f", by {', '.join(map(repr, about[:3]))}" if about else ""
        return Unsuited(f"its rows are not as the task says{where}; the site has been told why")
