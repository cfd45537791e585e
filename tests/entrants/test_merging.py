"""Models whose weights can be merged: what networks, and a user's own estimator, promise for that, and what comes of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from concours.engine.merging import Soups
from concours.entrants.fitting import Fitted, fit
from concours.entrants.merging import mergeable, symmetries_of
from concours.entrants.models import dump_model, load_model
from concours.entrants.modules import ModuleClassifier, ModuleRegressor
from concours.entrants.neural import (
    ConvClassifier,
    DenseClassifier,
    DenseRegressor,
    ResidualClassifier,
    VisionTransformerClassifier,
)
from concours.entrants.symmetries import symmetries
from concours.entrants.tabular import TabularNetworkClassifier, TabularNetworkRegressor, TabularTransformerClassifier
from concours.entrants.text_networks import EmbeddingBagClassifier, TextTransformerClassifier
from concours.entrants.training import renew_statistics
from concours.kernels.merging.averages import average
from concours.kernels.merging.mixes import Mix
from concours.kernels.merging.rebasin import Symmetries, drawn, matched, permuted
from concours.stores.blobs import put_array
from concours.stores.memory import MemoryStore

ROWS = 80
RANDOM = np.random.default_rng(3)
MATRIX = RANDOM.normal(size=(ROWS, 4)).astype(np.float32)
FRAME = pd.DataFrame(MATRIX, columns=list("abcd")).assign(e=pd.Categorical(RANDOM.choice(["x", "y"], size=ROWS)))
IMAGES = RANDOM.integers(0, 255, size=(ROWS, 8, 8), dtype=np.uint8)
TEXTS = np.array([" ".join(RANDOM.choice(["sun", "rain", "wind", "snow"], size=5)) for _ in range(ROWS)], dtype=object)
CODES, NUMBERS = RANDOM.integers(3, size=ROWS), RANDOM.normal(size=ROWS)


def small() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))


def smaller() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))


def module(kind: Any, make: Any, **options: Any) -> Any:
    seed = options.pop("random_state")
    return kind("Small", make, training={"epochs": 3, **options}, random_state=seed)


NETWORKS: dict[str, Any] = {
    "dense": (lambda **o: DenseClassifier(**{"hidden": [8], "epochs": 3, **o}), MATRIX, CODES),
    "dense of numbers": (
        lambda **o: DenseRegressor(**{"hidden": [8], "epochs": 3, "norm": "batch", **o}),
        MATRIX,
        NUMBERS,
    ),
    "pictures": (lambda **o: ConvClassifier(**{"width": 4, "epochs": 2, **o}), IMAGES, CODES),
    "tables": (lambda **o: TabularNetworkClassifier(**{"hidden": [8], "epochs": 3, **o}), FRAME, CODES),
    "tables of numbers": (lambda **o: TabularNetworkRegressor(**{"hidden": [8], "epochs": 3, **o}), FRAME, NUMBERS),
    "words": (lambda **o: EmbeddingBagClassifier(**{"width": 4, "epochs": 3, **o}), TEXTS, CODES),
    "a user's": (lambda **o: module(ModuleClassifier, small, **o), MATRIX, CODES),
    "a user's of numbers": (lambda **o: module(ModuleRegressor, smaller, **o), MATRIX, NUMBERS),
}


def fitted(name: str, *, alike: int | None = None, **options: Any) -> Any:
    make, x, y = NETWORKS[name]
    estimator = make(**options)
    if alike is not None:
        estimator.begin_alike(alike)
    return estimator.fit(x, y)


@pytest.mark.parametrize("name", NETWORKS)
def test_what_began_alike_has_one_architecture_and_other_weights(name: str) -> None:
    """Rates, orders of rows and dropout are no part of it; a rate of next to nothing shows the first weights."""
    one = fitted(name, alike=5, random_state=1, learning_rate=1e-12)
    other = fitted(name, alike=5, random_state=2, learning_rate=1e-12)
    apart = fitted(name, alike=6, random_state=2, learning_rate=1e-12)
    assert mergeable(one)
    assert one.architecture() == other.architecture() == apart.architecture()
    learned = dict(one.network_.named_parameters())
    close = {key: np.allclose(one.get_tensors()[key], other.get_tensors()[key], atol=1e-6) for key in learned}
    assert all(close.values()), close
    assert any(not np.allclose(one.get_tensors()[k], apart.get_tensors()[k], atol=1e-3) for k in learned)
    trained = [fitted(name, alike=5, random_state=seed) for seed in (1, 2)]
    assert any(not np.array_equal(trained[0].get_tensors()[k], trained[1].get_tensors()[k]) for k in learned)


@pytest.mark.parametrize("name", NETWORKS)
def test_who_is_not_asked_to_begins_as_ever(name: str) -> None:
    """The asking is for the next fit alone, and without it all follows from `random_state`."""
    make, x, y = NETWORKS[name]
    again = make(random_state=1).begin_alike(9).fit(x, y)
    assert any(
        not np.array_equal(again.get_tensors()[k], v) for k, v in fitted(name, random_state=1).get_tensors().items()
    )
    again.fit(x, y)
    same = fitted(name, random_state=1).get_tensors()
    assert all(np.array_equal(again.get_tensors()[key], value) for key, value in same.items())


@pytest.mark.parametrize("name", NETWORKS)
def test_the_average_is_a_model(name: str) -> None:
    """It takes averaged weights, finds its statistics anew, and predicts; of equal models it predicts the same."""
    _, x, _ = NETWORKS[name]
    one, other = (fitted(name, alike=5, random_state=seed) for seed in (1, 2))
    tensors = average([one.get_tensors(), other.get_tensors()], [0.5, 0.5])
    soup = fitted(name, random_state=3).set_tensors(tensors, one.get_state()).renew_statistics(x)
    told = soup.predict_proba(x) if hasattr(soup, "predict_proba") else soup.predict(x)
    assert np.isfinite(told).all()
    same = fitted(name, random_state=3).set_tensors(average([one.get_tensors()] * 3, [1, 1, 1]), one.get_state())
    assert np.array_equal(same.predict(x), one.predict(x))


ALIGNED: dict[str, Any] = {
    **NETWORKS,
    "residual": (lambda **o: ResidualClassifier(**{"width": 4, "epochs": 1, **o}), IMAGES, CODES),
    "vision": (lambda **o: VisionTransformerClassifier(**{"width": 32, "depth": 1, "epochs": 1, **o}), IMAGES, CODES),
    "tokens": (lambda **o: TabularTransformerClassifier(**{"width": 32, "depth": 1, "epochs": 1, **o}), FRAME, CODES),
    "text": (lambda **o: TextTransformerClassifier(**{"width": 32, "epochs": 1, **o}), TEXTS, CODES),
}


def says(estimator: Any, x: Any) -> np.ndarray:
    told = estimator.predict_proba(x) if hasattr(estimator, "predict_proba") else estimator.predict(x)
    return np.asarray(told)


@pytest.mark.parametrize("name", ALIGNED)
def test_a_network_permuted_is_the_same_function_and_is_brought_back(name: str) -> None:
    """Residual streams, heads, batch norms, columns and members included: to rounding, and back to the byte."""
    make, x, y = ALIGNED[name]
    one = make(random_state=1).fit(x, y)
    tensors, own = one.get_tensors(), symmetries_of(one)
    assert own is not None
    rng = np.random.default_rng(4)
    other = permuted(tensors, own, drawn(tensors, own, rng))
    learned = {key for key, _ in one.network_.named_parameters()}
    assert any(not np.array_equal(other[key], tensors[key]) for key in learned)
    told = says(one, x)
    assert np.allclose(says(make(random_state=1).set_tensors(other, one.get_state()), x), told, rtol=1e-4, atol=1e-5)
    back = permuted(other, own, matched(tensors, other, own))
    assert all(np.array_equal(back[key], value) for key, value in tensors.items())


@pytest.mark.parametrize("name", NETWORKS)
def test_the_first_weights_are_made_again(name: str) -> None:
    """A rate of next to nothing leaves them; what is no weight has no beginning."""
    one = fitted(name, alike=5, random_state=1, learning_rate=1e-12)
    first, tensors = one.first_tensors(5), one.get_tensors()
    assert first.keys() == {key for key, _ in one.network_.named_parameters()}
    assert all(np.allclose(value, tensors[key], atol=1e-6) for key, value in first.items())
    trained = fitted(name, alike=5, random_state=2)
    assert all(np.array_equal(value, first[key]) for key, value in trained.first_tensors(5).items())
    assert any(not np.array_equal(value, first[key]) for key, value in trained.first_tensors(6).items())


@pytest.mark.parametrize(
    "layers",
    [
        [nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 5), nn.Tanh(), nn.Linear(5, 3)],
        [nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.BatchNorm1d(144), nn.Linear(144, 3)],
        [nn.Flatten(), nn.Linear(64, 6), nn.LayerNorm(6), nn.GELU(), nn.Linear(6, 3), nn.Softmax(dim=1)],
    ],
)
def test_users_networks_of_known_layers_need_say_nothing(layers: list[nn.Module]) -> None:
    """What is one layer after the other is read off: pixels of a channel are neighbours once they are flattened."""
    torch.manual_seed(1)
    network = nn.Sequential(*layers).eval()
    own, x = symmetries(network), torch.randn(9, 1, 8, 8)
    assert own is not None
    tensors = {key: value.numpy() for key, value in network.state_dict().items()}
    told = network(x)
    other = permuted(tensors, own, drawn(tensors, own, np.random.default_rng(2)))
    assert any(not np.array_equal(other[key], tensors[key]) for key in tensors)
    network.load_state_dict({key: torch.tensor(value) for key, value in other.items()})
    assert torch.allclose(network(x), told, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "layers",
    [
        [nn.Conv2d(1, 4, 3), nn.Linear(6, 5), nn.Flatten(), nn.Linear(120, 3)],
        [nn.Linear(8, 4), nn.Flatten(), nn.Linear(32, 3)],
        [nn.Conv2d(2, 4, 3, groups=2), nn.Flatten(), nn.Linear(144, 3)],
        [nn.Linear(8, 4), nn.Bilinear(4, 4, 3)],
        [nn.Flatten(2), nn.Linear(64, 3)],
        [nn.Linear(8, 8), nn.MaxPool2d(2)],
        [nn.GRU(4, 4)],
    ],
)
def test_what_is_not_known_for_sure_is_not_guessed(layers: list[nn.Module]) -> None:
    """Layers on pixels, groups of channels, and layers without a rule."""
    assert symmetries(nn.Sequential(*layers)) is None


class Told(nn.Module):
    """A user's network with a way of its own, which says what may be permuted."""

    def __init__(self) -> None:
        super().__init__()
        self.inward, self.outward = nn.Linear(4, 6), nn.Linear(6, 3)

    def forward(self, x: Any) -> Any:
        return self.outward(torch.relu(self.inward(x)) ** 2)

    def permutations(self) -> dict[str, list[str | None]]:
        return {"inward.weight": ["h"], "inward.bias": ["h"], "outward.weight": [None, "h"]}


def test_a_users_network_says_what_may_be_permuted() -> None:
    """In plain values; without that nothing is known of a network with a way of its own."""
    one = module(ModuleClassifier, Told, random_state=1).fit(MATRIX, CODES)
    own = symmetries_of(one)
    assert own == Symmetries(tensors=Told().permutations())
    order = drawn(one.get_tensors(), own, np.random.default_rng(1))
    other = module(ModuleClassifier, Told, random_state=2).set_tensors(
        permuted(one.get_tensors(), own, order), one.get_state()
    )
    assert np.allclose(says(other, MATRIX), says(one, MATRIX), atol=1e-5)
    assert symmetries(nn.Sequential(Told(), nn.Linear(3, 3))) is None


def test_dropout_is_no_part_of_an_architecture_and_a_width_is() -> None:
    """Nor are rates; columns and classes are."""
    plain = fitted("dense", random_state=1).architecture()
    assert fitted("dense", random_state=2, dropout=0.5, learning_rate=0.1, epochs=5).architecture() == plain
    assert fitted("dense", random_state=1, hidden=[9]).architecture() != plain
    assert DenseClassifier(hidden=[8], epochs=1, random_state=0).fit(MATRIX[:, :3], CODES).architecture() != plain
    assert DenseClassifier(hidden=[8], epochs=1, random_state=0).fit(MATRIX, CODES > 0).architecture() != plain


@pytest.mark.parametrize("rows", [2, 80, 700, 1100])
def test_statistics_are_those_of_the_rows(rows: int) -> None:
    """By hand, for the first norm: the mean over parts of the mean, and of the variance, of what comes into it."""
    torch.manual_seed(0)
    network = small().eval()
    x = torch.randn(rows, 4) * 3 + 1
    before = {name: parameter.clone() for name, parameter in network.named_parameters()}
    renew_statistics(network, x)
    into = [network[0](part).detach().double() for part in x.tensor_split(max(1, rows // 512))]
    mean = torch.stack([part.mean(dim=0) for part in into]).mean(dim=0)
    variance = torch.stack([part.var(dim=0) for part in into]).mean(dim=0)
    assert torch.allclose(network[1].running_mean.double(), mean, atol=1e-5)
    assert torch.allclose(network[1].running_var.double(), variance, rtol=1e-4)
    assert not any(part.training for part in network.modules())
    assert network[1].momentum == 0.1
    assert all(torch.equal(before[name], parameter) for name, parameter in network.named_parameters())


def test_a_single_row_changes_no_statistics() -> None:
    """It does not say how activations vary."""
    network = small().eval()
    renew_statistics(network, torch.randn(1, 4))
    assert torch.equal(network[1].running_mean, torch.zeros(8))


class Line:
    """A user's own: a plane through the rows, of the least squares to one class after the other."""

    def __init__(self, ridge: float = 1.0) -> None:
        self.ridge = ridge

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        return {"ridge": self.ridge}

    def fit(self, X: np.ndarray, y: np.ndarray) -> Line:
        x = np.column_stack([X, np.ones(len(X))])
        self.plane = np.linalg.solve(x.T @ x + self.ridge * np.eye(x.shape[1]), x.T @ np.eye(y.max() + 1)[y])
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        powers = np.exp(np.column_stack([X, np.ones(len(X))]) @ self.plane)
        return powers / powers.sum(axis=1, keepdims=True)

    def get_tensors(self) -> dict[str, np.ndarray]:
        return {"plane": self.plane}

    def get_state(self) -> dict[str, Any]:
        return {}

    def set_tensors(self, tensors: dict[str, np.ndarray], state: dict[str, Any]) -> Line:
        self.plane = tensors["plane"]
        return self

    def architecture(self) -> dict[str, Any]:
        return {"shape": list(self.plane.shape)}


def test_a_users_estimator_that_gives_its_weights_away_is_kept_by_them() -> None:
    """Beside its code, which makes it again; nothing is pickled, and nothing fitted again."""
    model = fit(Line(), MATRIX, CODES, 3, calibrate=False)
    format, files, why = dump_model(model)
    assert (format, why) == ("weights", "")
    loaded = load_model(format, files, made=Line)
    assert isinstance(loaded, Fitted)
    assert np.array_equal(loaded.predict(MATRIX), model.predict(MATRIX))
    assert not mergeable(object())


@pytest.mark.parametrize("weights", [[[1, 0], [0, 0], [1, 0]], [[1, 0], [1, 0], [0, 0]], [[0, 0], [1, 0], [0, 1]]])
def test_folds_without_a_weight_take_nothing_from_the_others(weights: list[list[float]], monkeypatch: Any) -> None:
    """Their rows have no predictions, and those of the other folds keep theirs, in whatever order folds come."""
    rows = np.arange(9) % 3

    class Told:
        """A pot that tells for each row what weights its models were merged by."""

        unseen = np.zeros((3, 1))

        def merged(self, mix: Mix) -> Any:
            return mix.weights

        def predict(self, chosen: Any, x: Any) -> np.ndarray:
            return np.tile(np.asarray(chosen, dtype=np.float64) + 1, (len(x), 1))

    store = MemoryStore()
    soups = Soups(store, [])
    soups._pots = [Told() for _ in range(3)]  # type: ignore[misc]
    found = soups.out_of_fold(put_array(store, rows), [Mix(weights=tuple(map(float, each))) for each in weights])
    expected = np.array([np.array(each) + 1.0 if any(each) else [np.nan, np.nan] for each in weights])[rows]
    assert np.array_equal(found, expected, equal_nan=True)
