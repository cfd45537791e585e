"""A model of a result, loaded once, which answers the rows of requests as `predict` does."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core import consent
from concours.core.digests import Digest
from concours.core.entrant import Candidate, Entrant
from concours.core.errors import DataError
from concours.core.lineage import singles, why_unanswering
from concours.core.ports import Store
from concours.engine.prediction import Late, Models, Predictor
from concours.engine.rows import as_rows, take_rows
from concours.runs.predict import deciding, kept_rows, read_rows
from concours.runs.result import Result
from concours.serving.columns import Column, Exact, columns_of, frame_of
from concours.serving.refused import Refused
from concours.stores.values import concat
from concours.tasks.outputs.output import OutputKind, Values
from concours.tasks.outputs.table import output_valued

_HELD: Final = 48
"""So many held rows are asked together and apart when a model is opened."""
_GROUPS: Final = (1, 2, 5, 16, 24)


@dataclass(frozen=True)
class Served:
    """A model that answers.

    Attributes:
        name: on the board.
        agreed: what may run of what is asked about (`core.asked`).
    """

    result: Result
    name: str
    agreed: frozenset[str] = frozenset()

    @classmethod
    def of(cls, result: Result, name: str | None = None, agreed: frozenset[str] = frozenset()) -> Served:
        """The model of a name on the board, by default the default.

        Raises:
            DataError: there is none, or it cannot be asked about new rows.
        """
        candidate = result.candidate(name)
        served = cls(result, candidate.entrant.name, agreed)
        if why := why_unanswering(candidate, served.candidates):
            raise DataError(f"{served.name} cannot be served: {why}; choose another model, by --with NAME")
        return served

    @property
    def entrant(self) -> Entrant:
        """Who it is."""
        return self.result.candidate(self.name).entrant

    @property
    def calls(self) -> bool:
        """Whether a row takes requests to language models, its own or those of whom it joins."""
        candidate = self.result.candidate(self.name)
        return any(each.entrant.had.calls for each in singles(candidate, self.candidates))

    @cached_property
    def output(self) -> OutputKind:
        """Of the task."""
        return output_valued(self.result.setup.problem.output)

    @cached_property
    def like(self) -> Any:
        """The rows that models were fitted on, as they are kept."""
        return kept_rows(self._store, self.result.setup.problem.train.x)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """What a row of a table has; none of other rows."""
        return columns_of(self.like)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of the columns."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def exact(self) -> Exact | None:
        """Which cells of rows need not be read; none where all have to be."""
        return Exact.of(self.like.schema) if self.columns else None

    @cached_property
    def deciding(self) -> Any:
        """The weights of the classes by which it names one, where it has such."""
        return deciding(self.result, self.name)

    @cached_property
    def _store(self) -> Store:
        return self.result.folder.store

    @cached_property
    def models(self) -> Models:
        """Those that it asks, each loaded once."""
        return Models(self._store, short=True)

    @cached_property
    def candidates(self) -> dict[Digest, Candidate]:
        """Of its contest, by the digest of their entrants."""
        return {each.entrant.digest: each for each in self.result.candidates.values()}

    def read(self, source: Any, told: Callable[[str], None]) -> Any:
        """Rows as models take them, by the reader of `predict`.

        Args:
            source: rows in Python, or a file.

        Raises:
            DataError: they do not suit.
        """
        return read_rows(self.result, source, told=told, like=self.like).x

    def read_body(self, body: bytes, ending: str, told: Callable[[str], None]) -> Any:
        """The same of the bytes of a file, by the ending of its name."""
        with tempfile.TemporaryDirectory(prefix="concours-rows-") as folder:
            path = Path(folder) / f"the request{ending}"
            path.write_bytes(body)
            return self.read(path, told)

    def quickly(self, rows: Sequence[Sequence[Any]]) -> Any:
        """Cells of rows, in the order of the columns, as `predict` takes them; none where `read` must read them."""
        return frame_of(rows, self.like.schema, self.exact) if self.exact else None

    def predict(self, x: Any) -> Values:
        """Predictions (rows, …), the same as `predict` gives of these rows, to the last bit."""
        with consent.granted(self.agreed):
            return self.predictor(x).predict(self.result.candidate(self.name))

    def predict_within(self, x: Any, seconds: float) -> tuple[Values, str]:
        """What is ready of that in so many seconds, and what it lacks, as a sentence; empty where it is whole.

        Raises:
            Refused: some rows have no answer.
        """
        until, predictor = time.monotonic() + seconds, self.predictor(x)
        try:
            with consent.granted(self.agreed):
                self.heard_until(predictor, x, until)
                return predictor.predict_until(self.result.candidate(self.name), lambda: time.monotonic() >= until)
        except Late as error:
            raise Refused(f"{error}; give more time than {seconds * 1000:g} ms", status=408) from None

    def heard_until(self, predictor: Predictor, x: Any, until: float) -> None:
        """Lets a predictor of these rows know what members say by then, on `time.monotonic`: here nothing before it
        asks them.
        """

    def vectors(self, x: Any) -> NDArray[np.float64]:
        """The vectors (rows, width) by which it tells rows apart.

        Raises:
            Refused: it has none.
        """
        candidate = self.result.candidate(self.name)
        if candidate.models and candidate.entrant.joint is None:  # all of a bag share one model, which is not fitted
            _, fitted = self.models.model(candidate.models[0], candidate)
            made = getattr(getattr(fitted, "estimator", None), "vectors", None)
            if made is not None:
                return np.asarray(made(x), dtype=np.float64)
        raise Refused(f"{self.name} makes no vectors of texts: serve an entrant of the recipe embedded, alone")

    def predictor(self, x: Any) -> Predictor:
        """Predicts these rows by candidates of its contest."""
        return Predictor(self._store, self.output, self.candidates, x, models=self.models)

    def held(self) -> Any:
        """Some rows to try it on, as it takes them: of the test part where there is one."""
        test, kept = self.result.setup.problem.test, self.like
        if test is not None:
            kept = kept_rows(self._store, test.x)
        some = np.linspace(0, len(kept) - 1, min(_HELD, len(kept))).astype(np.int64)
        if isinstance(kept, pa.Table):
            return as_rows(kept.take(some))
        return take_rows(kept, some)

    def apart(self) -> float:
        """How far an answer about a held row can be from what it is among other rows: 0 where these make no difference
        to the last bit, so that requests may be answered together.
        """
        x = self.held()
        if len(x) < 2:
            return 0.0
        whole, places, begin = self.predict(x), np.arange(len(x)), 0
        parts = list[Values]()
        while begin < len(x):
            step = _GROUPS[len(parts) % len(_GROUPS)]
            parts.append(self.predict(take_rows(x, places[begin : begin + step])))
            begin += step
        return distance(whole, concat(parts))


def distance(first: Values, second: Values) -> float:
    """The largest difference of two arrays of numbers; of others 0 where they are equal, else infinity."""
    if isinstance(first, np.ndarray) and first.dtype.kind == "f":
        return float(np.abs(first - second).max(initial=0.0))
    equal = np.array_equal(first, second) if isinstance(first, np.ndarray) else first.equals(second)
    return 0.0 if equal else float("inf")
