"""Mixes of models: averages, layers and TIES beside naive twins; how they are chosen; points of an evolution."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.kernels.merging.averages import average
from concours.kernels.merging.choosing import CHOICES, DENSITIES, STEPS
from concours.kernels.merging.evolving import Space
from concours.kernels.merging.mixes import Mix, layers_of, mixed

NAMES = ("scaling.mean", "body.0.weight", "body.0.bias", "body.1.weight", "sharpness")
WEIGHTS = st.lists(st.floats(0, 1), min_size=3, max_size=3).filter(lambda w: sum(w) > 0.1)
SEEDS = st.integers(0, 10**6)


def models(seed: int, count: int = 3) -> list[dict[str, np.ndarray]]:
    random = np.random.default_rng(seed)
    shapes = {"scaling.mean": (3,), "body.0.weight": (4, 3), "body.0.bias": (4,), "body.1.weight": (2, 4)}
    return [{name: random.normal(size=shapes.get(name, ())).astype(np.float32) for name in NAMES} for _ in range(count)]


def scaled(weights: Any) -> tuple[float, ...]:
    return tuple(float(weight) / sum(weights) for weight in weights)


def ties_by_hand(values: list[np.ndarray], base: np.ndarray, weights: Any, density: float) -> np.ndarray:
    """Number by number, after Yadav et al. 2023: trim, elect, average what agrees."""
    deltas = [(value.astype(np.float64) - base).reshape(-1) for value in values]
    for delta in deltas:
        kept = sorted(range(len(delta)), key=lambda i, delta=delta: -abs(delta[i]))[: max(1, int(density * len(delta)))]
        delta[[i for i in range(len(delta)) if i not in kept]] = 0.0
    found = np.zeros(base.size)
    for i in range(base.size):
        up = sum(w * delta[i] for w, delta in zip(weights, deltas, strict=True)) >= 0
        agree = [(w, d[i]) for w, d in zip(weights, deltas, strict=True) if w * d[i] != 0 and (d[i] > 0) == up]
        found[i] = sum(w * d for w, d in agree) / sum(w for w, _ in agree) if agree else 0.0
    return base + found.reshape(base.shape)


@given(seed=SEEDS, weights=WEIGHTS)
@settings(max_examples=40)
def test_a_mix_of_one_weight_a_model_is_the_average(seed: int, weights: list[float]) -> None:
    """Said once, or for each group of layers; a model alone is that model, and order changes nothing but rounding."""
    all_models, shares = models(seed), scaled(weights)
    expected = average(all_models, shares)
    for groups in (0, 1, 2, 5):
        found = mixed(all_models, Mix(weights=shares, layers=(shares,) * groups))
        assert found.keys() == expected.keys()
        assert all(np.allclose(found[name], expected[name], rtol=1e-6, atol=1e-7) for name in NAMES)
    alone = mixed(all_models, Mix.even([1], 3))
    assert all(alone[name].tobytes() == all_models[1][name].tobytes() for name in NAMES)
    turned = mixed(all_models[::-1], Mix(weights=shares[::-1]))
    assert all(np.allclose(turned[name], expected[name], rtol=1e-6, atol=1e-6) for name in NAMES)


@given(seed=SEEDS, one=WEIGHTS, other=WEIGHTS)
@settings(max_examples=40)
def test_layers_have_weights_of_their_own(seed: int, one: list[float], other: list[float]) -> None:
    """The first of two groups has the first half of the layers."""
    all_models, rows = models(seed), (scaled(one), scaled(other))
    mix = Mix(weights=tuple(np.mean(rows, axis=0).tolist()), layers=rows)
    groups = layers_of(NAMES, 2)
    assert groups == [["scaling.mean", "body.0.weight", "body.0.bias"], ["body.1.weight", "sharpness"]]
    found = mixed(all_models, mix)
    for names, row in zip(groups, rows, strict=True):
        expected = average(all_models, row)
        assert all(np.allclose(found[name], expected[name], rtol=1e-6, atol=1e-7) for name in names)


@given(seed=SEEDS, weights=WEIGHTS, density=st.floats(0.05, 1.0))
@settings(max_examples=40)
def test_ties_is_that_of_the_paper(seed: int, weights: list[float], density: float) -> None:
    """Of the weights that have a beginning; the others are averaged. Of one model at density 1 it is that model."""
    *all_models, first = models(seed, 4)
    began = {name: first[name] for name in NAMES if name.startswith("body")}
    mix = Mix(weights=scaled(weights), density=density)
    found, mean = mixed(all_models, mix, began), average(all_models, mix.weights)
    for name in NAMES:
        some = [(model[name], w) for model, w in zip(all_models, mix.weights, strict=True) if w]
        values, shares = zip(*some, strict=True)
        base = first[name].astype(np.float64)
        expected = ties_by_hand(list(values), base, shares, density) if name in began else mean[name]
        assert np.allclose(found[name], expected, rtol=1e-5, atol=1e-5), name
        assert found[name].dtype == np.float32
    alone = mixed(all_models, Mix.even([2], 3, density=1.0), began)
    assert all(np.allclose(alone[name], all_models[2][name], rtol=1e-6, atol=1e-6) for name in NAMES)
    turned = mixed(all_models[::-1], Mix(weights=mix.weights[::-1], density=density), began)
    assert all(np.allclose(turned[name], found[name], rtol=1e-5, atol=1e-5) for name in NAMES)


def test_ties_asks_for_a_beginning() -> None:
    """Without one nothing is known of what was learned."""
    with pytest.raises(ValueError, match="TIES asks for the weights that all have begun with"):
        mixed(models(0), Mix.even([0, 1], 3, density=0.5))


@given(one=WEIGHTS, other=WEIGHTS, present=st.lists(st.booleans(), min_size=3, max_size=3))
@settings(max_examples=60)
def test_who_is_absent_has_no_weight(one: list[float], other: list[float], present: list[bool]) -> None:
    """Weights of those present keep their ratios and add up to one, in each group; nobody has one where nobody is."""
    rows = (scaled(one), scaled(other))
    mix = Mix(weights=tuple(np.mean(rows, axis=0).tolist()), layers=rows, density=0.5)
    found = mix.among(present)
    there = [i for i in range(3) if present[i] and mix.weights[i]]
    assert found.members == tuple(there)
    assert found.density == 0.5
    for row, was in zip(found.layers, rows, strict=True):
        assert sum(row) == pytest.approx(1.0 if there else 0.0)
        for i, j in itertools.combinations(there, 2):
            assert row[i] * was[j] == pytest.approx(row[j] * was[i], abs=1e-9)
    assert mix.among([True] * 3).weights == pytest.approx(mix.weights)
    assert Mix.of(mix.weights, mix.kept) == mix


@given(seed=SEEDS, count=st.integers(2, 4))
@settings(max_examples=30)
def test_a_migration_is_the_best_move_there_is(seed: int, count: int) -> None:
    """As a search through all moves finds, on losses drawn by chance; never worse than the best model alone."""
    drawn = np.random.default_rng(seed).normal(size=(count, 5))
    target = np.random.default_rng(seed + 1).normal(size=5) / 3

    def lost(mix: Mix) -> float:
        return float(((np.asarray(mix.weights) @ drawn - target) ** 2).sum())

    alone = [lost(Mix.even([i], count)) for i in range(count)]
    best = int(np.argmin(alone))
    ends = [np.eye(count)[best], np.full(count, 1 / count)]
    moves = [(1 - b) * np.eye(count)[i] + b * end for end in ends for i in range(count) for b in (0, *STEPS, 1)]
    expected = min(float(((move @ drawn - target) ** 2).sum()) for move in moves)
    found = CHOICES["migration"](count, lost)
    assert lost(found) == pytest.approx(expected)
    assert lost(found) <= min(alone) + 1e-12


def test_what_has_no_number_is_not_chosen() -> None:
    """A loss that is not finite never wins; where none is, the first stays."""
    assert CHOICES["elected"](2, lambda mix: float("nan") if mix.density != 0.6 else 3.0).density == 0.6
    assert CHOICES["elected"](2, lambda mix: -(mix.density or 0)).density == DENSITIES[-1]
    assert CHOICES["migration"](2, lambda _: float("inf")).members == (0,)
    assert CHOICES["greedy"](3, lambda mix: 1 - mix.weights[2]).members == (2,)


@given(seed=SEEDS, models=st.integers(2, 4), layers=st.integers(1, 3), density=st.booleans())
@settings(max_examples=60)
def test_every_point_is_a_mix(seed: int, models: int, layers: int, density: bool) -> None:
    """Weights of each group are shares, and the first points are all alike and each alone."""
    space = Space(models=models, layers=layers, density=density)
    mix = space.mix(np.random.default_rng(seed).normal(size=space.dimensions) * 2)
    for row in mix.layers or (mix.weights,):
        assert min(row) >= 0
        assert sum(row) == pytest.approx(1.0)
    assert len(mix.layers) == (layers if layers > 1 else 0)
    assert (mix.density is None) != density
    assert density is False or 0.05 <= (mix.density or 0) <= 1
    first = [space.mix(point) for point in space.first()]
    assert [m.weights for m in first[1:]] == [Mix.even([i], models).weights for i in range(models)]
    assert first[0].weights == pytest.approx(Mix.even(range(models), models).weights)
    assert space.mix([0.0] * space.dimensions).weights == pytest.approx([1 / models] * models)
