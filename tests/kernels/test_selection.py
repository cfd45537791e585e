"""Greedy selection: the fast paths against a naive twin, the laws, AutoGluon's picks, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, log_loss, root_mean_squared_error

from concours.kernels.joining import criteria
from concours.kernels.joining.selection import Selection, greedy_selection, path_losses

Array = NDArray[Any]
few_examples = settings(max_examples=40, database=None)


# The naive twin


def naive_loss(metric: str, target: Array, mean: Array) -> float:
    """The metric as scikit-learn has it, on the renormalised mean."""
    if metric == "rmse":
        return float(root_mean_squared_error(target, mean[:, 0]))
    mean = mean / mean.sum(axis=1, keepdims=True)
    if metric == "accuracy":
        return 1 - float(accuracy_score(target, mean.argmax(axis=1)))
    return float(log_loss(target, mean, labels=np.arange(mean.shape[1])))


def naive_selection(members: list[Array], target: Array, metric: str, steps: int, seed: int = 0) -> Selection:
    """Evaluates every member at every step, by the rules as the module's docstring states them."""
    random = np.random.RandomState(seed)
    mean, picks, trajectory, rounded = np.zeros(members[0].shape), [], [], False
    for size in range(steps if len(members) > 1 else 1):
        means = [mean * (size / (size + 1)) + member * (1 / (size + 1)) for member in members]
        losses = np.array([naive_loss(metric, target, each) for each in means])
        if rounded:
            losses = losses.round(6)
        ties = [m for m in range(len(members)) if np.isclose(losses[m], losses.min(), rtol=1e-12, atol=0)]
        pick = int(random.choice([m for m in ties if m in picks] or ties))
        if size == 0 and losses[pick] > 1e-4:
            rounded = True
        trajectory.append(losses[pick].round(6) if rounded else losses[pick])
        picks.append(pick)
        mean = mean * (size / (size + 1)) + members[pick] / (size + 1)
    kept = picks[: trajectory.index(min(trajectory)) + 1]
    weights = np.array([kept.count(m) / len(kept) for m in range(len(members))])
    return Selection(picks=tuple(kept), path=tuple(picks), weights=weights, losses=np.array(trajectory))


def assert_same(found: Selection, expected: Selection) -> None:
    """Equal picks and weights, and losses that differ by rounding at most."""
    assert found.picks == expected.picks
    assert found.path == expected.path
    np.testing.assert_array_equal(found.weights, expected.weights)
    np.testing.assert_allclose(found.losses, expected.losses, rtol=1e-9, atol=1e-12)


# Members to select from


def smooth(random: np.random.Generator, shape: tuple[int, int], target: Array) -> Array:
    """Softmax of a signal and noise: nothing ties."""
    scores = random.normal(size=shape) + random.uniform(0, 2) * np.eye(shape[1])[target]
    return np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)


def counted(random: np.random.Generator, shape: tuple[int, int], target: Array) -> Array:
    """Tenths, as of a forest of ten trees: classes tie often, the true one's probability is zero often."""
    return random.multinomial(10, [1 / shape[1]] * shape[1], size=shape[0]) / 10


def voted(random: np.random.Generator, shape: tuple[int, int], target: Array) -> Array:
    """Zeros and a one a row."""
    return np.eye(shape[1])[np.where(random.random(shape[0]) < 0.5, target, random.integers(shape[1], size=shape[0]))]


def unnormalised(random: np.random.Generator, shape: tuple[int, int], target: Array) -> Array:
    """Rows that do not sum to one."""
    return smooth(random, shape, target) * random.uniform(0.5, 2, size=(shape[0], 1))


@st.composite
def classifications(draw: st.DrawFn, styles: tuple[Callable[..., Array], ...]) -> tuple[list[Array], Array]:
    """One to six members, some of them twice, for up to 40 rows of two to ten classes."""
    random = np.random.default_rng(draw(st.integers(0, 2**16)))
    shape = draw(st.integers(1, 40)), draw(st.sampled_from([2, 3, 7, 8, 10]))
    target = random.integers(shape[1], size=shape[0])
    style = draw(st.sampled_from(styles))
    members = [style(random, shape, target) for _ in range(draw(st.integers(1, 6)))]
    return members + members[: draw(st.integers(0, 2))], target


@st.composite
def regressions(draw: st.DrawFn) -> tuple[list[Array], Array]:
    """One to six members, some of them twice; on a grid of halves, where many things tie, or smooth at any scale."""
    random = np.random.default_rng(draw(st.integers(0, 2**16)))
    rows, members = draw(st.integers(1, 15)), draw(st.integers(1, 6))
    values = random.normal(size=(members + 1, rows, 1)) * 10.0 ** draw(st.integers(0, 4))
    if draw(st.booleans()):
        values = random.integers(-3, 4, size=values.shape) / 2
    return [*values[1:], *values[1 : 1 + draw(st.integers(0, 2))]], values[0, :, 0]


# Fast equals naive


@pytest.mark.parametrize("metric", ["log_loss", "accuracy"])
@few_examples
@given(
    work=classifications((smooth, counted, voted, unnormalised)),
    steps=st.integers(1, 20),
    seed=st.integers(0, 2**32 - 1),
)
def test_classification_equals_naive(metric: str, work: tuple[list[Array], Array], steps: int, seed: int) -> None:
    """The short cuts change no pick: ties, members twice, zero probability of the true class, 2 to 10 classes."""
    members, target = work
    found = greedy_selection(members, target, metric=metric, steps=steps, seed=seed)
    assert_same(found, naive_selection(members, target, metric, steps, seed))


@few_examples
@given(work=regressions(), steps=st.integers(1, 12), seed=st.integers(0, 2**32 - 1))
def test_regression_equals_naive(work: tuple[list[Array], Array], steps: int, seed: int) -> None:
    """The Gram matrix stands for the rows: ties, members twice, exact predictions, several scales."""
    members, target = work
    found = greedy_selection(members, target, metric="rmse", steps=steps, seed=seed)
    assert_same(found, naive_selection(members, target, "rmse", steps, seed))


@pytest.mark.parametrize("metric", ["log_loss", "accuracy", "rmse"])
def test_blocks_cover_the_rows(metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work done in many blocks of rows, the last of them ragged, comes to the same."""
    monkeypatch.setattr(criteria, "_BLOCK", 100)
    members, target = seeded(members=5, rows=333, classes=4)
    if metric == "rmse":
        members, target = [member[:, :1] for member in members], target / 4
    found = greedy_selection(members, target, metric=metric, steps=10)
    assert_same(found, naive_selection(members, target, metric, 10))


@pytest.mark.parametrize("metric", ["log_loss", "accuracy", "rmse"])
def test_a_callable_selects_as_the_fast_path_does(metric: str) -> None:
    """The general path follows the same rules."""
    members, target = seeded(members=6, rows=60, classes=3)
    if metric == "rmse":
        members, target = [member[:, :1] for member in members], target / 4
    general = greedy_selection(members, target, metric=lambda y, mean: naive_loss(metric, y, mean), steps=12)
    assert_same(greedy_selection(members, target, metric=metric, steps=12), general)


def test_errors_that_cancel_leave_no_noise() -> None:
    """Where the Gram matrix has no digits left the rows decide, so a loss of zero is zero and not 1e-6."""
    random = np.random.default_rng(0)
    target, (first, second) = random.normal(size=50), random.normal(size=(2, 50)) * 1e4
    members = [(target + error)[:, None] for error in (first, second, -first - second)]
    found = greedy_selection(members, target, metric="rmse", steps=10)
    assert sorted(found.picks) == [0, 1, 2]
    assert found.losses[2] == 0


def test_no_product_of_probabilities_underflows() -> None:
    """Rows on end where no member gives the true class a chance count as scikit-learn counts them."""
    members, target = seeded(members=3, rows=100, classes=2)
    members = [np.where(np.arange(100)[:, None] < 90, np.eye(2)[1 - target], member) for member in members]
    found = greedy_selection(members, target, metric="log_loss", steps=10)
    assert_same(found, naive_selection(members, target, "log_loss", 10))


def test_a_small_loss_has_all_its_digits() -> None:
    """Where losses are not rounded they are not computed coarsely."""
    doubt = np.arange(1, 41) * 2.0**-36
    member = np.stack([doubt, 1 - doubt], axis=1)
    found = greedy_selection([member, member], np.ones(40, dtype=int), metric="log_loss", steps=1)
    np.testing.assert_allclose(found.losses[0], -np.log1p(-doubt).mean(), rtol=1e-13)


def test_classes_are_compared_after_renormalisation() -> None:
    """It makes two neighbouring floats equal here, and then the first class wins, as in AutoGluon."""
    prediction = np.array([[0.45, np.nextafter(0.45, 1), 0.28]])
    found = greedy_selection([prediction, prediction], [0], metric="accuracy", steps=1)
    assert found.losses[0] == 0


def seeded(members: int, rows: int, classes: int) -> tuple[list[Array], Array]:
    """Smooth members of different quality, and their target."""
    random = np.random.default_rng(7)
    target = random.integers(classes, size=rows)
    return [smooth(random, (rows, classes), target) for _ in range(members)], target


# AutoGluon's picks


def waves(members: int, rows: int, classes: int) -> tuple[Array, Array]:
    """Members made of sines, so the same wherever the tests run, and their target."""
    m, r, c = np.ogrid[:members, :rows, :classes]
    target = np.arange(rows) ** 2 % classes
    signal = (c == target[:, None]) * (0.5 + 0.05 * m)
    scores = np.exp(np.sin(3.7 * r + 2.1 * c) + np.sin(1.3 * m * r + 0.7 * c * m + m) + signal)
    return scores / scores.sum(axis=2, keepdims=True), target


def test_picks_are_those_of_autogluon() -> None:
    """What AutoGluon 1.6.3 picked, recorded: log loss, accuracy, accuracy with ties among classes, RMSE."""
    members, target = waves(8, 60, 10)
    tied, of_class_0 = (members * 20).round() + 0.5, members[:, :, :1]
    found = greedy_selection(members, target, metric="log_loss", steps=20)
    assert found.picks == (7, 6, 5, 3, 7, 6, 7, 5, 3, 6, 7, 4, 7, 6, 3, 5, 7)
    assert found.losses.min() == 1.900586
    assert greedy_selection(members, target, metric="accuracy", steps=20).picks == (3, 3, 6)
    assert greedy_selection(tied, target, metric="accuracy", steps=20).picks == (3, 3, 6, 3, 3, 3, 6, 6, 3, 3)
    assert greedy_selection(of_class_0, (target == 0) * 1.0, metric="rmse", steps=20).picks == (1, 6, 1, 1, 1, 6, 1)


# Laws


@pytest.mark.parametrize("metric", ["log_loss", "accuracy"])
@few_examples
@given(work=classifications((smooth, counted, voted)))
def test_laws(metric: str, work: tuple[list[Array], Array]) -> None:
    """Weights are shares of the picks, the picks end at the best step, and that is no worse than the best member."""
    members, target = work
    found = greedy_selection(members, target, metric=metric, steps=15)
    assert found.weights.sum() == pytest.approx(1)
    assert [found.picks.count(m) / len(found.picks) for m in range(len(members))] == found.weights.tolist()
    assert len(found.picks) == found.losses.argmin() + 1
    assert found.losses.min() <= min(naive_loss(metric, target, member) for member in members) + 5e-7


@pytest.mark.parametrize("metric", ["log_loss", "rmse"])
@few_examples
@given(order=st.permutations(range(6)))
def test_permuted_members_have_permuted_weights(metric: str, order: list[int]) -> None:
    """Where nothing ties, a member's weight does not depend on its place."""
    members, target = seeded(members=6, rows=200, classes=3)
    if metric == "rmse":
        members, target = [member[:, :1] for member in members], target / 4
    straight = greedy_selection(members, target, metric=metric, steps=20)
    permuted = greedy_selection([members[m] for m in order], target, metric=metric, steps=20)
    np.testing.assert_array_equal(permuted.weights, straight.weights[order])


def test_one_member_is_picked_once() -> None:
    """No steps are spent where there is no choice."""
    members, target = seeded(members=1, rows=20, classes=2)
    found = greedy_selection(members, target, metric="log_loss", steps=50)
    assert (found.picks, found.weights.tolist(), len(found.losses)) == ((0,), [1.0], 1)


def test_a_member_twice_is_used_once() -> None:
    """Of two equal members one is drawn, and then preferred; the seed decides which."""
    members, target = seeded(members=3, rows=100, classes=3)
    drawn = {greedy_selection([*members, *members], target, metric="log_loss", seed=s).picks for s in range(8)}
    assert len(drawn) > 1
    assert all(not {m, m + 3} <= set(picks) for picks in drawn for m in range(3))


def test_a_perfect_member_ends_the_search() -> None:
    """Losses at the clip are not rounded to ties, and nothing is added to what cannot be better."""
    members, target = seeded(members=3, rows=40, classes=3)
    found = greedy_selection([*members, np.eye(3)[target]], target, metric="log_loss", steps=10)
    assert found.picks == (3,)
    assert found.losses[0] == pytest.approx(2.0**-52)


# Input


def test_memory_maps_one_array_and_float32(tmp_path: Path) -> None:
    """A list, one array, memory-mapped files and narrower floats are the same members."""
    members, target = seeded(members=4, rows=50, classes=3)
    members = [member.astype(np.float32) for member in members]
    for index, member in enumerate(members):
        np.save(tmp_path / f"{index}.npy", member)
    mapped = [np.load(tmp_path / f"{index}.npy", mmap_mode="r") for index in range(4)]
    for metric in ("log_loss", "accuracy"):
        expected = naive_selection([member.astype(np.float64) for member in members], target, metric, 10)
        for given_as in (members, np.stack(members), mapped):
            assert_same(greedy_selection(given_as, target.tolist(), metric=metric, steps=10), expected)


def test_a_loss_that_is_not_finite_never_wins() -> None:
    """A callable may fail on a member; a NaN neither wins nor spreads."""

    def loss(target: Array, mean: Array) -> float:
        return float(np.where(mean[0, 0] == 0.9, np.nan, mean[0, 0]))

    members = [np.full((2, 1), value) for value in (0.9, 0.8, 0.7)]
    assert greedy_selection(members, np.zeros(2), metric=loss, steps=1).picks == (2,)


GOOD = np.full((2, 3, 2), 0.5)
CODES = np.array([0, 1, 0])


@pytest.mark.parametrize(
    ("predictions", "target", "options", "message"),
    [
        ([], CODES, {}, "predictions must hold one member at least, got none"),
        (GOOD[0], CODES, {}, "predictions[0] must have the shape (rows, outputs), none of them zero, got (2,)"),
        ([GOOD[0], GOOD[0, :2]], CODES, {}, "predictions[1] must have the shape (3, 2) as the first, got (2, 2)"),
        ([GOOD[0], GOOD[0] > 0], CODES, {}, "predictions[1] must be real numbers, got dtype bool"),
        ([GOOD[0], GOOD[0] + np.nan], CODES, {}, "predictions[1] must be finite, got nan at (0, 0)"),
        (-GOOD, CODES, {}, "none negative and not all of a row zero, got -0.5 at (0, 0)"),
        (GOOD * 0, CODES, {}, "none negative and not all of a row zero, got 0.0 at (0, 0)"),
        (GOOD[:, :, :1], CODES, {}, "predictions must have a column for each of two classes or more, got one column"),
        (GOOD, CODES[:2], {}, "target must have one value a row of the predictions (3), got the shape (2,)"),
        (GOOD, CODES + 1, {}, "target must be class codes 0 to 1, a column of the predictions each, got 2 at 1"),
        (GOOD, CODES / 2, {}, "target must be (rows,) integer class codes, got float64 of the shape (3,)"),
        (GOOD, CODES, {"metric": "rmse"}, "predictions must have one column for rmse, got 2"),
        (GOOD[:, :, :1], GOOD[0], {"metric": "rmse"}, "target must be (rows,) real numbers, got float64 of the shape"),
        (GOOD[:, :, :1], CODES * np.nan, {"metric": "rmse"}, "target must be finite, got nan at 0"),
        (
            GOOD,
            CODES,
            {"metric": "auc"},
            "metric must be one of log_loss, accuracy, rmse, bits_per_byte or a callable, got 'auc'",
        ),
        (GOOD, CODES, {"metric": lambda y, mean: np.inf}, "loss must be finite for a member at least, got [inf, inf]"),
        (GOOD, CODES, {"steps": 0}, "steps must be at least 1, got 0"),
        (GOOD, CODES, {"seed": -1}, "seed must be from 0 to 2**32 - 1, got -1"),
    ],
)
def test_what_is_refused(predictions: Any, target: Array, options: dict[str, Any], message: str) -> None:
    """Each mistake is named, with what was given and what is expected."""
    with pytest.raises(ValueError, match=re.escape(message)):
        greedy_selection(predictions, target, **{"metric": "log_loss", **options})


def test_losses_along_a_path() -> None:
    """The loss after each step is that of the plain mean of the members picked until then, on any rows."""
    rng = np.random.default_rng(0)
    members = [rng.dirichlet(np.ones(3), size=25) for _ in range(4)]
    target = rng.integers(3, size=25)
    path = (2, 0, 2, 3, 1)
    expected = [naive_loss("log_loss", target, np.mean([members[m] for m in path[:n]], axis=0)) for n in range(1, 6)]
    found = path_losses(path, members, target, lambda y, p: naive_loss("log_loss", y, p))
    assert np.allclose(found, expected)
