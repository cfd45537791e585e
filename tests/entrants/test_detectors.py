"""Detectors that are no networks: what they see where pictures, classes or what regions hold are odd."""

from __future__ import annotations

import numpy as np
import pytest

from concours.entrants.blobs import BlobDetector
from concours.entrants.windows import WindowDetector
from concours.kernels.rows.boxes import Boxes, overlaps

DETECTORS = (WindowDetector, BlobDetector)


def drawn(
    objects: list[list[tuple[int, tuple[float, float, float, float]]]], size: tuple[int, int] = (32, 32), seed: int = 0
) -> tuple[np.ndarray, Boxes]:
    """Dark noisy pictures with a bright rectangle for each object, its colour by the label."""
    pictures = np.random.default_rng(seed).integers(0, 40, size=(len(objects), *size, 3), dtype=np.uint8)
    for picture, each in zip(pictures, objects, strict=True):
        for label, (left, top, right, bottom) in each:
            rows = slice(round(top * size[0]), round(bottom * size[0]))
            picture[rows, round(left * size[1]) : round(right * size[1]), label % 3] += 200
    flat = [one for each in objects for one in each]
    return pictures, Boxes(
        offsets=np.cumsum([0, *map(len, objects)]),
        labels=np.array([label for label, _ in flat], dtype=np.int64),
        scores=np.ones(len(flat)),
        corners=np.array([corners for _, corners in flat]).reshape(-1, 4),
    )


@pytest.mark.parametrize("detector", DETECTORS)
@pytest.mark.parametrize("corners", [(0.1, 0.1, 0.9, 0.92), (0.02, 0.02, 0.98, 0.98), (0.0, 0.0, 1.0, 1.0)])
@pytest.mark.parametrize("others", [0, 4])
def test_pictures_that_an_object_fills(detector, corners, others):
    """Nothing else is in them, so that nothing shows what holds no object; it is found all the same."""
    rng = np.random.default_rng(1)
    small = [[(1, (x, 0.2, x + 0.25, 0.5))] for x in rng.uniform(0, 0.7, size=others)]
    pictures, truth = drawn([[(0, corners)] for _ in range(12)] + small)
    found = detector(random_state=0).fit(pictures, truth).predict(pictures)
    first = [found.corners[found.offsets[row]] for row in range(12) if found.offsets[row] < found.offsets[row + 1]]
    assert len(first) == 12
    assert np.mean(overlaps(np.array(first), np.array([corners] * 12))) > 0.5


@pytest.mark.parametrize("detector", DETECTORS)
def test_nothing_to_learn_from_is_nothing_seen(detector):
    """Pictures without objects, or with none that a region holds."""
    pictures, truth = drawn([[] for _ in range(5)])
    assert len(detector(random_state=0).fit(pictures, truth).predict(pictures).labels) == 0


@pytest.mark.parametrize("detector", DETECTORS)
@pytest.mark.parametrize("labels", [(0, 2), (1, 2), (3, 5)])
def test_a_class_that_no_training_row_has_shifts_no_other(detector, labels):
    """Codes are of all classes, and a fold may lack some: each of the others is found as what it is."""
    rng = np.random.default_rng(2)
    objects = [
        [(labels[0], (x, 0.1, x + 0.2, 0.3)), (labels[1], (y, 0.5, y + 0.4, 0.9))]
        for x, y in zip(rng.uniform(0, 0.75, 30), rng.uniform(0, 0.55, 30), strict=True)
    ]
    pictures, truth = drawn(objects)
    found = detector(random_state=0).fit(pictures, truth).predict(pictures)
    assert set(found.labels.tolist()) == set(labels)
    right = 0
    for row in range(30):
        mine = slice(found.offsets[row], found.offsets[row + 1])
        for label, corners in objects[row]:
            own = found.labels[mine] == label
            right += bool(own.any()) and overlaps(found.corners[mine][own][:1], np.array([corners]))[0] > 0.5
    assert right >= 50


@pytest.mark.parametrize("size", [(32, 96), (96, 32)])
def test_a_region_as_large_as_a_piece_is_deep_is_square(size):
    """In pixels, whatever form a picture has."""
    pictures, truth = drawn([[(0, (0.2, 0.2, 0.8, 0.8))] for _ in range(3)], size=size)
    detector = BlobDetector(random_state=0).fit(pictures, truth)
    scale = np.array([size[1], size[0]])
    around = detector._around(np.array([[0.5, 0.5]]), np.array([[8.0, 8.0]]) / scale, 0)[-1]
    assert np.allclose((around[2:] - around[:2]) * scale, 17.6)
