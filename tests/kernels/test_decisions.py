"""Decisions: against every threshold tried by hand, and what weights must never do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.kernels.joining.decisions import decide, decision_weights, threshold_counts
from concours.kernels.scoring.counts import OF_COUNTS, confusion

SETTINGS = settings(max_examples=60)


def score(p, y, weights, name):
    """The metric of what the weights decide."""
    return float(OF_COUNTS[name](confusion(y, decide(p, weights), p.shape[1])))


@st.composite
def samples(draw, most=5):
    """Probabilities on a coarse grid, so that they tie, and codes (rows,)."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    rows, classes = draw(st.integers(1, 60)), draw(st.integers(2, most))
    p = rng.integers(1, draw(st.sampled_from([4, 1000])), size=(rows, classes)).astype(float)
    return p / p.sum(axis=1, keepdims=True), rng.integers(classes, size=rows)


@SETTINGS
@given(samples(), st.sampled_from(sorted(OF_COUNTS)))
def test_never_worse_on_the_rows_given(sample, name):
    """Whatever the metric, weights are positive, of mean one, and no worse than none on the rows they come from."""
    p, y = sample
    weights = decision_weights(p, y, OF_COUNTS[name])
    assert np.isclose(weights.mean(), 1)
    assert (weights > 0).all()
    assert score(p, y, weights, name) >= score(p, y, np.ones(p.shape[1]), name)


@SETTINGS
@given(samples(most=2))
def test_counts_of_every_threshold(sample):
    """The counts of all thresholds at once are those of each, one by one."""
    p, y = sample
    cuts, counts = threshold_counts(p[:, 1], y)
    for place, cut in enumerate([*cuts, np.inf]):
        assert (counts[place] == confusion(y, (p[:, 1] >= cut).astype(np.int64), 2)).all()


def rare(rng, rows=4000):
    """Honest probabilities of a class that has a tenth of the rows."""
    y = (rng.random(rows) < 0.1).astype(np.int64)
    x = rng.normal(size=rows) + 1.5 * y
    odds = np.exp(np.log(0.1 / 0.9) + 1.5 * x - 1.5**2 / 2)
    return np.stack([1 / (1 + odds), odds / (1 + odds)], axis=1), y


@pytest.mark.parametrize("name", ["f1", "balanced_accuracy", "mcc"])
def test_near_the_best_threshold(name):
    """With many rows the threshold found is nearly as good as the best of all, tried by hand, and better on new rows."""
    p, y = rare(np.random.default_rng(0))
    weights = decision_weights(p, y, OF_COUNTS[name])
    best = max(score(p, y, np.array([cut, 1 - cut]), name) for cut in np.linspace(0.001, 0.999, 999))
    none = score(p, y, np.ones(2), name)
    assert score(p, y, weights, name) > none + 0.8 * (best - none)
    new, truth = rare(np.random.default_rng(1))
    assert score(new, truth, weights, name) > score(new, truth, np.ones(2), name)


def test_what_is_chance_costs_little():
    """Honest probabilities need no weights for accuracy: what a threshold gains on a few rows by chance is not believed."""
    new, truth = rare(np.random.default_rng(100))
    found = [
        decision_weights(*rare(np.random.default_rng(seed), rows=300), OF_COUNTS["accuracy"]) for seed in range(20)
    ]
    lost = [score(new, truth, np.ones(2), "accuracy") - score(new, truth, weights, "accuracy") for weights in found]
    assert np.mean(lost) < 0.002


def test_more_classes():
    """With classes of different size, weights raise balanced accuracy on new rows nearly to what the priors would."""
    prior = np.array([0.6, 0.25, 0.1, 0.05])

    def draw(seed):
        rng = np.random.default_rng(seed)
        y = rng.choice(4, p=prior, size=6000)
        p = prior * np.exp(1.5 * (rng.normal(size=(6000, 4)) + 1.5 * np.eye(4)[y]))
        return p / p.sum(axis=1, keepdims=True), y

    weights = decision_weights(*draw(0), OF_COUNTS["balanced_accuracy"])
    p, y = draw(1)
    ideal, none = (score(p, y, w, "balanced_accuracy") for w in (1 / prior, np.ones(4)))
    assert score(p, y, weights, "balanced_accuracy") > none + 0.8 * (ideal - none)


def test_very_many_classes_are_left_alone():
    """Above fifty classes no weights are sought."""
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(60), size=200)
    assert (decision_weights(p, rng.integers(60, size=200), OF_COUNTS["f1_macro"]) == 1).all()
