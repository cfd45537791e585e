"""Small invented data of sequences: gestures with a class or a speed, and units that wear out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from concours.tasks.task import Split, Task

_ROWS, _CLASSES, _UNITS = 72, 3, 14
_NAMES = np.array(["wave", "push", "turn"])


def gestures(folder: Path, seed: int) -> Task:
    """Two sensors over a few steps, of nine people who each make three gestures in their own way."""
    rng, codes = np.random.default_rng(seed), np.arange(_ROWS) % _CLASSES
    table = _moved(rng, codes, 1.0 + codes)
    pa.csv.write_csv(table.drop_columns(["speed"]), folder / "gestures.csv")
    return Task(
        kind="sequence-classification",
        data=str(folder / "gestures.csv"),
        id="trial",
        target="gesture",
        split=Split(test=0.3, folds=2, group="person"),
        options={"time": "step"},
    )


def speeds(folder: Path, seed: int) -> Task:
    """The same, with the speed to be told."""
    rng, codes = np.random.default_rng(seed), np.arange(_ROWS) % _CLASSES
    table = _moved(rng, codes, rng.uniform(0.5, 3.0, _ROWS))
    pa.csv.write_csv(table.drop_columns(["gesture"]), folder / "speeds.csv")
    return Task(
        kind="sequence-regression",
        data=str(folder / "speeds.csv"),
        id="trial",
        target="speed",
        split=Split(test=0.3, folds=2, group="person"),
        options={"time": "step"},
    )


def worn(folder: Path, seed: int) -> Task:
    """Units of two sensors, one of which drifts the faster the sooner a unit fails."""
    rng = np.random.default_rng(seed)
    rows: list[tuple[int, int, float, float, float]] = []
    for unit in range(1, _UNITS + 1):
        life = int(rng.integers(12, 30))
        left = np.arange(life)[::-1]
        wear = np.exp(-left / 6) + 0.05 * rng.standard_normal(life)
        noise = rng.standard_normal(life)
        rows += [(unit, step + 1, float(wear[step]), float(noise[step]), 1.0) for step in range(life)]
    names = ("unit", "cycle", "drift", "noise", "load")
    pa.csv.write_csv(pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))), folder / "worn.csv")
    return Task(
        kind="remaining-useful-life",
        data=str(folder / "worn.csv"),
        id="unit",
        split=Split(test=0.3, folds=2),
        options={"time": "cycle", "window": 6, "cap": 15},
    )


def _moved(rng: np.random.Generator, codes: np.ndarray, speed: np.ndarray) -> pa.Table:
    """A table with a row a step: `trial`, `step`, two sensors, `person`, `gesture` and `speed`."""
    columns: dict[str, list[object]] = {name: [] for name in ("trial", "step", "x", "y", "person", "gesture", "speed")}
    for trial, (code, fast) in enumerate(zip(codes.tolist(), speed.tolist(), strict=True)):
        steps = int(rng.integers(12, 18))
        phase = np.arange(steps) * fast / 3
        wave = np.stack([np.sin(phase), np.cos(phase * (1 + code / 2))])
        wave += 0.1 * rng.standard_normal(wave.shape)
        columns["trial"] += [trial] * steps
        columns["step"] += range(steps)
        columns["x"] += wave[0].tolist()
        columns["y"] += wave[1].tolist()
        columns["person"] += [f"p{trial // _CLASSES % 9}"] * steps
        columns["gesture"] += [str(_NAMES[code])] * steps
        columns["speed"] += [fast] * steps
    return pa.table(columns)
