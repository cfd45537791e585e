"""Preparations of tables as parts of a graph: a table by their types."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from concours.entrants.tables import FAR, MOST, RARE, Codes, Matrix, TableColumns
from concours.serving.export.cells import MISSING, NUMBERS, UNKNOWN, WORDS, Cells
from concours.serving.export.graph import Graph, Unexportable


@dataclass(frozen=True)
class Frame:
    """A frame of `TableColumns`, by the names of two values of the graph, each empty where there is nothing of it.

    Attributes:
        numbers: (rows, numbers) float32.
        codes: (rows, categories) float32, codes of categories, missing ones NaN.
        width: how many columns of numbers there are.
        categories: the columns of codes, each with its categories.
    """

    numbers: str
    codes: str
    width: int
    categories: Mapping[str, Sequence[str]]


Value = str | Frame | None
"""Rows as an estimator takes them: a matrix (rows, features) float32, a frame, or as they come."""


def prepared(graph: Graph, cells: Cells, transformer: Any) -> str | Frame:
    """What a preparation makes of the cells: a matrix (rows, features) float32, or a frame.

    Raises:
        Unexportable: it does what no graph of ours does.
    """
    steps = [step for _, step in transformer.steps] if isinstance(transformer, Pipeline) else [transformer]
    value: Any = cells
    for step in steps:
        if type(step) not in PREPARATIONS:
            raise Unexportable(f"its preparation {type(step).__name__} is none that can be written as a graph")
        value = PREPARATIONS[type(step)](graph, step, value)
    found: str | Frame = value
    return found


def parts(transformer: Any) -> list[TableColumns]:
    """Those of a preparation that read cells."""
    steps = [step for _, step in transformer.steps] if isinstance(transformer, Pipeline) else [transformer]
    return [step for step in steps if isinstance(step, TableColumns)]


def matrix(graph: Graph, value: Value) -> str:
    """A frame as a matrix (rows, features) float32: numbers, then codes; a matrix as it is.

    Raises:
        Unexportable: rows are not prepared.
    """
    if value is None:
        raise Unexportable("it takes rows as they come, without a preparation")
    if isinstance(value, str):
        return value
    both = [name for name in (value.numbers, value.codes) if name]
    return graph("Concat", *both, axis=1) if len(both) > 1 else both[0]


def some(graph: Graph, value: str, places: Sequence[int], width: int) -> str:
    """Some columns of a matrix of so many."""
    if list(places) == list(range(width)):
        return value
    return graph("Gather", value, np.asarray(places, dtype=np.int64), axis=1)


def _columns(graph: Graph, step: TableColumns, cells: Cells) -> Frame:
    """Numbers that are infinite are missing, those that are too large for float32 are cut; words are codes."""
    if step.topics_ or step.texts_:
        raise Unexportable(f"column {next(iter([*step.topics_, *step.texts_]))!r} holds texts, which no graph reads")
    numbers = codes = ""
    names = [*step.numbers_, *(part for name in step.dates_ for part in cells.dates[name])]
    if names:
        finite = graph("LessOrEqual", graph("Abs", NUMBERS), np.array(np.finfo(np.float64).max))
        clipped = graph("Clip", NUMBERS, np.array(-MOST), np.array(MOST))
        whole = graph.cast(graph("Where", finite, clipped, np.array(np.nan)), np.float32)
        numbers = some(graph, whole, [cells.columns[name] for name in names], len(cells.columns))
    if step.categories_:
        every = list(cells.words)
        words = some(graph, WORDS, [every.index(name) for name in step.categories_], len(every))
        tables = [_codes(cells.words[name], known) for name, known in step.categories_.items()]
        starts = np.cumsum([0, *map(len, tables[:-1])], dtype=np.int64)
        codes = graph("Gather", np.concatenate(tables), graph("Add", words, starts), axis=0)
    return Frame(numbers, codes, len(names), dict(step.categories_))


def _codes(places: Mapping[str, int], known: Sequence[str]) -> NDArray[np.float32]:
    """The codes of the words at places; what is missing has none, nor have words that are not known, but as rare."""
    codes = np.full(UNKNOWN + 1 + len(places), len(known) - 1 if known[-1] == RARE else np.nan, dtype=np.float32)
    codes[MISSING] = np.nan
    codes[[places[word] for word in known]] = np.arange(len(known))
    return codes


def _matrix(graph: Graph, step: Matrix, frame: Frame) -> str:
    found = list[str]()
    if frame.numbers:
        dtype = np.result_type(np.float32, step.centre_, step.scale_)
        centre, scale = step.centre_.astype(dtype), step.scale_.astype(dtype)
        numbers = graph.cast(frame.numbers, dtype)
        gaps = graph("IsNaN", numbers)
        away = graph("Div", graph("Sub", graph("Where", gaps, centre, numbers), centre), scale)
        away = graph("Clip", away, np.array(-FAR, dtype), np.array(FAR, dtype))
        third = graph("Div", away, np.array(3, dtype))
        length = graph("Sqrt", graph("Add", graph("Mul", third, third), np.array(1, dtype)))
        found.append(graph.cast(graph("Div", away, length), np.float32))
        if len(step.gaps_):
            found.append(graph.cast(graph("Gather", gaps, np.asarray(step.gaps_, dtype=np.int64), axis=1), np.float32))
    marks = [(place, code) for place, name in enumerate(frame.categories) for code in step.values_[name]]
    if marks:
        each = graph("Gather", frame.codes, np.array([place for place, _ in marks], dtype=np.int64), axis=1)
        wanted = np.array([code if code >= 0 else np.inf for _, code in marks], dtype=np.float32)
        found.append(graph.cast(graph("Equal", each, wanted), np.float32))
    return graph("Concat", *found, axis=1) if len(found) > 1 else found[0]


PREPARATIONS: Final[Mapping[type, Callable[[Graph, Any, Any], Any]]] = {
    TableColumns: _columns,
    Codes: lambda graph, step, frame: matrix(graph, frame),
    Matrix: _matrix,
}
"""What a step of a preparation makes of what the step before it made, by its type."""
