"""Who looks like a liar: what updates show, by a naive twin, and whom the rounds name."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.kernels.federating.evidence import evidence
from concours.kernels.federating.suspects import FEWEST, Sighting, suspicions

SETTINGS = settings(max_examples=50)


@SETTINGS
@given(seed=st.integers(0, 10**6), sites=st.integers(3, 9), size=st.integers(1, 6), ties=st.booleans())
def test_evidence_is_that_of_its_definition(seed: int, sites: int, size: int, ties: bool) -> None:
    """Site by site: the median of the others by numpy, distances and cosines pair by pair."""
    rng = np.random.default_rng(seed)
    updates = rng.integers(-2, 3, size=(sites, size)).astype(np.float64) if ties else rng.normal(size=(sites, size))
    found = evidence(updates)
    for site in range(sites):
        own, others = updates[site], np.delete(updates, site, axis=0)
        middle = np.median(others, axis=0)
        assert found.norm[site] == pytest.approx(np.linalg.norm(own), abs=1e-9)
        assert found.cosine[site] == pytest.approx(cosine(own, middle), abs=1e-9)
        assert found.likeness[site] == pytest.approx(np.quantile([cosine(own, o) for o in others], 0.75), abs=1e-9)
        near = np.sort(((others - own) ** 2).sum(axis=1))[: max(1, (sites - 1) // 2)]
        assert found.distance[site] ** 2 == pytest.approx(near.mean(), abs=1e-9)


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    """0 of what has no length."""
    lengths = np.linalg.norm(one) * np.linalg.norm(other)
    return float(one @ other / lengths) if lengths else 0.0


def test_evidence_of_many_numbers_is_that_of_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns are worked on in parts for the sake of memory."""
    updates = np.random.default_rng(0).normal(size=(5, 100)).astype(np.float32)
    whole = evidence(updates)
    monkeypatch.setattr("concours.kernels.federating.evidence._COLUMNS", 7)
    parts = evidence(updates)
    assert all(np.allclose(getattr(whole, n), getattr(parts, n)) for n in ("norm", "cosine", "likeness", "distance"))


def rounds_of(sites: int, rounds: int, seed: int, change, *, spread: float = 1.0, size: int = 200) -> list[Sighting]:
    """Honest sites pull the same way, each with a leaning of its own and chance of each round; `change` makes liars."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(20, 200, size=sites)
    leaning = spread * rng.normal(size=(sites, size))
    found = []
    for _ in range(rounds):
        updates = np.sqrt(rows)[:, None] * (rng.normal(size=size) + leaning + 0.3 * rng.normal(size=(sites, size)))
        found.append(Sighting(sites=np.arange(sites), rows=rows, shown=evidence(change(updates, rng))))
    return found


def named(sightings: list[Sighting]) -> dict[int, tuple[str, ...]]:
    return {each.site: each.why for each in suspicions(sightings) if each.why}


def lying(sites: int, how):
    """The first sites lie."""

    def change(updates: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        updates[:sites] = how(updates[:sites], rng)
        return updates

    return change


@pytest.mark.parametrize(
    ("how", "why"),
    [
        (lambda own, rng: -10 * own, "long"),
        (lambda own, rng: -own, "against"),
        (lambda own, rng: 10 * own, "long"),
        (lambda own, rng: rng.normal(size=own.shape) * np.linalg.norm(own) / np.sqrt(own.size), "unlike"),
        (lambda own, rng: 0 * own, "empty"),
    ],
)
def test_liars_are_named_with_the_reason(how, why: str) -> None:
    """A fifth of the sites, of each kind; and nobody else is."""
    found = named(rounds_of(15, 6, 0, lying(3, how)))
    assert sorted(found) == [0, 1, 2]
    assert all(why in reasons for reasons in found.values())


@pytest.mark.parametrize("spread", [0.1, 1.0, 3.0])
def test_honest_sites_that_differ_are_seldom_named(spread: float) -> None:
    """In about one of twenty federations somebody is, however unlike the sites are."""
    accused = sum(bool(named(rounds_of(12, 4, seed, lambda u, rng: u, spread=spread, size=60))) for seed in range(60))
    assert accused <= 7


def test_scale_and_order_change_nothing() -> None:
    """Neither how long all updates are, nor the order in which a round names its sites."""
    plain = rounds_of(10, 4, 1, lying(2, lambda own, rng: -10 * own))
    long = rounds_of(10, 4, 1, lambda u, rng: 1e3 * lying(2, lambda own, rng: -10 * own)(u, rng))
    order = np.random.default_rng(0).permutation(10)
    mixed = [
        Sighting(
            sites=each.sites[order],
            rows=each.rows[order],
            shown=type(each.shown)(**{n: v[order] for n, v in vars(each.shown).items()}),
        )
        for each in plain
    ]
    assert suspicions(mixed) == suspicions(plain)
    for one, other in zip(suspicions(plain), suspicions(long), strict=True):
        assert one.why == other.why
        assert one.length == pytest.approx(other.length)


def test_sites_that_were_seen_once_are_judged_by_what_one_look_tells() -> None:
    """Sites come in a few rounds each, as they are sampled: liars are named, honest ones are not."""
    rng = np.random.default_rng(5)
    whole = rounds_of(40, 12, 5, lying(8, lambda own, rng: -10 * own), spread=0.5)
    some = []
    for each in whole:
        here = np.sort(rng.choice(40, 10, replace=False))
        some.append(Sighting(sites=here, rows=each.rows[here], shown=type(each.shown)(
            **{name: values[here] for name, values in vars(each.shown).items()}
        )))  # fmt: skip
    found = named(some)
    assert {site for site in found if site < 8} == {s.site for s in suspicions(some) if s.site < 8}
    assert not [site for site in found if site >= 8]


def test_few_sites_are_no_majority() -> None:
    """One line each where nothing can be told."""
    with pytest.raises(ValueError, match="fewer than three sites"):
        evidence(np.zeros((2, 3)))
    with pytest.raises(ValueError, match=f"fewer than {FEWEST} sites"):
        suspicions(rounds_of(3, 2, 0, lambda u, rng: u))
    with pytest.raises(ValueError, match="got 0"):
        suspicions([])
