"""A linear head on vectors: least squares to the classes, as much regularised as says most of rows left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

Floats = NDArray[np.float64]

_PENALTIES = tuple(10.0 ** (power / 2) for power in range(2, 11))
_SHARPNESS = tuple(np.geomspace(0.5, 50, 41))


@dataclass(frozen=True)
class Head:
    """Scores of classes, linear in vectors: `vectors @ coefficients + intercepts`; a softmax makes probabilities."""

    coefficients: Floats
    intercepts: Floats


def fitted(vectors: Floats, codes: NDArray[np.int64], classes: int, weights: Floats | None = None) -> Head:
    """Ridge regression on one number a class (Hoerl and Kennard 1970), its scores sharpened to probabilities.

    The penalty and the sharpness are those by which the scores of each row, had it been left out, lose least; these
    have a closed form (Allen 1974, "PRESS"; Rifkin and Lippert 2007).

    Args:
        vectors: (n, width), standardised.
        codes: (n,), from 0.
        weights: (n,), 1 on average; none where all rows weigh alike.
    """
    each = np.ones(len(codes)) if weights is None else np.asarray(weights, dtype=np.float64)
    targets, root = np.eye(classes)[codes], np.sqrt(each)[:, None]
    middle, mean = np.average(vectors, axis=0, weights=each), np.average(targets, axis=0, weights=each)
    u, s, vt = np.linalg.svd((vectors - middle) * root, full_matrices=False)
    turned, best, chosen = u.T @ ((targets - mean) * root), np.inf, (0.0, 1.0)
    for penalty in _PENALTIES:
        shrunk = s**2 / (s**2 + penalty)
        said = mean + (u @ (shrunk[:, None] * turned)) / root
        leverage = u**2 @ shrunk + each / each.sum()
        left_out = targets - (targets - said) / (1 - leverage)[:, None]
        for sharpness in _SHARPNESS:
            logs = log_softmax(sharpness * left_out, axis=1)
            lost = float(-(each * logs[np.arange(len(codes)), codes]).mean())
            if lost < best:
                best, chosen = lost, (penalty, float(sharpness))
    penalty, sharpness = chosen
    slopes = vt.T @ ((s / (s**2 + penalty))[:, None] * turned)
    return Head(coefficients=sharpness * slopes, intercepts=sharpness * (mean - middle @ slopes))
