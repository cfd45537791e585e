"""Metrics where jobs compute them: every sort gives scores, intervals and ranks, and greedy selection takes each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import t

from concours.core.job import Job
from concours.engine.runners.join import select
from concours.engine.runners.score import evaluate, score
from concours.kernels.ranking.ranks import holm, pair_differences
from concours.stores.blobs import get_array, put_array
from concours.stores.memory import MemoryStore
from concours.tasks.metrics.named import metric_named
from concours.testing.toys import toy_output

RNG = np.random.default_rng(0)
Y = RNG.integers(2, size=200)
GOOD, POOR = (RNG.dirichlet([1, 1], size=200) + strength * np.eye(2)[Y] for strength in (1.0, 0.2))
NAMES = ["log_loss", "brier", "roc_auc", "average_precision", "f1", "kappa_quadratic", "mcc", "accuracy", "neg_log_loss",
         "sklearn.metrics:f1_score"]  # fmt: skip


@pytest.fixture
def store():
    """A store in memory."""
    return MemoryStore()


def job(store, kind, names, *, y=Y, **fields):
    """A job on the predictions of two models, the first the better one."""
    members = [p / p.sum(axis=1, keepdims=True) for p in (GOOD, POOR)]
    word = {"select": "oof", "evaluate": "predictions"}[kind]
    inputs = {f"{word}{index}": put_array(store, p) for index, p in enumerate(members)}
    inputs |= {"y": put_array(store, y), "folds": put_array(store, np.arange(200) % 3)}
    labels = {"labels": [0, 1]} if any(":" in name for name in names) else {}
    params = {
        "metrics": names,
        "output": toy_output(2).told,
        "decision": None,
        "decisions": [None, None],
        **labels,
        **fields,
    }
    return Job(runner=kind, inputs=inputs, params=params, seed=1)


@pytest.mark.parametrize("name", NAMES)
def test_judged_by_any_metric(name, store):
    """The better model is first, and its score lies in its interval."""
    values = evaluate(job(store, "evaluate", [name, "accuracy"]), store).values
    assert values["rank"] == [1, 2]
    for value, (low, high) in zip(values["scores"][name], values["ci"], strict=True):
        assert low <= value <= high
    assert set(values["scores"]) == {name, "accuracy"}


def test_every_metric_has_intervals_and_ranks(store):
    """Not only the one that ranks; and those who cannot be told apart share a tier."""
    values = evaluate(job(store, "evaluate", NAMES), store).values
    for name in NAMES:
        for value, (low, high), (rank, best, worst) in zip(
            *(values[what][name] for what in ("scores", "intervals", "ranks")), strict=True
        ):
            assert low <= value <= high
            assert best <= rank <= worst
    assert values["ci"] == values["intervals"]["log_loss"]
    assert list(zip(values["rank"], values["rank_best"], values["rank_worst"], strict=True)) == [(1, 1, 1), (2, 2, 2)]
    assert values["tier"] == [1, 2]


@pytest.mark.parametrize("name", NAMES)
def test_groups_are_one_observation(name, store):
    """Rows that come four times, as groups of four, give no narrower an interval than once; taken for rows they do."""
    once, groups = job(store, "evaluate", [name]), np.repeat(np.arange(200), 4)
    four = {
        key: put_array(store, np.repeat(get_array(store, digest), 4, axis=0)) for key, digest in once.inputs.items()
    }
    together = {**four, "groups": put_array(store, groups)}
    widths = [
        np.ptp(evaluate(replace(once, inputs=inputs), store).values["intervals"][name][1])
        for inputs in (once.inputs, four, together)
    ]
    assert widths[1] < 0.62 * widths[0]
    assert np.allclose(widths[2], widths[0], rtol=0.25)


@pytest.mark.parametrize("name", NAMES)
def test_selected_by_any_metric(name, store):
    """The better model is picked first, and what was picked has a finite loss on the fold held out."""
    values = select(job(store, "select", [name], steps=3, without_fold=0), store).values
    assert values["path"][0] == 0
    assert np.isfinite(values["held_out"]).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_fold_of_one_class_does_not_keep_others_from_choosing(name, store):
    """Where its rows have no score, the fold counts no rows; where they have one, it is a number."""
    y = np.where(np.arange(200) % 3 == 0, 0, Y)
    values = select(job(store, "select", [name], y=y, steps=3, without_fold=0), store).values
    assert np.isfinite(values["held_out"]).all()
    assert len(values["held_out"]) == len(values["path"])
    assert (values["rows"] == 0) == (name in ("roc_auc", "average_precision", "neg_log_loss"))


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith(("neg", "sklearn"))])
def test_rows_that_also_taught_tell_fewer_apart(name, store):
    """Without a test part ranks are of Holm's tests with standard errors √2 times as great, by every metric of ours."""
    rng, alike = np.random.default_rng(3), np.ones(2)
    shared, found = rng.dirichlet(alike, size=200), []
    for step in (0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.6, 0.9):
        p = shared + 0.3 * rng.dirichlet(alike, size=200) + step * np.eye(2)[Y]
        found.append(p / p.sum(axis=1, keepdims=True))
    plain = job(store, "evaluate", [name], decisions=[None] * len(found))
    inputs = {f"predictions{i}": put_array(store, p) for i, p in enumerate(found)} | {"y": plain.inputs["y"]}
    alone, taught = (
        np.array(evaluate(replace(plain, inputs=inputs | more), store).values["ranks"][name])
        for more in ({}, {"folds": plain.inputs["folds"]})
    )
    metric = metric_named(name, "classes", 2, labels=[0, 1])
    means = metric.means(Y, found, seed=1, rounds=200)
    first, second = np.triu_indices(len(found), 1)
    told = pair_differences(means, first, second)
    better = np.zeros((len(found), len(found)), dtype=bool)
    sign = 1 if metric.greater_is_better else -1
    certain = holm(2 * t.sf(np.abs(told.value) / (2**0.5 * told.stderr), told.degrees), 0.05)
    for a, b, value, sure in zip(first, second, sign * told.value, certain, strict=True):
        better[a, b], better[b, a] = sure and value > 0, sure and value < 0
    assert taught[:, 1].tolist() == (1 + better.sum(axis=0)).tolist()
    assert taught[:, 2].tolist() == (len(found) - better.sum(axis=1)).tolist()
    assert taught[:, 0].tolist() == alone[:, 0].tolist()
    assert np.ptp(taught[:, 1:], axis=1).sum() > np.ptp(alone[:, 1:], axis=1).sum()


def test_cv_scores_and_the_evaluation_agree(store):
    """One metric is one number, wherever it is computed."""
    whole = job(store, "evaluate", ["f1"])
    inputs = {"predictions": whole.inputs["predictions0"], "y": whole.inputs["y"], "folds": whole.inputs["folds"]}
    alone = score(Job(runner="score", inputs=inputs, params=whole.params, seed=1), store).values
    assert np.isclose(alone["score"], evaluate(whole, store).values["scores"]["f1"][0])


def test_what_cannot_be_said_is_said(store):
    """One row of a rare class: no interval of a loss; who names it never has no precision, and no rank by it."""
    y = (np.arange(200) == 7).astype(int)
    never, once = (np.where(np.stack([y < 1, named], axis=1), 0.9, 0.1) for named in (y > 1, y > 0))
    inputs = {f"predictions{index}": put_array(store, p) for index, p in enumerate((never, once))}
    inputs |= {"y": put_array(store, y), "folds": put_array(store, np.arange(200) % 3)}
    params = {
        "metrics": ["log_loss", "precision", "neg_log_loss"],
        "output": toy_output(2).told,
        "decisions": [None, None],
    }
    values = evaluate(Job(runner="evaluate", inputs=inputs, params=params, seed=1), store).values
    few = "too few to tell: 1 row is of another class than the most frequent one, and it takes "
    undefined = "undefined, 0 / 0 on these rows"
    expected = {"log_loss": [few + "3"] * 2, "precision": [undefined, ""], "neg_log_loss": [few + "10"] * 2}
    assert values["unsure"] == expected
    assert values["intervals"]["log_loss"] == values["intervals"]["neg_log_loss"] == [None, None]
    assert values["ranks"]["log_loss"][0][1:] == [1, 2]
    assert values["scores"]["precision"] == [None, 1.0]
    assert values["ranks"]["precision"] == [None, [1, 1, 1]]
    assert values["intervals"]["precision"][0] is None
    assert values["intervals"]["precision"][1][0] < 0.4
