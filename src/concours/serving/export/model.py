"""A served model that answers by its graph, by onnxruntime, once it has been compared with the model itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import pandas as pd

from concours.core import consent
from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.errors import DataError, MissingPackage
from concours.core.optional import install_command, installed
from concours.engine.prediction import Models
from concours.serving.export.cells import Cells, Feed
from concours.serving.export.whole import ELSE, Whole, written
from concours.serving.model import Served
from concours.tasks.outputs.output import Values

WITHIN: Final = 1e-5
"""How far what a graph says may be from what the model says: probabilities, and numbers in units of themselves where
these are above 1.
"""
_NEEDED: Final = ("onnx", "onnxruntime", "skl2onnx")


@dataclass(frozen=True, kw_only=True)
class Exported(Served):
    """A model as one graph. Law: on held rows its answers are within `WITHIN` of those of the model.

    Attributes:
        cells: what the graph is given.
        session: runs it, on one thread.
        told: how far it is off, in words.
        framed: whether requests are frames, as who watches them keeps them; else the quicker form that the graph takes.
    """

    cells: Cells
    session: Any
    told: str
    framed: bool = False

    @classmethod
    def of_served(cls, served: Served, *, framed: bool = False) -> Self:
        """A model that is served, as a graph.

        Raises:
            MissingPackage: a package that this needs is not installed.
            DataError: it cannot be written as a graph, or the graph says something else.
        """
        for name in _NEEDED:
            if not installed(name):
                raise MissingPackage(f"--export needs {name}; get it with: {install_command(name)}")
        candidate = served.result.candidate(served.name)
        known = {each.entrant.digest: each for each in served.result.candidates.values()}
        x = tried(served.held())
        with consent.granted(served.agreed):
            whole = written(candidate, known, Models(served.result.folder.store), served.output, x)
        try:
            session = session_of(whole.graph.written(whole.predictions[candidate.entrant.digest]))
            p = session.run(None, whole.cells.of_frame(x))[0]
        except Exception as error:
            text = " ".join(str(error).split())[:200]
            raise DataError(f"{served.name} cannot be exported: its graph cannot be run ({text}); {ELSE}") from error
        off = away(p, served.predict(x))
        if not off <= WITHIN:
            raise DataError(_whose(served, known, whole, x, off))
        told = f"{served.name} answers by a graph of ONNX: at most {off:.1e} from predict on {len(x)} held rows"
        more = {"cells": whole.cells, "session": session, "told": told, "framed": framed}
        return cls(served.result, served.name, served.agreed, **more)

    def quickly(self, rows: Sequence[Sequence[Any]]) -> pd.DataFrame | Feed | None:
        """Cells of rows, in the order of the columns, as `predict` takes them, where they are of the columns' types."""
        if self.framed:
            frame: pd.DataFrame | None = super().quickly(rows)
            return frame
        return self.cells.of_rows(rows) if self.exact and self.exact.fits(rows) else None

    def predict(self, x: pd.DataFrame | Feed) -> Values:
        """Predictions (rows, outputs) float64.

        Raises:
            DataError: the graph cannot be run of so many rows.
        """
        feed = x if isinstance(x, dict) else self.cells.of_frame(x)
        try:
            p: Values = self.session.run(None, feed)[0]
        except Exception as error:
            raise DataError(f"{self.name} failed on these rows: {' '.join(str(error).split())[:200]}") from error
        return p

    def predict_within(self, x: pd.DataFrame | Feed, seconds: float) -> tuple[Values, str]:
        """The same, whole: a graph is asked all at once."""
        return self.predict(x), ""


def tried(x: Any) -> Any:
    """Rows, and the same rows once more with gaps, and with words that nobody knows."""
    if not isinstance(x, pd.DataFrame):
        return x
    holes = x.copy()
    for place, name in enumerate(x.columns):
        rows = (np.arange(len(x)) + place) % 5
        words = pd.api.types.is_string_dtype(x[name]) and not pd.api.types.is_numeric_dtype(x[name])
        holes[name] = x[name].astype(object).where(rows != 1, "a word nobody knows") if words else x[name]
        holes[name] = holes[name].where(rows != 0)
    return pd.concat([x, holes], ignore_index=True)


def session_of(content: bytes) -> Any:
    """What runs the file of a graph, on one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def away(p: Values, from_p: Values) -> float:
    """The largest difference, in units of what it is from where that is above 1; infinite where one is no number."""
    off = np.abs(p - from_p) / np.maximum(1.0, np.abs(from_p))
    return float(np.where(np.isnan(off), np.inf, off).max(initial=0.0))


def _whose(served: Served, known: Mapping[Digest, Candidate], whole: Whole, x: pd.DataFrame, off: float) -> str:
    """Who of a model is off, in words: the first of those that it joins, else itself."""
    said = f"{served.name} cannot be exported: its graph is off by {off:.1e} on held rows, more than {WITHIN:.0e}"
    for digest, name in whole.predictions.items():
        one = known[digest]
        mine = session_of(whole.graph.written(name)).run(None, whole.cells.of_frame(x))[0]
        own = away(mine, Served(served.result, one.entrant.name, served.agreed).predict(x))
        if own > WITHIN and one.entrant.name != served.name:
            said += f" (its member {one.entrant.name} by {own:.1e})"
            break
    return f"{said}; {ELSE}"
