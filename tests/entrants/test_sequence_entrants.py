"""Entrants on sequences: statistics, MiniRocket, ridge with probabilities, and networks."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from concours.entrants.minirocket import KERNELS, LENGTH, MiniRocket, convolved, dilations
from concours.entrants.ridge import RidgeProbabilities
from concours.entrants.sequence_features import WindowStatistics, filled

torch = pytest.importorskip("torch")
from concours.entrants import sequence_networks  # noqa: E402


def _waves(rows: int = 60, steps: int = 24) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Two channels, of which the frequency of the first tells the class."""
    rng, y = np.random.default_rng(0), np.arange(rows) % 2
    phase = rng.uniform(0, 6, (rows, 1))
    wave = np.sin(np.arange(steps) * np.where(y, 0.9, 0.4)[:, None] + phase)
    x = np.stack([wave, rng.standard_normal((rows, steps))], axis=1)
    return (x + 0.1 * rng.standard_normal(x.shape)).astype(np.float32), y


def test_gaps_are_filled_by_what_was_known_last() -> None:
    gap = np.nan
    x = np.array([[[gap, 1, gap, 2, gap], [gap, gap, gap, gap, gap]]])
    np.testing.assert_array_equal(filled(x), [[[1, 1, 1, 2, 2], [0, 0, 0, 0, 0]]])


def test_statistics_are_those_of_what_is_known() -> None:
    """A sequence that ends in gaps has the statistics of one that is shorter."""
    x, _ = _waves()
    short, long = x[:, :, :15], np.full(x.shape, np.nan, dtype=np.float32)
    long[:, :, :15] = short
    np.testing.assert_allclose(WindowStatistics().fit(short).transform(short), WindowStatistics().fit(long).transform(long), atol=1e-5)  # fmt: skip
    early = np.concatenate([np.full_like(x[:, :, :4], np.nan), short], axis=2)
    np.testing.assert_allclose(WindowStatistics().fit_transform(early), WindowStatistics().fit_transform(short), atol=1e-5)  # fmt: skip


def test_statistics_by_hand() -> None:
    """Of one channel: mean, deviation, least, greatest, last, slope, mean change, five stretches; and how many steps."""
    x = np.array([[[1.0, 3.0, 2.0, 6.0, 8.0]], [[0.0, 0.0, 0.0, 0.0, 0.0]]])
    transformer = WindowStatistics().fit(x)
    told = transformer.transform(x) * transformer.deviation_ + transformer.mean_
    np.testing.assert_allclose(told[0], [4, np.std(x[0]), 1, 8, 8, 1.7, 2.25, 1, 3, 2, 6, 8, 5], rtol=1e-5)


def test_convolutions_are_those_of_the_definition() -> None:
    """Each kernel is 2 at three places and -1 elsewhere; beyond the ends are zeros."""
    rng = np.random.default_rng(0)
    rows, channels = rng.standard_normal((3, 2, 30)).astype(np.float32), rng.random((84, 2)) < 0.5
    channels[~channels.any(axis=1), 0] = True
    for dilation in (1, 3):
        said = list(convolved(rows, dilation, channels))
        side = dilation * (LENGTH - 1) // 2
        for kernel in (0, 41, 83):
            weights = np.full(LENGTH, -1.0)
            weights[list(KERNELS[kernel])] = 2.0
            own = rows[:, channels[kernel]].sum(axis=1, dtype=np.float64)
            wide = np.pad(own, ((0, 0), (side, side)))
            naive = [[wide[row, t : t + 2 * side + 1 : dilation] @ weights for t in range(30)] for row in range(3)]
            np.testing.assert_allclose(said[kernel], naive, atol=1e-4)
    assert len(KERNELS) == 84


@pytest.mark.parametrize(("steps", "features"), [(9, 10), (30, 7), (100, 119), (1000, 119)])
def test_dilations_reach_as_far_as_the_sequence(steps: int, features: int) -> None:
    found, counts = dilations(steps, features)
    assert counts.sum() == features
    assert (counts > 0).all()
    assert found[0] == 1
    assert found[-1] * (LENGTH - 1) < steps


def test_minirocket_says_the_same_of_a_row_whatever_stands_beside_it() -> None:
    x, _ = _waves()
    transformer = MiniRocket(features=200).fit(x)
    whole = transformer.transform(x)
    assert whole.shape == (60, 168)
    np.testing.assert_array_equal(transformer.transform(x[7:9]), whole[7:9])
    np.testing.assert_array_equal(MiniRocket(features=200).fit_transform(x), whole)


def test_minirocket_takes_sequences_shorter_than_its_kernels() -> None:
    x, _ = _waves(steps=4)
    assert np.isfinite(MiniRocket(features=84).fit_transform(x)).all()
    with pytest.raises(ValueError, match="X must have 2 channels, as in fit; got 1"):
        MiniRocket(features=84).fit(x).transform(x[:, :1])


def test_minirocket_tells_what_statistics_cannot() -> None:
    x, y = _waves(120)
    transformer = MiniRocket(features=840).fit(x[:80])
    p = RidgeProbabilities().fit(transformer.transform(x[:80]), y[:80]).predict_proba(transformer.transform(x[80:]))
    assert (p.argmax(axis=1) == y[80:]).mean() > 0.9


@pytest.mark.parametrize("shape", [(12, 5), (8, 20)])
def test_ridge_is_that_of_the_library(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal(shape), np.arange(shape[0]) % 3
    fitted = RidgeProbabilities(penalties=[2.0]).fit(x, y)
    library = Ridge(alpha=2.0).fit(x, np.eye(3)[y])
    np.testing.assert_allclose(fitted.coef_.T, library.coef_, atol=1e-8)
    np.testing.assert_allclose(fitted.intercept_, library.intercept_, atol=1e-8)


@pytest.mark.parametrize("shape", [(12, 5), (8, 20)])
def test_what_ridge_says_of_a_row_without_it_is_what_a_fit_without_it_says(
    shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The naive twin fits once a row; centring counts the row that is left out too, so the mean is that of all."""
    from concours.entrants import ridge

    rng = np.random.default_rng(2)
    x, y = rng.standard_normal(shape), np.arange(shape[0]) % 3
    seen = []
    monkeypatch.setattr(ridge, "_sharpened", lambda said, codes, share: (seen.append(said), (1.0, 0.0))[1])
    RidgeProbabilities(penalties=[2.0]).fit(x, y)
    for row in range(shape[0]):
        kept = np.arange(shape[0]) != row
        naive = Ridge(alpha=2.0).fit(x[kept], np.eye(3)[y[kept]]).predict(x[[row]])[0]
        np.testing.assert_allclose(seen[0][row], naive, atol=1e-6)


def test_ridge_is_kept_as_tensors() -> None:
    x, y = _waves()
    fitted = RidgeProbabilities().fit(x.reshape(60, -1), np.array(["a", "b"])[y])
    again = RidgeProbabilities().set_tensors(fitted.get_tensors(), fitted.get_state())
    np.testing.assert_array_equal(again.predict_proba(x.reshape(60, -1)), fitted.predict_proba(x.reshape(60, -1)))
    assert again.predict(x.reshape(60, -1)).tolist()[:2] == ["a", "b"]


@pytest.mark.parametrize("name", ["Conv", "LSTM", "Transformer"])
def test_networks_learn_and_are_kept(name: str) -> None:
    """Sequences may have gaps and be longer than what a network reads at once."""
    x, y = _waves(80, 40)
    x[::3, :, 35:] = np.nan
    kind = getattr(sequence_networks, f"Sequence{name}Classifier")
    fitted = kind(epochs=30, random_state=0).fit(x, y)
    assert (fitted.predict(x) == y).mean() > 0.8
    again = kind(epochs=30, random_state=0).set_tensors(fitted.get_tensors(), fitted.get_state())
    np.testing.assert_array_equal(again.predict_proba(x), fitted.predict_proba(x))
    long = np.repeat(x, 8, axis=2)
    number = getattr(sequence_networks, f"Sequence{name}Regressor")(epochs=2, random_state=0).fit(long, y + 100.0)
    assert number.predict(long).shape == (80,)
    assert abs(number.predict(long).mean() - 100.5) < 0.5
