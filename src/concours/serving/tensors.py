"""Rows and predictions as named tensors, as the Open Inference Protocol (version 2) passes them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import nearest
from concours.serving.columns import Column
from concours.serving.model import Served
from concours.serving.refused import Refused
from concours.stores.blobs import texts_in
from concours.tasks.outputs.output import Values

TYPES: Final[Mapping[str, Any]] = {
    "BOOL": np.bool_,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "UINT64": np.uint64,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "FP16": np.float16,
    "FP32": np.float32,
    "FP64": np.float64,
    "BYTES": np.object_,
}
"""The types of the protocol that are read, as numpy has them."""
_NAMES: Final = {np.dtype(kind): name for name, kind in TYPES.items()}
_OF_COLUMNS: Final = {"int64": "INT64", "double": "FP64", "bool": "BOOL"}
ROWS: Final = "rows"
"""The tensor of a table whose columns are all numbers, (rows, columns), and of pictures, (rows, …)."""
TEXT: Final = "text"


@dataclass(frozen=True)
class Tensor:
    """A tensor.

    Attributes:
        data: of its shape; of `BYTES` an array of texts or bytes.
    """

    name: str
    datatype: str
    data: NDArray[Any]

    @property
    def shape(self) -> list[int]:
        return list(self.data.shape)


def inputs_of(served: Served) -> list[dict[str, Any]]:
    """The tensors that a model takes, as metadata of the protocol; none where rows are files, or have lists."""
    if any(pa.types.is_nested(column.type) for column in served.columns):
        return []
    if served.columns:
        if _numeric(served.columns):
            return [{"name": ROWS, "datatype": "FP64", "shape": [-1, len(served.columns)]}]
        return [
            {"name": each.name, "datatype": _OF_COLUMNS.get(str(each.type), "BYTES"), "shape": [-1]}
            for each in served.columns
        ]
    if isinstance(served.like, pa.Table) and texts_in(served.like) is not None:
        return [{"name": TEXT, "datatype": "BYTES", "shape": [-1]}]
    if isinstance(served.like, np.ndarray) and served.like.dtype in _NAMES:
        return [{"name": ROWS, "datatype": _NAMES[served.like.dtype], "shape": [-1, *served.like.shape[1:]]}]
    return []


def outputs_of(served: Served) -> list[dict[str, Any]]:
    """The tensors that it answers with; what is neither a class nor a number is JSON."""
    if served.output.estimator == "classifier":
        classes = {"name": "probabilities", "datatype": "FP64", "shape": [-1, len(served.output.labels)]}
        return [{"name": "prediction", "datatype": "BYTES", "shape": [-1]}, classes]
    return [{"name": "prediction", "datatype": "FP64" if served.output.codes == 0 else "BYTES", "shape": [-1]}]


def _numeric(columns: Sequence[Column]) -> bool:
    return all(str(each.type) in ("int64", "double") for each in columns)


def cells_of(served: Served, tensors: Sequence[Tensor]) -> tuple[list[list[Any]] | None, Any]:
    """Rows of tensors: as cells in the order of the columns where rows are of a table; else as an object that is read.

    Raises:
        Refused: tensors are missing, unknown, or of another shape.
    """
    wanted = {each["name"]: each for each in inputs_of(served)}
    if not wanted:
        raise Refused("rows of this model are no tensors; send them to POST /predict")
    given = {tensor.name: _shaped(tensor, wanted) for tensor in tensors}
    if missing := [name for name in wanted if name not in given]:
        raise Refused(f"input {missing[0]!r} is missing; the model takes {', '.join(wanted)}")
    counts = {len(tensor.data) for tensor in given.values()}
    if len(counts) > 1:
        raise Refused(f"inputs have different numbers of rows: {', '.join(map(str, sorted(counts)))}")
    if counts == {0}:
        raise Refused("inputs have no rows")
    if not served.columns:
        (tensor,) = given.values()
        return None, [_text(tensor.name, each) for each in tensor.data] if tensor.datatype == "BYTES" else tensor.data
    if set(given) == {ROWS} and ROWS in wanted and wanted[ROWS]["shape"][1:]:
        return _whole(served, given[ROWS].data.tolist()), None
    columns = [_cells(given[name]) for name in served.names]
    return [list(row) for row in zip(*columns, strict=True)], None


def _shaped(tensor: Tensor, wanted: Mapping[str, Any]) -> Tensor:
    """A tensor as the model takes it: a column may come as (rows, 1)."""
    if tensor.name not in wanted:
        raise Refused(f"input {tensor.name!r} is not one of the model's; {nearest(tensor.name, wanted)}")
    shape = wanted[tensor.name]["shape"]
    if len(shape) == 1 and tensor.data.ndim == 2 and tensor.data.shape[1] == 1:
        return Tensor(tensor.name, tensor.datatype, tensor.data[:, 0])
    if tensor.data.ndim != len(shape) or list(tensor.data.shape[1:]) != shape[1:]:
        raise Refused(f"input {tensor.name!r} has shape {tensor.shape}, and {shape} was expected")
    return tensor


def _whole(served: Served, rows: list[list[Any]]) -> list[list[Any]]:
    """Cells of columns that held whole numbers as such, where they are; what is no number is missing."""
    places = [place for place, column in enumerate(served.columns) if pa.types.is_integer(column.type)]
    for row in rows:
        for place in places:
            if isinstance(row[place], float) and row[place].is_integer():
                row[place] = int(row[place])
        for place, cell in enumerate(row):
            if isinstance(cell, float) and math.isnan(cell):
                row[place] = None
    return rows


def _cells(tensor: Tensor) -> list[Any]:
    if tensor.datatype == "BYTES":
        return [_text(tensor.name, each) for each in tensor.data]
    return [None if isinstance(each, float) and math.isnan(each) else each for each in tensor.data.tolist()]


def _text(name: str, value: Any) -> str:
    try:
        return value.decode() if isinstance(value, bytes) else str(value)
    except UnicodeDecodeError:
        raise Refused(f"input {name!r} holds bytes that are no UTF-8: {value[:20]!r}") from None


def predicted(served: Served, p: Values) -> list[Tensor]:
    """Predictions (rows, …) as the tensors of `outputs_of`."""
    if served.output.estimator == "classifier":
        labels = [str(each) for each in served.output.answers(p, served.deciding)]
        return [Tensor("prediction", "BYTES", np.array(labels, dtype=object)), Tensor("probabilities", "FP64", p)]
    if served.output.codes == 0:
        return [Tensor("prediction", "FP64", np.asarray(p, dtype=np.float64).reshape(len(p)))]
    table = pa.table(served.output.columns(p, served.deciding, proba=False))
    one = table.column_names == ["prediction"] and pa.types.is_string(table["prediction"].type)
    rows = table["prediction"].to_pylist() if one else [json.dumps(row, default=str) for row in table.to_pylist()]
    return [Tensor("prediction", "BYTES", np.array(rows, dtype=object))]


def from_bytes(name: str, datatype: str, shape: Sequence[int], content: bytes) -> Tensor:
    """A tensor of its raw bytes, little-endian; texts each behind their length, of four bytes. Raises Refused."""
    kind, count = _kind(name, datatype), math.prod(shape)
    if datatype == "BYTES":
        found, place = list[bytes](), 0
        while place + 4 <= len(content) and len(found) < count:
            size = int.from_bytes(content[place : place + 4], "little")
            if place + 4 + size > len(content):
                break
            found.append(content[place + 4 : place + 4 + size])
            place += 4 + size
        if len(found) != count or place != len(content):
            raise Refused(f"input {name!r}: {len(content)} bytes are not {count} texts, each behind its length")
        return Tensor(name, datatype, _of_shape(name, np.array(found, dtype=object), shape))
    if len(content) != count * np.dtype(kind).itemsize:
        expected = count * np.dtype(kind).itemsize
        raise Refused(f"input {name!r}: shape {list(shape)} of {datatype} is {expected} bytes, and {len(content)} came")
    return Tensor(name, datatype, _of_shape(name, np.frombuffer(content, dtype=kind), shape))


def _of_shape(name: str, flat: NDArray[Any], shape: Sequence[int]) -> NDArray[Any]:
    """As many values as a shape has, in it. Raises Refused where it has none, of sizes that no array has."""
    try:
        return flat.reshape(shape)
    except (ValueError, OverflowError):
        raise Refused(f"input {name!r}: no array has the shape {list(shape)}") from None


def from_values(name: str, datatype: str, shape: Sequence[int], values: Any) -> Tensor:
    """A tensor of a list of its values, flat or nested. Raises Refused."""
    kind = _kind(name, datatype)
    try:
        with np.errstate(over="raise"):  # what is beyond a type's range does not become infinite
            array = np.array(values, dtype=kind if datatype != "BYTES" else object)
        return Tensor(name, datatype, array.reshape(shape))
    except (ValueError, TypeError, ArithmeticError):
        raise Refused(f"input {name!r}: its data is not {math.prod(shape)} values of {datatype}") from None


def _kind(name: str, datatype: str) -> Any:
    if datatype not in TYPES:
        raise Refused(f"input {name!r}: type {datatype!r} is not read; {nearest(datatype, TYPES)}")
    return TYPES[datatype]


def to_bytes(tensor: Tensor) -> bytes:
    """The inverse of `from_bytes`."""
    if tensor.datatype != "BYTES":
        return np.ascontiguousarray(tensor.data, dtype=TYPES[tensor.datatype]).tobytes()
    texts = [each if isinstance(each, bytes) else str(each).encode() for each in tensor.data.ravel()]
    return b"".join(len(text).to_bytes(4, "little") + text for text in texts)
