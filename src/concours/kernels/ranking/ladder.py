"""The Ladder: a public board that cannot be climbed by chance (Blum and Hardt 2015), without a parameter.

Who may send again and again, and sees each score, learns the public rows instead of the task. So what is shown of a
team changes only where an entry is better than the one that was shown by more than the standard error of their paired
difference; all else shows what was shown before. (The paper also rounds what is shown to one part in as many as there
are rows; scores here are shown as they are, as those of entries that climbed alone are.)

Source: Blum and Hardt 2015, "The Ladder: a reliable leaderboard for machine learning competitions", ICML, algorithm 2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from concours.kernels.scoring.scores import Means

Floats = NDArray[np.float64]


def climbs(scores: Means, *, greater_is_better: bool) -> bool:
    """Whether the second of two is better than the first by more than the standard error of their difference.

    Laws: an entry never climbs over itself; of means of rows the standard error is that of the paired differences.
    """
    gained = float(scores.means[1] - scores.means[0]) * (1 if greater_is_better else -1)
    variance = scores.covariance[0, 0] + scores.covariance[1, 1] - 2 * scores.covariance[0, 1]
    return bool(gained > np.sqrt(max(float(variance), 0.0)) and gained > 0)
