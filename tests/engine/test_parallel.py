"""Training divided among processes: it comes to what one process comes to, goes on after a kill, and ends with its job.

The processes of the first tests are this file, run as a program: they meet in a file and talk over the loopback.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from torch import distributed, nn

from concours.core.needs import Needs
from concours.core.parallel import Parallel, joined
from concours.entrants import together, training
from concours.entrants.modules import ModuleClassifier
from concours.entrants.neural import ConvClassifier, DenseClassifier, DenseRegressor
from concours.entrants.text_networks import EmbeddingBagClassifier
from concours.runs.result import Result

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


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A contest of one network, whose fit takes some seconds and is divided."""
    folder = tmp_path_factory.mktemp("contest")
    lines = ["a,b,c,d,y", *(",".join(map(str, [*row, "xyz"[code]])) for row, code in zip(ROWS, CODES, strict=True))]
    (folder / "rows.csv").write_text("\n".join(lines))
    (folder / "contest.toml").write_text(
        """
[task]
kind   = "tabular-classification"
data   = "rows.csv"
target = "y"
split  = { test = 0.3, folds = 2 }

[compete]
lineup = "none"

[cooperate]
strategies = []

[[entrant]]
recipe = "dnn"
params = { epochs = 1500, hidden = [8], training = { patience = 1500, parallel = { workers = 2 } } }
"""
    )
    return folder


def workers_of(folder: Path) -> list[psutil.Process]:
    """The processes that train for the contest in a folder."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "concours.engine.parallel_worker" in words and any(str(folder) in word for word in words):
            found.append(process)
    return found


def begun(folder: Path, out: Path) -> subprocess.Popen[bytes]:
    """A contest that has kept an epoch of a divided training, and is under way."""
    command = [
        sys.executable,
        "-m",
        "concours",
        "run",
        str(folder / "contest.toml"),
        "--out",
        str(out),
        "--workers",
        "2",
    ]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 300
    while not (any((out / "store" / "scratch").glob("[0-9a-f]*")) and len(workers_of(out)) >= 2):
        assert running.poll() is None, running.stderr.read().decode() if running.stderr else ""
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return running


@pytest.mark.slow
def test_who_is_killed_in_mid_training_goes_on_from_the_last_epoch(table: Path, tmp_path: Path) -> None:
    """One worker is killed, then the whole command; what comes of it is what comes of a run that nobody disturbs."""
    out = tmp_path / "killed"
    running = begun(table, out)
    workers_of(out)[0].kill()
    time.sleep(1.0)
    running.kill()
    running.wait()
    deadline = time.monotonic() + 60
    while workers_of(out):
        assert time.monotonic() < deadline, "processes of a command that is gone go on"
        time.sleep(0.05)
    results = []
    for folder in (out, tmp_path / "quiet"):
        command = [
            sys.executable,
            "-m",
            "concours",
            "run",
            str(table / "contest.toml"),
            "--out",
            str(folder),
            "--workers",
            "2",
        ]
        assert subprocess.run(command, capture_output=True, check=False).returncode == 0
        results.append(Result.load(folder))
    assert results[0].digest == results[1].digest
    assert [line.status for line in results[0].standings] == ["ok", "ok"]


def test_a_fit_needs_a_core_for_each_thread_of_each_worker() -> None:
    """An executor would else begin more than the machine can do at once."""
    params = {"training": {"parallel": {"workers": 3}}}
    assert Needs.of_params(params, 2).cores == 6
    assert Needs.of_params({"parallel": {"workers": 3}}).cores == 3
    assert Needs.of_params({"parallel": True}).cores == 0
    assert Parallel.of_params({"training": {"parallel": {"workers": 1}}}) is None


if __name__ == "__main__":
    program(Path(sys.argv[1]), int(sys.argv[2]))
