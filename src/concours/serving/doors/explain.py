"""What a model looks at in one row: of a table what each column adds, of a text each word, of a picture each part."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from concours.insights import occlusion
from concours.insights.attribution import of_row
from concours.serving.doors import plain
from concours.serving.doors.door import Door, Wanted
from concours.serving.model import Served
from concours.serving.refused import Refused, as_plain
from concours.serving.wire import Ask, Told
from concours.tasks.outputs.output import Values

_encode = msgspec.json.Encoder().encode
_CHANGED: Final = 2000
"""About so many changed rows are predicted for an explanation."""
_FEWEST_ORDERS, _MOST_ORDERS = 8, 64


def read(served: Served, ask: Ask) -> Wanted:
    """The one row of a request. Raises Refused, DataError."""
    if why := why_unexplained(served):
        raise Refused(why)
    wanted = plain.read(served, ask)
    x = wanted.rows()
    if len(x) != 1:
        raise Refused(f"one row is explained at a time, and {len(x)} came")
    return Wanted(ask=ask, rows=lambda: x, more=x, notes=wanted.notes)


def why_unexplained(served: Served) -> str:
    """Why no row of a model can be explained; empty where rows can."""
    if served.output.estimator not in ("classifier", "regressor"):
        return f"explained are classes and numbers, and this model predicts {served.output.said}"
    if lists := [column.name for column in served.columns if pa.types.is_nested(column.type)]:
        return f"{lists[0]!r} of a row is a list, and explained are tables, texts and pictures"
    if not served.columns and served.output.estimator != "classifier":
        return "rows of this kind are explained where classes are predicted"
    return ""


def write(served: Served, wanted: Wanted, p: Values, partly: str) -> Told:
    """The explanation of the prediction, as JSON."""
    x, of = wanted.more, None
    if served.output.estimator == "classifier":
        of = int(np.argmax(p[0] if served.deciding is None else p[0] * served.deciding))
    body: dict[str, Any] = {"model": served.name, "prediction": plain.predictions(served, p)[0]}
    if of is not None:
        body["explained"] = f"the probability of {served.output.labels[of]!r}"

    def said(rows: Any) -> NDArray[np.float64]:
        told = served.predict(rows)
        return told[:, of] if of is not None else np.asarray(told, dtype=np.float64).reshape(len(told))

    if isinstance(x, pd.DataFrame):
        body |= _columns(served, said, x)
    else:
        body |= _parts(served, x)
    body |= ({"notes": wanted.notes} if wanted.notes else {}) | ({"partly": partly} if partly else {})
    return Told(wanted.ask.id, _encode(body), rows=1)


def _columns(served: Served, said: Any, x: pd.DataFrame) -> dict[str, Any]:
    orders = int(np.clip(_CHANGED // (x.shape[1] + 1), _FEWEST_ORDERS, _MOST_ORDERS)) // 2 * 2
    found = of_row(said, x, served.held(), orders=orders, seed=0)
    effects = zip(
        x.columns, x.to_dict("records")[0].values(), found.effects.tolist(), found.errors.tolist(), strict=True
    )
    columns = [
        {"name": str(name), "value": value if isinstance(value, (int, float, str, bool)) else str(value),
         "effect": effect, "standard_error": error}
        for name, value, effect, error in effects
    ]  # fmt: skip
    columns.sort(key=lambda each: -abs(each["effect"]))
    return {"value": found.value, "base": found.base, "orders": orders, "columns": columns}


def _parts(served: Served, x: Any) -> dict[str, Any]:
    model = occlusion.Occluded(
        predict=served.predict,
        named=lambda p: (p if served.deciding is None else p * served.deciding).argmax(axis=1),
    )
    if x.ndim > 1:
        found = occlusion.of_pictures(model, x, [0], most=_CHANGED)
        return {"parts": found["maps"][0]}
    found = occlusion.of_texts(model, [str(x[0] or "")], np.zeros(1, dtype=np.int64), [0], most=_CHANGED, seed=0)
    words = zip(found["tokens"][0], found["weights"][0], strict=True)
    return {"words": [{"word": word, "effect": effect} for word, effect in words]}


EXPLAIN: Final = Door(read=read, write=write, refuse=as_plain, answers=False)
