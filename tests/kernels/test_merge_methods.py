"""Methods of merging: their laws, and their twins, written down from the papers without a thought of time or memory."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from concours.kernels.merging.averages import average
from concours.kernels.merging.floats import FLOATS, narrowed_bfloat16, widened_bfloat16
from concours.kernels.merging.gram import BLOCK
from concours.kernels.merging.methods import METHODS
from concours.kernels.merging.parts import Part, Whole
from concours.kernels.merging.ranking import greatest
from concours.kernels.merging.slerp import slerp
from concours.kernels.merging.ties import ties

Floats = NDArray[Any]
BASED = sorted(name for name, method in METHODS.items() if method.takes("base"))
quick = settings(max_examples=40)


def tensors(
    seed: int, count: int, size: int = 60, dtype: Any = np.float32, steps: int = 6
) -> tuple[list[Floats], Floats]:
    """Models and their base; the differences take few values, so that many are equally great."""
    random = np.random.default_rng(seed)
    base = random.normal(size=(4, size // 4)).astype(dtype)
    return [(base + random.integers(-steps, steps + 1, base.shape) / 8).astype(dtype) for _ in range(count)], base


def given_to(name: str, count: int, **more: Any) -> dict[str, Any]:
    """Keywords that a method takes, of some that suit most."""
    known = {"weights": [1.0 + number for number in range(count)], "density": 0.4, "gamma": 0.1, "t": 0.3, **more}
    return {key: value for key, value in known.items() if METHODS[name].takes(key)}


def test_every_method_says_where_it_comes_from() -> None:
    """Its docstring names a paper, the card quotes it; and its options have kinds that a file's values are checked by."""
    for name, method in METHODS.items():
        assert name in ("passthrough",) or "Source: " in (method.merge.__doc__ or "")
        assert all(option.kind in (float, int, bool) for option in method.options.values())
    assert METHODS["ties"].options["density"].each
    assert METHODS["ties"].options["density"].within is not None
    assert not METHODS["slerp"].options["t"].each
    assert METHODS["task_arithmetic"].options["lambda"].default == 1.0


@given(seed=st.integers(0, 10**6), count=st.integers(1, 4), dtype=st.sampled_from(["f4", "f8"]))
@quick
def test_a_model_of_all_the_weight_comes_out_as_it_is(seed: int, count: int, dtype: str) -> None:
    """Linear by weights of 1 and 0, to the byte, whatever the others hold."""
    models, _ = tensors(seed, count, dtype=dtype)
    models[0][0, 0] = -0.0
    others = [np.full_like(model, np.nan) for model in models[1:]]
    found = METHODS["linear"].merge([models[0], *others], weights=[1.0] + [0.0] * (count - 1))
    assert found.tobytes() == models[0].tobytes()


@given(seed=st.integers(0, 10**6), weights=st.lists(st.floats(0.1, 5), min_size=1, max_size=4))
@quick
def test_linear_is_a_soup(seed: int, weights: list[float]) -> None:
    """The mean of files is that of models in a contest: one arithmetic."""
    models, _ = tensors(seed, len(weights), dtype=np.float64)
    soup = average([{"layer": model} for model in models], weights)["layer"]
    assert np.array_equal(METHODS["linear"].merge(models, weights=weights), soup) or all(
        np.array_equal(models[0], model) for model in models
    )


@pytest.mark.parametrize("name", sorted(METHODS.keys() - {"passthrough", "dare_linear", "dare_ties"}))
def test_the_order_of_models_changes_nothing_but_rounding(name: str) -> None:
    """Models stand with their weights: of slerp, whose models are ends, with 1 - t; chance goes by place, and is left out."""
    count = 2 if name == "slerp" else 3
    models, base = tensors(7, count, dtype=np.float64)
    kwargs = {**given_to(name, count), **({"base": base} if name in BASED else {})}
    found = METHODS[name].merge(models, **kwargs)
    for order in permutations(range(count)):
        other = dict(kwargs)
        if "weights" in kwargs:
            other["weights"] = [kwargs["weights"][place] for place in order]
        if name == "slerp" and order != (0, 1):
            other["t"] = 1 - kwargs["t"]
        assert np.allclose(METHODS[name].merge([models[place] for place in order], **other), found, atol=1e-12)


@given(seed=st.integers(0, 10**6), t=st.floats(0, 1), dtype=st.sampled_from(["f4", "f8"]))
@quick
def test_slerp_goes_along_the_arc(seed: int, t: float, dtype: str) -> None:
    """At its ends it is the models to the byte, and of two of one length all that lies between has that length too."""
    random = np.random.default_rng(seed)
    one, two = (random.normal(size=50).astype(dtype) for _ in range(2))
    two = (two * (np.linalg.norm(one) / np.linalg.norm(two))).astype(dtype)
    assert slerp([one, two], t=0).tobytes() == one.tobytes()
    assert slerp([one, two], t=1).tobytes() == two.tobytes()
    found = slerp([one, two], t=t)
    assert np.isclose(np.linalg.norm(found), np.linalg.norm(one), rtol=1e-4)
    angle = np.arccos(np.clip(one @ two / np.linalg.norm(one) / np.linalg.norm(two), -1, 1))
    twin = np.sin((1 - t) * angle) / np.sin(angle) * one + np.sin(t * angle) / np.sin(angle) * two
    assert np.allclose(found, twin, rtol=1e-4, atol=1e-5)
    assert np.allclose(slerp([one, one * 2], t=t), one * (1 + t), rtol=1e-5)  # on one line
    assert np.allclose(slerp([one, one * 0], t=t), one * (1 - t), rtol=1e-5)


def twin_ties(
    models: list[Floats], base: Floats, weights: list[float], densities: list[float], normalize: bool, lambda_: float
) -> Floats:
    """Yadav et al. 2023, element by element."""
    deltas = [(model - base).reshape(-1) for model in models]
    kept = []
    for delta, density in zip(deltas, densities, strict=True):
        order = sorted(range(delta.size), key=lambda place, delta=delta: (-abs(delta[place]), place))  # type: ignore[misc]
        stay = set(order[: max(1, int(density * delta.size))])
        kept.append([delta[place] if place in stay else delta.dtype.type(0) for place in range(delta.size)])
    out = np.zeros_like(deltas[0])
    for place in range(out.size):
        weighted = [one[place] * base.dtype.type(weight) for one, weight in zip(kept, weights, strict=True)]
        sign = 1 if sum(weighted) >= 0 else -1
        agree = [number for number, value in enumerate(weighted) if np.sign(value) == sign]
        total = sum((weighted[number] for number in agree), start=base.dtype.type(0))
        shares = sum((base.dtype.type(weights[number]) for number in agree), start=base.dtype.type(0))
        out[place] = total / shares if normalize and shares != 0 else total
    return np.asarray(base + (out * base.dtype.type(lambda_)).reshape(base.shape))


@given(
    seed=st.integers(0, 10**6),
    weights=st.lists(st.floats(-2, 2), min_size=1, max_size=3),
    density=st.floats(0.01, 1),
    normalize=st.booleans(),
    dtype=st.sampled_from(["f4", "f8"]),
)
@quick
def test_ties_is_its_twin(seed: int, weights: list[float], density: float, normalize: bool, dtype: str) -> None:
    """Not one element differs: the first of equally great elements stay, the sign of a sum of 0 is +."""
    models, base = tensors(seed, len(weights), dtype=dtype)
    base[:, :4] = -0.0
    densities = [density, *([0.5] * (len(weights) - 1))]
    found = ties(models, weights=weights, base=base, density=densities, normalize=normalize, lambda_=0.7)
    assert found.dtype == base.dtype
    assert found.tobytes() == twin_ties(models, base, weights, densities, normalize, 0.7).tobytes()


@pytest.mark.parametrize("name", [name for name in BASED if name != "model_stock"])
def test_one_model_whole_is_that_model(name: str) -> None:
    """Of a single model all of whose changes stay, with weight 1: what is added to the base is all of its difference."""
    models, base = tensors(3, 1, dtype=np.float64)
    found = METHODS[name].merge(models, base=base, **given_to(name, 1, density=1.0, gamma=0.0))
    assert np.allclose(found, models[0], rtol=1e-15, atol=1e-15)


def test_sparse_methods_at_full_density_are_what_they_thin() -> None:
    """DARE and breadcrumbs that drop nothing are task arithmetic, or TIES, to the byte."""
    models, base = tensors(11, 3)
    weights = [0.2, 0.5, 0.9]
    for plain, thinned in (
        ("task_arithmetic", ("dare_linear", "breadcrumbs")),
        ("ties", ("dare_ties", "breadcrumbs_ties")),
    ):
        expected = METHODS[plain].merge(models, weights=weights, base=base, normalize=False)
        for name in thinned:
            found = METHODS[name].merge(models, weights=weights, base=base, normalize=False)
            assert found.tobytes() == expected.tobytes(), name


@given(seed=st.integers(0, 10**6), density=st.floats(0.05, 1), gamma=st.floats(0, 0.5))
@quick
def test_breadcrumbs_leave_out_both_ends(seed: int, density: float, gamma: float) -> None:
    """The twin sorts: as many stay as the density says, below the outliers, as far as there is room for these."""
    models, base = tensors(seed, 1, dtype=np.float64)
    delta = (models[0] - base).reshape(-1)
    order = np.argsort(-abs(delta), kind="stable")
    stay = int(density * delta.size)
    skip = min(int(gamma * delta.size), delta.size - stay)
    twin = np.zeros_like(delta)
    twin[order[skip : skip + stay]] = delta[order[skip : skip + stay]]
    found = METHODS["breadcrumbs"].merge(models, weights=[1.0], base=base, density=density, gamma=gamma)
    assert np.array_equal(found, base + twin.reshape(base.shape))


def test_dare_drops_by_chance_that_hangs_on_the_seed_alone() -> None:
    """What stays is the difference divided by its probability, in mean the difference; another seed drops others."""
    base = np.zeros((300, 1000))
    model = np.full_like(base, 2.0)
    found = METHODS["dare_linear"].merge([model], weights=[1.0], base=base, density=0.25, seed=5)
    assert set(np.unique(found)) == {0.0, 8.0}
    assert abs(found.mean() - 2.0) < 0.02
    again = METHODS["dare_linear"].merge([model], weights=[1.0], base=base, density=0.25, seed=5)
    other = METHODS["dare_linear"].merge([model], weights=[1.0], base=base, density=0.25, seed=6)
    assert np.array_equal(found, again)
    assert not np.array_equal(found, other)
    two = METHODS["dare_linear"].merge([model, model], weights=[1.0, -1.0], base=base, density=0.25, seed=5)
    assert abs(two).max() == 8.0  # each model has chance of its own


def test_model_stock_goes_as_far_as_models_agree() -> None:
    """Equal models are kept, models at right angles undone; between, by the formula of Jang et al."""
    base = np.zeros(4)
    same = METHODS["model_stock"].merge([np.array([1.0, 2, 0, 0])] * 3, base=base)
    assert np.allclose(same, [1, 2, 0, 0])
    apart = METHODS["model_stock"].merge([np.array([1.0, 0, 0, 0]), np.array([0.0, 3, 0, 0])], base=base)
    assert np.allclose(apart, base)
    one, two = np.array([1.0, 0, 0, 0]), np.array([1.0, 1, 0, 0])
    cosine = np.sqrt(0.5)
    expected = 2 * cosine / (1 + cosine) * (one + two) / 2
    assert np.allclose(METHODS["model_stock"].merge([one, two], base=base), expected)
    assert np.allclose(METHODS["model_stock"].merge([one, -one], base=base), base)  # where no such t is


def test_the_karcher_mean_is_least_far_from_all() -> None:
    """No direction near it has a smaller sum of squared angles; of two models it is the middle of the arc."""
    random = np.random.default_rng(2)
    models = [random.normal(size=30) + 2 for _ in range(4)]
    units = [model / np.linalg.norm(model) for model in models]

    def far(point: Floats) -> float:
        return float(sum(np.arccos(np.clip(unit @ point / np.linalg.norm(point), -1, 1)) ** 2 for unit in units))

    found = METHODS["karcher"].merge(models, max_iter=100, tol=1e-12)
    assert np.isclose(np.linalg.norm(found), np.mean([np.linalg.norm(model) for model in models]))
    assert all(far(found) <= far(found + random.normal(size=30) * 0.05) for _ in range(200))
    one, two = units[0], units[1]
    assert np.allclose(METHODS["karcher"].merge([one, two], max_iter=50, tol=1e-12), slerp([one, two], t=0.5))
    assert np.array_equal(METHODS["karcher"].merge([models[0]]), models[0])
    assert np.allclose(METHODS["karcher"].merge([one, one * 0]), one / 2)  # what is 0 has a length, and no direction


@pytest.mark.parametrize("held", [0, 5000, 1 << 30])
@pytest.mark.parametrize("name", sorted(METHODS))
def test_parts_change_nothing(name: str, held: int) -> None:
    """A tensor that is merged stretch by stretch, after a look at the whole, comes out to the byte as in one piece."""
    count = METHODS[name].models[1] or 2
    random = np.random.default_rng(4)
    size = BLOCK * 2 + 777
    base = random.normal(size=size).astype("f4")
    models = [(base + random.integers(-9, 10, size) / 64).astype("f4") for _ in range(count)]
    kwargs = given_to(name, count, seed=3)
    own_base = base if name in BASED else None
    whole = METHODS[name].merge(models, **kwargs, **({"base": base} if name in BASED else {}))

    def parts() -> Any:
        for start in range(0, size, BLOCK):
            part = slice(start, start + BLOCK)
            yield Part([model[part] for model in models], None if own_base is None else own_base[part], start)

    looked = METHODS[name].looked(Whole(size, count, parts, held), kwargs)
    pieces = []
    for part in parts():
        for cut in (slice(0, 4096), slice(4096, None)):  # what is merged may be cut finer than what is looked at
            more = {"base": part.base[cut]} if part.base is not None else {}
            more |= {"start": part.start + (cut.start or 0)} if METHODS[name].takes("start") else {}
            pieces.append(METHODS[name].merge([one[cut] for one in part.tensors], **looked, **more))
    assert np.concatenate(pieces).tobytes() == whole.tobytes()


@given(
    values=st.lists(st.sampled_from([0.0, 0.5, 1.0, 1.5, 3e-40, 2e30, 7.25]), min_size=1, max_size=40),
    count=st.integers(0, 45),
    stretch=st.integers(1, 9),
    dtype=st.sampled_from(["f4", "f8"]),
    held=st.sampled_from([0, 4, 1000]),
)
@quick
def test_the_greatest_are_those_of_a_stable_sort(
    values: list[float], count: int, stretch: int, dtype: str, held: int
) -> None:
    """By counting digits part by part, or by selecting in memory: also the tiniest, also where all are equal."""
    magnitudes = np.array(values, dtype=dtype)
    starts = range(0, len(values), stretch)
    cut = greatest(lambda: (magnitudes[start : start + stretch] for start in starts), count, of=len(values), held=held)
    taken = np.concatenate([cut.takes(magnitudes[start : start + stretch], start) for start in starts])
    expected = np.zeros(len(values), dtype=bool)
    expected[np.argsort(-magnitudes, kind="stable")[:count]] = True
    assert np.array_equal(taken, expected)


def test_torch_comes_to_the_same() -> None:
    """Methods take torch's tensors too, where a device is asked for, and stay in them."""
    torch = pytest.importorskip("torch")
    for name, method in METHODS.items():
        count = method.models[1] or 2
        models, base = tensors(9, count, size=400)
        kwargs = given_to(name, count)
        more = [{"base": base}, {"base": torch.from_numpy(base)}] if name in BASED else [{}, {}]
        expected = method.merge(models, **kwargs, **more[0])
        found = method.merge([torch.from_numpy(model) for model in models], **kwargs, **more[1])
        assert found.dtype == torch.float32
        assert np.allclose(found.numpy(), expected, rtol=1e-6, atol=1e-7), name


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=50))
@quick
def test_bfloat16_is_rounded_to_the_nearest_even(bits: list[int]) -> None:
    """Every float32 by its bits, against torch: ties to even, overflow to infinity, NaN stays one; and exact back."""
    torch = pytest.importorskip("torch")
    numbers = np.array(bits, dtype=np.uint32).view(np.float32)
    found = narrowed_bfloat16(numbers)
    expected = torch.from_numpy(numbers).bfloat16().view(torch.int16).numpy().view(np.uint16)
    lost = np.isnan(numbers)
    assert np.array_equal(found[~lost], expected[~lost])
    assert np.isnan(widened_bfloat16(found[lost])).all()
    assert np.array_equal(narrowed_bfloat16(widened_bfloat16(found)), found)


def test_every_form_goes_to_the_wider_and_back() -> None:
    """Exactly, of all bits of 16-bit forms but NaN's, and of some of the wider ones."""
    for name, form in FLOATS.items():
        kept = (
            np.arange(1 << 16, dtype=np.uint16).view(form.kept)
            if form.bytes == 2
            else np.linspace(-3, 3, 99).astype(form.kept)
        )
        wide = form.widened(kept)
        assert wide.dtype == np.dtype(form.wide), name
        there = ~np.isnan(wide)
        assert np.array_equal(form.narrowed(wide)[there], kept[there]), name
        assert np.isfinite(form.widened(form.narrowed(np.array([form.greatest])))).all()


def test_wrong_calls_are_told() -> None:
    """More models than a method takes, weights that add up to nothing, numbers for other models than there are."""
    one = np.ones(3)
    with pytest.raises(ValueError, match="between two models"):
        slerp([one], t=0.5)
    with pytest.raises(ValueError, match="add up to 0"):
        METHODS["linear"].merge([one, one], weights=[1.0, -1.0])
    with pytest.raises(ValueError, match="for each of 1 models, got 2"):
        ties([one], weights=[1.0], base=one, density=[0.5, 0.5])
    with pytest.raises(ValueError, match="one model at a time"):
        METHODS["passthrough"].merge([one, one])
    with pytest.raises(ValueError, match="takes two and a base"):
        METHODS["model_stock"].merge([one], base=one)
    with pytest.raises(ValueError, match="above 0"):
        METHODS["karcher"].merge([one, one], weights=[0.0, 0.0])
