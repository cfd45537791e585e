"""Which words of what was said come from which words of what was read, told by leaving these out one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import SequenceMatcher

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def by_leaving_out(
    translate: Callable[[Sequence[str]], Sequence[str]],
    words: Callable[[str], Sequence[str]],
    texts: Sequence[str],
    said: Sequence[str],
    *,
    most: int,
) -> list[Floats]:
    """What becomes of a text when one of its words is left out: the words of the other that then are gone hang on it.

    Two texts are laid side by side by their longest common parts (Ratcliff and Obershelp 1988). All copies are asked
    about together. Law: a row sums to 1, or to 0 where no word is gone whichever is left out.

    Args:
        translate: what is said of each text.
        words: of a text, in their order; joined they are the text.
        texts, said: (rows,) those that are explained, and what is said of them.
        most: words of a text that are left out, from the first.

    Returns:
        of each row (words of what is said, words of the text).
    """
    parts = [list(words(text)) for text in texts]
    copies = ["".join(own[:place] + own[place + 1 :]).strip() for own in parts for place in range(min(len(own), most))]
    told = iter(translate(copies) if copies else ())
    found = []
    for own, text in zip(parts, said, strict=True):
        whole = [word.strip() for word in words(text)]
        gone = np.zeros((len(whole), len(own)))
        for place in range(min(len(own), most)):
            gone[:, place] = _gone(whole, [word.strip() for word in words(next(told))])
        sums = gone.sum(axis=1, keepdims=True)
        found.append(np.divide(gone, sums, out=np.zeros_like(gone), where=sums > 0))
    return found


def _gone(whole: Sequence[str], left: Sequence[str]) -> NDArray[np.bool_]:
    """(words,) which of some words have no counterpart among others."""
    gone = np.ones(len(whole), dtype=bool)
    for block in SequenceMatcher(None, whole, left, autojunk=False).get_matching_blocks():
        gone[block.a : block.a + block.size] = False
    return gone
