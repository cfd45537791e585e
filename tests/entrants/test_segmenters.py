"""Segmenters: what they learn of pixels, and what they say where a label is missing."""

from __future__ import annotations

import numpy as np
import pytest

from concours.entrants.coloured import ColourSegmenter, ThresholdSegmenter, TypicalMasks, otsu
from concours.entrants.filtered import PixelBoosting, PixelForest

CHEAP = (
    TypicalMasks(),
    ThresholdSegmenter(),
    ColourSegmenter(),
    PixelForest(trees=3, random_state=0),
    PixelBoosting(rounds=15, random_state=0),
)


def drawn(rows: int = 12, colours: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Dark noise with a bright rectangle each."""
    rng = np.random.default_rng(seed)
    pictures = rng.integers(0, 60, (rows, 16, 20, colours), dtype=np.uint8)
    masks = np.zeros((rows, 16, 20), dtype=np.uint8)
    for picture, mask in zip(pictures, masks, strict=True):
        down, across = rng.integers(0, 8, 2)
        mask[down : down + 7, across : across + 9] = 1
        picture[mask == 1] += 150
    return pictures, masks


def network(**more):
    from concours.entrants.unet import UNetSegmenter

    return UNetSegmenter(width=4, random_state=0, **{"epochs": 12, **more})


@pytest.mark.parametrize("colours", [1, 3])
@pytest.mark.parametrize("segmenter", [*CHEAP[1:], network], ids=lambda each: getattr(each, "__name__", str(each))[:12])
def test_bright_objects_are_found(segmenter, colours):
    """Protects that each learns what is plain to see, on pictures that it has not seen."""
    segmenter = segmenter() if callable(segmenter) else segmenter
    p = segmenter.fit(*drawn(36, colours)).predict(drawn(4, colours, seed=1)[0])
    assert p.shape == (4, 16, 20, 2)
    np.testing.assert_allclose(p.sum(axis=-1), 1.0, atol=1e-5)
    assert (p.argmax(axis=-1) == drawn(4, colours, seed=1)[1]).mean() > 0.9


@pytest.mark.parametrize("make", [type(each) for each in CHEAP])
def test_a_label_that_no_training_row_has_keeps_its_column(make):
    """Protects folds that lack a label: its probability is there, and low."""
    pictures, masks = drawn()
    p = make(classes=4).fit(pictures, 2 * masks).predict(pictures)
    assert p.shape[-1] == 4
    assert p[..., [1, 3]].max() < 0.1


def test_the_network_has_a_column_for_it_too():
    """The same of the network, whose labels are those that it is told of."""
    pictures, masks = drawn()
    assert network(classes=4).fit(pictures, 2 * masks).predict(pictures).shape[-1] == 4


def test_masks_are_mirrored_as_their_pictures_are():
    """Protects that what is learned of a mirrored picture is its mask, mirrored."""
    torch = pytest.importorskip("torch")
    from concours.entrants.augmentations import Mirrored

    pictures = torch.arange(5 * 3 * 4).reshape(5, 3, 4, 1)
    mirrored = Mirrored("both")
    changed = mirrored.pictures(pictures, torch.Generator().manual_seed(1))
    assert not torch.equal(changed, pictures)
    assert torch.equal(mirrored.again(pictures[..., 0]), changed[..., 0])


def test_the_network_is_kept_as_tensors():
    """Protects that a kept network says the same bytes."""
    pictures, masks = drawn()
    fitted = network(epochs=1).fit(pictures, masks)
    again = network(epochs=1).set_tensors(fitted.get_tensors(), fitted.get_state())
    np.testing.assert_array_equal(again.predict(pictures), fitted.predict(pictures))


def test_otsu_parts_two_humps():
    """Protects the threshold, beside the best of all by variance between groups."""
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(10, 2, 300), rng.normal(40, 3, 100)])
    assert 16 < otsu(values) < 30
    assert np.isfinite(otsu(np.zeros(5)))


def test_what_the_network_says_where_there_is_no_label_changes_nothing():
    """Protects its loss, both parts of it: pixels without a label give no gradient, and none is spread over them."""
    torch = pytest.importorskip("torch")
    from concours.entrants.unet import overlap_loss

    said = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    codes = torch.tensor([[[0, 1, 2, 255]] * 4] * 2)
    loss = overlap_loss(said, codes, None)
    loss.backward()
    assert (said.grad[..., 3] == 0).all() and (said.grad[..., :3] != 0).any()
    assert torch.isclose(loss, overlap_loss(said[..., :3], codes[..., :3], None))
