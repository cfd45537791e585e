"""Sheets of what was drawn, and whether it is copied, on plain arrays."""

from __future__ import annotations

import numpy as np

from concours.insights.drawings import against_copies, sheet, shown_rows


def test_rows_of_all_texts_are_shown_in_turn() -> None:
    """Each label has its turn before one comes again; of very many descriptions some are shown, spread evenly."""
    assert shown_rows(["b", "b", "a", "b", "a"]).tolist() == [2, 0, 4, 1, 3]
    many = shown_rows([f"{row:03}" for row in range(200)]).tolist()
    assert len(many) == 20 and many == list(range(0, 200, 10))


def test_a_sheet_has_every_picture_in_its_place() -> None:
    """Lines of so many, with grey between; what is missing of the last line is grey."""
    pictures = np.arange(3 * 2 * 2).reshape(3, 2, 2, 1).astype(np.uint8)
    found = sheet(pictures, across=2)
    assert found.shape == (7, 7, 1)
    np.testing.assert_array_equal(found[1:3, 4:6], pictures[1])
    np.testing.assert_array_equal(found[4:6, 1:3], pictures[2])
    assert (found[4:6, 4:6] == 128).all() and (found[0] == 128).all()


def test_copies_and_new_pictures() -> None:
    """Who copies is at 1, and counted to the pixel, with both lines alike; who draws as nature does is at about a half."""
    random = np.random.default_rng(0)
    known, unseen, new = (random.integers(0, 256, (60, 3, 3, 1)).astype(np.uint8) for _ in range(3))
    told, pairs = against_copies(known[:30], unseen, known)
    assert told["copying"][0] == 1 and told["same"] == 30 and told["distance"] == 0 < told["real"]
    np.testing.assert_array_equal(pairs[1:4], pairs[5:8])
    told, _ = against_copies(new, unseen, known)
    assert told["copying"][1] < 0.5 < told["copying"][2] and told["same"] == 0
