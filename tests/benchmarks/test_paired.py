"""The statistics behind wins, ties and losses."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import log_loss


def losses(seed: int, rows: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Squared errors of two models whose errors have a part in common."""
    random = np.random.default_rng(seed)
    shared, first, second = random.normal(size=(3, rows))
    return (shared + first) ** 2, (shared + 0.8 * second) ** 2


@pytest.mark.parametrize("metric", ["log_loss", "rmse"])
def test_leaving_rows_out_gives_the_same_error(metric):
    """The standard error, by the delta method for the RMSE, is what the jackknife finds without any formula."""
    from quality_paired import paired, score

    first, second = losses(0)
    rows = len(first)
    without = [np.delete(np.arange(rows), row) for row in range(rows)]
    values = np.array([score(metric, first[kept]) - score(metric, second[kept]) for kept in without])
    jackknife = np.sqrt((rows - 1) / rows * ((values - values.mean()) ** 2).sum())
    assert paired(metric, first, second).stderr == pytest.approx(jackknife, rel=0.02)


@pytest.mark.parametrize("metric", ["log_loss", "rmse"])
def test_swapping_swaps(metric):
    """Who is called first does not matter, and a model does not differ from itself."""
    from quality_paired import paired

    first, second = losses(1)
    there, back = paired(metric, first, second), paired(metric, second, first)
    assert (there.value, there.stderr) == pytest.approx((-back.value, back.stderr))
    assert {there.outcome, back.outcome} in ({"equal"}, {"better", "worse"})
    same = paired(metric, first, first)
    assert (same.value, same.stderr, same.outcome, same.point) == (0, 0, "equal", "equal")


def test_intervals_hold_the_truth():
    """Of 400 samples, about 95% of the intervals hold the difference that the models really have."""
    from quality_paired import paired

    truth = np.sqrt(2) - np.sqrt(1 + 0.8**2)
    held = 0
    for seed in range(400):
        low, high = paired("rmse", *losses(seed)).interval
        held += low <= truth <= high
    assert 0.92 <= held / 400 <= 0.98


def test_more_splits_do_not_feign_more_rows():
    """Splits share their rows: three that say the same are as unsure as one."""
    from quality_paired import Difference, over_seeds

    one = Difference(value=-1.0, stderr=0.7)
    assert over_seeds([one] * 3) == one
    mixed = over_seeds([one, Difference(value=1.0, stderr=0.1)])
    assert mixed.value == 0
    assert mixed.stderr == pytest.approx(np.sqrt((0.49 + 0.01) / 2))


def test_log_loss_is_that_of_scikit_learn():
    """Whatever the order of the columns; a class nobody named costs what a probability of zero does."""
    from quality_paired import FLOOR, row_losses, score

    random = np.random.default_rng(2)
    shares = random.dirichlet(np.ones(3), size=50)
    truth = np.array(["a", "b", "c"])[random.integers(3, size=50)]
    order = [2, 0, 1]
    ours = row_losses("log_loss", shares[:, order], truth, np.array(["c", "a", "b"]))
    assert score("log_loss", ours) == pytest.approx(log_loss(truth, shares, labels=["a", "b", "c"]))
    unknown = row_losses("log_loss", shares[:1], np.array(["d"]), np.array(["a", "b", "c"]))
    assert unknown[0] == pytest.approx(-np.log(FLOOR))


def test_ranks_share_ties():
    """Equal scores have the mean of their places, lowest first."""
    from quality_paired import mean_ranks

    assert mean_ranks(np.array([[1.0, 2.0, 2.0], [3.0, 1.0, 2.0]])).tolist() == [2.0, 1.75, 2.25]
