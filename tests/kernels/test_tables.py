"""Metrics of labels by tables: naive twins over joint tables, known intervals, and that chance is not called certain."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from concours.kernels.ranking.differences import differences
from concours.kernels.ranking.ranks import certain_pairs
from concours.kernels.scoring.counts import OF_COUNTS, confusion, count_means, slopes
from concours.kernels.scoring.intervals import intervals
from concours.kernels.scoring.tables import _degrees, believed, tabled

SETTINGS = settings(max_examples=40)
TWO = ("f1", "precision", "recall")
YES = np.repeat([0, 1], [190, 10])


def told(y, labels, classes, name, **further):
    """As the judge has it."""
    empty = {"empty": further.pop("empty")} if "empty" in further else {}
    found = count_means(y, labels, classes, OF_COUNTS[name], **further)
    return tabled(found, y, labels, classes, OF_COUNTS[name], **further, **empty)


def named_by(rng, y, classes, right=0.7):
    return np.where(rng.random(len(y)) < right, y, rng.integers(classes, size=len(y)))


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_what_is_believed(classes):
    """√(2 k) rows: each true class alike, half of them hits; with two classes half a row a cell."""
    prior, rows = believed(classes), (2 * classes) ** 0.5
    assert np.isclose(prior.sum(), rows)
    assert np.isclose(np.trace(prior), rows / 2)
    assert np.allclose(prior.sum(axis=0), rows / classes)
    assert np.allclose(prior.sum(axis=1), rows / classes)
    assert np.allclose(believed(2), 0.5)


@pytest.mark.parametrize("name", ["f1_macro", "balanced_accuracy", "accuracy", "mcc"])
def test_few_rows_of_a_class_widen_what_rests_on_them(name):
    """Five classes: degrees by the fourth moment, cell by cell; no fewer than the rarest class has rows, nor more than
    there are units. Of two classes they are those of all units."""
    metric = OF_COUNTS[name]
    for seed in range(6):
        rng = np.random.default_rng(seed)
        y = np.concatenate([rng.integers(4, size=96), np.full(2 + seed, 4)])
        table = confusion(y, named_by(rng, y, 5), 5)
        shape = table + believed(5)
        second = fourth = 0.0
        for cell, slope in zip(shape.ravel(), slopes(shape, metric).ravel(), strict=True):
            second, fourth = second + cell * slope**2, fourth + cell * slope**4
        expected = np.clip(2 / (fourth / second**2 - 1 / shape.sum()), 2 + seed, len(y) - 1)
        assert np.isclose(_degrees(table, len(y), metric), expected)
        assert _degrees(table[:2, :2], 40, metric) == 39
    common = _degrees(np.full((5, 5), 20.0), 500, OF_COUNTS["accuracy"])
    assert common > 200


def test_a_mean_over_classes_of_which_one_is_rare_is_covered():
    """200 rows of five classes, one of 5%: the macro F1 lies in its interval, where it lay in 90% of those before."""
    shares = np.array([0.2375] * 4 + [0.05])
    rng, held = np.random.default_rng(0), 0
    right = np.array([0.75, 0.7, 0.65, 0.6, 0.3])
    each = right[:, None] * np.eye(5) + (1 - right)[:, None] * (shares - np.diag(shares)) / (1 - shares)[:, None]
    truth = OF_COUNTS["f1_macro"](1e6 * shares[:, None] * each / each.sum(axis=1, keepdims=True))
    for _ in range(150):
        y = rng.choice(5, size=200, p=shares)
        rows = each[y] / each[y].sum(axis=1, keepdims=True)
        named = (rng.random((200, 1)) > rows.cumsum(axis=1)).sum(axis=1).clip(max=4)
        low, high = intervals(told(y, [named], 5, "f1_macro"), low=0.0, high=1.0)[0]
        held += low <= truth <= high
    assert held / 150 >= 0.925


@pytest.mark.parametrize("name", OF_COUNTS)
@SETTINGS
@given(st.integers(2, 4), st.integers(0, 10_000), st.integers(5, 60))
def test_differences_are_those_of_joint_tables(name, classes, seed, rows):
    """The covariance of all models has the variance of each pair's difference in their own joint table."""
    classes = 2 if name in TWO else classes
    rng = np.random.default_rng(seed)
    y = rng.integers(classes, size=rows)
    labels = [named_by(rng, y, classes) for _ in range(3)]
    found = told(y, labels, classes, name).tested
    split = believed(classes) / believed(classes).sum(axis=1, keepdims=True)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        joint = np.zeros((classes,) * 3)
        np.add.at(joint, (y, labels[i], labels[j]), rows / (rows - 1))
        joint += (2 / classes) ** 0.5 * split[:, :, None] * split[:, None, :]
        first, second = (slopes(confusion(y, labels[k], classes) + believed(classes), OF_COUNTS[name]) for k in (i, j))
        variance = (joint * np.square(first[:, :, None] - second[:, None, :])).sum()
        assert np.isclose(found.covariance[i, i] + found.covariance[j, j] - 2 * found.covariance[i, j], variance)
        assert np.isclose(found.estimates[i], OF_COUNTS[name](confusion(y, labels[i], classes) + believed(classes)))


def test_intervals_of_shares_are_jeffreys():
    """Recall is a share of the rows of a class: its interval is the one of Jeffreys' prior, at a bound as well."""
    y = np.repeat([0, 1], [3000, 20])
    for hits in (0, 3, 20):
        ((low, high),) = intervals(told(y, [np.repeat([0, 1], [3020 - hits, hits])], 2, "recall"))
        expected = beta.ppf([0.025, 0.975], hits + 0.5, 20 - hits + 0.5)
        assert np.allclose([low, high], [min(expected[0], hits / 20), max(expected[1], hits / 20)], atol=0.015)


@pytest.mark.parametrize(
    ("name", "y", "named"),
    [
        ("precision", YES, np.zeros(200, int)),
        ("mcc", YES, np.zeros(200, int)),
        ("recall", np.zeros(50, int), np.arange(50) % 2),
        ("f1", np.zeros(50, int), np.zeros(50, int)),
        ("kappa", np.zeros(50, int), np.zeros(50, int)),
    ],
)
def test_nothing_by_nothing_is_undefined(name, y, named):
    """A score that is 0 / 0 is no number, has no interval, and cannot be told from others; who chooses takes 0."""
    other = np.where(np.arange(len(y)) == 0, 1 - y, y)
    found = told(y, [named, other], 2, name)
    assert np.isnan(found.means[0])
    assert np.isnan(intervals(found)[0]).all()
    assert not certain_pairs(found).any()
    assert np.isnan(differences(found, [(0, 1)]).value).all()
    assert told(y, [named, other], 2, name, empty=0.0).means[0] == 0


def test_few_that_are_named_rightly_are_not_certain():
    """Two named and right against eight named, six of them right: no variance seen of the first, and nothing certain."""
    few, more = np.zeros(200, int), YES.copy()
    few[-2:], more[:2], more[-4:] = 1, 1, 0
    found = told(YES, [few, more], 2, "precision")
    assert found.means.tolist() == [1.0, 0.75]
    assert not certain_pairs(found).any()
    assert (intervals(found)[0, 0]) < 0.6


@pytest.mark.parametrize("name", OF_COUNTS)
def test_laws(name):
    """Models and rows in another order change nothing; like models are not told apart; rows that come twice are one."""
    rng, classes = np.random.default_rng(0), 2 if name in TWO else 3
    y = rng.integers(classes, size=80)
    labels = [named_by(rng, y, classes, right) for right in (0.9, 0.5, 0.5)]
    labels.append(labels[0])
    found, order, rows = told(y, labels, classes, name), [2, 0, 3, 1], rng.permutation(80)
    moved = told(y[rows], [labels[k][rows] for k in order], classes, name)
    assert np.allclose(moved.tested.covariance, found.tested.covariance[np.ix_(order, order)])
    assert np.allclose(intervals(moved), intervals(found)[order])
    assert not certain_pairs(found)[0, 3]
    codes = np.repeat(np.arange(80), 2)
    twice = told(y[codes], [named[codes] for named in labels], classes, name, groups=codes)
    assert np.allclose(twice.tables, found.tables, rtol=0.1)
    assert np.allclose(intervals(twice), intervals(found), atol=0.03)
    weighed = told(y, labels, classes, name, weights=np.ones(80))
    assert np.allclose(intervals(weighed), intervals(found))


def test_a_score_lies_in_its_interval():
    """Of every metric, at the bounds as well, and one group alone tells nothing."""
    y = np.repeat([0, 1], 20)
    for name in OF_COUNTS:
        found = told(y, [y, 1 - y, np.arange(40) % 2], 2, name)
        low, high = intervals(found, low=-1.0, high=1.0).T
        assert (low <= found.means).all()
        assert (found.means <= high).all()
        assert (high - low > 0.01).all()
        alone = told(y, [y], 2, name, groups=np.zeros(40, int))
        assert np.isnan(intervals(alone)).all()


def seen(rng, rows, share, count):
    """Two classes, the second rare, and what so many models name, who see equally much."""
    y = (rng.random(rows) < share).astype(int)
    shared = rng.normal(size=rows)
    lean = np.log(share / (1 - share)) + 1.6 * (2 * y - 1)
    return y, [(lean + 1.1 * shared + 0.85 * rng.normal(size=rows) > 0).astype(int) for _ in range(count)]


def test_equal_entrants_are_not_told_apart():
    """Of 60 boards of ten equal entrants on 200 rows with a class of 5%, some pair is called different in 5% at most."""
    rng, names = np.random.default_rng(0), ("precision", "recall", "f1", "mcc", "balanced_accuracy")
    wrong = dict.fromkeys(names, 0)
    for _ in range(60):
        y, labels = seen(rng, 200, 0.05, 10)
        for name in names:
            wrong[name] += certain_pairs(told(y, labels, 2, name)).any()
    assert max(wrong.values()) <= 3


def test_rare_classes_are_covered():
    """At 200 rows with a class of 5% intervals hold precision and what it differs by, where nothing was told of before."""
    rng, metric = np.random.default_rng(1), OF_COUNTS["precision"]
    y, (named,) = seen(np.random.default_rng(2), 400_000, 0.05, 1)
    truth, held, apart, rounds = float(metric(confusion(y, named, 2))), 0, 0, 0
    for _ in range(150):
        found = told(*seen(rng, 200, 0.05, 2), 2, "precision")
        if np.isfinite(found.means).all():
            rounds += 1
            (low, high), _ = intervals(found)
            held += low <= truth <= high
            between = differences(found, [(0, 1)])
            apart += between.low[0] <= 0 <= between.high[0]
    assert rounds > 100
    assert min(held, apart) / rounds >= 0.95 - 2 * (0.0475 / rounds) ** 0.5
