"""A network that is fitted by itself, in as many processes as torchrun has started.

    torchrun --nproc-per-node 2 fitted_by_torchrun.py FOLDER WORKERS

Each writes what it has come to, as FOLDER/RANK.npz; without torchrun, one process writes alone.npz.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

from concours.entrants.neural import DenseClassifier

RANDOM = np.random.default_rng(5)
ROWS = RANDOM.normal(size=(203, 4)).astype(np.float32)
CODES = (ROWS[:, 0] > 0).astype(np.int64) + (ROWS[:, 1] > 0.5)


def main(folder: Path, workers: int) -> None:
    """Fits it. SGD, since a bias before a batch norm has no gradient but rounding, which Adam would make steps of."""
    training = {"optimiser": "sgd", **({"parallel": {"workers": workers}} if workers > 1 else {})}
    network = DenseClassifier(hidden=[8], epochs=3, dropout=0.0, random_state=3, training=training).fit(ROWS, CODES)
    np.savez(folder / f"{os.environ.get('RANK', 'alone')}.npz", **network.get_tensors())


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
