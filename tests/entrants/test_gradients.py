"""What each pixel adds to a class of a network."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("captum")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from concours.entrants.clip_networks import FrameLSTMClassifier, VolumeClassifier  # noqa: E402
from concours.entrants.gradients import integrated, named, sees  # noqa: E402
from concours.entrants.neural import ConvClassifier, DenseClassifier, VisionTransformerClassifier  # noqa: E402
from concours.entrants.unet import UNetSegmenter  # noqa: E402
from concours.kernels.scoring.tiles import side_by_side, summed  # noqa: E402

RNG = np.random.default_rng(0)
PICTURES = RNG.integers(0, 255, (60, 12, 10, 3)).astype(np.uint8)
LABELS = np.arange(60) % 3


@pytest.mark.parametrize("kind", [ConvClassifier, VisionTransformerClassifier, DenseClassifier])
def test_pixels_add_up_to_what_the_picture_adds(kind):
    """The law of integrated gradients, beside a sum over a straight line of pictures, written out."""
    network = kind(epochs=2, random_state=0).fit(PICTURES, LABELS)
    assert sees(network)
    codes = np.array([0, 1, 2])
    found = integrated(network, PICTURES[:3], codes)
    x = torch.tensor(PICTURES[:3], dtype=torch.float32)
    plain = x.mean(dim=(1, 2), keepdim=True).expand_as(x)
    said = network.network_(x) - network.network_(plain)
    assert found.sum(axis=(1, 2)) == pytest.approx(said[range(3), codes].detach().numpy(), abs=0.15)
    assert found == pytest.approx(_written_out(network.network_, x, plain, codes), abs=0.02)


@pytest.mark.parametrize("kind", [FrameLSTMClassifier, VolumeClassifier])
def test_pixels_of_frames_add_up_to_what_the_clip_adds(kind):
    """The same law of clips: from frames of one colour, in which nothing moves."""
    clips = RNG.integers(0, 255, (24, 5, 12, 10, 3)).astype(np.uint8)
    network = kind(epochs=2, width=4, random_state=0).fit(clips, np.arange(24) % 2)
    assert sees(network)
    codes, pixels = named(network, clips[:3])
    assert pixels is None
    assert codes.tolist() == network.predict_proba(clips[:3]).argmax(axis=1).tolist()
    found = integrated(network, clips[:3], codes)
    assert found.shape == (3, 5, 12, 10)
    x = torch.tensor(clips[:3], dtype=torch.float32)
    plain = x.mean(dim=(1, 2, 3), keepdim=True).expand_as(x)
    said = (network.network_(x) - network.network_(plain))[range(3), codes]
    assert found.sum(axis=(1, 2, 3)) == pytest.approx(said.detach().numpy(), abs=0.15)


def test_pixels_add_up_to_what_they_add_to_those_that_are_named():
    """The same law of masks, of the mean logit over the pixels that have the label; the commonest is looked at last."""
    pictures, masks = PICTURES[:40].copy(), np.zeros((40, 12, 10), dtype=np.int64)
    masks[:20, 2:8, 2:8] = 1
    pictures[masks == 1] = 250
    network = UNetSegmenter(width=4, epochs=12, mirror="none", random_state=0).fit(pictures, masks)
    assert sees(network)
    some = pictures[[0, 1, 39]]
    codes, pixels = named(network, some)
    assert codes.tolist() == [1, 1, 0]
    assert (pixels == (network.predict(some).argmax(axis=-1) == codes[:, None, None])).all()
    found = integrated(network, some, codes, pixels)
    x = torch.tensor(some, dtype=torch.float32)
    plain = x.mean(dim=(1, 2), keepdim=True).expand_as(x)
    said = (network.network_(x) - network.network_(plain)).detach().numpy()
    expected = [said[row, code][pixels[row]].mean() for row, code in enumerate(codes)]
    assert found.sum(axis=(1, 2)) == pytest.approx(expected, abs=0.15)


def test_frames_lie_side_by_side():
    """At most eight a line, in their order; what a line lacks is filled."""
    frames = np.arange(1, 11, dtype=float)[:, None, None] * np.ones((10, 2, 3))
    found = side_by_side(frames)
    assert found.shape == (4, 15)
    assert found[::2, ::3].tolist() == [[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]]
    spaced = side_by_side(frames[:9], between=1, filled=-1.0)
    assert spaced.shape == (6, 20)
    assert spaced[3, ::4].tolist() == [6, 7, 8, 9, -1]
    assert (spaced[2] == -1).all()


def _written_out(network, x, plain, codes, steps=64):
    """The mean of gradients at the middles of many steps, times the way."""
    total = torch.zeros_like(x)
    for step in range(steps):
        at = (plain + (step + 0.5) / steps * (x - plain)).requires_grad_()
        network(at)[range(len(x)), codes].sum().backward()
        total += at.grad
    return ((x - plain) * total / steps).sum(dim=-1).numpy()


def test_a_network_of_numbers_is_none_sees():
    """It has no pixels to look at; neither has what is no network."""
    assert not sees(DenseClassifier(epochs=1, random_state=0).fit(RNG.normal(size=(30, 4)), LABELS[:30]))
    assert not sees(object())


@settings(max_examples=30)
@given(st.integers(1, 3), st.integers(1, 40), st.integers(1, 40), st.integers(1, 16))
def test_cells_add_up_to_pixels(n, height, width, most):
    """Of any sizes, and no more cells than are asked for or there are pixels."""
    maps = np.random.default_rng(n).normal(size=(n, height, width))
    cells = summed(maps, most)
    assert cells.shape == (n, min(height, most), min(width, most))
    assert cells.sum(axis=(1, 2)) == pytest.approx(maps.sum(axis=(1, 2)))
