"""The law of what an arena shows next: no pair is impossible, chances sum to one, and draws follow them."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.server.services.pairing import EXPLORE, Pairing, Shown


@st.composite
def pairings(draw: st.DrawFn) -> Pairing:
    """Some entries, of few teams and of none, with shares of some of their pairs."""
    count = draw(st.integers(2, 6))
    entries = tuple(
        Shown(entry=10 + place, team=draw(st.sampled_from([None, 1, 2])), answers=f"answers {place}")
        for place in range(count)
    )
    some = draw(st.lists(st.sampled_from(list(combinations(range(count), 2))), unique=True))
    weights = [draw(st.floats(0.01, 1)) for _ in some]
    shares = tuple((*pair, weight / sum(weights)) for pair, weight in zip(some, weights, strict=True))
    return Pairing(prompts="prompts", count=3, entries=entries, shares=shares)


def naive(pairing: Pairing, own: int | None, seen: set[tuple[int, int]]) -> dict[tuple[int, int], float]:
    """The chance of each pair of entries that is open to a voter, by the words of the law."""
    entries = pairing.entries
    told = {(first, second): share for first, second, share in pairing.shares}
    pairs = list(combinations(range(len(entries)), 2))
    explore = EXPLORE if told else 1.0
    chances = {
        (entries[a].entry, entries[b].entry): explore / len(pairs) + (1 - explore) * told.get((a, b), 0.0)
        for a, b in pairs
        if own is None or own not in (entries[a].team, entries[b].team)
    }
    left = {pair: chance for pair, chance in chances.items() if pair not in seen}
    return {pair: chance / sum(left.values()) for pair, chance in left.items()}


@settings(max_examples=150)
@given(pairings(), st.sampled_from([None, 1, 2]), st.data(), st.integers(0, 1 << 30))
def test_each_draw_says_its_own_chance(pairing: Pairing, own: int | None, data: st.DataObject, seed: int) -> None:
    """That of the naive twin, positive; and nothing is drawn where nothing is open."""
    every = [tuple(sorted(pair)) for pair in combinations([one.entry for one in pairing.entries], 2)]
    seen = set(data.draw(st.lists(st.sampled_from(every), unique=True)))
    expected = naive(pairing, own, seen)
    drawn = pairing.draw(Random(seed), own=own, seen=seen)
    if not expected:
        assert drawn is None
        return
    assert drawn is not None
    low, high = sorted((drawn.left.entry, drawn.right.entry))
    assert drawn.propensity == pytest.approx(expected[low, high])
    assert 0 < drawn.propensity <= 1 + 1e-9
    assert sum(expected.values()) == pytest.approx(1)


def test_draws_are_as_often_as_they_say_and_either_side_as_often() -> None:
    """On a seed, within four standard errors of each pair's chance."""
    entries = tuple(Shown(entry=place, team=place, answers="") for place in range(5))
    pairing = Pairing(prompts="", count=1, entries=entries, shares=((0, 1, 0.7), (2, 4, 0.3)))
    rng, many = Random(3), 20_000
    drawn = [pairing.draw(rng, own=3, seen={(0, 2)}) for _ in range(many)]
    found = Counter(tuple(sorted((one.left.entry, one.right.entry))) for one in drawn if one)
    for pair, chance in naive(pairing, 3, {(0, 2)}).items():
        assert abs(found[pair] - many * chance) < 4 * (many * chance * (1 - chance)) ** 0.5
    assert set(found) == set(naive(pairing, 3, {(0, 2)}))
    left = sum(one.left.entry < one.right.entry for one in drawn if one)
    assert abs(left - many / 2) < 4 * (many / 4) ** 0.5


@given(pairings())
def test_it_is_the_same_as_json(pairing: Pairing) -> None:
    """But for the rounding of shares, which sum to one again."""
    again = Pairing.from_json(pairing.to_json())
    assert again.entries == pairing.entries
    assert [one[:2] for one in again.shares] == [one[:2] for one in pairing.shares]
    assert sum(share for *_, share in again.shares) == pytest.approx(1 if pairing.shares else 0)


def test_one_open_pair_among_many_that_are_seen_is_found() -> None:
    """Even where trying at random would not soon hit it."""
    entries = tuple(Shown(entry=place, team=None, answers="") for place in range(60))
    pairing = Pairing(prompts="", count=1, entries=entries)
    seen = set(combinations(range(60), 2)) - {(17, 42)}
    drawn = pairing.draw(Random(0), seen=seen)
    assert drawn is not None
    assert {drawn.left.entry, drawn.right.entry} == {17, 42}
    assert drawn.propensity == pytest.approx(1)
