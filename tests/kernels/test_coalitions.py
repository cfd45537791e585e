"""Scores of all coalitions: the fast ways against one coalition at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.kernels.credit.coalitions import (
    Chorus,
    Scored,
    count_scores,
    dealt,
    hit_sums,
    log_loss_sums,
    mean_scores,
    renormalised,
    row_sums,
    said_by,
    squared_error_sums,
    whole_scores,
)
from concours.kernels.credit.shares import every_coalition
from concours.kernels.joining.blending import blend
from concours.kernels.scoring.counts import OF_COUNTS, confusion
from concours.kernels.scoring.scores import absolute_errors, briers, hits, log_losses, squared_errors


def contest(seed: int, *, members: int, rows: int, outputs: int, groups: int = 1, batches: int = 4):
    """A chorus of members with weights of their own in each group of rows, and targets."""
    rng = np.random.default_rng(seed)
    if outputs > 1:
        y = rng.integers(outputs, size=rows)
        said = [rng.dirichlet(np.full(outputs, 0.5), size=rows) for _ in range(members)]
        prior = np.full((rows, outputs), 1 / outputs)
    else:
        y = rng.normal(size=rows)
        said = [y[:, None] + rng.normal(size=(rows, 1)) for _ in range(members)]
        prior = np.zeros((rows, 1))
    weights = [renormalised(every_coalition(members), rng.random(members)) for _ in range(groups)]
    batch, batches = dealt(rows, batches)
    group = rng.integers(groups, size=rows)
    return Chorus(members=[*said, prior], weights=weights, group=group, batch=batch, batches=batches), y


def one_by_one(chorus: Chorus, y, score) -> Scored:
    """Means over rows of each coalition's scores, and without each batch."""
    values, without = [], []
    for coalition in range(chorus.coalitions):
        by_row = np.stack([each[coalition] for each in chorus.weights])[chorus.group].T
        rows = score(y, blend(chorus.members, by_row))
        values.append(rows.mean())
        without.append([rows[chorus.batch != number].mean() for number in range(chorus.batches)])
    return Scored(np.array(values), np.array(without))


def same(found: Scored, expected: Scored) -> bool:
    return bool(np.allclose(found.values, expected.values) and np.allclose(found.without, expected.without))


sizes = st.tuples(st.integers(0, 99), st.integers(1, 4), st.integers(5, 90), st.integers(1, 3))


@settings(max_examples=40)
@given(sizes, st.integers(2, 4))
def test_of_classes(size, classes):
    """Log loss by products, hits by margins, any row score: as one coalition at a time has it, with its batches."""
    seed, members, rows, groups = size
    chorus, y = contest(seed, members=members, rows=rows, outputs=classes, groups=groups)
    for score, sums in (
        (log_losses, log_loss_sums(chorus, y)),
        (hits, hit_sums(chorus, y)),
        (briers, row_sums(chorus, y, briers, lambda p, group: p)),
    ):
        assert same(mean_scores(sums, chorus.batch), one_by_one(chorus, y, score))


@settings(max_examples=20)
@given(sizes)
def test_of_numbers(size):
    """Squared errors by the Gram matrix, and any other error."""
    seed, members, rows, groups = size
    chorus, y = contest(seed, members=members, rows=rows, outputs=1, groups=groups)
    for score, sums in (
        (squared_errors, squared_error_sums(chorus, y)),
        (absolute_errors, row_sums(chorus, y, absolute_errors, lambda p, group: p)),
    ):
        assert same(mean_scores(sums, chorus.batch), one_by_one(chorus, y, score))


def test_rows_that_belong_together_are_left_out_together():
    """Batches are of whole groups, none is empty, whatever the groups are called."""
    groups = np.array([7, 7, 2, 2, 9, 9, 9, 4])
    batch, batches = dealt(8, 3, groups)
    assert batches == 3
    assert set(batch.tolist()) == {0, 1, 2}
    assert all(len(set(batch[groups == group].tolist())) == 1 for group in groups)
    assert dealt(8, 20, groups)[1] == 4


def test_many_rows_in_pieces():
    """More rows than one piece holds, and a number that sixteen does not divide."""
    chorus, y = contest(3, members=8, rows=4099, outputs=3, batches=3)
    assert same(mean_scores(log_loss_sums(chorus, y), chorus.batch), one_by_one(chorus, y, log_losses))
    assert same(mean_scores(hit_sums(chorus, y), chorus.batch), one_by_one(chorus, y, hits))


def test_certain_errors_and_rows_that_do_not_sum_to_one():
    """Probabilities of zero are clipped and rows are scaled as the score of rows does it."""
    chorus, y = contest(5, members=3, rows=60, outputs=3)
    members = [np.round(member * 2) + 1e-300 for member in chorus.members[:-1]]
    chorus = Chorus(**{**vars(chorus), "members": [*members, chorus.members[-1]]})
    assert same(mean_scores(log_loss_sums(chorus, y), chorus.batch), one_by_one(chorus, y, log_losses))


def test_votes_that_tie_name_the_first_class():
    """Where classes are equal the first is named, as `argmax` has it."""
    rng = np.random.default_rng(0)
    votes = [np.eye(3)[rng.integers(3, size=200)] for _ in range(4)]
    y = rng.integers(3, size=200)
    weights = renormalised(every_coalition(4), np.full(4, 0.25))
    batch, batches = dealt(200, 5)
    chorus = Chorus(
        members=[*votes, np.full((200, 3), 1 / 3)], weights=[weights], group=np.zeros(200, np.int64), batch=batch,
        batches=batches,
    )  # fmt: skip
    assert same(mean_scores(hit_sums(chorus, y), chorus.batch), one_by_one(chorus, y, hits))


def test_weights_that_are_negative_or_cancel():
    """A coalition whose weights do not add up to more than zero says what nobody says; others are renormalised."""
    found = renormalised(every_coalition(3), np.array([0.5, -0.5, 1.0]))
    silent = found[:, -1] == 1
    assert [bin(number) for number in np.flatnonzero(silent)] == ["0b0", "0b10", "0b11"]
    assert np.allclose(found.sum(axis=1), 1)
    chorus, y = contest(1, members=3, rows=50, outputs=3)
    bold = Chorus(**{**vars(chorus), "weights": [found]})
    assert np.allclose(mean_scores(hit_sums(bold, y), bold.batch).values, one_by_one(bold, y, hits).values)
    assert np.isfinite(log_loss_sums(bold, y)).all()


@pytest.mark.parametrize("metric", ["f1_macro", "mcc", "balanced_accuracy"])
def test_of_counts(metric):
    """A metric of the confusion matrix, without each batch, as from the rows left."""
    chorus, y = contest(2, members=3, rows=80, outputs=3)
    score = OF_COUNTS[metric]
    told = [said_by(chorus, number, lambda p, group: p) for number in range(8)]
    labels = [p.argmax(axis=1) for p in told]
    found = count_scores(labels, y, score, 3, chorus.batch, chorus.batches)
    expected = [[score(confusion(y[kept], named[kept], 3)) for kept in _kept(chorus)] for named in labels]
    assert np.allclose(found.without, expected)
    assert np.allclose(found.values, [score(confusion(y, named, 3)) for named in labels])


def _kept(chorus: Chorus):
    return [chorus.batch != number for number in range(chorus.batches)]


def test_of_whole_predictions():
    """A score known only of many rows: left out where rows are few; by the batches' own where there are many."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=40_000)
    p = y[:, None] + rng.normal(size=(40_000, 1))

    def score(truth, said, mass=None):
        return float(np.corrcoef(truth, said[:, 0])[0, 1])

    for rows in (200, 40_000):
        batch, batches = dealt(rows, 20)
        found = whole_scores([p[:rows]], y[:rows], score, batch, batches)
        left = [score(y[:rows][batch != b], p[:rows][batch != b]) for b in range(20)]
        assert np.isclose(found.values[0], score(y[:rows], p[:rows]))
        assert np.allclose(found.without[0], left, atol=1e-12 if rows == 200 else 1e-4)
        assert np.isclose(found.without.std(), np.std(left), rtol=0.1)
