"""AutoGluon-TimeSeries on ETT-h1, for `forecasting.py`, by the Python of an environment that has it.

    python benchmarks/forecasting_autogluon.py FOLDER SECONDS

FOLDER has `train.csv`, and `asked.npz` with the last steps before each origin, `context` (origins, steps, series), and
their first times `begin`. It writes `said.npy`, means (origins, series, horizon), and prints who was fitted.
Weights of pretrained models cannot be had without a network: those are left out by AutoGluon itself, which says so.
"""

import json
import os
import sys
import time
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import pandas as pd
from autogluon.timeseries import TimeSeriesDataFrame, TimeSeriesPredictor


def main(folder: Path, seconds: float) -> None:
    table = pd.read_csv(folder / "train.csv", parse_dates=["date"])
    names = [name for name in table.columns if name != "date"]
    long = table.melt("date", names, "item_id", "target").rename(columns={"date": "timestamp"})
    predictor = TimeSeriesPredictor(
        prediction_length=96, freq="h", eval_metric="MSE", path=str(folder / "autogluon"), verbosity=0
    )
    begun = time.perf_counter()
    predictor.fit(TimeSeriesDataFrame.from_data_frame(long), presets="medium_quality", time_limit=seconds)
    fitted = time.perf_counter()
    asked = np.load(folder / "asked.npz")
    items, pieces = [], []
    for origin, (context, begin) in enumerate(zip(asked["context"], asked["begin"], strict=True)):
        stamps = pd.date_range(pd.Timestamp(str(begin)), periods=len(context), freq="h")
        for name, values in zip(names, context.T, strict=True):
            items.append(f"{origin:04} {name}")
            pieces.append(pd.DataFrame({"item_id": items[-1], "timestamp": stamps, "target": values}))
    forecast = predictor.predict(TimeSeriesDataFrame.from_data_frame(pd.concat(pieces, ignore_index=True)))
    steps = np.stack([forecast.loc[item]["mean"].to_numpy() for item in items])
    np.save(folder / "said.npy", steps.reshape(len(asked["begin"]), len(names), 96))
    told = {"models": predictor.model_names(), "best": predictor.model_best}
    print(json.dumps({**told, "fit_s": fitted - begun, "predict_s": time.perf_counter() - fitted}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
