"""Training divided among processes: it comes to what one process comes to, goes on after a kill, and ends with its job.

The processes of the first tests are this file, run as a program: they meet in a file and talk over the loopback.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from torch import distributed, nn

from concours.core import scratch
from concours.core.digests import digest_json
from concours.core.job import Job
from concours.core.needs import Needs
from concours.core.parallel import Parallel, joined
from concours.engine.fitting import fitted_by
from concours.engine.scratch import FolderScratch
from concours.entrants import together, training
from concours.entrants.fitting import Fitted
from concours.entrants.modules import ModuleClassifier
from concours.entrants.neural import ConvClassifier, DenseClassifier, DenseRegressor
from concours.entrants.text_networks import EmbeddingBagClassifier
from concours.stores.disk import DiskStore

WORKERS = 2
LOCAL = {"workers": WORKERS, "every": 1000}
RANDOM = np.random.default_rng(5)
ROWS = RANDOM.normal(size=(203, 4)).astype(np.float32)
PICTURES = RANDOM.integers(0, 255, size=(121, 8, 8, 3), dtype=np.uint8)
CODES = (ROWS[:, 0] > 0).astype(np.int64) + (ROWS[:, 1] > 0.5)
TEXTS = np.array([" ".join(RANDOM.choice(["sun", "rain", "wind", "snow"], size=5)) for _ in range(121)], dtype=object)
WEIGHTS = RANDOM.uniform(0.5, 2.0, size=203)


def module() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8, momentum=None), nn.ReLU(), nn.Linear(8, 3))


SGD = {"optimiser": "sgd"}
"""A bias before a batch norm has no gradient but rounding, which Adam would make steps of."""

CASES: dict[str, Any] = {
    "batch norm": (DenseClassifier, {"hidden": [8], "dropout": 0.0}, SGD, (ROWS, CODES)),
    "weights of rows": (DenseRegressor, {"hidden": [8], "norm": "batch"}, SGD, (ROWS, ROWS[:, 2], WEIGHTS)),
    "pictures, mirrored": (ConvClassifier, {"width": 4, "dropout": 0.0}, SGD, (PICTURES, CODES[:121])),
    "words left out": (EmbeddingBagClassifier, {"width": 4, "dropout": 0.0}, {}, (TEXTS, CODES[:121])),
    "frozen": (
        DenseClassifier,
        {"hidden": [8, 6], "dropout": 0.0, "norm": "layer"},
        {"freeze": ["body.1"], "layer_decay": 0.5},
        (ROWS, CODES),
    ),
    "nothing held out": (
        DenseClassifier,
        {"hidden": [8], "dropout": 0.0, "norm": "none"},
        {"validation_share": 0.0},
        (ROWS, CODES),
    ),
    "a user's": (lambda training, **options: users(**options, **training), {}, SGD, (ROWS, CODES)),
}


def users(*, random_state: int, **training: Any) -> ModuleClassifier:
    return ModuleClassifier("module", module, training=training, random_state=random_state)


def fitted(case: str, parallel: dict[str, int] | None, epochs: int = 3) -> dict[str, np.ndarray]:
    """What a network has learned, and its losses."""
    kind, options, training, rows = CASES[case]
    own = {**training, **({"parallel": parallel} if parallel else {})}
    estimator = kind(epochs=epochs, random_state=3, **options, training=own).fit(*rows)
    history = estimator.history_
    told = {"train_loss": np.array(history.train_loss), "validation_loss": np.array(history.validation_loss)}
    return {**estimator.get_tensors(), **told}


def program(folder: Path, rank: int) -> None:
    """What one of the processes does: all cases, one after another."""
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=WORKERS, timeout=timedelta(seconds=100)
    )
    with joined():
        for number, case in enumerate(CASES):
            np.savez(folder / f"{number}-{rank}.npz", **fitted(case, {"workers": WORKERS}))
        np.savez(folder / f"local-{rank}.npz", **fitted("batch norm", LOCAL, epochs=1))
    distributed.destroy_process_group()


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what each process has come to in each case."""
    folder = tmp_path_factory.mktemp("together")
    env = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo0" if sys.platform == "darwin" else "lo"}
    running = [subprocess.Popen([sys.executable, __file__, str(folder), str(rank)], env=env) for rank in range(WORKERS)]
    assert [process.wait(200) for process in running] == [0] * WORKERS
    return folder


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("shape", [(7, 5), (6, 3, 4, 4)])
def test_a_batch_norm_of_all_rows_is_torchs_own(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...], affine: bool
) -> None:
    """What it gives, what it keeps, and its gradients, where there is nobody else; the naive twin is torch's layer."""
    monkeypatch.setattr(together.dist, "get_world_size", lambda: 1)
    monkeypatch.setattr(together.dist, "get_rank", lambda: 0)
    monkeypatch.setattr(together, "_sum", lambda tensor: None)
    own = (nn.BatchNorm1d if len(shape) == 2 else nn.BatchNorm2d)(shape[1], affine=affine).double()
    if affine:
        nn.init.normal_(own.weight)
        nn.init.normal_(own.bias)
    other = deepcopy(own)
    first = (3 * torch.randn(shape, dtype=torch.double) + 2).requires_grad_()
    second, weights = first.detach().clone().requires_grad_(), torch.randn(shape, dtype=torch.double)
    said, wanted = together._norm(own, first), other(second)
    for each in (said, wanted):
        (each * weights).sum().backward()
    torch.testing.assert_close(said, wanted)
    torch.testing.assert_close(first.grad, second.grad)
    torch.testing.assert_close(dict(own.named_buffers()), dict(other.named_buffers()))
    for one, two in zip(own.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(one.grad, two.grad)


@pytest.mark.slow
@pytest.mark.parametrize("case", list(CASES))
def test_several_processes_come_to_what_one_comes_to_with_the_whole_batch(done: Path, case: str) -> None:
    """θ ← θ − η Σ∇J: the law of synchronous training, with batches that do not divide evenly, but for rounding."""
    number = list(CASES).index(case)
    one, *all_of_them = fitted(case, None), *(np.load(done / f"{number}-{rank}.npz") for rank in range(WORKERS))
    for other in all_of_them:
        assert set(other) == set(one)
        for name, array in one.items():
            np.testing.assert_allclose(other[name], array, rtol=2e-4, atol=2e-5, err_msg=name)
    first, second = all_of_them
    assert all(np.array_equal(first[name], second[name]) for name in one)


class Alone(together.Group):
    """One of several processes that never hears of the others: the naive twin of local SGD until it is averaged."""

    def __init__(self, rank: int) -> None:
        self.rank, self.size, self.every, self._seed = rank, WORKERS, 1000, 0
        self.ended: dict[str, np.ndarray] = {}

    def sum(self, tensor: torch.Tensor) -> None:
        """It is alone."""

    def firsts(self, own: bytes | None) -> bytes | None:
        return own

    def gathered(self, own: torch.Tensor, rows: int) -> torch.Tensor:
        return own.new_zeros((rows, *own.shape[1:]))

    def even_out(self, network: nn.Module, *numbers: torch.Tensor) -> None:
        self.ended = {name: tensor.clone().numpy() for name, tensor in network.state_dict().items()}


@pytest.mark.slow
def test_local_steps_are_those_of_processes_that_are_averaged(done: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an epoch weights and running statistics are the mean of what each has come to by itself (Stich 2019)."""
    found, other = (np.load(done / f"local-{rank}.npz") for rank in range(WORKERS))
    alone = [Alone(rank) for rank in range(WORKERS)]
    for each in alone:
        monkeypatch.setattr(training, "group_for", lambda *_, each=each: each)
        fitted("batch norm", LOCAL, epochs=1)
    first, second = (each.ended for each in alone)
    assert not np.array_equal(first["body.1.weight"], second["body.1.weight"])
    for name in first:
        assert np.array_equal(found[name], other[name])
        if name != "sharpness":
            np.testing.assert_allclose(found[name], (first[name] + second[name]) / 2, rtol=1e-5, atol=1e-6)


def job(**training: Any) -> Job:
    """A fit that is divided."""
    params = {"hidden": [8], "epochs": 250, "training": {"patience": 250, "parallel": {"workers": WORKERS}, **training}}
    told = {"recipe": "concours.entrants.neural:DenseClassifier", "params": params}
    return Job(runner="fit", params={**told, "output": {"name": "classes", "classes": 3}}, seed=1)


def done_by(job: Job, folder: Path, killed: list[int] | None = None) -> Fitted:
    """What a job comes to, of which a worker is killed when an epoch was kept; its number is noted."""
    store, kept = DiskStore(folder), folder / "scratch"
    code = digest_json("the code")

    def kill(noted: list[int]) -> None:
        while not noted:
            found = [p for p in psutil.Process().children(recursive=True) if _works(p)]
            if len(found) >= WORKERS and any(kept.glob("[0-9a-f]*")):
                noted.append(found[0].pid)
                found[0].kill()
            time.sleep(0.02)

    if killed is not None:
        threading.Thread(target=kill, args=(killed,), daemon=True).start()
    with scratch.keeping(FolderScratch(folder, job.digest, lambda: code)):
        return fitted_by(job, store, ROWS, CODES)


def _works(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return "concours.engine.parallel_worker" in process.cmdline()
    return False


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_worker_that_is_killed_is_started_anew_and_goes_on_from_the_last_epoch(tmp_path: Path) -> None:
    """What comes of it is, to the byte, what comes of workers that nobody kills; and the process is as it was."""
    before = dict(os.environ), signal.getsignal(signal.SIGTERM)
    killed: list[int] = []
    disturbed, quiet = done_by(job(), tmp_path / "disturbed", killed), done_by(job(), tmp_path / "quiet")
    assert killed
    tensors = quiet.estimator.get_tensors()
    assert all(np.array_equal(disturbed.estimator.get_tensors()[name], tensors[name]) for name in tensors)
    assert disturbed.estimator.history_ == quiet.estimator.history_
    assert before == (dict(os.environ), signal.getsignal(signal.SIGTERM))
    assert not [process for process in psutil.Process().children(recursive=True) if _works(process)]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_a_worker_complains_of_is_the_reason_and_nothing_is_tried_again(tmp_path: Path) -> None:
    """What is wrong with a fit is so each time, and a person reads one line of it."""
    with pytest.raises(ValueError, match=r"^parallel: 2 workers cannot divide batches of 1 rows: fewer workers"):
        done_by(job(batch_size=1), tmp_path)


def test_a_fit_needs_a_core_for_each_thread_of_each_worker() -> None:
    """An executor would else begin more than the machine can do at once."""
    params = {"training": {"parallel": {"workers": 3}}}
    assert Needs.of_params(params, 2).cores == 6
    assert Needs.of_params({"parallel": {"workers": 3}}).cores == 3
    assert Needs.of_params({"parallel": True}).cores == 0
    assert Parallel.of_params({"training": {"parallel": {"workers": 1}}}) is None


if __name__ == "__main__":
    program(Path(sys.argv[1]), int(sys.argv[2]))
