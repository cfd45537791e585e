"""Models in ONNX files, run by onnxruntime (https://onnx.ai, opset as the file says). The file is one of others: its
size is bounded, it may not lead to other files, it runs no code of its own, and what it gives is checked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import softmax

from concours.core.errors import DataError, MissingPackage, RecipeError
from concours.core.optional import install_command, installed
from concours.core.visible import shortened
from concours.core.written import written
from concours.entrants.given import certainties, numbers, places, probabilities
from concours.entrants.pixels import Pixels
from concours.entrants.shapes import said, shaped
from concours.entrants.texts import as_texts
from concours.entrants.tokens import Tokens
from concours.entrants.told import labels_of, told_by

MOST_BYTES = 1 << 30
"""Of a file; a message of protobuf, which an ONNX file is, has less than twice as many."""

_FEW = 32
"""The same of pictures and texts that are made larger first."""

_BATCH = 1024
"""Rows that are asked for at once, where the model does not say how many."""

_TYPES: Mapping[str, Any] = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(int16)": np.int16,
    "tensor(int8)": np.int8,
    "tensor(uint8)": np.uint8,
    "tensor(bool)": np.bool_,
    "tensor(string)": np.str_,
}

_SHOWN = 60
"""Letters of a value that a message has."""


@dataclass(frozen=True, kw_only=True)
class Params:
    """What the recipe of a file takes.

    Attributes:
        classes: labels, of the columns of what the model gives, in their order; by default those of the task.
        mean, deviation: of each colour, between 0 and 1, by which pictures are standardised; with one of them, pictures
            are brought to the size that the graph asks for. By default what `preprocessor_config.json` says beside the
            model, and without that pictures go in as they are.
        softmax: whether what the model gives are scores, of which a softmax makes probabilities; by default where they
            are called `logits`.
        length: the most tokens that are read of a text, where a `tokenizer.json` lies beside the model.
    """

    classes: tuple[str | int | float, ...] | None = None
    mean: tuple[float, ...] | None = None
    deviation: tuple[float, ...] | None = None
    softmax: bool | None = None
    length: int = 128


_USUAL = Params()


class OnnxModel:
    """A model in an ONNX file, as it answers for rows of a task.

    Args:
        content: of the file.
        name: of the file, for messages.
        classes: of the task, as they are written; none of a number.
        params: `classes` among them as they are written. Where the model names labels itself, these count.
        beside: what lies in its folder, texts by name: `tokenizer.json`, `preprocessor_config.json`, `config.json`.
        threads: that it may use.

    Raises:
        MissingPackage: onnxruntime is not installed.
        RecipeError: the file is no ONNX model that can be run here.
    """

    def __init__(
        self,
        content: bytes,
        name: str,
        *,
        classes: Sequence[str],
        params: Params = _USUAL,
        beside: Mapping[str, str] = MappingProxyType({}),
        threads: int = 1,
    ) -> None:
        self._who, self._classes, self._params = f"the model {name}", tuple(classes), params
        told = told_by({"config.json": "{}", **beside})
        own = None if params.classes is None else tuple(map(written, params.classes))
        self._labels = labels_of(told["config"], classes) if own is None else own
        self._tokens = Tokens(told["tokens"]) if "tokens" in told else None
        self._pixels = self._standardising(told) if "preprocessor_config.json" in beside or params.mean else None
        if own is not None:
            try:
                places(own, classes, f"{self._who}, by its parameter classes,")
            except DataError as error:
                raise RecipeError(str(error)) from None
        self._session = _session(content, self._who, threads)

    def predict(self, x: Any) -> NDArray[np.float64]:
        """Predictions (rows, outputs): probabilities in the order of the classes, or values.

        Raises:
            DataError: the rows are not as the model takes them, or it gives no predictions.
        """
        rows, names = len(x), [each.name for each in self._session.get_outputs()]
        fixed, parts = self._fixed(), list[list[Any]]()
        size = fixed or (_BATCH if self._tokens is None and self._pixels is None else _FEW)
        for start in range(0, max(rows, 1), size):
            part = x.iloc[start : start + size] if isinstance(x, pd.DataFrame) else x[start : start + size]
            parts.append(self._run(names, self._inputs(part), fixed))
        given = [_joined([part[index] for part in parts])[:rows] for index in range(len(names))]
        return self._predictions(given, rows)

    def _fixed(self) -> int | None:
        """How many rows the model takes at once, none where it takes any number."""
        fixed = [each.shape[0] for each in self._session.get_inputs() if each.shape and isinstance(each.shape[0], int)]
        return fixed[0] if fixed and fixed[0] > 0 else None

    def _run(self, names: Sequence[str], inputs: Mapping[str, NDArray[Any]], fixed: int | None) -> list[Any]:
        """What it gives for some rows; where it takes so many only, the last one is repeated."""
        rows = len(next(iter(inputs.values())))
        filled = {key: _filled(array, fixed) if fixed and rows else array for key, array in inputs.items()}
        try:
            found: list[Any] = self._session.run(list(names), filled)
        except Exception as error:  # noqa: BLE001 (whatever a model of others makes the library raise)
            raise DataError(f"{self._who} failed on these rows: {_first_line(error)}") from None
        return [one[:rows] if hasattr(one, "__len__") else one for one in found]

    def _inputs(self, x: Any) -> dict[str, NDArray[Any]]:
        """The rows as the inputs of the graph: each a column of its name, or one input with all of them."""
        asked = self._session.get_inputs()
        if self._tokens is not None and any(each.name == "input_ids" for each in asked):
            return self._of_texts(asked, x)
        if self._pixels is not None and np.ndim(x) > 2:
            x = self._of_pictures(asked[0], x)
        if isinstance(x, pd.DataFrame):
            named = {str(column): column for column in x.columns}
            if all(each.name in named for each in asked):
                return {each.name: self._cast(each, x[named[each.name]].to_numpy()[:, None]) for each in asked}
            if len(asked) > 1:
                missing = next(each.name for each in asked if each.name not in named)
                raise DataError(f"{self._who} asks for {missing!r}; the rows have {', '.join(list(named)[:8])}")
            x = self._matrix(asked[0], x)
        if len(asked) != 1:
            raise DataError(f"{self._who} has {len(asked)} inputs; one was expected")
        return {asked[0].name: self._cast(asked[0], np.asarray(x))}

    def _of_texts(self, asked: Sequence[Any], x: Any) -> dict[str, NDArray[Any]]:
        """Numbers of tokens, filled up to the longest text of these, and where there are some."""
        assert self._tokens is not None  # noqa: S101 (for the type checker)
        rows = self._tokens.of(as_texts(x), self._params.length)
        numbers = np.full((len(rows), max(map(len, rows), default=1)), self._tokens.pad, dtype=np.int64)
        there = np.zeros_like(numbers)
        for place, row in enumerate(rows):
            numbers[place, : len(row)], there[place, : len(row)] = row, 1
        known = {"input_ids": numbers, "attention_mask": there, "token_type_ids": np.zeros_like(numbers)}
        if strange := [each.name for each in asked if each.name not in known]:
            raise DataError(f"{self._who} asks for {strange[0]!r}, which no tokens are; known: {', '.join(known)}")
        return {each.name: self._cast(each, known[each.name]) for each in asked}

    def _standardising(self, told: Mapping[str, Any]) -> Pixels:
        own = {name: getattr(self._params, name) for name in ("mean", "deviation")}
        given = told.get("pixels", {"size": None, "mean": [0.0], "deviation": [1.0], "colours": 3})
        return Pixels.of({**given, **{name: value for name, value in own.items() if value is not None}})

    def _of_pictures(self, asked: Any, x: NDArray[Any]) -> NDArray[np.float32]:
        """Standardised, of the size and with the colours that the graph asks for, colours where it has them."""
        assert self._pixels is not None  # noqa: S101 (for the type checker)
        shape = [size if isinstance(size, int) else None for size in asked.shape]
        if len(shape) != 4:
            raise DataError(f"{self._who} takes {asked.name!r} of shape {said(asked.shape)}, which no pictures have")
        last = shape[1] not in (1, 3) and shape[3] in (1, 3)
        colours, sides = (shape[3], shape[1:3]) if last else (shape[1], shape[2:])
        given: dict[str, Any] = (
            {} if None in sides else {"size": (int(sides[0] or 0), int(sides[1] or 0)), "edges": None}
        )
        pixels = replace(self._pixels, **given, colours=colours or self._pixels.colours)
        taken = pixels.taken(x, 255.0 if x.dtype == np.uint8 else 1.0)
        return np.moveaxis(taken, 1, 3) if last else taken

    def _matrix(self, asked: Any, x: pd.DataFrame) -> NDArray[Any]:
        if asked.type == "tensor(string)":
            return x.to_numpy(dtype=object)
        texts = [str(name) for name in x.columns if not pd.api.types.is_numeric_dtype(x[name])]
        if texts:
            raise DataError(
                f"{self._who} takes numbers, and column {texts[0]!r} holds none; leave it out by task.drop, or export "
                "the model with an input for each column"
            )
        return x.to_numpy(dtype=np.float64)

    def _cast(self, asked: Any, array: NDArray[Any]) -> NDArray[Any]:
        """An array in the form and of the type that an input has."""
        if asked.type not in _TYPES:
            raise DataError(f"{self._who} takes {asked.type} as {asked.name!r}, which no rows are")
        kind, shape = _TYPES[asked.type], tuple(asked.shape)
        array = _words(array) if kind is np.str_ else self._as_numbers(asked, array, kind)
        found = shaped(array, shape)
        if found is None:
            rows = said(("rows", *array.shape[1:]))
            raise DataError(f"{self._who} takes {asked.name!r} of shape {said(shape)}; the rows have {rows}")
        return found

    def _as_numbers(self, asked: Any, array: NDArray[Any], kind: Any) -> NDArray[Any]:
        try:
            found = array.astype(np.float64 if np.issubdtype(kind, np.floating) else object)
            cast = found.astype(kind)
        except (TypeError, ValueError):
            held = repr(shortened(str(array.flat[0]), _SHOWN))
            raise DataError(f"{self._who} takes numbers as {asked.name!r}, and the rows hold {held}") from None
        if not np.issubdtype(kind, np.floating) and not (cast == array).all():
            raise DataError(f"{self._who} takes whole numbers as {asked.name!r}, and the rows hold others")
        return np.asarray(cast)

    def _predictions(self, given: Sequence[Any], rows: int) -> NDArray[np.float64]:
        """What of the outputs is the predictions: probabilities, else labels; or the one output with values."""
        if not self._classes:
            if len(given) > 1:
                raise DataError(f"{self._who} has {len(given)} outputs; export it with its predictions alone")
            return numbers(given[0], rows, self._who)
        maps = [one for one in given if len(one) and isinstance(one[0], Mapping)]
        if maps:
            return self._of_maps(maps[0], rows)
        tables = [one for one in given if np.ndim(one) == 2 and np.issubdtype(np.asarray(one).dtype, np.floating)]
        named = [one for one in given if np.ndim(one) == 1]
        if len(tables) > 1:
            raise DataError(f"{self._who} has {len(tables)} outputs of numbers; export it with its probabilities alone")
        if tables:
            table = softmax(tables[0], axis=1) if self._scores(tables[0], given) else _both(tables[0], self._classes)
            found = probabilities(table, rows, self._labels, self._classes, self._who)
            self._require_agreeing(found, named)
            return found
        return certainties((named or list(given))[0], rows, self._classes, self._who)

    def _scores(self, table: Any, given: Sequence[Any]) -> bool:
        """Whether a table that it gives is of scores."""
        if self._params.softmax is not None:
            return self._params.softmax
        place = next(number for number, one in enumerate(given) if one is table)
        return str(self._session.get_outputs()[place].name) == "logits"

    def _of_maps(self, maps: Sequence[Mapping[Any, float]], rows: int) -> NDArray[np.float64]:
        """Probabilities by label, a mapping for each row."""
        labels = list(maps[0])
        values = [[row.get(label, np.nan) for label in labels] for row in maps]
        return probabilities(values, rows, [written(label) for label in labels], self._classes, self._who)

    def _require_agreeing(self, found: NDArray[np.float64], named: Sequence[Any]) -> None:
        """Refuses probabilities whose order of classes the labels that the model names beside them speak against."""
        for labels in named:
            cells = [written(label) for label in np.asarray(labels, dtype=object).tolist()]
            if not cells or not set(cells) <= set(self._classes):
                continue
            codes = np.array([self._classes.index(cell) for cell in cells])
            against = (found[np.arange(len(codes)), codes] < found.max(axis=1) - 1e-6).mean()
            if against > 0.5:
                raise DataError(
                    f"{self._who} names other labels than its probabilities say in {against:.0%} of the rows: their "
                    'columns are of other classes; say of which, e.g. params = { classes = ["no", "yes"] }'
                )


def _words(array: NDArray[Any]) -> NDArray[Any]:
    """Cells as texts, what is missing as an empty one."""
    missing = pd.isna(array)
    cells = ["" if gap else written(value) for value, gap in zip(array.flat, missing.flat, strict=True)]
    return np.array(cells, dtype=object).reshape(array.shape)


def _both(table: NDArray[Any], classes: Sequence[str]) -> NDArray[Any]:
    """Probabilities of both of two classes, where a model gives that of the last alone; others as they are."""
    return np.concatenate([1 - table, table], axis=1) if len(classes) == 2 and table.shape[1] == 1 else table


def _session(content: bytes, who: str, threads: int) -> Any:
    if missing := [name for name in ("onnx", "onnxruntime") if not installed(name)]:
        raise MissingPackage(f"{missing[0]} is not installed; get it with: {install_command(missing[0])}")
    if len(content) > MOST_BYTES:
        raise RecipeError(f"{who} has {len(content):,} bytes; at most {MOST_BYTES:,} are read")
    import onnx
    import onnxruntime
    from onnx.external_data_helper import uses_external_data

    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # noqa: BLE001 (whatever damaged bytes make the library raise)
        raise RecipeError(f"{who} is no ONNX model, or damaged: {_first_line(error)}") from None
    if any(uses_external_data(tensor) for tensor in _tensors(model)):
        raise RecipeError(f"{who} keeps weights in another file, which is not read; save it as a single file")
    del model
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 4
    options.use_deterministic_compute = True
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 (whatever a model of others makes the library raise)
        raise RecipeError(f"{who} cannot be run here: {_first_line(error)}") from None


def _tensors(model: Any) -> list[Any]:
    """All tensors of a model, those in its subgraphs and functions too."""
    found, waiting = list[Any](), [model.graph, *model.functions]
    while waiting:
        graph = waiting.pop()
        found += getattr(graph, "initializer", [])
        for sparse in getattr(graph, "sparse_initializer", []):
            found += [sparse.values, sparse.indices]
        for attribute in (attribute for node in graph.node for attribute in node.attribute):
            found += [attribute.t, *attribute.tensors]
            waiting += [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]
    return found


def _filled(array: NDArray[Any], size: int) -> NDArray[Any]:
    missing = size - len(array)
    return np.concatenate([array, np.repeat(array[-1:], missing, axis=0)]) if missing > 0 else array


def _joined(parts: Sequence[Any]) -> Any:
    """One output over all batches."""
    if isinstance(parts[0], list):
        return [row for part in parts for row in part]
    return np.concatenate([np.asarray(part) for part in parts]) if np.ndim(parts[0]) else parts[0]


def _first_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 200 else f"{text[:200]}…"
