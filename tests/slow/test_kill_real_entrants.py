"""A contest of real entrants, killed again and again, ends as if nobody had disturbed it."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

CONTEST = """
[task]
kind = "image-classification"
data = "sklearn:digits"
split = { test = 0.3, folds = 3 }

[[entrant]]
name = "logistic"
recipe = "logistic"

[[entrant]]
name = "forest"
recipe = "forest"
params = { n_estimators = 50 }

[[entrant]]
name = "svm"
recipe = "svm"

[[entrant]]
name = "knn"
recipe = "knn"
"""
KILLS = 6


def start(file: Path, out: Path) -> subprocess.Popen[str]:
    """`concours run`, in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "concours", "run", str(file), "--out", str(out), "--workers", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def ended(process: subprocess.Popen[str], out: Path) -> dict[str, Any]:
    """The result, once the command has come to its end."""
    text, _ = process.communicate(timeout=300)
    assert process.returncode == 0, text
    result: dict[str, Any] = json.loads((out / "result.json").read_text())
    return result


def records(out: Path) -> int:
    """How many lines the journal has."""
    journal = out / "journal.jsonl"
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_real_contest_that_is_killed_ends_undisturbed(tmp_path: Path) -> None:
    """Scikit-learn's entrants on the digits, through the command line: the same digest, board and default."""
    file, rng = tmp_path / "digits.toml", random.Random(0)
    file.write_text(CONTEST)
    whole = ended(start(file, tmp_path / "whole"), tmp_path / "whole")
    step = records(tmp_path / "whole") // (KILLS + 1)
    out = tmp_path / "killed"
    kills = 0
    for _ in range(KILLS):
        process, wanted = start(file, out), records(out) + rng.randint(1, step)
        while records(out) < wanted and process.poll() is None:
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.2))
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            kills += 1
        process.communicate()
    assert kills >= KILLS // 2, "a machine on which the contest ends before it is killed shows nothing"
    result = ended(start(file, out), out)
    assert result["digest"] == whole["digest"]
    assert result["default"] == whole["default"]
    assert result["alliances"] == whole["alliances"]
    names = ("rank", "name", "score", "ci", "cv_score", "status")
    lines = [[{name: line[name] for name in names} for line in each["standings"]] for each in (result, whole)]
    assert lines[0] == lines[1]
