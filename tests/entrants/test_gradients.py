"""What each pixel adds to a class of a network."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("captum")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from concours.entrants.gradients import integrated, of_pictures  # noqa: E402
from concours.entrants.neural import ConvClassifier, DenseClassifier, VisionTransformerClassifier  # noqa: E402
from concours.kernels.scoring.tiles import summed  # noqa: E402

RNG = np.random.default_rng(0)
PICTURES = RNG.integers(0, 255, (60, 12, 10, 3)).astype(np.uint8)
LABELS = np.arange(60) % 3


@pytest.mark.parametrize("kind", [ConvClassifier, VisionTransformerClassifier, DenseClassifier])
def test_pixels_add_up_to_what_the_picture_adds(kind):
    """The law of integrated gradients, beside a sum over a straight line of pictures, written out."""
    network = kind(epochs=2, random_state=0).fit(PICTURES, LABELS)
    assert of_pictures(network)
    codes = np.array([0, 1, 2])
    found = integrated(network, PICTURES[:3], codes)
    x = torch.tensor(PICTURES[:3], dtype=torch.float32)
    plain = x.mean(dim=(1, 2), keepdim=True).expand_as(x)
    said = network.network_(x) - network.network_(plain)
    assert found.sum(axis=(1, 2)) == pytest.approx(said[range(3), codes].detach().numpy(), abs=0.15)
    assert found == pytest.approx(_written_out(network.network_, x, plain, codes), abs=0.02)


def _written_out(network, x, plain, codes, steps=64):
    """The mean of gradients at the middles of many steps, times the way."""
    total = torch.zeros_like(x)
    for step in range(steps):
        at = (plain + (step + 0.5) / steps * (x - plain)).requires_grad_()
        network(at)[range(len(x)), codes].sum().backward()
        total += at.grad
    return ((x - plain) * total / steps).sum(dim=-1).numpy()


def test_a_network_of_numbers_is_none_of_pictures():
    """It has no pixels to look at; neither has what is no network."""
    assert not of_pictures(DenseClassifier(epochs=1, random_state=0).fit(RNG.normal(size=(30, 4)), LABELS[:30]))
    assert not of_pictures(object())


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 3), st.integers(1, 40), st.integers(1, 40), st.integers(1, 16))
def test_cells_add_up_to_pixels(n, height, width, most):
    """Of any sizes, and no more cells than are asked for or there are pixels."""
    maps = np.random.default_rng(n).normal(size=(n, height, width))
    cells = summed(maps, most)
    assert cells.shape == (n, min(height, most), min(width, most))
    assert cells.sum(axis=(1, 2)) == pytest.approx(maps.sum(axis=(1, 2)))
