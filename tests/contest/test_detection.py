"""Object detection as a contest: on invented pictures, and on a real set where it is at hand."""

from __future__ import annotations

from concours.testing.kinds import check_kind


def test_the_kind_holds_its_laws():
    """Protects detection end to end: reading, board, alliances, joins, files of predictions, the receipt."""
    check_kind("object-detection")
