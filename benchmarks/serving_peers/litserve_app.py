"""LitServe, with the batches that it makes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import joblib
import litserve
import numpy as np


class Rows(litserve.LitAPI):
    def setup(self, device: str) -> None:
        self.model = joblib.load(Path(os.environ["BENCH_MODEL"]) / "model.joblib")

    def decode_request(self, request: dict) -> list[float]:
        return request["row"]

    def batch(self, rows: list) -> np.ndarray:
        return np.array(rows)

    def predict(self, rows: np.ndarray) -> np.ndarray:
        return self.model.predict_proba(rows)

    def unbatch(self, told: np.ndarray) -> list:
        return list(told)

    def encode_response(self, told: np.ndarray) -> dict:
        return {"probabilities": told.tolist()}


if __name__ == "__main__":
    server = litserve.LitServer(Rows(max_batch_size=32, batch_timeout=0.002), accelerator="cpu")
    server.run(port=int(sys.argv[1]), generate_client_file=False)
