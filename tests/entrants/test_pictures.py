"""Pictures as numbers: that patches tell digits apart, that every size and colour is taken, and that files are small."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from concours.entrants.models import dump_object, load_object
from concours.entrants.neural import ResidualClassifier
from concours.entrants.pictures import PatchFeatures, PixelComponents

PREPARATIONS = [PatchFeatures(patches=16), PixelComponents(components=5)]
SHAPES = [(8, 8), (8, 8, 1), (32, 32, 3), (28, 20), (70, 90, 3), (3, 40, 3), (2, 2), (1, 1)]


def pictures(shape: tuple[int, ...], rows: int = 30) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, size=(rows, *shape)).astype(np.uint8)


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    images, labels = load_digits(return_X_y=True)
    return images.reshape(-1, 8, 8), labels


def test_a_linear_model_on_patches_tells_digits_apart(digits: Any) -> None:
    """It is for this that they are learned: on pixels a linear model is right in 96 of 100."""
    X, y = digits
    features = PatchFeatures(patches=64).fit(X[:900])
    linear = LogisticRegression(C=0.1, max_iter=300).fit(features.transform(X[:900]), y[:900])
    assert linear.score(features.transform(X[900:]), y[900:]) > 0.97


@pytest.mark.parametrize("preparation", PREPARATIONS, ids=lambda p: type(p).__name__)
@pytest.mark.parametrize("shape", SHAPES)
def test_pictures_of_every_size_are_prepared(preparation: Any, shape: tuple[int, ...]) -> None:
    """Grey or colour, oblong, large or tiny; one that was not seen, too."""
    rows = preparation.fit_transform(pictures(shape))
    assert rows.dtype == np.float32
    assert rows.ndim == 2
    assert np.isfinite(rows).all()
    assert np.isfinite(preparation.transform(np.zeros((2, *shape), dtype=np.uint8))).all()


@pytest.mark.parametrize("preparation", PREPARATIONS, ids=lambda p: type(p).__name__)
def test_what_is_learned_repeats_and_is_kept(preparation: Any) -> None:
    """The same pictures give the same bytes, which give the same numbers; `fit_transform` is `fit` and `transform`."""
    X = pictures((12, 10, 3))
    first = preparation.fit_transform(X).copy()
    content = dump_object(preparation)
    assert dump_object(preparation.fit(X)) == content
    assert np.allclose(preparation.transform(X), first, atol=1e-5)
    assert (load_object(content).transform(X) == preparation.transform(X)).all()


@pytest.mark.parametrize("preparation", PREPARATIONS, ids=lambda p: type(p).__name__)
def test_the_unit_of_pixels_does_not_matter(preparation: Any) -> None:
    """Bytes, and the same as shares of the brightest, are the same pictures."""
    X = pictures((12, 10, 3))
    X[0, 0, 0, 0] = 255
    bytes_, shares = preparation.fit_transform(X), preparation.fit_transform(X / 255)
    assert np.allclose(bytes_, shares, atol=1e-2)


@pytest.mark.parametrize("preparation", PREPARATIONS, ids=lambda p: type(p).__name__)
def test_pictures_that_are_all_alike_are_prepared(preparation: Any) -> None:
    """No contrast, no variance: zeros, not NaN."""
    assert np.isfinite(preparation.fit_transform(np.full((20, 9, 9), 7, dtype=np.uint8))).all()


def test_what_is_no_picture_is_refused() -> None:
    """The shape that was given is told, and what is not fitted says so."""
    with pytest.raises(ValueError, match=r"must be images .* got shape \(4, 5\)"):
        PatchFeatures().fit(np.zeros((4, 5)))
    with pytest.raises(NotFittedError):
        PatchFeatures().transform(pictures((8, 8)))


def test_only_colour_pictures_are_mirrored() -> None:
    """A photograph may be seen from the other side, a letter not."""
    said = []
    for colours in (1, 3):
        network = ResidualClassifier(epochs=1, random_state=0)
        network.fit(pictures((9, 9, colours)), np.arange(30) % 2)
        augment = network._augmentation()
        said.append(augment is not None)
    assert said == [False, True]
