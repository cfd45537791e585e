"""What the report shows of boxes: which are found, by their size, and how they are drawn."""

from __future__ import annotations

import numpy as np

from concours.insights.boxes import of_boxes
from concours.insights.diagnosis import Predicted
from concours.tasks.outputs.boxes import BoxesOutput

OUTPUT = BoxesOutput(classes=2, names=("cell", "dust"), called=("cell", "dust"))


def boxes(*each):
    return [
        {"label": label, "score": 0.9, "xmin": x, "ymin": x, "xmax": x + side, "ymax": x + side}
        for label, x, side in each
    ]


TRUTH = OUTPUT.accepted([boxes((0, 0.1, 0.1), (0, 0.5, 0.4)), boxes((1, 0.2, 0.4))] * 60, 120)
SAID = OUTPUT.accepted([boxes((0, 0.5, 0.4)), boxes((0, 0.2, 0.4))] * 60, 120)


def test_small_objects_and_those_of_another_label_are_missed():
    """Protects the section on sizes: small ones are in the first bin, and a box of another label finds nothing."""
    found = of_boxes(
        Predicted(
            y=TRUTH,
            p=SAID,
            told=SAID,
            losses=np.arange(120.0),
            written=OUTPUT.written,
            weights=None,
            rng=np.random.default_rng(0),
        )
    )
    assert found["objects_are"] == "boxes"
    assert sum(one["count"] for one in found["objects"]) == 180
    assert (found["objects"][0]["missed"], found["objects"][0]["found"]) == (1.0, 0.0)
    assert sum(one["missed"] * one["count"] for one in found["objects"]) == 120
    assert len(found["mistakes"]["rows"]) == 12


def test_boxes_are_drawn_beside_one_another():
    """Found ones and right ones in one colour; those missed, and those that are nothing, in others."""
    pictures = np.zeros((2, 40, 60), dtype=np.uint8)
    shown = OUTPUT.drawn(pictures, TRUTH.slice(0, 2), SAID.slice(0, 2))
    assert shown.shape == (2, 40, 122, 3)
    left, right = shown[:, :, :60], shown[:, :, 62:]
    colours = [
        {tuple(pixel) for pixel in side.reshape(-1, 3).round(2)} for side in (left[0], left[1], right[0], right[1])
    ]
    blue, red, yellow, black = (0.15, 0.3, 0.95), (0.85, 0.1, 0.1), (0.95, 0.85, 0.2), (0.0, 0.0, 0.0)
    assert colours == [{blue, red, black}, {red, black}, {blue, black}, {yellow, black}]
    assert OUTPUT.drawn(pictures, TRUTH.slice(0, 2), None).shape == (2, 40, 60, 3)
