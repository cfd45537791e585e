"""The zoo's networks: they learn, they are estimators, their bytes follow from the seed, and they are kept as tensors."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits
from torch import nn

from concours.entrants.neural import ConvClassifier, DenseClassifier, DenseRegressor, VisionTransformerClassifier
from concours.entrants.training import OPTIMISERS, SCHEDULES, Settings, flatten, release

PICTURES, DIGITS = load_digits().images, load_digits().target
TRAIN, TEST = slice(0, 400), slice(1000, 1300)
CLASSIFIERS = {
    "dense": (DenseClassifier(epochs=15, random_state=0), 0.85),
    "conv": (ConvClassifier(width=16, epochs=8, random_state=0), 0.85),
    "vit": (VisionTransformerClassifier(width=32, depth=2, epochs=10, random_state=0), 0.6),
}


@pytest.fixture(autouse=True)
def _one_thread():
    """Threads change bytes."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def fitted():
    """Each classifier, fitted on a few hundred digits."""
    torch.set_num_threads(1)
    return {name: clone(model).fit(PICTURES[TRAIN], DIGITS[TRAIN]) for name, (model, _) in CLASSIFIERS.items()}


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_learns(name, fitted):
    """Far better than chance on digits it has not seen, with probabilities that sum to one."""
    p = fitted[name].predict_proba(PICTURES[TEST])
    assert np.allclose(p.sum(axis=1), 1)
    assert (p.argmax(axis=1) == DIGITS[TEST]).mean() > CLASSIFIERS[name][1]
    assert (fitted[name].predict(PICTURES[TEST]) == fitted[name].classes_[p.argmax(axis=1)]).all()


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_bytes_follow_from_the_seed(name, fitted):
    """Fitting again gives the same bytes, whatever has happened to global random numbers, and leaves these alone."""
    torch.manual_seed(123)
    np.random.seed(123)
    torch.rand(3)
    states = torch.get_rng_state().clone(), np.random.get_state()[1].copy()
    again = clone(CLASSIFIERS[name][0]).fit(PICTURES[TRAIN], DIGITS[TRAIN])
    assert again.predict_proba(PICTURES[TEST]).tobytes() == fitted[name].predict_proba(PICTURES[TEST]).tobytes()
    assert (torch.get_rng_state() == states[0]).all()
    assert (np.random.get_state()[1] == states[1]).all()


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_kept_as_tensors(name, fitted):
    """Tensors and JSON are all there is to a fitted network: the one made from them predicts the same bytes."""
    state = json.loads(json.dumps(fitted[name].get_state()))
    again = clone(CLASSIFIERS[name][0]).set_tensors(fitted[name].get_tensors(), state)
    assert again.predict_proba(PICTURES[TEST]).tobytes() == fitted[name].predict_proba(PICTURES[TEST]).tobytes()
    assert again.history_ == fitted[name].history_


def test_numbers():
    """The regressor beats the mean by far, in units of the target, and survives being kept."""
    X, y = load_diabetes(return_X_y=True)
    model = DenseRegressor(random_state=0, epochs=30).fit(X[:300], y[:300])
    p = model.predict(X[300:])
    assert np.sqrt(np.mean((p - y[300:]) ** 2)) < 0.85 * y[300:].std()
    again = DenseRegressor().set_tensors(model.get_tensors(), json.loads(json.dumps(model.get_state())))
    assert again.predict(X[300:]).tobytes() == p.tobytes()


def test_estimators():
    """Parameters are kept as given, cloned, and set by name."""
    for model in (*(model for model, _ in CLASSIFIERS.values()), DenseRegressor(hidden=[8])):
        assert clone(model).get_params() == model.get_params()
        assert model.set_params(epochs=3).epochs == 3


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_optimiser_on_every_schedule(optimiser, schedule):
    """The loss falls."""
    training = {"optimiser": optimiser, "schedule": schedule, "patience": None}
    rate = {"sgd": 0.05}.get(optimiser, 2e-3)
    model = DenseClassifier(hidden=[16], epochs=4, learning_rate=rate, training=training, random_state=0)
    losses = model.fit(PICTURES[:200], DIGITS[:200]).history_.train_loss
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("name", OPTIMISERS)
def test_optimisers_are_those_of_torch(name):
    """Ten steps on one network are the steps of `torch.optim`'s optimiser of that name."""
    theirs = {
        "sgd": lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, nesterov=True, weight_decay=0.01),
        "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.01, weight_decay=0.01),
        "adam": lambda p: torch.optim.Adam(p, lr=0.01, weight_decay=0.01),
        "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.01),
    }[name]
    networks = []
    for _ in range(2):
        torch.manual_seed(0)
        networks.append(nn.Linear(5, 3, bias=False))  # decay acts on weights alone here, on everything there
    flat, other = flatten(networks[0]), theirs(networks[1].parameters())
    settings = Settings(epochs=1, batch_size=1, learning_rate=0.01, optimiser=name, weight_decay=0.01)
    inputs, targets = torch.randn(10, 20, 5), torch.randn(10, 20, 3)
    for step in range(10):
        for network in networks:
            nn.functional.mse_loss(network(inputs[step]), targets[step]).backward()
        flat.steps += 1
        OPTIMISERS[name](flat, settings, 0.01)
        flat.gradient.zero_()
        other.step()
        other.zero_grad(set_to_none=False)
    release(networks[0])
    assert torch.allclose(networks[0].weight, networks[1].weight, atol=1e-6)


def test_early_stopping_keeps_the_best():
    """Training ends when the held-out loss no longer falls, and the weights of its best epoch are kept."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(120, 5)), rng.integers(2, size=120)
    history = DenseClassifier(epochs=60, training={"patience": 3}, random_state=0).fit(X, y).history_
    assert history.stopped == "patience"
    assert history.best_epoch == np.argmin(history.validation_loss) + 1
    assert len(history.validation_loss) == history.best_epoch + 3


def test_time_limit():
    """When the seconds are over, the best so far is kept."""
    model = DenseClassifier(epochs=5000, training={"seconds": 0.3, "patience": None}, random_state=0)
    assert model.fit(PICTURES[TRAIN], DIGITS[TRAIN]).history_.stopped == "seconds"
    assert model.predict(PICTURES[:3]).shape == (3,)


@pytest.mark.parametrize(
    ("model", "X", "words"),
    [
        (DenseClassifier(), np.zeros(4), "X"),
        (DenseClassifier(), np.full((4, 2), np.nan), "NaN"),
        (ConvClassifier(), np.zeros((4, 2)), "X"),
        (DenseClassifier(training={"epoch": 3}), np.zeros((4, 2)), "'epoch'.*did you mean"),
        (DenseClassifier(training={"optimiser": "adma"}), np.zeros((4, 2)), "adma.*did you mean 'adam"),
        (DenseClassifier(), np.zeros((3, 2)), "same number of rows"),
    ],
)
def test_wrong_input(model, X, words):
    """One line that names what is wrong."""
    with pytest.raises(ValueError, match=words):
        model.fit(X, np.array([0, 1, 0, 1]))


def test_odd_pictures():
    """Colours, odd sizes and few rows do not break the networks for pictures."""
    rng = np.random.default_rng(0)
    for shape in ((30, 32, 32, 3), (30, 5, 9, 1), (30, 7, 7)):
        X, y = rng.integers(0, 255, size=shape).astype(np.uint8), np.arange(30) % 2
        for model in (ConvClassifier(width=8, epochs=1), VisionTransformerClassifier(width=16, depth=1, epochs=1)):
            assert model.set_params(random_state=0).fit(X, y).predict_proba(X).shape == (30, 2)
