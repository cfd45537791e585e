"""One fit by several processes of this machine: started, watched and started anew by torch's elastic agent.

A fit whose training is to be divided (`entrants.together`) is handed over whole: what the processes need lies in a
folder of its own, and each does the same job on it, up to the steps of the training. Where one dies, all are started
anew, and go on from the last epoch that the job's scratch keeps. They meet in a file and talk over the loopback: no
port of the network is opened. All are children of the worker that does the job, and end with it (`engine.keeper`).
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core import consent, scratch
from concours.core.entrant import begins_from
from concours.core.job import Job
from concours.core.places import named_places
from concours.core.ports import Store
from concours.engine.rows import put_rows
from concours.engine.scratch import FolderScratch
from concours.entrants.fitting import Fitted
from concours.entrants.models import load_model
from concours.entrants.places import new_place
from concours.kernels.rows.kin import Kin
from concours.stores.blobs import get_bundle, put_array
from concours.stores.disk import DiskStore
from concours.stores.values import put_values

RESTARTS = 3
"""How often processes of one fit are started anew."""

_AGAIN = f"and so it was when all were started anew {RESTARTS} times"
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)

WORK, MODEL, MEETING, WHY, LAST = "work.json", "model.json", "meeting", "why", "last"
"""What lies in the folder: what there is to do, the model in the end, where the processes meet, why they cannot, and of
what they have ended.
"""

_WORKER = "concours.engine.parallel_worker"


def fitted_together(
    job: Job,
    workers: int,
    place: Path,
    store: Store,
    x: Any,
    y: Any,
    weights: NDArray[np.float64] | None,
    kin: Kin | None,
    *,
    made: Callable[[], Any],
) -> Fitted:
    """The fitted model of a job, by so many processes.

    Args:
        place: a folder where what they need may lie.
        x, y, weights, kin: as `engine.fitting.fitted_by` takes them.
        made: makes the untrained estimator, of users' code.

    Raises:
        ValueError: a process failed, and again when it was started anew; the message is its own.
    """
    folder = new_place(place)
    room = DiskStore(folder / "store")
    for digest in filter(None, (job.inputs.get("code"), begins_from(job.params["params"]))):
        with store.open(digest) as file:
            room.put(file)
    rows = {
        "x": put_rows(room, x),
        "y": put_values(room, y),
        **({} if weights is None else {"weights": put_array(room, weights)}),
        **({} if kin is None else {"groups": put_array(room, kin.groups)}),
    }
    told = {"job": job.to_json(), "rows": rows, "in_time": bool(kin and kin.in_time), "scratch": _scratch()}
    (folder / WORK).write_text(json.dumps(told))  # parameters in the order that they have: the model has it too
    _launch(folder, workers, job.threads)
    said = json.loads((folder / MODEL).read_text())
    return load_model(said["format"], get_bundle(room, said["model"]), made=made)


def _scratch() -> dict[str, str] | None:
    """Where the job keeps how far it has come, for the processes that come as far; none where nothing is kept."""
    found = scratch.current()
    if not isinstance(found, FolderScratch):
        return None
    if (slot := found.slot()).read() is not None:
        slot.go_on()
    return {"folder": str(found.folder), "code": found.code, "bucket": found.bucket.address if found.bucket else ""}


def _launch(folder: Path, workers: int, threads: int) -> None:
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=workers,
        run_id=folder.name,
        rdzv_backend="c10d",
        rdzv_endpoint=str(folder / f"{MEETING}.agent"),
        rdzv_configs={"store_type": "file"},
        max_restarts=RESTARTS,
        monitor_interval=0.1,
        local_addr="localhost",
    )
    with _surroundings(threads):
        try:
            elastic_launch(config, sys.executable)("-P", "-m", _WORKER, str(folder))
        except SignalException:
            raise KeyboardInterrupt from None
        except ChildFailedError as error:
            rank, first = error.get_first_failure()
            said = [path.read_text() for path in sorted(folder.glob(f"{LAST}.*"))] or [_ended(first.exitcode)]
            raise ValueError(f"parallel: worker {rank + 1} {said[0]}, {_AGAIN}") from None
    if words := sorted(folder.glob(f"{WHY}.*")):
        raise ValueError(words[0].read_text())


def _ended(code: int) -> str:
    return f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"


@contextmanager
def _surroundings(threads: int) -> Iterator[None]:
    """The environment of the processes; what the agent changes of this one is put back."""
    before, main = dict(os.environ), threading.current_thread() is threading.main_thread()
    handlers = {number: signal.getsignal(number) for number in _SIGNALS} if main else {}
    os.environ.update(
        {
            **consent.environment(),
            "PYTHONPATH": named_places(os.environ.get("PYTHONPATH", "")),
            "PYTHONHASHSEED": "0",
            "OMP_NUM_THREADS": str(threads),
            "GLOO_SOCKET_IFNAME": os.environ.get("GLOO_SOCKET_IFNAME", _loopback()),
        }
    )
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        os.environ.clear()
        os.environ.update(before)


def _loopback() -> str:
    return "lo0" if sys.platform == "darwin" else "lo"
