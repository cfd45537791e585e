"""Losses of several targets: what is said of arrays at once is what loops over targets say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.kernels.scoring.several import blocks, losses, named, usual_scales, wrong_labels

QUICK = settings(max_examples=40, deadline=None)


@st.composite
def drawn(draw):
    """Widths of targets, targets (rows, targets), and predictions (rows, columns)."""
    widths = draw(st.lists(st.sampled_from([0, 2, 3]), min_size=1, max_size=4))
    rng, rows = np.random.default_rng(draw(st.integers(0, 999))), 5
    y = np.stack([rng.integers(0, w, rows) if w else rng.normal(size=rows) for w in widths], axis=1).astype(float)
    parts = [rng.dirichlet(np.ones(w), rows) if w else rng.normal(size=(rows, 1)) for w in widths]
    return widths, y, np.concatenate(parts, axis=1), parts


@QUICK
@given(drawn())
def test_losses_are_what_loops_say(made):
    widths, y, p, parts = made
    found = losses(y, p, widths=widths, scales=[2.0] * len(widths))
    for place, (width, part) in enumerate(zip(widths, parts, strict=True)):
        assert np.array_equal(p[:, blocks(widths)[place]], part)
        for row in range(len(y)):
            true = y[row, place]
            loss = -np.log(part[row, int(true)]) if width else (part[row, 0] - true) ** 2
            assert found[row, place] == pytest.approx(loss / 2)
            assert named(p, widths=widths)[row, place] == (part[row].argmax() if width else part[row, 0])
    assert wrong_labels(y, p, widths=widths).shape == (len(y), sum(w > 0 for w in widths))


def test_a_constant_loses_one_of_each():
    """Frequencies and means are worth one on the rows that they are of, whatever the unit of a target."""
    rng = np.random.default_rng(0)
    y = np.stack([rng.integers(0, 3, 200), 50 * rng.normal(size=200)], axis=1).astype(float)
    shares = np.bincount(y[:, 0].astype(int)) / 200
    p = np.tile([*shares, y[:, 1].mean()], (200, 1))
    found = losses(y, p, widths=[3, 0], scales=usual_scales(y, widths=[3, 0]))
    assert found.mean(axis=0) == pytest.approx([1.0, 1.0])
    assert usual_scales(np.zeros((3, 2)), widths=[2, 0]) == (1.0, 1.0)
