"""A fit that is divided among two workers, as a program: on a Ray cluster, or in processes of this machine.

    python divided_fit.py STORE [ADDRESS]

Prints a line of JSON: how the job ended. Warnings of the executor go to standard error.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from concours.core.event import event_to_json
from concours.core.job import Job
from concours.core.needs import Needs
from concours.core.ports import Notice, Store
from concours.engine.fitting import fitted_by
from concours.engine.on_ray import RayExecutor
from concours.engine.processes import ProcessExecutor
from concours.engine.work import JobResult, RunnerSpec
from concours.entrants.models import dump_model
from concours.stores.blobs import put_bundle
from concours.stores.disk import DiskStore

RANDOM = np.random.default_rng(5)
ROWS = RANDOM.normal(size=(1003, 4)).astype(np.float32)
CODES = (ROWS[:, 0] > 0).astype(np.int64) + (ROWS[:, 1] > 0.5)
TRAINING = {"patience": 500, "parallel": {"workers": 2}}
PARAMS = {"hidden": [8], "epochs": 500, "training": TRAINING}


def runner(job: Job, store: Store) -> JobResult:
    """The model of made-up rows."""
    _, files, _ = dump_model(fitted_by(job, store, ROWS, CODES))
    return JobResult(outputs={"model": put_bundle(store, files)})


RUNNERS = {"fit": RunnerSpec(reference="divided_fit:runner", version=1)}


def main(store: DiskStore, *address: str) -> None:
    """Does the job."""

    def listen(notice: Notice) -> None:
        if notice.topic == "warning":
            sys.stderr.write(f"{notice.text}\n")

    told = {"recipe": "concours.entrants.neural:DenseClassifier", "params": PARAMS}
    job = Job(runner="fit", params={**told, "output": {"name": "classes", "classes": 3}}, seed=1, outputs=("model",))
    table = "divided_fit:RUNNERS"
    executor = (
        RayExecutor(store, table, address=address[0], listener=listen) if address else ProcessExecutor(store, table)
    )
    executor.submit(replace(job, needs=Needs.of_params(PARAMS)))
    ended = [event for _ in range(1000) for event in executor.outcomes(timeout_s=1)]
    executor.close()
    sys.stdout.write(json.dumps([event_to_json(event) for event in ended]))


if __name__ == "__main__":
    main(DiskStore(Path(sys.argv[1])), *sys.argv[2:])
