"""Keeps the model as MLflow does, for `mlflow models serve`."""

from __future__ import annotations

import sys
from pathlib import Path

import joblib
import mlflow

if __name__ == "__main__":
    folder = Path(sys.argv[1])

    class Probabilities(mlflow.pyfunc.PythonModel):
        def load_context(self, context) -> None:
            self.model = joblib.load(context.artifacts["model"])

        def predict(self, context, model_input, params=None):
            return self.model.predict_proba(model_input)

    mlflow.pyfunc.save_model(
        folder / "mlflow", python_model=Probabilities(), artifacts={"model": str(folder / "model.joblib")}
    )
