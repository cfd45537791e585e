"""The commands as a person types them, in a process of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

CONTEST = """
[task]
kind = "tabular-classification"
data = "sklearn:iris"
split = { test = 0.3, folds = 2 }
[compete]
lineup = "none"
[[entrant]]
name = "bayes"
recipe = "sklearn.naive_bayes:GaussianNB"
[[entrant]]
name = "tree"
recipe = "sklearn.tree:DecisionTreeClassifier"
"""
OWN = """
[[entrant]]
name = "own"
recipe = "./own.py:Own"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a contest that has been run."""
    folder = tmp_path_factory.mktemp("commands")
    (folder / "iris.toml").write_text(CONTEST)
    done = concours(folder, "run iris.toml --workers 1")
    assert done.returncode == 0, done.stderr
    assert "cross-validation score" in done.stderr
    assert all(word in done.stdout for word in ("★", "bayes", "greedy", "concours predict runs/iris", "95%"))
    return folder


def environment(folder) -> dict[str, str]:
    return os.environ | {"XDG_STATE_HOME": str(folder / ".state"), "COLUMNS": "100"}


def concours(folder, command: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "concours", *command.split()], cwd=folder, env=environment(folder), capture_output=True, text=True,
        stdin=subprocess.DEVNULL, timeout=120,
    )  # fmt: skip


def test_show(folder):
    """The board again, and the same as JSON."""
    assert "bayes" in concours(folder, "show runs/iris").stdout
    value = json.loads(concours(folder, "show runs/iris --json").stdout)
    assert value == json.loads((folder / "runs" / "iris" / "result.json").read_text())


def test_predict(folder):
    """New rows to labels, and to probabilities that sum to one, through the default and through a named model."""
    from sklearn.datasets import load_iris

    load_iris(as_frame=True).data.sample(20, random_state=0).to_csv(folder / "new.csv", index=False)
    assert concours(folder, "predict runs/iris new.csv -o labels.csv").returncode == 0
    assert concours(folder, "predict runs/iris new.csv -o tree.csv --with tree --proba").returncode == 0
    labels, tree = pd.read_csv(folder / "labels.csv"), pd.read_csv(folder / "tree.csv")
    assert set(labels["prediction"]) <= {"setosa", "versicolor", "virginica"}
    assert list(tree.columns) == ["prediction", "p_setosa", "p_versicolor", "p_virginica"]
    assert ((tree.iloc[:, 1:].sum(axis=1) - 1).abs() < 1e-9).all()


def test_json_is_all_that_is_printed(folder):
    """With --json standard output is one JSON value, also when everything was already done."""
    done = concours(folder, "run iris.toml --json")
    assert json.loads(done.stdout)["schema"] == 4


def test_gc_and_doctor(folder):
    """What was removed and what is left; what is installed, missing, and how to get it."""
    assert "are left in runs/iris" in concours(folder, "gc runs/iris").stdout
    out = concours(folder, "doctor").stdout
    assert all(word in out for word in ("scikit-learn", "cores", "memory", "gpu"))


def test_code_is_run_after_asking_once(tmp_path):
    """A contest's own file runs with --trust, and from then on without; another folder asks again, also to predict."""
    (tmp_path / "c.toml").write_text(CONTEST + OWN)
    (tmp_path / "own.py").write_text("from sklearn.naive_bayes import GaussianNB\nclass Own(GaussianNB): ...\n")
    refused = concours(tmp_path, "run c.toml")
    assert (refused.returncode, "--trust" in refused.stderr, (tmp_path / "runs").exists()) == (2, True, False)
    assert concours(tmp_path, "run c.toml --trust").returncode == 0
    assert concours(tmp_path, "run c.toml").returncode == 0
    from sklearn.datasets import load_iris

    load_iris(as_frame=True).data.to_csv(tmp_path / "new.csv", index=False)
    assert concours(tmp_path, "predict runs/c new.csv -o p.csv --with own").returncode == 0
    (tmp_path / "runs").rename(tmp_path / "moved")
    refused = concours(tmp_path, "predict moved/c new.csv -o q.csv --with own")
    assert (refused.returncode, "own.py" in refused.stderr, "--trust" in refused.stderr) == (2, True, True)
    assert concours(tmp_path, "predict moved/c new.csv -o q.csv --with bayes").returncode == 0


def test_ctrl_c(tmp_path):
    """Ctrl-C ends at once, kills what runs, says how to go on, and going on ends well."""
    (tmp_path / "c.toml").write_text(CONTEST + OWN)
    (tmp_path / "own.py").write_text(
        "import time, pathlib\nfrom sklearn.naive_bayes import GaussianNB\n"
        "class Own(GaussianNB):\n    def fit(self, X, y):\n        pathlib.Path('begun').touch()\n"
        "        time.sleep(0 if pathlib.Path('quick').exists() else 60)\n        return super().fit(X, y)\n"
    )
    command = [sys.executable, "-m", "concours", "run", "c.toml", "--trust", "--seconds", "50", "--out", "here"]
    process = subprocess.Popen(command, cwd=tmp_path, env=environment(tmp_path), stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (tmp_path / "begun").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)  # what runs would take a minute
    assert process.returncode == 130
    assert "the same command goes on: concours run c.toml --trust --seconds 50 --out here\n" in err
    assert "Traceback" not in err
    (tmp_path / "quick").touch()
    assert concours(tmp_path, "run c.toml --seconds 50 --out here").returncode == 0


def test_who_fits_nobody_fails(tmp_path):
    """A contest in which only the baseline could be fitted ends with one line, the cure, exit code 2, and no default."""
    raises = (
        "class Own:\n    def fit(self, X, y):\n        raise ValueError('no luck')\n    def predict(self, X): ...\n"
    )
    (tmp_path / "own.py").write_text(raises)
    head = CONTEST.partition("[[entrant]]")[0]
    (tmp_path / "c.toml").write_text(f'{head}[[entrant]]\nname = "own"\nrecipe = "./own.py:Own"\n')
    ended = concours(tmp_path, "run c.toml --trust --engine inline")
    assert ended.returncode == 2
    assert "no entrant could be fitted: own:" in ended.stderr
    assert "no luck" in ended.stderr
    assert json.loads((tmp_path / "runs" / "c" / "result.json").read_text())["default"] is None


def test_who_is_skipped_for_want_of_a_machine_is_not_told_to_take_more_time():
    """An entrant that needs more cores than there are was given no time at all; the line says what it needs."""
    from types import SimpleNamespace as Some

    from concours.cli.run import _why_nothing

    line = Some(status="skipped", reason="needs 200 cores, and this machine has 2", entrant=Some(name="dnn"))
    told = _why_nothing(Some(standings=[Some(status="ok"), line]), Some(seconds=None))
    assert told == "no entrant could be fitted: dnn: needs 200 cores, and this machine has 2"


def test_imports_are_light():
    """`import concours` and the command line import nothing heavy before they need it."""
    heavy = ["numpy", "scipy", "sklearn", "pandas", "pyarrow", "torch", "skops", "jinja2", "psutil"]
    code = f"import concours, concours.cli, sys; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
