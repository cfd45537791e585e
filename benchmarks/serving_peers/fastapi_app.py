"""FastAPI as its tutorial has it: an `async def` with a Pydantic model, a row a request."""

from __future__ import annotations

import os
from pathlib import Path

import joblib
import numpy as np
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel

FOLDER = Path(os.environ["BENCH_MODEL"])
app, bearer = FastAPI(), HTTPBearer()
asked: dict[str, int] = {}
if os.environ["BENCH_FORM"] == "onnx":
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(FOLDER / "model.onnx"), options)

    def predict(row: list[float]) -> list[float]:
        return session.run(None, {"X": np.array([row], dtype=np.float32)})[1][0].tolist()
else:
    model = joblib.load(FOLDER / "model.joblib")

    def predict(row: list[float]) -> list[float]:
        return model.predict_proba(np.array([row]))[0].tolist()


class Row(BaseModel):
    row: list[float]


@app.post("/predict")
async def answer(row: Row, token: HTTPAuthorizationCredentials = Depends(bearer)) -> dict:  # noqa: B008
    if token.credentials != os.environ["BENCH_TOKEN"]:
        raise HTTPException(401)
    asked[token.credentials] = asked.get(token.credentials, 0) + 1
    return {"probabilities": predict(row.row)}
