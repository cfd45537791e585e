"""BentoML, with its adaptive batching."""

from __future__ import annotations

import os
from pathlib import Path

import bentoml
import joblib
import numpy as np


@bentoml.service(workers=1)
class Rows:
    def __init__(self) -> None:
        self.model = joblib.load(Path(os.environ["BENCH_MODEL"]) / "model.joblib")

    @bentoml.api(batchable=True, max_batch_size=32, max_latency_ms=1000)
    def predict(self, row: list[list[float]]) -> list[list[float]]:
        return self.model.predict_proba(np.array(row)).tolist()
