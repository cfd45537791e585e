"""What is said of a served model: what goes in, what comes out, and how well it did."""

from __future__ import annotations

from typing import Any

from concours.runs.result import Result
from concours.serving.model import Served
from concours.serving.tensors import inputs_of, outputs_of


def about(served: Served, *, together: bool, continuous: bool) -> dict[str, Any]:
    """As JSON.

    Args:
        together: whether requests may be answered at once.
        continuous: as of `serving.answering.Steps`.
    """
    result, output = served.result, served.output
    problem = result.setup.problem
    return {
        "model": served.name,
        "kind": problem.kind,
        "predicts": output.said,
        "labels": list(output.labels),
        "classifier": output.estimator == "classifier",
        "columns": [{"name": each.name, "schema": each.schema, "seen": each.seen} for each in served.columns],
        "inputs": inputs_of(served),
        "outputs": outputs_of(served),
        "score": _score(result, served.name),
        "digest": result.candidate(served.name).entrant.digest,
        "together": together,
        "continuous": continuous,
    }


def _score(result: Result, name: str) -> dict[str, Any]:
    """What it scored by the metrics of its board, with the interval of the one that ranks."""
    line = result.standings[name]
    value = line.score if line.corrected is None else line.corrected
    return {
        "metric": result.standings.metrics[0],
        "value": value,
        "interval": list(line.ci) if line.ci else None,
        "metrics": dict(line.metrics),
    }
