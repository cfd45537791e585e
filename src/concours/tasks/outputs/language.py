"""Language: how probable a model holds each byte of a passage, after all before it.

Targets are the passages' bytes, (rows, most) uint8, 0 behind the last. Predictions are the probabilities of these
bytes, (rows, most) float64 above 0, 1 behind the last. They may be added: the weighted sum of what several models hold
of the same byte is what their mixture holds of it, whatever pieces each of them reads. So the mixture is a language
model too, and needs nobody's probabilities of all that did not come.

Law: what an entrant says of a byte may not hang on that byte or on later ones but by its own probability: over all
bytes that could stand at a place, what it would say sums to 1 at most.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.kernels.joining.blending import blend
from concours.kernels.scoring.surprise import bits
from concours.tasks.metrics.passages import MEASURES
from concours.tasks.outputs.output import Encoded, Join, OutputKind, Values, numbers
from concours.tasks.predicted import NO_NUMBERS, Given, require_predictions

if TYPE_CHECKING:
    from collections.abc import Callable

    from concours.tasks.metrics.metric import Metric
    from concours.tasks.task import Task

_DIGITS = 6
_SHOWN = 60


@dataclass(frozen=True, kw_only=True)
class Language(OutputKind):
    """The probabilities of the bytes of passages.

    Attributes:
        most: bytes that a passage has at most.
    """

    name: ClassVar[str] = "language"
    task = "language modelling"
    estimator = "predictor"
    metrics = ("bits_per_byte", "bits_per_character")
    by_rows = "bits_per_byte_of_passages"
    measures: ClassVar[Mapping[str, Callable[[Any], Metric]]] = MEASURES
    joins: ClassVar[Mapping[str, Join]] = {"mean": blend, "mixture": partial(blend, rule="mixture")}
    can: ClassVar[Mapping[str, str]] = {
        "sum": "",
        "weigh": "mixture",
        "diagnose": "concours.insights.surprise:of_bytes",
        "continue": "concours.tasks.continuing",
    }
    most: int

    @property
    def said(self) -> str:
        return "the bytes of passages"

    @property
    def width(self) -> int:
        return self.most

    @classmethod
    def checked(cls, y: Values, task: Task, name: str) -> Values:
        """As they are read."""
        del task, name
        return y

    @classmethod
    def encode(cls, y: Values, task: Task, name: str, **meta: Any) -> Encoded:
        """As they are read."""
        del task, name
        return Encoded(output=cls(**meta), values=np.asarray(y))

    def encoded(self, y: Values, name: str) -> tuple[Values, tuple[str, ...]]:
        """As they are read."""
        del name
        return np.asarray(y), ()

    def accepted(self, p: Values, rows: int) -> Values:
        """Probabilities (rows, bytes) or an array for each passage, filled up with 1 to `most`."""
        if isinstance(p, np.ndarray) and p.ndim == 2 and p.shape[1] <= self.most:
            found = np.ones((rows, self.most))
            found[:, : p.shape[1]] = numbers(p, (rows, p.shape[1]))
        else:
            found = self._filled(p, rows)
        if (bad := ~((found > 0) & (found <= 1)).all(axis=1)).any():
            raise DataError(f"predictions must be probabilities above 0, up to 1; row {int(np.argmax(bad))} has others")
        return found

    def _filled(self, p: Any, rows: int) -> Values:
        if not isinstance(p, Sequence) or len(p) != rows:
            raise DataError(f"predictions must be probabilities of the bytes of {rows} passages, an array each")
        found = np.ones((rows, self.most))
        for row, some in enumerate(p):
            try:
                each = np.asarray(some)
            except ValueError:  # lists of different lengths
                each = np.empty((0, 0))
            if each.ndim != 1 or len(each) > self.most or each.dtype.kind not in "fiu":
                raise DataError(f"predictions of row {row} must be up to {self.most} numbers; got shape {each.shape}")
            found[row, : len(each)] = each
        return numbers(found, found.shape)

    def prior(self, y: Values, weights: NDArray[np.float64] | None) -> Values:
        """All bytes alike."""
        del y, weights
        return np.full((1, self.most), 1 / 256)

    def answers(self, p: Values, weights: NDArray[np.float64] | None) -> Any:
        """Bits of each byte, (rows, most), 0 behind the last."""
        del weights
        return _bits(p)

    def columns(self, p: Values, weights: NDArray[np.float64] | None, *, proba: bool) -> dict[str, pa.Array]:
        """`prediction`, a list of the bits of each byte, as JSON; and `bits`, their sum."""
        del weights, proba
        lists = [_trimmed(row) for row in _bits(p)]
        each = [json.dumps([round(value, _DIGITS) for value in row.tolist()]) for row in lists]
        return {"prediction": pa.array(each, pa.string()), "bits": pa.array([float(row.sum()) for row in lists])}

    def given(self, table: pa.Table, name: str) -> Given:
        """The column `prediction`."""
        require_predictions(table, name)
        rows = []
        for number, cell in enumerate(table["prediction"].to_pylist(), 1):
            try:
                row = np.asarray(json.loads(cell) if isinstance(cell, str) else cell, dtype=np.float64)
            except NO_NUMBERS:
                row = np.empty((0, 0))
            if row.ndim != 1 or len(row) > self.most or not (np.isfinite(row) & (row >= 0)).all():
                raise DataError(
                    f"{name}: the prediction of row {number} must be a list of up to {self.most} numbers of bits, like "
                    f"[2.5, 0.1], got {str(cell)[:40]!r}"
                )
            rows.append(np.exp2(-row))
        return Given(named=self.accepted(rows, len(rows)))

    def written(self, values: Values) -> list[str]:
        """Of targets how the text begins; of predictions how many bits a byte takes."""
        if values.dtype == np.uint8:
            texts = [" ".join(bytes(row[row > 0]).decode(errors="replace").split()) for row in np.asarray(values)]
            return [text if len(text) <= _SHOWN else f"{text[:_SHOWN]} …" for text in texts]
        lists = [_trimmed(row) for row in _bits(values)]
        return [f"{row.mean() if len(row) else 0.0:.2f} bits per byte" for row in lists]


def _bits(p: Values) -> Values:
    return bits(np.ones(p.shape, dtype=np.uint8), p)


def _trimmed(row: NDArray[np.float64]) -> NDArray[np.float64]:
    """Without the zeros at the end: certain bytes there take no bits, and are told from none by nobody."""
    return row[: len(np.trim_zeros(row, "b"))]
