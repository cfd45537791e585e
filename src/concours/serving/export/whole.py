"""The whole of a model as one graph: cells in, predictions out, as `engine.prediction` asks one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd

from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.errors import ConcoursError, DataError
from concours.core.lineage import lineage
from concours.engine.prediction import Models
from concours.entrants.fitting import Fitted
from concours.kernels.joining.calibration import Calibration
from concours.serving.export.cells import Cells
from concours.serving.export.estimators import said
from concours.serving.export.graph import Graph, Unexportable
from concours.serving.export.joining import RULES, aligned, blended, calibrated
from concours.serving.export.preparation import Value, parts, prepared
from concours.tasks.outputs.output import OutputKind

ELSE: Final = "serve it without --export, or another model, by --with NAME"
"""What to do where a model cannot be exported."""
_BY_WEIGHTS: Final = "concours.engine.joints:by_weights"


@dataclass(frozen=True)
class Whole:
    """A graph that is written, of a model and of all that it joins.

    Attributes:
        cells: what it is given.
        predictions: the names of what each of these predicts, by the digest of its entrant, the model itself last.
    """

    graph: Graph
    cells: Cells
    predictions: Mapping[Digest, str]


def written(
    candidate: Candidate, known: Mapping[Digest, Candidate], models: Models, output: OutputKind, x: Any
) -> Whole:
    """The graph of a model on the board.

    Args:
        known: candidates by the digest of their entrant.
        x: some rows, as it takes them.

    Raises:
        DataError: it is none of a table, or something of it cannot be written as a graph; the message names it.
    """
    name = candidate.entrant.name
    if not isinstance(x, pd.DataFrame) or output.codes is None:
        raise DataError(f"{name} cannot be exported: only models of tables that tell classes or numbers can; {ELSE}")
    below = lineage(candidate, known)
    every = [models.preparation(digest) for digest in _transformers(below, models)]
    cells = Cells.of(x, [part for each in every for part in parts(each)])
    if not cells.inputs:
        raise DataError(f"{name} cannot be exported: it looks at no column of a row; {ELSE}")
    writing = _Writing(Graph(cells.inputs), cells, models, output)
    for digest, one in below.items():
        try:
            writing.predictions[digest] = writing.predicted(one)
        except Unexportable as error:
            who = "" if one is candidate else f"its member {one.entrant.name}: "
            raise DataError(f"{name} cannot be exported: {who}{error}; {ELSE}") from None
    return Whole(writing.graph, cells, writing.predictions)


def _transformers(below: Mapping[Digest, Candidate], models: Models) -> list[Digest]:
    jobs = (models.model(model, one)[0] for one in below.values() for model in one.models)
    return list(dict.fromkeys(job.inputs["transformer"] for job in jobs if "transformer" in job.inputs))


class _Writing:
    def __init__(self, graph: Graph, cells: Cells, models: Models, output: OutputKind) -> None:
        self.graph, self._cells, self._models, self._output = graph, cells, models, output
        self.predictions: dict[Digest, str] = {}

    @cached_property
    def _bag(self) -> str:
        return next(iter(self._output.joins))

    def predicted(self, candidate: Candidate) -> str:
        """What a candidate predicts, once those that it joins are written."""
        raw = self._raw(candidate)
        if candidate.calibration is None:
            return raw
        return calibrated(self.graph, raw, Calibration(**candidate.calibration))

    def _raw(self, candidate: Candidate) -> str:
        joint, models = candidate.entrant.joint, candidate.models
        if joint is None or joint.join.own:
            bag = [self._by_model(model, candidate) for model in models]
            return blended(self.graph, self._bag, bag, np.full(len(bag), 1 / len(bag)), self._output.width)
        rule = candidate.entrant.recipe
        if joint.join.run != _BY_WEIGHTS or rule not in RULES:
            raise Unexportable(f"{joint.how} does not join by weights alone")
        weights = np.asarray([weight for weight in joint.weights if weight], dtype=np.float64)
        members = [self.predictions[parent] for parent in joint.needs.parents]
        return blended(self.graph, rule, members, weights, self._output.width)

    def _by_model(self, model: Digest, candidate: Candidate) -> str:
        job, fitted = self._models.model(model, candidate)
        if not isinstance(fitted, Fitted):
            raise Unexportable("it is asked as it is, and was not fitted here")
        kind = type(fitted.estimator).__name__
        try:
            transformer = job.inputs.get("transformer")
            value: Value = None
            if transformer is not None:
                value = prepared(self.graph, self._cells, self._models.preparation(transformer))
            return aligned(self.graph, said(self.graph, fitted.estimator, value), fitted)
        except ConcoursError:
            raise
        except Exception as error:
            text = " ".join(str(error).split())[:200]
            raise Unexportable(f"{kind} cannot be written as a graph ({type(error).__name__}: {text})") from error
