"""Submitted code of each form is run on the public data, and its predictions come back."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile

import numpy as np
import pandas as pd
import pytest

from concours.core.archive import unzipped, zipped
from concours.core.event import Done, Failed
from concours.core.job import Job
from concours.core.progress import listening
from concours.engine.runners import RUNNERS
from concours.engine.sandbox.python import places
from concours.engine.sandbox.run import available
from concours.engine.submitted.forms import code_of_notebook, entrant_in
from concours.engine.work import execute
from concours.stores.memory import MemoryStore

pytestmark = pytest.mark.skipif(bool(available()), reason=available() or "there is a sandbox")

RNG = np.random.default_rng(0)
ROWS = pd.DataFrame({"id": [f"r{n}" for n in range(90)], "a": RNG.normal(size=90), "b": RNG.normal(size=90)})
ROWS["kind"] = np.where(ROWS.a + ROWS.b > 0, "up", "down")
TRAIN, TEST = ROWS[:60], ROWS[60:]
TASK = {
    "kind": "tabular-classification",
    "data": "data/train.csv",
    "test": "truth/test.csv",
    "target": "kind",
    "id": "id",
}

SCRIPT = """
import csv
train = list(csv.DictReader(open('data/train.csv')))
print('read', len(train), 'rows')
with open('predictions.csv', 'w') as out:
    out.write('id,prediction\\n')
    for row in csv.DictReader(open('data/test.csv')):
        out.write(f"{row['id']},{'up' if float(row['a']) + float(row['b']) > 0 else 'down'}\\n")
"""
ENTRANT = """
import numpy as np

class Sign:
    def __init__(self, random_state=None):
        self.random_state = random_state

    def get_params(self, deep=True):
        return {"random_state": self.random_state}

    def set_params(self, **params):
        self.__dict__.update(params)
        return self

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.up_ = int(y[np.argmax(X["a"] + X["b"])])
        return self

    def predict(self, X):
        return np.where(X["a"] + X["b"] > 0, self.up_, 1 - self.up_)
"""
ESTIMATOR = """
from sklearn.linear_model import LogisticRegression

def get_estimator():
    return LogisticRegression(C=100)
"""


def _notebook(*cells):
    return json.dumps(
        {"cells": [{"cell_type": kind, "source": source.splitlines(keepends=True)} for kind, source in cells]}
    )


HALVES = SCRIPT.partition("with open")
SUBMISSIONS = {
    "a script": ("mine.py", SCRIPT),
    "an entrant": ("mine.py", ENTRANT),
    "a notebook": (
        "mine.ipynb",
        _notebook(
            ("markdown", "# Mine"),
            ("code", "%matplotlib inline\n!pip install x\n" + HALVES[0]),
            ("code", "%%bash\necho no"),
            ("code", HALVES[1] + HALVES[2] + "\ndisplay('written')"),
        ),
    ),
    "a folder with main.py": ("mine.tar.gz", {"main.py": "import own", "own.py": SCRIPT}),
    "a folder in a folder": ("mine.zip", {"mine/main.py": "import own", "mine/own.py": SCRIPT, "__MACOSX/x": "x"}),
    "a command": ("mine.zip", {"concours.toml": 'command = "python go.py --fast"', "go.py": SCRIPT, "old.csv": "old"}),
    "a shell script": ("mine.zip", {"run.sh": "python3 go.py", "go.py": SCRIPT}),
    "a program of Codabench": ("mine.zip", {"metadata.yaml": "command: python3 go.py\n", "go.py": SCRIPT}),
    "an estimator with old predictions": ("mine.zip", {"estimator.py": ESTIMATOR, "predictions.csv": "old"}),
}  # fmt: skip


def _packed(called, content):
    if isinstance(content, str):
        return content.encode()
    if called.endswith(".zip"):
        return zipped({name: text.encode() for name, text in content.items()})
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, text in content.items():
            (item := tarfile.TarInfo(name)).size = len(text)
            archive.addfile(item, io.BytesIO(text.encode()))
    return buffer.getvalue()


@pytest.fixture
def submit():
    """Runs a submission; gives how it ended, and the file that came back."""
    store = MemoryStore()

    def put(content):
        return store.put(io.BytesIO(content))

    data = {"data/train.csv": TRAIN, "data/test.csv": TEST.drop(columns="kind")}
    public = {f"public/{path}": put(frame.to_csv(index=False).encode()) for path, frame in data.items()}

    def go(called, content, **params):
        told = {"called": called, "seconds": 60, "task": TASK, "asked": "data/test.csv", **params}
        job = Job(
            runner="run_submission",
            inputs={"program": put(content if isinstance(content, bytes) else _packed(called, content)), **public},
            params={name: value for name, value in told.items() if value is not None},
            outputs=("file",),
            seed=3,
        )
        event = execute(job, store, RUNNERS)
        if isinstance(event, Failed):
            return event, None
        with store.open(event.outputs["file"]) as file:
            return event, file.read()

    return go


@pytest.mark.parametrize("name", SUBMISSIONS)
def test_each_form_of_submission_predicts(name, submit):
    event, content = submit(*SUBMISSIONS[name])
    assert isinstance(event, Done), event
    assert event.values["called"] == "predictions.csv"
    assert event.values["seconds"] > 0
    found = pd.read_csv(io.BytesIO(content))
    assert list(found.id) == list(TEST.id)
    assert (found.prediction.to_numpy() == TEST.kind.to_numpy()).mean() >= 0.9


def test_what_a_program_prints_is_the_log_and_its_progress_is_told(submit, capfd):
    told = []
    with listening(lambda values: told.append(dict(values))):
        submit("mine.py", "print('hello', flush=True)\nprint('::progress {\"epoch\": 1}')\n" + SCRIPT)
    assert "hello\n" in capfd.readouterr().out
    assert told == [{"epoch": 1.0}]


WRONG = {
    "nothing known": ("mine.zip", {"readme.md": "x", "data.bin": "y"}, "recipe", "readme.md) is not known: expected"),
    "no file": ("mine.py", "print('done')", "exception", "wrote no predictions.csv"),
    "two files": ("mine.py", "open('a.csv', 'w'); open('b.csv', 'w')", "exception", "it wrote a.csv, b.csv"),
    "an error": ("mine.py", "raise ValueError('no such column')", "exception", "no such column"),
    "an error of an entrant": (
        "mine.py",
        "class Mine:\n    def fit(self, X, y):\n        raise ValueError('too few rows')\n    def predict(self, X): ...",
        "exception",
        "too few rows",
    ),
    "no Python": ("mine.py", "def", "recipe", "no Python"),
    "no notebook": ("mine.ipynb", "{}", "recipe", "no notebook"),
    "a manifest of nothing": ("mine.zip", {"concours.toml": "x = 1"}, "recipe", "command"),
    "no archive": ("mine.zip", "PK\x03\x04rubbish", "recipe", "damaged"),
    "a name of nothing": ("..", SCRIPT, "recipe", "no name of a file"),
    "a link": ("mine.tar.gz", None, "recipe", "is a link"),
    "a way out": ("mine.zip", {"../main.py": SCRIPT}, "recipe", "no path of a file"),
    "a bomb": ("mine.zip", {"main.py": "x" * (1 << 20)}, "recipe", "are taken"),
    "too long": ("mine.py", "import time; time.sleep(60)", "out_of_time", "1 s"),
    "too much": ("mine.py", "x = bytearray(b'x' * (1 << 28))", "out_of_memory", "memory"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_in_one_line(name, submit):
    called, content, cause, said = WRONG[name]
    limits = {"too long": {"seconds": 1}, "too much": {"memory_gb": 0.06}, "a bomb": {"disk_gb": 0.001}}.get(name, {})
    if content is None:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            (item := tarfile.TarInfo("main.py")).type = tarfile.SYMTYPE
            item.linkname = "/etc/passwd"
            archive.addfile(item)
        content = buffer.getvalue()
    event, _ = submit(called, content, **limits)
    assert isinstance(event, Failed)
    assert (event.cause, said in event.reason, "\n" in event.reason) == (cause, True, False), event
    assert "/tmp/" not in event.reason


def test_an_entrant_needs_a_task_that_the_library_knows(submit):
    event, _ = submit("mine.py", ENTRANT, asked="")
    assert "send a program" in event.reason


def test_several_files_are_an_answer_where_a_scorer_of_the_hosts_reads_them(submit):
    event, content = submit("mine.py", "open('a.txt', 'w').write('1'); open('b.txt', 'w').write('2')", task=None)
    assert event.values["called"] == "output.zip"
    assert unzipped(content) == {"a.txt": b"1", "b.txt": b"2"}


def test_the_truth_and_other_submissions_are_not_there(submit):
    code = """
import os
found = []
for place, folders, names in os.walk('/'):
    folders[:] = [name for name in folders if os.path.join(place, name) not in KNOWN]
    found += [os.path.join(place, name) for name in names if not os.path.islink(os.path.join(place, name))]
open('predictions.csv', 'w').write('\\n'.join(sorted(found)))
"""
    known = ["/proc", "/dev", "/usr", "/etc/alternatives", *places()]
    event, content = submit("mine.py", f"KNOWN = {known!r}{code}")
    assert isinstance(event, Done), event
    own = {"/out/mine.py", "/out/data/train.csv", "/out/data/test.csv", "/out/predictions.csv"}
    assert set(content.decode().splitlines()) <= {"/code/mine.py", "/etc/ld.so.cache", *own}


def test_cells_of_a_notebook_become_a_script():
    cells = ("code", "if x:\n    %time\n    !ls\nelse:\n    y = 1"), ("code", "%%time\nz = 2"), ("code", "%%html\n<b>")
    code = code_of_notebook(_notebook(*cells).encode(), "n.ipynb")
    compile(code, "n.py", "exec")
    assert "y = 1" in code
    assert "z = 2" in code
    assert "<b>" not in code


ENTRANTS = {
    "class A:\n    def fit(self, X, y): ...": "A",
    "class A:\n    def fit(self, X, y): ...\nclass B(A): ...": "B",
    "import torch\nclass Net(torch.nn.Module):\n    def forward(self, x): ...": "Net",
    "class A:\n    def fit(self): ...\ndef get_estimator(): ...": "get_estimator",
    "class A(A): ...": "",
    "print(1)": "",
}


@pytest.mark.parametrize("text", ENTRANTS)
def test_the_entrant_in_a_file_is_found_without_running_it(text):
    assert entrant_in(text.encode(), "mine.py") == ENTRANTS[text]


def test_an_archive_of_folders_alone_is_nothing(submit):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a/", "")
    event, _ = submit("mine.zip", buffer.getvalue())
    assert isinstance(event, Failed)
