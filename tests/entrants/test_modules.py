"""Users' own torch modules as entrants: trained here, kept as tensors, made again from their code."""

from __future__ import annotations

import json

import numpy as np
import pytest

from concours import Contest, Entrant, Result, Split, Task
from concours.core.errors import RecipeError
from concours.entrants.fitting import fit
from concours.entrants.models import dump_model, load_model
from concours.entrants.recipes import build, resolve
from concours.entrants.sources import defines_network
from concours.runs.predict import predict
from concours.tasks.kinds import kind_named

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

NET = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, inputs=64, hidden=128, outputs=10):
        super().__init__()
        self.hidden = nn.Linear(inputs, hidden)
        self.out = nn.Linear(hidden, outputs)
    def forward(self, x):
        return self.out(torch.relu(self.hidden(x.flatten(1))))

class Shares(Net):
    def forward(self, x):
        return super().forward(x).softmax(dim=1)

class Weighted(nn.Module):
    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(torch.randn(64, 10))
    def forward(self, x):
        return x.flatten(1) @ self.factor

class Lazy(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.LazyLinear(32), nn.LazyBatchNorm1d(), nn.ReLU(), nn.LazyLinear(10))
    def forward(self, x):
        return self.layers(x)

class Nothing(nn.Module):
    def forward(self, x):
        return x.flatten(1)[:, :10]

class Picky(Net):
    def forward(self, x):
        assert x.dtype == torch.float32 and x.shape[1:] == (1, 8, 8) and x.max() <= 1 and x.min() >= 0
        return super().forward(x)

def make(hidden=32):
    return Net(hidden=hidden)

made = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 10))
weighted = Weighted()
"""


@pytest.fixture(autouse=True)
def one_thread():
    """As in a job."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "net.py"
    path.write_text(NET)
    return path


@pytest.fixture(scope="module")
def digits():
    from sklearn.datasets import load_digits

    images, y = load_digits(return_X_y=True)
    return (images[:900].reshape(-1, 8, 8) * 15).astype(np.uint8), y[:900]


def built(file, name, params=None, *, classes=10):
    found = resolve(
        Entrant("n", f"{file}:{name}", params or {}), form=kind_named("image-classification").form, folder=file.parent
    )
    return build(
        found.entrant.recipe, found.entrant.params, found.source, file.parent / "code", seed=3, classes=classes
    )


@pytest.mark.parametrize("name", ["Net", "Shares", "Lazy", "make", "made"])
def test_trained_kept_and_made_again(file, digits, name):
    """A class, a function and a module that is made already learn digits, and what is kept predicts the same bytes."""
    X, y = digits
    fitted = fit(built(file, name), X[:600], y[:600], 10, calibrate=False)
    predictions = fitted.predict(X[600:])
    assert (predictions.argmax(axis=1) == y[600:]).mean() > 0.85
    assert np.allclose(predictions.sum(axis=1), 1)
    format, files, why = dump_model(fitted)
    assert (format, why) == ("weights", "")
    assert set(files) == {"fitted.json", "state.json", "tensors"}
    again = load_model(format, files, made=lambda: built(file, name))
    assert again.predict(X[600:]).tobytes() == predictions.tobytes()
    same = fit(built(file, name), X[:600], y[:600], 10, calibrate=False)
    assert dump_model(same)[1] == files, "the same seed, the same model"


def test_pictures_as_networks_take_them(file, digits):
    """Pictures come as float32 (n, channels, height, width) between 0 and 1; the scale of the fit holds for new rows."""
    X, y = digits
    built(file, "Picky", {"epochs": 1}).fit(X, y)
    estimator = built(file, "Net", {"epochs": 1}).fit(X, y)
    assert np.allclose(estimator.predict_proba(X[:5]), estimator.predict_proba(X[:5] + np.uint8(0)))
    assert not np.allclose(estimator.predict_proba(X[:5]), estimator.predict_proba(X[:5] // 2))


@pytest.mark.parametrize(
    ("name", "params", "words"),
    [
        ("Net", {"outputs": 7}, "Net must give 10 numbers, one a class, for each row; got 7: change its last layer"),
        ("Net", {"outputs": 1}, "must give 10 numbers.*got 1"),
        ("Nothing", {}, "Nothing has no parameters, so that there is nothing to train"),
        ("Net", {"inputs": 784}, r"does not take an input of shape \(n, 1, 8, 8\): RuntimeError: mat1 and mat2"),
    ],
)
def test_networks_that_do_not_fit(file, digits, name, params, words):
    """An output or an input of the wrong size is one clear line."""
    X, y = digits
    with pytest.raises(ValueError, match=words) as error:
        built(file, name, params).fit(X[:60], y[:60])
    assert "\n" not in str(error.value)


def test_parameters_of_the_module_and_of_its_training(file):
    """What the module's class takes goes there, settings of the training beside it; others are refused by name."""
    estimator = built(file, "Net", {"hidden": 8, "epochs": 3, "batch_size": 16})
    assert estimator.make().hidden.out_features == 8
    assert estimator.training == {"epochs": 3, "batch_size": 16}
    of_function = built(file, "make", {"hidden": 8, "epochs": 3})
    assert of_function.make().hidden.out_features == 8
    assert of_function.training == {"epochs": 3}
    for name in ("Net", "make"):
        with pytest.raises(RecipeError, match="takes no parameter 'hiden'; did you mean 'hidden'"):
            built(file, name, {"hiden": 8})
    with pytest.raises(RecipeError, match="weights that cannot be drawn anew.*name its class"):
        built(file, "weighted").make()


def test_a_class_that_is_absent(file, digits):
    """A fold may lack a class: the others' probabilities still add up to one."""
    X, y = digits
    there = y != 3
    fitted = fit(built(file, "Net", {"epochs": 5}), X[there][:300], y[there][:300], 10, calibrate=False)
    said = fitted.predict(X[:50])
    assert said.shape == (50, 10)
    assert np.allclose(said.sum(axis=1), 1)
    assert said[:, 3].max() < 0.01


@pytest.mark.parametrize("last", ["", ".squeeze(1)"])
def test_numbers(file, last):
    """One output a row is a regression, on the standardised target, whatever its unit; a last axis of one may be gone."""
    file.write_text(NET.replace("self.hidden(x.flatten(1))))", f"self.hidden(x.flatten(1)))){last}", 1))
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3)).astype(np.float32)
    y = 1e4 * (X[:, 0] - 2 * X[:, 1]) + 5e5
    fitted = fit(built(file, "Net", {"inputs": 3, "outputs": 1}, classes=0), X[:300], y[:300], 0, calibrate=False)
    said = fitted.predict(X[300:])[:, 0]
    assert np.corrcoef(said, y[300:])[0, 1] > 0.97
    format, files, _ = dump_model(fitted)
    made = load_model(format, files, made=lambda: built(file, "Net", {"inputs": 3, "outputs": 1}, classes=0))
    assert made.predict(X[300:]).tobytes() == fitted.predict(X[300:]).tobytes()


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Net", True), ("Shares", True), ("made", True), ("make", True), ("torch", False), ("absent", False)],
)
def test_modules_are_known_by_reading(name, expected):
    """Whether a name of a file is a module is read from its text; the file is not run for that."""
    assert defines_network({"net.py": NET + "\nraise SystemExit\n"}, "net.py", name) is expected


@pytest.mark.parametrize(
    ("kind", "prepared"),
    [("tabular-classification", "matrix"), ("text-classification", "topics"), ("image-classification", "none")],
)
def test_what_a_module_gets(file, kind, prepared):
    """Numbers on one scale of tables and texts, and pictures themselves; `prepare` says otherwise."""
    found = resolve(Entrant("n", f"{file}:Net"), form=kind_named(kind).form, folder=file.parent)
    assert found.entrant.prepare == prepared


def test_modules_of_torch_are_written_down():
    """A sequence of torch's own layers is written by their parameters; another module that is made is refused."""
    layers = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10))
    entrant = Entrant("seq", layers)
    assert entrant.recipe == "torch.nn:Sequential"
    assert "weight" not in json.dumps(dict(entrant.params))
    made = build(entrant.recipe, entrant.params, {}, None, classes=10).make()
    assert [(type(a), str(a)) for a in made] == [(type(a), str(a)) for a in layers]
    assert Entrant("other", nn.Sequential(*layers)).digest == entrant.digest

    class Own(nn.Module):
        pass

    Own.__module__, Own.__qualname__ = "__main__", "Own"
    with pytest.raises(RecipeError, match=r'"./that_file.py:Own"'):
        Entrant("own", Own())


def test_a_contest_whose_file_is_gone(file, tmp_path, monkeypatch):
    """The run folder has all that `predict` needs: the module's code and its tensors; nothing there is a pickle."""
    monkeypatch.syspath_prepend(str(tmp_path))
    made = Contest(
        task=Task(kind="image-classification", data="sklearn:digits", split=Split(test=0.3, folds=2)),
        entrants=[Entrant("net", "./net.py:Net", {"epochs": 4}), Entrant("wrong", "./net.py:Net", {"outputs": 3})],
        engine="inline",
        cooperate=(),
        out=tmp_path / "run",
        folder=tmp_path,
    ).run()
    assert made.standings["net"].status == "ok"
    assert made.standings["wrong"].status == "failed"
    assert "must give 10 numbers, one a class, for each row; got 3" in made.standings["wrong"].reason
    before = predict(made, "sklearn:digits", model="net", proba=True)
    file.unlink()
    after = predict(Result.load(tmp_path / "run"), "sklearn:digits", model="net", proba=True)
    assert np.array_equal(before, after)
    asked = []
    (tmp_path / "run").rename(tmp_path / "moved")
    predict(Result.load(tmp_path / "moved"), "sklearn:digits", model="net", trust=lambda text: not asked.append(text))
    assert "net.py:Net" in asked[0]
