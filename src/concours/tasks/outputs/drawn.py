"""Labels of pixels, and boxes, laid upon pictures, for people to look at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from concours.kernels.rows.boxes import Boxes
from concours.kernels.scoring.boxes import best_overlaps
from concours.kernels.scoring.masks import VOID

Floats = NDArray[np.float64]

_COLOURS: Final = (
    (0.90, 0.62, 0.0),
    (0.34, 0.71, 0.91),
    (0.0, 0.62, 0.45),
    (0.80, 0.47, 0.65),
    (0.94, 0.89, 0.26),
    (0.84, 0.37, 0.0),
)  # of Okabe and Ito (2008), which those tell apart who see few colours
_MISSED, _WRONG, _MIXED = (0.85, 0.1, 0.1), (0.15, 0.3, 0.95), (0.95, 0.85, 0.2)
_GAP = 2
_HALF = 0.5


def overlaid(pictures: NDArray[Any], y: NDArray[Any], named: NDArray[Any] | None) -> Floats:
    """Panels side by side in [0, 1], (rows, height, breadth, 3): the picture and its labels; and, where something was
    predicted, that and where it is wrong.

    Args:
        pictures: (rows, height, width[, channels]), uint8 or of any range.
        y, named: (rows, height, width) codes; where the truth is `VOID` nothing is shown.
    """
    plain = _coloured(pictures)
    seen = y != VOID
    ground = int(np.bincount(y[seen]).argmax()) if seen.any() else 0
    panels = [plain, _tinted(plain, y, ground)]
    if named is not None:
        off = (named != y) & seen
        errors = [(off & (named == ground), _MISSED), (off & (y == ground), _WRONG)]
        errors.append((off & (y != ground) & (named != ground), _MIXED))
        faint = 0.5 + 0.3 * plain.mean(axis=3, keepdims=True).repeat(3, axis=3)
        for where, colour in errors:
            faint[where] = colour
        panels += [_tinted(plain, named, ground), faint]
    return _beside(panels)


def boxed(pictures: NDArray[Any], truth: Boxes, said: Boxes | None) -> Floats:
    """Panels side by side in [0, 1], (rows, height, breadth, 3): the picture with its boxes; and, where something was
    predicted, with those. A box that none of the same label on the other side overlaps by half has another colour.

    Args:
        pictures: as of `overlaid`.
    """
    plain = _coloured(pictures)
    if said is None:
        return _framed(plain, truth, np.ones(len(truth.labels)), _MISSED)
    found, right = best_overlaps(truth, said), best_overlaps(said, truth)
    return _beside([_framed(plain, truth, found, _MISSED), _framed(plain, said, right, _MIXED)])


def _framed(plain: Floats, boxes: Boxes, shares: Floats, alone: tuple[float, float, float]) -> Floats:
    """With the outlines of boxes, those that stand alone last."""
    shown, (height, width) = plain.copy(), plain.shape[1:3]
    ends = np.array([width, height, width, height]) - 1
    for box in np.argsort(-shares, kind="stable"):
        left, top, right, bottom = (boxes.corners[box] * ends).round().astype(int)
        picture, colour = shown[boxes.rows[box]], _WRONG if shares[box] >= _HALF else alone
        picture[[top, bottom], left : right + 1] = colour
        picture[top : bottom + 1, [left, right]] = colour
    return shown


def _coloured(pictures: NDArray[Any]) -> Floats:
    """Pictures in [0, 1] with three colours."""
    scale = 255.0 if pictures.dtype == np.uint8 else float(np.abs(pictures).max(initial=0.0)) or 1.0
    plain = np.clip(pictures / scale, 0, 1)
    plain = plain[..., None] if plain.ndim == 3 else plain
    return plain[..., :3] if plain.shape[3] >= 3 else np.repeat(plain[..., :1], 3, axis=3)


def _beside(panels: Sequence[Floats]) -> Floats:
    gap = np.ones((*panels[0].shape[:2], _GAP, 3))
    spaced = [part for panel in panels for part in (panel, gap)][:-1]
    return np.concatenate(spaced, axis=2)


def _tinted(plain: Floats, codes: NDArray[Any], ground: int) -> Floats:
    found = plain.copy()
    for code in np.unique(codes):
        if code not in (ground, VOID):
            where = codes == code
            found[where] = 0.4 * found[where] + 0.6 * np.asarray(_COLOURS[int(code) % len(_COLOURS)])
    return found
