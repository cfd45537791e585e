"""Users' own Keras models as entrants: trained here, kept as tensors, made again from their code; and as files."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from concours.core.errors import RecipeError
from concours.entrants.fitting import fit
from concours.entrants.merging import mergeable
from concours.entrants.models import dump_model, load_model
from concours.entrants.recipes import build
from concours.entrants.sources import defines_network

os.environ.setdefault("KERAS_BACKEND", "torch")
pytest.importorskip("keras", reason="keras is not installed")

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras, of numpy 2

NET = """
import keras
from keras import layers

def net(hidden=8, outputs=3, last="softmax"):
    return keras.Sequential([layers.Flatten(), layers.Dense(hidden, "relu"), layers.Dense(outputs, last)])

def compiled(outputs=3):
    model = net(outputs=outputs)
    model.compile(optimizer=keras.optimizers.SGD(0.1, momentum=0.9), loss="sparse_categorical_crossentropy")
    return model

class Own(keras.Model):
    def __init__(self, hidden=8):
        super().__init__()
        self.inward, self.outward = layers.Dense(hidden, "tanh"), layers.Dense(3)
    def call(self, x):
        return self.outward(self.inward(x))

def nothing():
    return keras.Sequential([layers.Flatten()])

ready = keras.Sequential([keras.Input((4,)), layers.Dense(3)])

def other():
    return 3
"""
RANDOM = np.random.default_rng(0)
ROWS = RANDOM.normal(size=(60, 4)).astype(np.float32)
CODES = (ROWS[:, 0] > 0).astype(int) + (ROWS[:, 1] > 0.5)


def built(name: str, tmp_path: Path, classes: int = 3, **params: Any) -> Any:
    return build(f"net.py:{name}", params, {"net.py": NET}, tmp_path, seed=1, classes=classes)


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("net", {"epochs": 12, "learning_rate": 0.05}),
        ("net", {"last": None, "optimiser": "rmsprop", "epochs": 12, "learning_rate": 0.05}),
        ("compiled", {"epochs": 12}),
        ("Own", {"hidden": 6, "epochs": 12, "learning_rate": 0.05}),
        ("ready", {"epochs": 12, "learning_rate": 0.05}),
    ],
)
def test_it_is_trained_kept_and_made_again(tmp_path: Path, name: str, params: Any) -> None:
    """Probabilities or logits, compiled or not, a function, a class or a model: same seed, same model, same bytes."""
    one, other = (fit(built(name, tmp_path, **params), ROWS, CODES, 3, calibrate=False) for _ in range(2))
    p = one.predict(ROWS)
    assert np.array_equal(other.predict(ROWS), p)
    assert (p.argmax(axis=1) == CODES).mean() > 0.7
    format, files, _ = dump_model(one)
    assert format == "weights"
    json.loads(files["state.json"])
    again = load_model(format, files, made=lambda: built(name, tmp_path, **params))
    assert np.array_equal(again.predict(ROWS), p)
    assert mergeable(one.estimator)
    assert one.estimator.architecture() == other.estimator.architecture()


def test_a_number_is_predicted_in_its_unit(tmp_path: Path) -> None:
    """By the squared error of the standardised target, or another loss."""
    y = 100 + 20 * ROWS[:, 0]
    for loss in ("squared_error", "huber"):
        model = built("net", tmp_path, classes=0, outputs=1, last=None, loss=loss, epochs=15, learning_rate=0.05)
        found = fit(model, ROWS, y, 0, calibrate=False).predict(ROWS)[:, 0]
        assert np.abs(found - y).mean() < 8


@pytest.mark.parametrize(
    ("name", "params", "said"),
    [
        ("net", {"outputs": 5}, "net must give 3 numbers, one a class, for each row; got 5: change its last layer"),
        ("nothing", {}, "nothing has no weights, so that there is nothing to train"),
        ("net", {"loss": "huber"}, "loss is not known; got 'huber'"),
        ("net", {"optimiser": "adamm"}, "optimiser is not known; got 'adamm'; did you mean 'adam'"),
    ],
)
def test_what_cannot_be_trained(tmp_path: Path, name: str, params: Any, said: str) -> None:
    """In one line."""
    with pytest.raises(ValueError, match=said) as told:
        built(name, tmp_path, **params).fit(ROWS, CODES)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("name", "params", "said"),
    [
        ("net", {"hiden": 3}, "takes no parameter 'hiden'; did you mean 'hidden'"),
        ("other", {}, "has no method 'fit'"),
    ],
)
def test_what_is_no_model(tmp_path: Path, name: str, params: Any, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        built(name, tmp_path, **params)


@pytest.mark.parametrize("name", ["net", "compiled", "ready"])
def test_a_model_is_known_before_it_runs(name: str) -> None:
    """So that a table is prepared for it as numbers."""
    assert defines_network({"net.py": NET}, "net.py", name) is (name != "compiled")
    assert not defines_network({"net.py": NET}, "net.py", "other")


# Files


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    import keras

    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "softmax")])
    file = tmp_path_factory.mktemp("keras") / "model.keras"
    model.save(file)
    return file.read_bytes()


def opened(content: bytes, of: Any = ("a", "b", "c"), **params: Any) -> Any:
    from concours.entrants.keras_files import KerasFile, Params

    return KerasFile(content, "model.keras", classes=of, params=Params(**params))


def changed(content: bytes, old: str, new: str) -> bytes:
    """A file whose configuration says something else."""
    into = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(into, "w") as out:
        for name in archive.namelist():
            part = archive.read(name)
            out.writestr(name, part.replace(old.encode(), new.encode()) if name == "config.json" else part)
    return into.getvalue()


def test_a_file_is_asked_as_it_is(saved: bytes) -> None:
    """As Keras itself says; columns of classes in the order that is named."""
    p = opened(saved).predict(ROWS)
    turned = opened(saved, ("b", "c", "a"), classes=("a", "b", "c"))
    assert np.array_equal(turned.predict(ROWS), p[:, [1, 2, 0]])
    np.testing.assert_allclose(p.sum(axis=1), 1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (lambda saved: b"no archive", "is no .keras file|archive"),
        (lambda saved: changed(saved, '"module": "keras.layers"', '"module": "os"'), "names os:.*not Keras's own"),
        (
            lambda saved: changed(saved, '"class_name": "Dense"', '"class_name": "Lambda"'),
            "a layer Lambda, which holds",
        ),
        (lambda saved: changed(saved, '"Dense"', '"Dence"'), "cannot be loaded"),
    ],
)
def test_a_file_that_is_not_run(saved: bytes, content: Any, said: str) -> None:
    """No code that is not Keras's own is imported because a file says so."""
    with pytest.raises(Exception, match=said) as told:
        opened(content(saved))
    assert "\n" not in str(told.value)
