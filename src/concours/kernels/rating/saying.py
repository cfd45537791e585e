"""Whether a model says one and the same thing to everything, as one does that cheats a judge (Zheng et al. 2024)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_MUCH: Final = 0.5
"""The share of what a model said from which on it is told."""
_SHOWN: Final = 200


@dataclass(frozen=True, kw_only=True)
class OneText:
    """A text that a model says to much of what it is asked.

    Attributes:
        share: of its answers that are this text.
        text: the beginning of it.
    """

    share: float
    text: str


def one_text(said: Sequence[str]) -> OneText | None:
    """The text that is half of what was said or more; none where there is no such, or it was said once."""
    counted = Counter(text for text in said if text.strip()).most_common(1)
    if not counted or counted[0][1] == 1:
        return None
    text, times = counted[0]
    share = times / len(said)
    return OneText(share=share, text=text[:_SHOWN]) if share >= _MUCH else None
