"""Hidden rows in Open Inference: the tensors of a caller's request, JSON or binary, with other rows in them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from secrets import choice
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import ContestError
from concours.core.problem import Part
from concours.core.written import written
from concours.runs.predict import kept_rows
from concours.serving.gateway.hidden import Places
from concours.serving.gateway.oip import LENGTH, read
from concours.serving.gateway.work import Work
from concours.serving.model import Served
from concours.serving.refused import Refused
from concours.serving.tensors import TYPES, Tensor, from_bytes, from_values, inputs_of, to_bytes
from concours.stores.blobs import texts_in

_SIZE: Final = "binary_data_size"


@dataclass(frozen=True, kw_only=True)
class _Form:
    """A caller's request without its rows.

    Attributes:
        head: its JSON, whose inputs have no data.
        cells: of each input those that go there, (rows, …).
        work: what else stays of it.
        flat, whole, single: of each input whether data lies in one list, whether whole numbers have no decimal point,
            and whether numbers are those of its type, not of more digits.
        spaced, ascii: how the JSON is written.
    """

    head: Mapping[str, Any]
    cells: Sequence[NDArray[Any]]
    work: Work
    flat: Sequence[bool]
    whole: Sequence[bool]
    single: Sequence[bool]
    spaced: bool
    ascii: bool


@dataclass(frozen=True)
class TensorRows:
    """See `hidden.Posing`.

    Attributes:
        block: all cells of rows, (rows, …), where they are of one sort: numbers or texts; else None.
        columns: the cells (rows,) of each column by name; none where rows have no columns.
        labels: of the classes.
    """

    block: NDArray[Any] | None
    columns: Mapping[str, NDArray[Any]]
    labels: Sequence[str]
    asked: bool = False

    @classmethod
    def of(cls, served: Served, test: Part, run: str) -> TensorRows:
        """Those of the test part of a run. Raises ContestError: they are no tensors."""
        if served.output.estimator != "classifier":
            raise ContestError(
                f"{run} predicts {served.output.said}, and canaries of protocol oip tell classes alone; where the "
                "offer speaks OpenAI's protocol too, use that"
            )
        kept = kept_rows(served.result.folder.store, test.x)
        if not inputs_of(served):
            raise ContestError(f"rows of {run} are files, which an offer of protocol oip cannot be asked about")
        labels = [written(label) for label in served.output.labels]
        if not isinstance(kept, pa.Table):
            return cls(np.asarray(kept), {}, labels)
        columns = {name: _cells(kept[name]) for name in kept.column_names}
        if texts_in(kept) is not None:
            return cls(next(iter(columns.values())), {}, labels)
        numeric = all(cells.dtype != np.object_ for cells in columns.values())
        return cls(np.stack(list(columns.values()), axis=1) if numeric else None, columns, labels)

    def form(self, work: Work) -> _Form | None:
        """See `hidden.Posing`; of the identifier of a request its letters stay, and digits are drawn anew."""
        size = int(work.head.get(LENGTH, len(work.content)))
        text = work.content[:size]
        head = json.loads(text)
        inputs, all_cells = head["inputs"], list[NDArray[Any]]()
        flat, whole, single = list[bool](), list[bool](), list[bool]()
        for tensor in inputs:
            cells = self._of(tensor, len(inputs))
            if cells is None or not _fits(cells, tensor, work.rows):
                return None
            all_cells.append(cells)
            data = tensor.get("data", [])
            flat.append(not (data and isinstance(data[0], list)))
            values = _leaves(data) if cells.dtype != np.object_ else []
            whole.append(any(type(value) is int for value in values))
            kind = TYPES[tensor["datatype"]]
            with np.errstate(over="ignore"):
                single.append(all(value is None or float(kind(value)) == value for value in values))
            tensor.pop("data", None) if _SIZE in tensor.get("parameters", {}) else tensor.update(data=None)
        kept = Work(protocol=work.protocol, word=work.word, path=work.path, content=b"", head=work.head)
        return _Form(
            head=head,
            cells=all_cells,
            work=kept,
            flat=flat,
            whole=whole,
            single=single,
            spaced=b'": ' in text,
            ascii=text.isascii(),
        )

    def _of(self, tensor: Mapping[str, Any], count: int) -> NDArray[Any] | None:
        """The cells that a tensor of a request is about."""
        if tensor["name"] in self.columns and len(self.columns) == count:
            return self.columns[tensor["name"]]
        return self.block if count == 1 else None

    def posed(self, form: _Form, places: Places) -> Work:
        """See `hidden.Posing`."""
        inputs, binary = [dict(tensor) for tensor in form.head["inputs"]], list[bytes]()
        for place, tensor in enumerate(inputs):
            kind = TYPES[tensor["datatype"]]
            data = form.cells[place][places].reshape(tensor["shape"])
            if "data" not in tensor or form.single[place] or not np.issubdtype(kind, np.floating):
                with np.errstate(over="ignore"):
                    data = data.astype(kind)
            if "data" not in tensor:
                binary.append(to_bytes(Tensor(tensor["name"], tensor["datatype"], data)))
                tensor["parameters"] = {**tensor["parameters"], _SIZE: len(binary[-1])}
                continue
            values = [_written(value, form.whole[place]) for value in data.ravel().tolist()]
            tensor["data"] = values if form.flat[place] else _nested(values, tensor["shape"])
        head = {**form.head, "inputs": inputs}
        if isinstance(head.get("id"), str):
            head["id"] = re.sub(r"\d", lambda _: choice("0123456789"), head["id"])
        separators = (", ", ": ") if form.spaced else (",", ":")
        text = json.dumps(head, separators=separators, ensure_ascii=form.ascii).encode()
        sent = {**form.work.head, **({LENGTH: str(len(text))} if LENGTH in form.work.head else {})}
        return read(form.work.word, form.work.path, sent, text + b"".join(binary))

    def texts(self, said: str | None, head: Mapping[str, str], content: bytes, rows: int) -> Sequence[str] | None:
        """The labels of an answer: texts, or whole numbers that are labels, a row; else the class of the greatest of
        as many numbers a row as there are classes.
        """
        del said
        try:
            outputs = _outputs(content, int(head.get(LENGTH, len(content))))
        except (Refused, ValueError, TypeError, KeyError, AttributeError):
            return None
        for tensor in outputs:
            if tensor.datatype == "BYTES" and tensor.data.size == rows:
                return [
                    each.decode("utf-8", "replace") if isinstance(each, bytes) else str(each)
                    for each in tensor.data.ravel()
                ]
        for tensor in outputs:
            if tensor.data.dtype.kind in "iu" and tensor.data.size == rows:
                return [str(each) for each in tensor.data.ravel()]
        for tensor in outputs:
            if tensor.data.dtype.kind == "f" and tensor.data.size == rows * len(self.labels):
                return [self.labels[best] for best in tensor.data.reshape(rows, -1).argmax(axis=1)]
        return None


def _cells(column: pa.ChunkedArray) -> NDArray[Any]:
    """Numbers with NaN where they are missing; all else as texts, empty where they are missing."""
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        return np.asarray(column.cast(pa.float64()).to_numpy())
    if pa.types.is_boolean(column.type) and not column.null_count:
        return np.asarray(column.to_numpy(), dtype=np.bool_)
    return np.array(["" if each is None else str(each) for each in column.to_pylist()], dtype=object)


def _fits(cells: NDArray[Any], tensor: Mapping[str, Any], rows: int) -> bool:
    """Whether cells can be sent in a tensor of this type and shape."""
    shape, kind = tensor["shape"], TYPES.get(tensor.get("datatype", ""))
    inner = list(cells.shape[1:])
    if kind is None or (kind is np.object_) != (cells.dtype == np.object_):
        return False
    if shape[:1] != [rows] or (shape[1:] != inner and not (shape[1:] == [1] and not inner)):
        return False
    if kind is np.object_ or np.issubdtype(kind, np.floating):
        return True
    with np.errstate(invalid="ignore"):
        return bool((cells.astype(kind) == cells).all())


def _leaves(data: Any) -> list[Any]:
    """All that lies in lists within lists."""
    while data and isinstance(data[0], list):
        data = [value for inner in data for value in inner]
    return list(data)


def _nested(values: list[Any], shape: Sequence[int]) -> list[Any]:
    """Values as lists within lists."""
    for size in reversed(shape[1:]):
        values = [values[start : start + size] for start in range(0, len(values), size)]
    return values


def _written(value: Any, whole: bool) -> Any:
    if isinstance(value, float) and math.isnan(value):
        return None
    return int(value) if whole and isinstance(value, float) and value.is_integer() else value


def _outputs(content: bytes, length: int) -> list[Tensor]:
    """The tensors of an answer. Raises Refused, ValueError, KeyError, TypeError, AttributeError: it has none."""
    found, at = list[Tensor](), length
    for one in json.loads(content[:length])["outputs"]:
        size = (one.get("parameters") or {}).get(_SIZE)
        name, datatype, shape = str(one["name"]), str(one["datatype"]), [int(each) for each in one["shape"]]
        if size is None:
            found.append(from_values(name, datatype, shape, one["data"]))
        else:
            found.append(from_bytes(name, datatype, shape, content[at : at + size]))
            at += size
    return found
