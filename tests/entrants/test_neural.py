"""The zoo's networks: that they learn, repeat to the byte, come back from their tensors, and say what is wrong."""

from __future__ import annotations

import inspect
import json
import math
import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.datasets import load_digits, make_classification
from sklearn.exceptions import NotFittedError
from sklearn.metrics import log_loss, r2_score
from torch import nn

from concours.core.progress import listening, report
from concours.entrants import classifier, losses, networks, optimisers, training
from concours.entrants.augmentations import augmentation
from concours.entrants.neural import (
    ConvClassifier,
    DenseClassifier,
    DenseRegressor,
    ResidualClassifier,
    VisionTransformerClassifier,
)

ESTIMATORS = [DenseClassifier, DenseRegressor, ConvClassifier, ResidualClassifier, VisionTransformerClassifier]
CLASSIFIERS = [DenseClassifier, ConvClassifier, ResidualClassifier, VisionTransformerClassifier]
CPU = torch.device("cpu")


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """The promises are for a fixed number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """700 training and 400 test images, (n, 8, 8), with their labels."""
    images, labels = load_digits(return_X_y=True)
    images = images.reshape(-1, 8, 8)
    order = np.random.default_rng(0).permutation(len(labels))[:1100]
    train, test = order[:700], order[700:]
    return images[train], labels[train], images[test], labels[test]


def quick(kind: type, **params: Any) -> Any:
    """An estimator that fits in a moment, seeded."""
    return kind(**{"epochs": 2, "random_state": 7, "training": {"device": "cpu"}} | params)


def small(kind: type) -> tuple[np.ndarray, np.ndarray]:
    """A few images and targets of the right sort for a class of estimators."""
    random = np.random.default_rng(3)
    images = random.integers(0, 255, size=(60, 9, 8, 3)).astype(np.uint8)
    if kind is DenseRegressor:
        return images, random.normal(1e6, 20.0, size=60)
    return images, np.array(["ant", "bee", "cow"])[random.integers(0, 3, size=60)]


def said(estimator: Any, X: np.ndarray) -> np.ndarray:
    return estimator.predict_proba(X) if hasattr(estimator, "predict_proba") else estimator.predict(X)


# Learning


@pytest.mark.parametrize(
    ("kind", "accuracy", "loss"),
    [
        (DenseClassifier, 0.95, 0.15),
        (ConvClassifier, 0.97, 0.1),
        (ResidualClassifier, 0.96, 0.12),
        (VisionTransformerClassifier, 0.9, 0.35),
    ],
)
def test_a_classifier_learns_digits_with_its_defaults(kind: type, accuracy: float, loss: float, digits: Any) -> None:
    """Defaults must be good on little data, in probabilities as well as in labels."""
    X, y, X_test, y_test = digits
    fitted = kind(random_state=0).fit(X, y)
    probabilities = fitted.predict_proba(X_test)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-12)
    assert (fitted.predict(X_test) == y_test).mean() > accuracy
    assert log_loss(y_test, probabilities) < loss


def test_a_regressor_learns_in_the_unit_of_its_target() -> None:
    """The target is standardised inside, also where its mean is huge beside its deviation."""
    random = np.random.default_rng(0)
    X = random.normal(size=(500, 6))
    y = 1e9 + 50 * (X[:, 0] * X[:, 1] + np.sin(X[:, 2])) + random.normal(size=500)
    fitted = DenseRegressor(random_state=0).fit(X[:350], y[:350])
    assert r2_score(y[350:], fitted.predict(X[350:])) > 0.8


def test_a_noisy_table_is_not_overfitted() -> None:
    """Early stopping and calibration keep the log loss near that of the class frequencies where little can be learned."""
    X, y = make_classification(600, 30, n_informative=3, flip_y=0.5, random_state=0)
    fitted = DenseClassifier(random_state=0).fit(X[:400], y[:400])
    assert log_loss(y[400:], fitted.predict_proba(X[400:])) < math.log(2) + 0.02


def test_rare_classes_keep_their_frequency() -> None:
    """Labels are smoothed towards the class frequencies: uniform smoothing would predict rare classes too often."""
    random = np.random.default_rng(0)
    X, y = random.normal(size=(2000, 4)), (random.random(2000) < 0.02).astype(int)
    fitted = DenseClassifier(epochs=6, random_state=0).fit(X, y)
    assert fitted.predict_proba(X)[:, 1].mean() == pytest.approx(y.mean(), abs=0.01)


@pytest.mark.parametrize("labels", [[False, True], ["no", "yes"], [3, -1], [2.0, 5.0]])
def test_labels_of_any_sort_come_back(labels: list[Any]) -> None:
    """Predictions are the labels that were given, in sorted order of classes, after a round trip too."""
    X = np.linspace(-1, 1, 40)[:, None]
    y = np.array([labels[int(x > 0)] for x in X[:, 0]])
    fitted = quick(DenseClassifier, epochs=30, learning_rate=0.05).fit(X, y)
    again = restored(fitted)
    assert (again.classes_ == sorted(labels)).all()
    assert (again.predict(X) == y).mean() > 0.9
    assert again.predict(X).dtype == y.dtype


# The scikit-learn contract


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_the_contract_of_scikit_learn(kind: type) -> None:
    """A constructor only stores; clone, get_params and set_params see every parameter; fitting changes none of them."""
    names = list(inspect.signature(kind).parameters)
    estimator = quick(kind)
    assert sorted(estimator.get_params()) == sorted(names)
    assert len(names) <= 9
    copy = clone(estimator).set_params(epochs=1, training={"batch_size": 20, "device": "cpu"})
    X, y = small(kind)
    before = copy.get_params()
    assert copy.fit(X, y) is copy
    assert copy.get_params() == before
    assert len(copy.history_.train_loss) == 1
    with pytest.raises(NotFittedError):
        clone(copy).predict(X)


def test_tables_have_their_number_of_features() -> None:
    """scikit-learn's tools read `n_features_in_` of what takes tables."""
    X, y = make_classification(60, 5, n_informative=3, n_redundant=0, random_state=0)
    assert quick(DenseClassifier).fit(X, y).n_features_in_ == 5


# Determinism


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_a_fit_repeats_to_the_byte_and_disturbs_nothing(kind: type) -> None:
    """Same seed and data give the same bytes, first or later in a process, and the global generators stay as they were."""
    X, y = small(kind)
    first = quick(kind).fit(X, y)
    torch.manual_seed(11)
    torch.rand(5)
    global_torch, global_numpy = torch.get_rng_state(), np.random.get_state()[1].tobytes()
    second = quick(kind).fit(X, y)
    assert torch.equal(torch.get_rng_state(), global_torch)
    assert np.random.get_state()[1].tobytes() == global_numpy
    assert said(first, X).tobytes() == said(second, X).tobytes()
    assert tensor_bytes(first) == tensor_bytes(second)
    assert tensor_bytes(quick(kind, random_state=8).fit(X, y)) != tensor_bytes(first)


def tensor_bytes(estimator: Any) -> bytes:
    return safetensors.numpy.save(estimator.get_tensors())


# Tensors and state


def restored(estimator: Any) -> Any:
    """The estimator after a journey through safetensors and JSON."""
    tensors = safetensors.numpy.load(tensor_bytes(estimator))
    return clone(estimator).set_tensors(tensors, json.loads(json.dumps(estimator.get_state())))


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_a_round_trip_of_tensors_predicts_the_same_bytes(kind: type) -> None:
    """What is fitted is exactly tensors and JSON; restoring does not disturb the global generator either."""
    X, y = small(kind)
    fitted = quick(kind).fit(X, y)
    before = torch.get_rng_state()
    again = restored(fitted)
    assert torch.equal(torch.get_rng_state(), before)
    assert said(again, X).tobytes() == said(fitted, X).tobytes()
    assert again.history_ == fitted.history_
    assert again.get_state() == fitted.get_state()
    assert tensor_bytes(again) == tensor_bytes(fitted)


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_all_tensors_of_networks_can_be_averaged(kind: type) -> None:
    """Merging and federated averaging are arithmetic on float32 tensors; a count of batches would spoil it."""
    X, y = small(kind)
    fitted = quick(kind).fit(X, y)
    assert {array.dtype for array in fitted.get_tensors().values()} == {np.dtype(np.float32)}
    half = {name: array / 2 for name, array in fitted.get_tensors().items()}
    assert np.isfinite(clone(fitted).set_tensors(half, fitted.get_state()).predict_proba(X)).all()


def test_tensors_are_copies() -> None:
    """Who changes what `get_tensors` gave must not change the estimator."""
    X, y = small(DenseClassifier)
    fitted = quick(DenseClassifier).fit(X, y)
    before = fitted.predict_proba(X)
    for array in fitted.get_tensors().values():
        array[...] = 0
    assert (fitted.predict_proba(X) == before).all()


@pytest.mark.parametrize("kind", [DenseClassifier, DenseRegressor])
def test_tensors_that_do_not_fit_are_refused_by_name(kind: type) -> None:
    """A missing, foreign or misshapen tensor is named."""
    X, y = small(kind)
    fitted = quick(kind).fit(X, y)
    tensors, state = fitted.get_tensors(), fitted.get_state()
    for name in tensors:
        with pytest.raises(ValueError, match=name):
            clone(fitted).set_tensors({k: v for k, v in tensors.items() if k != name}, state)
    with pytest.raises(ValueError, match=r"'scaling.mean' must have shape \(3,\); got \(4,\)"):
        clone(fitted).set_tensors(tensors | {"scaling.mean": np.zeros(4, np.float32)}, state)


# Training


def straight_line(rows: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(rows, 3, generator=generator)
    return inputs, inputs @ torch.tensor([[1.0], [-2.0], [0.5]])


def run(network: nn.Module, held_out: Any = None, **changes: Any) -> training.History:
    values = {"epochs": 8, "batch_size": 16, "learning_rate": 0.01, "device": "cpu"} | changes
    return training.train(
        network,
        nn.functional.mse_loss,
        straight_line(),
        training.Settings(**values),
        generator=torch.Generator().manual_seed(0),
        held_out=held_out,
    )


def linear() -> nn.Module:
    with training.seeded(0, CPU):
        return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))


@pytest.mark.parametrize("schedule", sorted(optimisers.SCHEDULES))
@pytest.mark.parametrize("optimiser", sorted(optimisers.OPTIMISERS))
def test_every_optimiser_under_every_schedule_reduces_the_loss(optimiser: str, schedule: str) -> None:
    """Each pair can be chosen, so each pair has to train."""
    history = run(linear(), optimiser=optimiser, schedule=schedule, epochs=15)
    assert history.train_loss[-1] < 0.5 * history.train_loss[0]
    assert history.stopped == "epochs"
    assert history.best_epoch == 15


TWINS = {
    "sgd": lambda p, decay: torch.optim.SGD(p, 0.01, momentum=0.9, nesterov=True, weight_decay=decay),
    "rmsprop": lambda p, decay: torch.optim.RMSprop(p, 0.01, weight_decay=decay),
    "adam": lambda p, decay: torch.optim.Adam(p, 0.01, weight_decay=decay),
    "adamw": lambda p, decay: torch.optim.AdamW(p, 0.01, weight_decay=decay),
}


@pytest.mark.parametrize("optimiser", sorted(optimisers.OPTIMISERS))
def test_an_optimiser_moves_as_its_twin_in_torch(optimiser: str) -> None:
    """The fast path on one flat vector equals the library's, step by step, convolutions and weight decay included."""
    with training.seeded(0, CPU):
        ours, theirs = (nn.Sequential(nn.Conv2d(2, 3, 3, bias=False), nn.Flatten(), nn.Linear(12, 1)) for _ in range(2))
        images, targets = torch.randn(10, 2, 4, 4), torch.randn(10, 1)
    theirs.load_state_dict(ours.state_dict())
    weights = [p for p in theirs.parameters() if p.ndim > 1]
    biases = [p for p in theirs.parameters() if p.ndim == 1]
    twin, plain = TWINS[optimiser](weights, 0.1), TWINS[optimiser](biases, 0.0)
    flat = optimisers.flatten(ours)
    values = training.Settings(
        epochs=1, batch_size=2, learning_rate=0.01, optimiser=optimiser, weight_decay=0.1, device="cpu"
    )
    for _ in range(5):
        nn.functional.mse_loss(ours(images), targets).backward()
        flat.steps += 1
        optimisers.OPTIMISERS[optimiser](flat, values, 0.01)
        flat.gradient.zero_()
        twin.zero_grad()
        plain.zero_grad()
        nn.functional.mse_loss(theirs(images), targets).backward()
        twin.step()
        plain.step()
        for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-6)


def test_flat_parameters_get_memory_of_their_own_again() -> None:
    """After training nothing may hang together: a copy of one parameter must not carry the whole network."""
    network = linear()
    run(network, epochs=1)
    assert all(p.untyped_storage().nbytes() == 4 * p.numel() and p.grad is None for p in network.parameters())


@given(st.sampled_from(sorted(optimisers.SCHEDULES)), st.floats(0, 0.9), st.floats(0.001, 0.999))
def test_a_schedule_stays_within_its_peak(name: str, warm_up: float, done: float) -> None:
    """`learning_rate` is the highest rate of every schedule, whatever the warm-up."""
    assert 0 <= optimisers.SCHEDULES[name](done, warm_up) <= 1


@pytest.mark.parametrize("name", ["cosine", "one_cycle"])
def test_a_schedule_warms_up_and_ends_at_nothing(name: str) -> None:
    """A rate that jumps where warm-up ends, or does not vanish at the end, would waste the schedule."""
    factor = optimisers.SCHEDULES[name]
    assert factor(0.001, 0.3) < 0.05
    assert factor(0.2999, 0.3) == pytest.approx(factor(0.3001, 0.3), abs=1e-3) == pytest.approx(1, abs=1e-3)
    assert factor(0.999, 0.3) < 1e-4


def test_early_stopping_keeps_the_best_weights() -> None:
    """Held-out rows that contradict training get worse after the first epochs; the network has the best epoch's weights."""
    inputs, targets = straight_line()
    held_out = inputs, 0.3 * targets
    network = linear()
    history = run(network, held_out, epochs=60, patience=4, schedule="constant")
    assert history.stopped == "patience"
    assert history.best_epoch == len(history.validation_loss) - 4
    assert history.best_epoch == 1 + int(np.argmin(history.validation_loss))
    assert training.evaluate(network, nn.functional.mse_loss, held_out) == min(history.validation_loss)


def test_a_time_limit_ends_training_with_the_best_so_far() -> None:
    """A limit in seconds is kept within a step and an evaluation, and leaves a network that can be used."""
    X, y = small(ConvClassifier)
    started = time.monotonic()
    fitted = quick(ConvClassifier, epochs=100_000, training={"seconds": 0.3, "patience": None, "device": "cpu"}).fit(
        X, y
    )
    assert time.monotonic() - started < 5
    assert fitted.history_.stopped == "seconds"
    best = min(fitted.history_.validation_loss)
    assert fitted.history_.validation_loss[fitted.history_.best_epoch - 1] == best
    assert np.isfinite(fitted.predict_proba(X)).all()


def test_a_limit_that_suffices_changes_nothing() -> None:
    """Where time is enough, the result is that of no limit: otherwise a job with a budget could not be reproduced."""
    X, y = small(DenseClassifier)
    limited = quick(DenseClassifier, training={"seconds": 600, "device": "cpu"}).fit(X, y)
    assert tensor_bytes(limited) == tensor_bytes(quick(DenseClassifier).fit(X, y))


def test_a_loss_that_is_not_finite_ends_training_with_a_reason() -> None:
    """Weights of nothing but NaN must not pass for a model."""
    X, y = small(DenseRegressor)
    with pytest.raises(ValueError, match=r"the loss must stay finite; got .* lower learning_rate=1e\+20"):
        quick(DenseRegressor, learning_rate=1e20, training={"optimiser": "sgd", "clip_norm": None}).fit(X, y)


def test_progress_is_told_to_the_listener_of_the_context() -> None:
    """Epochs and losses go out through the side channel, inner listeners first, and to nobody where nobody listens."""
    heard: list[Mapping[str, float]] = []
    outer: list[Mapping[str, float]] = []
    X, y = small(DenseClassifier)
    with listening(outer.append):
        with listening(heard.append):
            fitted = quick(DenseClassifier, epochs=3).fit(X, y)
        report(loss=1.0)
    report(loss=2.0)
    assert [(v["epoch"], v["epochs"]) for v in heard] == [(1, 3), (2, 3), (3, 3)]
    assert [v["loss"] for v in heard] == list(fitted.history_.validation_loss)
    assert outer == [{"loss": 1.0}]


@settings(max_examples=50)
@given(st.lists(st.integers(0, 5), min_size=2, max_size=80), st.floats(0, 0.5), st.integers(0, 99))
def test_holding_out_keeps_the_share_and_every_class(labels: list[int], share: float, seed: int) -> None:
    """Held-out rows are the share asked for, less what would take away the last row of a class."""
    targets = np.array(labels)
    held = training.hold_out(targets, share, seed)
    assert held.sum() <= math.ceil(share * len(targets))
    assert set(targets[~held]) == set(targets)
    assert (held == training.hold_out(targets, share, seed)).all()
    numbers = training.hold_out(targets + 0.5, share, seed)
    assert abs(numbers.sum() - share * len(targets)) <= 1


def test_smoothed_cross_entropy_equals_its_naive_twin() -> None:
    """The loss is cross-entropy with targets mixed with the class frequencies."""
    generator = torch.Generator().manual_seed(0)
    outputs, classes = torch.randn(9, 3, generator=generator), torch.tensor([0, 0, 0, 0, 1, 1, 1, 2, 2])
    soft = 0.9 * nn.functional.one_hot(classes, 3).float() + 0.1 * torch.tensor([4, 3, 2]) / 9
    expected = nn.functional.cross_entropy(outputs, soft)
    torch.testing.assert_close(losses.cross_entropy(classes, 0.1)(outputs, classes), expected)


def test_calibration_is_modest_on_few_rows_that_are_all_right() -> None:
    """The likelihood alone would make the probabilities of such rows 0 and 1, and one later mistake infinitely bad."""
    logits = 5 * torch.eye(4)
    assert 1 < classifier.sharpness_of(logits, torch.arange(4)) < 2
    overconfident = torch.tensor([[9.0, -9.0]]).repeat(200, 1)
    assert classifier.sharpness_of(overconfident, (torch.arange(200) % 3 == 0).long()) < 0.3


# Shapes and images


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (32, 32, 3), (5, 9, 2), (70, 90, 3), (1, 1, 1)])
@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_networks_suit_every_size_of_image(kind: type, shape: tuple[int, ...]) -> None:
    """Stages, patches and positions follow from the size of the image, also where nothing divides it."""
    images = np.random.default_rng(0).random((12, *shape), dtype=np.float32)
    fitted = quick(kind, epochs=1).fit(images, np.arange(12) % 2)
    assert fitted.predict_proba(images).shape == (12, 2)
    assert sum(p.numel() for p in fitted.network_.parameters()) < 1e7


@pytest.mark.parametrize("kind", [ConvClassifier, VisionTransformerClassifier])
def test_pixels_are_scaled_by_what_was_seen_in_training(kind: type) -> None:
    """Bytes and the same numbers as floats are one image; a missing last axis is one colour; lists are arrays."""
    X, y = small(kind)
    X = X[..., 0]
    fitted = quick(kind).fit(X, y)
    expected = fitted.predict_proba(X)
    for same in (X.astype(np.float64), X[..., None], list(X)):
        assert (fitted.predict_proba(same) == expected).all()
    assert fitted.get_tensors()["scaling.mean"] == pytest.approx(X.mean(), rel=0.1)


def test_constant_features_are_left_alone() -> None:
    """A feature without deviation must not be divided by it."""
    X, y = make_classification(60, 5, n_informative=3, n_redundant=0, random_state=0)
    X[:, 2] = 1234.5678
    assert np.isfinite(quick(DenseClassifier).fit(X, y).predict_proba(X)).all()


def test_augmentation_shifts_a_little_and_never_mirrors_by_default() -> None:
    """Digits are not to be mirrored; images of ten pixels and more move by a tenth at most; the generator decides."""
    ramp = torch.arange(20, dtype=torch.uint8).expand(50, 20, 20)[..., None]
    shift = augmentation("shift", (20, 20, 1))
    assert shift is not None
    moved = shift(ramp, torch.Generator().manual_seed(0))
    assert moved.shape == ramp.shape
    assert moved.dtype == torch.uint8
    assert (moved.int() - ramp.int()).abs().max() == 2
    assert (moved[:, :, 1:] >= moved[:, :, :-1]).all()
    assert torch.equal(moved, shift(ramp, torch.Generator().manual_seed(0)))
    flip = augmentation("shift-flip", (20, 20, 1))
    assert flip is not None
    mirrored = flip(ramp, torch.Generator().manual_seed(0))[:, 0, 0, 0] > 10
    assert 0.2 < mirrored.float().mean() < 0.8
    assert augmentation("shift", (8, 8, 1)) is None
    assert augmentation("none", (20, 20, 1)) is None


def test_the_encoder_mixes_tokens_as_plain_attention_does() -> None:
    """The fused attention equals softmax(QKᵀ/√d)V written out."""
    with training.seeded(0, CPU):
        attention, tokens = networks.Attention(32, 2), torch.randn(3, 5, 32)
    query, key, value = attention.inward(tokens).view(3, 5, 3, 2, 16).permute(2, 0, 3, 1, 4)
    naive = (query @ key.transpose(-1, -2) / 4).softmax(-1) @ value
    expected = attention.outward(naive.transpose(1, 2).reshape(3, 5, 32))
    torch.testing.assert_close(attention(tokens), expected)


# Errors

TABLE, PICTURES = np.zeros((30, 4)), np.zeros((30, 8, 8))
LABELS = np.arange(30) % 2
NAN = np.where(np.arange(120).reshape(30, 4) == 41, np.nan, 0.0)


@pytest.mark.parametrize(
    ("estimator", "X", "y", "message"),
    [
        (DenseClassifier(), np.zeros(30), LABELS, r"X must be a table .*; got shape \(30,\)"),
        (ConvClassifier(), TABLE, LABELS, r"X must be images .*; got shape \(30, 4\)"),
        (VisionTransformerClassifier(), TABLE, LABELS, r"X must be images .*; got shape \(30, 4\)"),
        (DenseClassifier(), NAN, LABELS, "X must be finite; got 1 NaN, .* row 10"),
        (DenseRegressor(), np.full((30, 4), 1e300), LABELS, "X must be finite; got 120 .* huge values"),
        (DenseClassifier(), np.zeros((0, 4)), LABELS[:0], r"X must not be empty; got shape \(0, 4\)"),
        (DenseClassifier(), TABLE.astype(complex), LABELS, "X must be one array of real numbers; .* complex"),
        (ConvClassifier(), [np.zeros((8, 8)), np.zeros((9, 8))], LABELS[:2], "X must be one array of real numbers"),
        (DenseClassifier(), np.array([["a", "b"]] * 30), LABELS, "X must be one array of real numbers"),
        (DenseClassifier(), TABLE, LABELS[:20], "the same number of rows; got 30 and 20"),
        (DenseClassifier(), TABLE[:1], LABELS[:1], "at least 2 rows"),
        (DenseClassifier(), TABLE, LABELS[:, None], r"y must have shape \(n,\), .*; got shape \(30, 1\)"),
        (DenseClassifier(), TABLE, LABELS + 0.5, "y must hold class labels; got numbers that are not whole"),
        (DenseClassifier(), TABLE, np.array(["a", None] * 15, dtype=object), "y must hold labels that can be sorted"),
        (DenseRegressor(), TABLE, np.full(30, np.nan), "y must be finite; got 30"),
        (DenseClassifier(norm="bach"), TABLE, LABELS, "norm is not known; got 'bach'; did you mean 'batch'"),
        (ConvClassifier(augment="shfit"), PICTURES, LABELS, "augment is not known; got 'shfit'; did you mean 'shift'"),
        (VisionTransformerClassifier(width=50), PICTURES, LABELS, "width must be a multiple of 16; got 50"),
        (DenseClassifier(epochs=0), TABLE, LABELS, "epochs must be above 0; got 0"),
        (DenseClassifier(training={"optimiser": "adan"}), TABLE, LABELS, "optimiser is not known; .* mean 'adam'"),
        (DenseClassifier(training={"shedule": "step"}), TABLE, LABELS, "no setting 'shedule'; did you mean 'schedule'"),
        (DenseClassifier(training={"label_smoothing": 1.0}), TABLE, LABELS, "label_smoothing must be at least 0 and"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_constraint(estimator: Any, X: Any, y: Any, message: str) -> None:
    """Who gives something wrong reads what must hold and what was given, before any training."""
    with pytest.raises(ValueError, match=message) as caught:
        estimator.fit(X, y)
    assert "\n" not in str(caught.value)


def test_sparse_input_is_refused_with_a_cure() -> None:
    """A sparse matrix would otherwise become an array of one object."""
    sparse = pytest.importorskip("scipy.sparse").csr_array(TABLE)
    with pytest.raises(ValueError, match=r"X must be dense; got a sparse matrix .* TruncatedSVD"):
        DenseClassifier().fit(sparse, LABELS)


def test_rows_of_another_shape_are_refused_in_predict() -> None:
    """Broadcasting must not turn a wrong image into a prediction."""
    fitted = quick(ConvClassifier).fit(PICTURES + np.arange(30)[:, None, None], LABELS)
    with pytest.raises(ValueError, match=r"rows of shape \(8, 8, 1\), as in fit; got \(7, 8, 1\)"):
        fitted.predict(np.zeros((3, 7, 8)))


def test_augmentations_of_sound_keep_shape_and_type_and_hide_a_little() -> None:
    """Noise stays within the range, masks hide some of the rows and columns by the mean, and chance is the generator's."""
    pictures = torch.randint(0, 255, (20, 40, 64, 1), dtype=torch.uint8)
    for name in ("noise", "mask", "sound"):
        change = augmentation(name, (40, 64, 1))
        assert change is not None
        one, other = (change(pictures, torch.Generator().manual_seed(0)) for _ in range(2))
        assert torch.equal(one, other)
        assert (one.shape, one.dtype) == (pictures.shape, pictures.dtype)
        assert not torch.equal(one, pictures)
    masked = augmentation("mask", (40, 64, 1))(pictures, torch.Generator().manual_seed(0))  # type: ignore[misc]
    hidden = (masked != pictures).float().mean(dim=(1, 2, 3))
    assert hidden.max() < 0.6
    assert 0.05 < hidden.mean() < 0.4
    floats = pictures.float() / 255
    noisy = augmentation("noise", (40, 64, 1))(floats, torch.Generator().manual_seed(0))  # type: ignore[misc]
    assert 0.01 < (noisy - floats).std() < 0.1
    with pytest.raises(ValueError, match="augment is not known; got 'masks'; did you mean 'mask'"):
        augmentation("masks", (40, 64, 1))
