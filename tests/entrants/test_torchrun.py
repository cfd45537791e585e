"""A network that a program fits by itself, which torchrun has started several times: the other way to have workers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

_PROGRAM = Path(__file__).with_name("fitted_by_torchrun.py")
_TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--log-dir")


def ran(folder: Path, workers: int, *before: str) -> subprocess.CompletedProcess[str]:
    """How the program ended."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo0" if sys.platform == "darwin" else "lo"}
    command = [sys.executable, *before, str(_PROGRAM), str(folder), str(workers)]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=280, check=False)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_processes_of_torchrun_come_to_what_one_comes_to(tmp_path: Path) -> None:
    """All to the same weights, and to those of one process with the whole batch but for rounding."""
    for ended in (ran(tmp_path, 2, *_TORCHRUN, str(tmp_path)), ran(tmp_path, 1)):
        assert ended.returncode == 0, ended.stderr
    first, second, alone = (np.load(tmp_path / f"{name}.npz") for name in ("0", "1", "alone"))
    for name in alone:
        assert np.array_equal(first[name], second[name])
        np.testing.assert_allclose(first[name], alone[name], rtol=2e-4, atol=2e-5, err_msg=name)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_as_many_are_started_as_the_network_says(tmp_path: Path) -> None:
    """Otherwise some would wait for others for ever, or train what is not theirs."""
    ended = ran(tmp_path, 3, *_TORCHRUN, str(tmp_path))
    assert ended.returncode != 0
    assert "parallel: workers = 3, and 2 were started; make them the same" in ended.stderr
