"""A model that goes on with texts, whatever it is made of: it is asked about each sign that may come, as about rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.ports import Store
from concours.engine.prediction import Models, Predictor
from concours.insights.continuing import Told
from concours.tasks.outputs.output import OutputKind


def continuing(output: OutputKind) -> Any:
    """What going on takes (`tasks.continuing`), of an output that can `continue`."""
    return import_module(output.can["continue"])


def told_by(store: Store, output: OutputKind, known: Mapping[Digest, Candidate], candidate: Candidate) -> Told:
    """How probable a candidate holds texts behind others; its models are loaded once.

    Args:
        known: it, and all that it joins, by the digest of their entrants.
    """
    way, models = continuing(output), Models(store)

    def told(before: Sequence[str], texts: Sequence[str]) -> NDArray[np.float64]:
        found = Predictor(store, output, known, way.rows(before, texts), models=models).predict(candidate)
        return np.asarray(way.told(found))

    return told
