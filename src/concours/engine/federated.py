"""Models that a federation has made, as they are asked on a board and for new rows."""

from __future__ import annotations

import json
from typing import Any

from concours.core.job import Job
from concours.core.ports import Store
from concours.entrants.models import load_model, load_object
from concours.stores.blobs import get_bundle

_FORMAT, _TRANSFORMER = "format.json", "transformer.skops"


class Federated:
    """A fitted network, behind what prepares rows for it."""

    def __init__(self, model: Any, transformer: Any) -> None:
        self._model, self._transformer = model, transformer

    def predict(self, x: Any) -> Any:
        """Predictions (rows, outputs)."""
        return self._model.predict(x if self._transformer is None else self._transformer.transform(x))


def opened(job: Job, store: Store) -> Federated:
    """The model that is a job's content. Raises ContentRefused, TrustError where it is none."""
    files = get_bundle(store, job.inputs["code"])
    model = load_model(json.loads(files[_FORMAT]), {n: f for n, f in files.items() if n not in (_FORMAT, _TRANSFORMER)})
    return Federated(model, load_object(files[_TRANSFORMER]) if _TRANSFORMER in files else None)
