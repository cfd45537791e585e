"""The reference network: it tells labels apart, is the same wherever it is made, and travels as a text."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from concours.kernels.rows.conditions import Conditions, labels_among
from concours.kernels.scoring.frechet import frechet_distance
from concours.kernels.scoring.reference import Reference


def digits() -> tuple[np.ndarray, list[str]]:
    """Half of the digits, uint8, and their labels."""
    bunch = load_digits()
    return np.rint(bunch.images * 255 / 16).astype(np.uint8)[::2, :, :, None], [str(y) for y in bunch.target[::2]]


def test_it_tells_labels_apart() -> None:
    """The nearest mean in its features is that of the right label, of nine in ten pictures it was not made of."""
    pictures, labels = digits()
    known, codes = Conditions.among(labels[:600]), np.array(labels, dtype=int)
    network = Reference.fitted(pictures[:600], known.of(labels[:600]))
    features = network.of(pictures)
    means = np.stack([features[:600][codes[:600] == code].mean(axis=0) for code in range(10)])
    named = np.square(features[600:, None] - means).sum(axis=2).argmin(axis=1)
    assert (named == codes[600:]).mean() > 0.9
    assert features[:600].var(axis=0)[:9].mean() == pytest.approx(1, rel=0.01)


def test_it_travels_as_a_text() -> None:
    """The text makes the same network, says nothing else, and is short; another text is refused."""
    pictures, labels = digits()
    told = Conditions.among(labels).of(labels)
    network, again = Reference.fitted(pictures, told), Reference.fitted(pictures.copy(), told)
    assert network.digest == again.digest
    copy = Reference.of_text(network.text)
    np.testing.assert_array_equal(copy.of(pictures), network.of(pictures))
    assert len(network.text) < 10_000
    with pytest.raises(ValueError, match="too few numbers"):
        Reference.of_text("32 9 19 00000")


@pytest.mark.parametrize("shape", [(3, 5, 3), (40, 17, 1), (1, 1, 1)])
def test_pictures_of_any_size(shape: tuple[int, int, int]) -> None:
    """Larger ones are looked at smaller, tiny ones as they are; without conditions there are principal components."""
    pictures = np.random.default_rng(0).integers(0, 256, (30, *shape)).astype(np.uint8)
    network = Reference.fitted(pictures, np.zeros((30, 0)))
    features = network.of(pictures)
    assert features.shape == (30, network.features) and np.isfinite(features).all()
    assert frechet_distance(features, features) == pytest.approx(0, abs=1e-6)


def test_labels_descriptions_and_nothing() -> None:
    """Few texts that come again are labels, a column each; others are descriptions by their words; one text is nothing."""
    labels = Conditions.among(["b", "a", "b"] * 4)
    assert labels.of(["a", "b", "c"]).tolist() == [[1, 0], [0, 1], [0, 0]]
    assert Conditions.among([""] * 9).numbers == 0 and labels_among([""] * 9) == ("",)
    texts = [
        f"a {size} {colour} bar number {n}"
        for n in range(20)
        for size in ("small", "big")
        for colour in ("red", "blue")
    ]
    told = Conditions.among(texts)
    assert not told.whole and labels_among(texts) == ()
    one, alike, other = told.of(["a big red bar number 0", "big red", "small blue"])
    assert one @ alike > one @ other
    back = Conditions.from_json(told.to_json(), told.turn)
    np.testing.assert_array_equal(back.of(texts), told.of(texts))
