"""Generators and discriminators: forms, training that goes on from what was kept, and the same bytes again."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from concours.entrants.generators import (
    DISCRIMINATORS,
    GENERATORS,
    gan_round,
    gaussian_samples,
    pair_of,
    samples,
    told,
)


def digits() -> np.ndarray:
    """Three hundred pictures in [-1, 1]."""
    x = load_digits().data[:300].reshape(-1, 8, 8, 1)
    return (x / 8 - 1).astype(np.float32)


@pytest.mark.parametrize("generator", GENERATORS)
@pytest.mark.parametrize("discriminator", DISCRIMINATORS)
@pytest.mark.parametrize("shape", [(8, 8, 1), (10, 7, 3)])
def test_pictures_have_the_form_of_real_ones(generator: str, discriminator: str, shape: tuple[int, ...]) -> None:
    """Of any height, width and number of colours, in [-1, 1]; and what is said of each is a number."""
    pair = pair_of(generator, discriminator, shape, seed=0)
    drawn = samples(pair.generator, 5, seed=1)
    assert drawn.shape == (5, *shape)
    assert np.abs(drawn).max() <= 1
    assert told(pair.discriminator, drawn).shape == (5,)


@pytest.mark.parametrize("recipes", [("dense", "dense"), ("conv", "conv")])
def test_training_goes_on_from_what_was_kept(recipes: tuple[str, str]) -> None:
    """A round is a function of the tensors it begins from and of its seed; twice the same gives the same bytes."""
    pictures = digits()[:80]
    first = pair_of(*recipes, (8, 8, 1), seed=0)
    gan_round(first, pictures, epochs=1, seed=1)
    kept = first.tensors()
    again = pair_of(*recipes, (8, 8, 1), seed=9, tensors=kept)
    losses = [gan_round(pair, pictures, epochs=1, seed=2) for pair in (first, again)]
    assert losses[0] == losses[1]
    pairs = zip(first.tensors().items(), again.tensors().items(), strict=True)
    assert all(one[0] == other[0] and np.array_equal(one[1], other[1]) for one, other in pairs)
    assert any(not np.array_equal(kept[name], tensor) for name, tensor in first.tensors().items())


def test_training_brings_pictures_nearer_and_teaches_to_tell() -> None:
    """Means come nearer to those of real pictures, and the discriminator tells noise from them."""
    pictures = digits()
    pair = pair_of("dense", "dense", (8, 8, 1), seed=0)
    before = np.square(samples(pair.generator, 300, seed=1).mean(axis=0) - pictures.mean(axis=0)).mean()
    gan_round(pair, pictures, epochs=10, seed=0)
    after = np.square(samples(pair.generator, 300, seed=1).mean(axis=0) - pictures.mean(axis=0)).mean()
    assert after < 0.7 * before
    noise = np.random.default_rng(0).uniform(-1, 1, pictures.shape).astype(np.float32)
    assert told(pair.discriminator, pictures).mean() > told(pair.discriminator, noise).mean() + 0.05


def test_the_normal_baseline_has_the_means_and_variances_of_real_pictures() -> None:
    """But for being kept within the range."""
    pictures = digits()
    drawn = gaussian_samples(pictures, 4000, seed=0)
    assert np.abs(drawn.mean(axis=0) - pictures.mean(axis=0)).max() < 0.2
    assert np.corrcoef(drawn.std(axis=0).ravel(), pictures.std(axis=0).ravel())[0, 1] > 0.95
