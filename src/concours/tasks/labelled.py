"""Labels of pixels as they are read, before anybody knows which classes there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from concours.kernels.scoring.masks import VOID

MOST: Final = VOID
"""Labels that masks may have."""


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """Masks.

    Attributes:
        codes: uint8 (rows, height, width), places in `labels`; `VOID` where there is none.
        labels: whole numbers or texts.
    """

    codes: NDArray[np.uint8]
    labels: tuple[Any, ...]

    def __len__(self) -> int:
        return len(self.codes)
