"""Lists of items: what of them was sought, and lists joined to one, as loops over rows would have it."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.kernels.joining.rankings import ballot, by_places, by_scores
from concours.kernels.rows.ranked import NONE, Ranked, Sought, best
from concours.kernels.scoring.recommendations import gains, hits, precisions, recalls
from concours.tasks.metrics.recommendations import covered
from concours.tasks.outputs.items import PREDICTIONS, as_arrow

QUICK = settings(max_examples=40)
ITEMS = 15


def lists(rng: np.random.Generator, rows: int, most: int = 12) -> Ranked:
    """Lists of different lengths, some of none."""
    scores = rng.normal(size=(rows, ITEMS)).round(1)
    scores[rng.random(scores.shape) < 0.3] = -np.inf
    scores[rng.random(rows) < 0.1] = -np.inf
    return best(scores, most)


def asked(rng: np.random.Generator, rows: int) -> Sought:
    found = [rng.choice(ITEMS, rng.integers(0, 6), replace=False) for _ in range(rows)]
    return Sought.of(pa.array([each.tolist() for each in found], pa.list_(pa.int64())))


def rows_of(y: Sought, p: Ranked) -> list[tuple[set[int], list[int]]]:
    """Each row as a set that was sought and a list that was said."""
    return [
        (set(y.items[y.offsets[row] : y.offsets[row + 1]].tolist()), [item for item in p.items[row] if item != NONE])
        for row in range(len(p))
    ]


@QUICK
@given(st.integers(0, 10_000))
def test_scores_of_rows_are_those_of_a_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    y, p = asked(rng, 20), lists(rng, 20)
    for row, (sought, said) in enumerate(rows_of(y, p)):
        found = [item in sought for item in said]
        assert hits(y, p)[row, : len(said)].tolist() == found
        assert not hits(y, p)[row, len(said) :].any()
        most = min(len(sought), 10)
        gain = sum(1 / math.log2(place + 2) for place, hit in enumerate(found[:10]) if hit)
        ideal = sum(1 / math.log2(place + 2) for place in range(most))
        precise = sum(sum(found[: place + 1]) / (place + 1) for place, hit in enumerate(found[:10]) if hit)
        assert gains(y, p)[row] == pytest.approx(gain / ideal if most else 0)
        assert recalls(y, p)[row] == pytest.approx(sum(found[:10]) / len(sought) if most else 0)
        assert precisions(y, p)[row] == pytest.approx(precise / most if most else 0)


@QUICK
@given(st.integers(0, 10_000), st.integers(1, ITEMS))
def test_the_best_are_those_of_a_stable_sort(seed: int, most: int) -> None:
    scores = np.random.default_rng(seed).integers(0, 4, (8, ITEMS)).astype(float)
    scores[0] = -np.inf
    found = best(scores, most)
    for row, items in zip(scores, found.items.tolist(), strict=True):
        wanted = [item for item in np.argsort(-row, kind="stable").tolist() if np.isfinite(row[item])][:most]
        assert items == wanted + [NONE] * (most - len(wanted))


@QUICK
@given(st.integers(0, 10_000), st.sampled_from(["places", "scores"]), st.booleans())
def test_joined_lists_are_those_of_a_loop_over_items(seed: int, rule: str, by_row: bool) -> None:
    rng = np.random.default_rng(seed)
    members = [lists(rng, 6, most) for most in (12, 4, 7)]
    weights = rng.random((3, 6)) if by_row else rng.random(3)
    joined = ballot(rule, members).joined(weights, 9)
    voting = {"places": by_places, "scores": by_scores}[rule]
    for row in range(6):
        votes: dict[int, float] = {}
        each = weights[:, row] if by_row else weights
        for member, weight in zip(members, each / each.sum(), strict=True):
            for item, vote in zip(member.items[row].tolist(), voting(member)[row].tolist(), strict=True):
                if item != NONE and vote > 0:
                    votes[item] = votes.get(item, 0.0) + weight * vote
        told = zip(joined.items[row].tolist(), joined.scores[row].tolist(), strict=True)
        said = {item: score for item, score in told if item != NONE}
        assert len(said) == min(len(votes), 9)
        assert sorted(said.values(), reverse=True) == pytest.approx(sorted(votes.values(), reverse=True)[:9], abs=1e-6)
        assert all(votes[item] == pytest.approx(score, abs=1e-6) for item, score in said.items())


def test_reciprocal_ranks_are_those_of_the_paper_in_units_of_the_first() -> None:
    """One over sixty and the place, which starts from 1."""
    votes = by_places(Ranked(items=np.array([[7, 3, NONE]]), scores=np.array([[2.0, 1.0, 0.0]])))
    assert votes[0] == pytest.approx([1.0, 61 / 62, 0.0])


def test_who_has_no_weight_does_not_count_and_somebody_must() -> None:
    rng = np.random.default_rng(0)
    one, other = lists(rng, 5), lists(rng, 5)
    alone = ballot("scores", [one]).joined(np.array([2.0]), 12)
    assert (ballot("scores", [one, other]).joined(np.array([1.0, 0.0]), 12).items == alone.items).all()
    with pytest.raises(ValueError, match="all weights are zero"):
        ballot("scores", [one, other]).joined(np.zeros(2), 12)


def test_lists_survive_arrow() -> None:
    found = lists(np.random.default_rng(1), 9)
    values = as_arrow(found)
    assert values.type == PREDICTIONS
    again = Ranked.of(values.slice(2))
    assert (again.items == found.items[2:, : again.items.shape[1]]).all()
    assert Ranked.of(pa.array([[], []], PREDICTIONS)).items.shape == (2, 0)


def test_coverage_counts_items_among_the_first_of_somebody_who_weighs() -> None:
    first = np.array([[0, 1], [1, NONE], [4, 5]])
    assert covered(None, first, None, items=10) == 0.4
    assert covered(None, first, np.array([1.0, 1.0, 0.0]), items=10) == 0.2
