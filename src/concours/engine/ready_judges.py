"""Judges made ready: verdicts that somebody has already are found in a problem's parts, and kept; folders are found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import DataError, RecipeError
from concours.core.had import CONTENT, scheme_of
from concours.core.ports import Store
from concours.core.registry import load
from concours.core.written import written
from concours.engine.ingest import Ingested, names_of
from concours.kernels.scoring.verdicts import TIE
from concours.stores.blobs import put_array
from concours.tasks.predicted import ID
from concours.tasks.readers.opened import Options
from concours.tasks.readers.source import open_source
from concours.tasks.written import BOUNDS, JUDGE_SCORE, WIN_RATE

Floats = NDArray[np.float64]
Said = dict[str, dict[str, float]]
"""Verdicts by model, and by the id of the row."""

_NUMBERS: Final = {"preference": WIN_RATE, "grade": JUDGE_SCORE}
"""Columns of verdicts, and what is judged by them."""
_SIDES: Final = ("model_a", "model_b", "winner")
_WON: Final = {"model_a": 1.0, "model_b": 0.0, "tie": TIE}


def with_judges(ingested: Ingested, store: Store, folder: Path, task_id: str | None) -> Ingested:
    """With the verdicts of judges that are files, kept: as `said` of the judge, by model, of each part that it has; and
    with judges in folders found.

    A file has a column of ids, `id`, `question` or that of the task's ids; and `model` with `preference`, from 0 to 1
    how much its text wins against the reference, or with `grade`, from 1 to 10; or battles, `model_a`, `model_b` and
    `winner`, of which a model has the mean of its own on a row.

    Raises:
        DataError: a file is missing, lacks a column, or has a value that is none; says which.
    """
    output = ingested.problem.output
    made = [_ready(judge, ingested, store, folder, task_id) for judge in output.meta.get("judges", ())]
    judges = [judge for judge, _ in made]
    if judges == list(output.meta.get("judges", ())):
        return ingested
    output = replace(output, meta={**output.meta, "judges": judges})
    warnings = (*ingested.warnings, *(warning for _, warning in made if warning))
    return replace(ingested, problem=replace(ingested.problem, output=output), warnings=warnings)


def _ready(
    judge: Mapping[str, Any], ingested: Ingested, store: Store, folder: Path, task_id: str | None
) -> tuple[dict[str, Any], str]:
    """The judge, and what is to be said of it; nothing where there is nothing."""
    scheme, name = scheme_of(judge["recipe"]), judge["recipe"].partition(":")[2]
    if scheme is None or scheme.names == "address":
        return dict(judge), ""
    if scheme.brings:
        return _kept(judge, ingested, store, folder, task_id)
    try:
        content = load(scheme.found)(name, folder).digest
    except RecipeError as error:
        raise DataError(f"the judge {judge['name']}: {error}") from None
    recipe = judge["recipe"].replace(name, Path(name).name)
    return {**judge, "recipe": recipe, "params": {**judge["params"], CONTENT: content}}, ""


def _kept(
    judge: Mapping[str, Any], ingested: Ingested, store: Store, folder: Path, task_id: str | None
) -> tuple[dict[str, Any], str]:
    file = folder / judge["recipe"].partition(":")[2]
    way, said = _read(file, task_id)
    tested = {"test": names_of(ingested, store, test=True)} if ingested.problem.test else {}
    parts = {"oof": names_of(ingested, store, test=False), **tested}
    kept = {
        model: {
            part: put_array(store, np.array([of.get(name, np.nan) for name in names])) for part, names in parts.items()
        }
        for model, of in said.items()
    }
    return {**judge, "way": way, "said": kept}, _strange(judge["name"], file.name, said, ingested)


def _strange(judge: str, file: str, said: Said, ingested: Ingested) -> str:
    """Of verdicts on rows that there are not, how many and which is the first; nothing where there are none."""
    ids = range(ingested.data_rows) if ingested.data_ids is None else ingested.data_ids.to_pylist()
    known = {written(name).strip() for name in (*ids, *ingested.test_ids.to_pylist())}
    strange = [name for of in said.values() for name in of if name not in known]
    if not strange:
        return ""
    return f"the judge {judge}: {file}: verdicts on no row of the data: {len(strange):,}, first {strange[0]!r}"


def _read(file: Path, task_id: str | None) -> tuple[str, Said]:
    names = [name for name in (task_id, ID, "question") if name]
    options = Options(header=True, written=(*names, "model", *_SIDES), missing=())
    table = open_source(file, Path(), options).x
    if not isinstance(table, pa.Table):
        raise DataError(f"{file.name} holds no table; a table of verdicts was expected")
    named = next((name for name in names if name in table.column_names), None)
    if named is None:
        raise DataError(f"{file.name}: a column of ids was expected, {' or '.join(dict.fromkeys(names))}")
    ids = [written(value).strip() for value in table[named].to_pylist()]
    number = next((name for name in _NUMBERS if name in table.column_names), None)
    if number and "model" in table.column_names:
        way = _NUMBERS[number]
        return way, _numbers(file.name, ids, table["model"].to_pylist(), table[number].to_pylist(), way, number)
    if set(_SIDES) <= set(table.column_names):
        return WIN_RATE, _battles(file.name, ids, [table[name].to_pylist() for name in _SIDES])
    raise DataError(
        f"{file.name}: expected columns model and preference, model and grade, or model_a, model_b and winner; it has "
        f"{', '.join(table.column_names)}"
    )


def _numbers(
    file: str, ids: Sequence[str], models: Sequence[str], values: Sequence[Any], way: str, column: str
) -> Said:
    found: Said = {}
    low, high = BOUNDS[way]
    for row, (name, model, value) in enumerate(zip(ids, models, values, strict=True), 1):
        if not isinstance(value, (int, float)) or not low <= value <= high:
            raise DataError(f"{file}: row {row}: {column} must be a number from {low:g} to {high:g}, got {value!r}")
        if name in found.setdefault(model, {}):
            raise DataError(f"{file}: row {row}: a second verdict on {model} and {name}")
        found[model][name] = float(value)
    return found


def _battles(file: str, ids: Sequence[str], columns: Sequence[Sequence[str]]) -> Said:
    """The mean of all battles of a model on a row, either side against whomever: the reference, where it is a star."""
    sums: dict[str, dict[str, list[float]]] = {}
    for row, (name, left, right, winner) in enumerate(zip(ids, *columns, strict=True), 1):
        if winner not in _WON:
            raise DataError(f"{file}: row {row}: winner must be model_a, model_b or tie, got {winner!r}")
        for model, value in ((left, _WON[winner]), (right, 1 - _WON[winner])):
            sums.setdefault(model, {}).setdefault(name, []).append(value)
    return {model: {name: float(np.mean(each)) for name, each in of.items()} for model, of in sums.items()}
