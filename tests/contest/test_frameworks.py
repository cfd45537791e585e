"""Models of all frameworks on one board, and what is said of those that are none: before anything is fitted, in a line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from concours import Contest, Entrant, Split, Task
from concours.core.errors import ConcoursError, RecipeError
from concours.runs.predict import predict
from concours.runs.verify import verify

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

MODULES = """
import numpy as np
from torch import nn

class Silent(nn.Module):
    '''Forgot its forward.'''
    def __init__(self):
        super().__init__()
        self.line = nn.Linear(4, 3)

class Line(Silent):
    def forward(self, x):
        return self.line(x)

class Narrow(nn.Module):
    def __init__(self):
        super().__init__()
        self.line = nn.Linear(4, 2)
    def forward(self, x):
        return self.line(x)

class Pure:
    '''Its own gradient descent, as a model of JAX has it: parameters in a tree, fit and predict.'''
    def __init__(self, steps=200, rate=0.1):
        self.steps, self.rate = steps, rate
    def get_params(self, deep=True):
        return {"steps": self.steps, "rate": self.rate}
    def set_params(self, **params):
        vars(self).update(params)
        return self
    def fit(self, X, y):
        X = np.asarray(X, dtype=float)
        self.tree = {"w": np.zeros((X.shape[1], y.max() + 1)), "b": np.zeros(y.max() + 1)}
        for _ in range(self.steps):
            slope = (self.predict_proba(X) - np.eye(y.max() + 1)[y]) / len(y)
            self.tree = {"w": self.tree["w"] - self.rate * X.T @ slope, "b": self.tree["b"] - self.rate * slope.sum(0)}
        return self
    def predict_proba(self, X):
        z = np.asarray(X, dtype=float) @ self.tree["w"] + self.tree["b"]
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)
    def predict(self, X):
        return self.predict_proba(X).argmax(axis=1)
"""


def graph(features: int, outputs: int) -> bytes:
    """A linear model with a softmax behind it."""
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    nodes = [helper.make_node("MatMul", ["x", "w"], ["z"]), helper.make_node("Softmax", ["z"], ["p"], axis=1)]
    ends = [
        helper.make_tensor_value_info("x", kind, ["n", features]),
        helper.make_tensor_value_info("p", kind, ["n", outputs]),
    ]
    w = onnx.numpy_helper.from_array(np.ones((features, outputs), np.float32), "w")
    made = helper.make_graph(nodes, "g", ends[:1], ends[1:], [w])
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=10).SerializeToString()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models that are, and models that are none."""
    place = tmp_path_factory.mktemp("models")
    (place / "nets.py").write_text(MODULES)
    (place / "good.onnx").write_bytes(graph(4, 3))
    (place / "wide.onnx").write_bytes(graph(7, 3))
    (place / "two.onnx").write_bytes(graph(4, 2))
    (place / "no.onnx").write_bytes(b"rubbish")
    (place / "empty").mkdir()
    (place / "headless").mkdir()
    (place / "headless" / "config.json").write_text(json.dumps({"model_type": "no-such-model"}))
    safetensors.numpy.save_file({"w": np.zeros(2)}, place / "headless" / "model.safetensors")
    (place / "rubbish.sh").write_text("#!/bin/sh\ncat > /dev/null\necho Welcome to the model\n")
    (place / "good.sh").write_text(
        '#!/bin/sh\nawk \'BEGIN{print "p_setosa,p_versicolor,p_virginica"} NR>1{print "0.2,0.3,0.5"}\'\n'
    )
    return place


def contest(folder: Path, *entrants: Entrant, **options: Any) -> Contest:
    task = Task(kind="tabular-classification", data="sklearn:iris", split=Split(test=0.3, folds=2))
    known = {"task": task, "lineup": "none", "cooperate": [], "engine": "inline", "folder": folder}
    return Contest(entrants=entrants, **{**known, **options})


LINE = Entrant(
    "line", "nets.py:Line", {"epochs": 3, "optimiser": "sgd", "momentum": 0.8, "loss": "hinge"}, prepare="auto"
)

BAD = [
    ("onnx:wide.onnx", {}, r"takes 'x' of shape \(n, 7\); the rows have \(rows, 4\)"),
    ("onnx:two.onnx", {}, r"gave values of shape \(2, 2\) for 2 rows and 3 classes"),
    ("onnx:no.onnx", {}, "is no ONNX model, or damaged"),
    ("onnx:gone.onnx", {}, "there is no file .*gone.onnx"),
    ("onnx:empty", {}, "is a folder in which nothing is read; a folder with model.onnx, .* was expected"),
    ("onnx:good.onnx", {"mena": [1]}, "takes no parameter 'mena'; did you mean 'mean'"),
    ("classifier:empty", {}, "is a folder in which nothing is read"),
    ("classifier:headless", {}, "config.json describes no model of transformers"),
    ("classifier:nets.py", {}, "is no folder of a classifier of Hugging Face"),
    ("detector:headless", {}, "finds boxes, and this task predicts 3 classes"),
    ("program:rubbish.sh", {}, "the program rubbish.sh: what it wrote has a header but no rows"),
    ("program:gone", {}, "there is no file .*gone"),
    ("program:good.sh", {"form": "xml"}, "program: params.form.*csv"),
    ("nets.py:Silent", {}, "Silent does not take an input of shape .*forward"),
    ("nets.py:Narrow", {}, "Narrow must give 3 numbers, one a class, for each row; got 2: change its last layer"),
    ("nets.py:Gone", {}, "no class Gone; did you mean"),
    ("nets.py:Line", {"epochz": 2}, "takes no parameter 'epochz'; did you mean 'epochs'"),
    ("pretrained", {"begin": "empty"}, "does not suit this kind of task"),
]


@pytest.mark.parametrize(("recipe", "params", "said"), BAD, ids=[f"{recipe} {params}" for recipe, params, _ in BAD])
def test_what_is_no_model_is_told_in_one_line(
    folder: Path, tmp_path: Path, recipe: str, params: Any, said: str
) -> None:
    """By the refusal of the contest, where the file is wrong whatever the rows are; else on its line of the board, and
    the others go on.
    """
    seen: Any = {"seen": "none"} if ":" in recipe and ".py" not in recipe.partition(":")[0] else {}
    prepare = "auto" if recipe.startswith("nets.py") else None
    bad = Entrant("bad", recipe, params, prepare=prepare, **seen)
    try:
        result = contest(folder, bad, LINE, out=tmp_path / "run").run()
    except ConcoursError as error:
        reason = str(error)
    else:
        told = {line.entrant.name: line for line in result.standings}
        assert told["line"].status == "ok"
        assert told["bad"].status == "failed"
        reason = told["bad"].reason
    assert re.search(said, reason), reason
    assert "\n" not in reason


def test_all_of_them_on_one_board(folder: Path, tmp_path: Path) -> None:
    """A module, a class of fit and predict alone, a graph and a program: joined, verified, and asked for new rows."""
    pure = Entrant("pure", "nets.py:Pure", {"steps": 50})
    asked = [Entrant("graph", "onnx:good.onnx", seen="none"), Entrant("program", "program:good.sh", seen="none")]
    result = contest(folder, LINE, pure, *asked, cooperate=["average"], out=tmp_path / "run").run()
    told = {line.entrant.name: line for line in result.standings}
    assert all(told[name].status == "ok" for name in ("line", "pure", "graph", "program", "average"))
    assert verify(tmp_path / "run").holds
    for name in ("line", "pure", "graph", "program", "average"):
        assert len(predict(result, "sklearn:iris", model=name)) == 150


def test_a_program_is_asked_about_and_then_runs(folder: Path, tmp_path: Path, monkeypatch: Any, concours: Any) -> None:
    """From the command line: nobody runs what a contest file names without a yes."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "iris.toml").write_text(
        "[task]\nkind = 'tabular-classification'\ndata = 'sklearn:iris'\nsplit = { test = 0.3, folds = 2 }\n"
        "[compete]\nlineup = 'none'\n[cooperate]\nstrategies = []\n"
        f"[[entrant]]\nname = 'ours'\nrecipe = 'program:{folder}/good.sh'\nseen = 'none'\n"
        "[[entrant]]\nrecipe = 'logistic'\n"
    )
    code, _, told = concours("run iris.toml")
    assert code == 2
    assert f"runs code from program:{folder}/good.sh; read it, then add --trust" in told
    code, said, _ = concours("run iris.toml --trust --workers 1")
    assert code == 0
    assert "ours" in said


def test_a_contest_that_only_names_what_is_no_model_is_refused(folder: Path, tmp_path: Path) -> None:
    """A recipe that leads nowhere is a fault of the file, told before rows are read by anybody."""
    with pytest.raises(RecipeError, match="entrant bad: the model no.onnx is no ONNX model"):
        contest(folder, Entrant("bad", "onnx:no.onnx", seen="none"), out=tmp_path / "run").run()
