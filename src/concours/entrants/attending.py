"""Which words of a text a network that translates looks at, where it says each word of another one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from concours.entrants.nbest import tokens
from concours.entrants.subwords import BEGIN, Subwords
from concours.entrants.translators import NeuralTranslator

Floats = NDArray[np.float64]


def attends(estimator: Any) -> bool:
    """Whether it is a fitted network of the zoo that looks at a text while it says another."""
    return isinstance(estimator, NeuralTranslator)


@torch.inference_mode()
def attention(estimator: NeuralTranslator, text: str, said: str) -> Floats:
    """How much the network looks at each word of a text where it says each word of another (Bahdanau et al. 2015).

    Words and signs are those of `entrants.nbest.tokens`. Of the pieces of a word that is read weights are summed, of
    those of one that is said they are averaged. Law: each row sums to 1; of words beyond what the network reads or says
    all are 0.

    Args:
        estimator: fitted, of those that are `attends`.

    Returns:
        (words of `said`, words of `text`).
    """
    read, told = (_numbers(estimator.subwords_, one, estimator.length) for one in (text, said))
    found = np.zeros((len(tokens(said)), len(tokens(text))))
    if not read or not told:
        return found
    network = estimator.network_.body
    device = next(network.parameters()).device
    source = torch.tensor([[number for _, number in read]], device=device)
    before = torch.tensor([[BEGIN, *(number for _, number in told[:-1])]], device=device)
    weights = network.attention(before, network.remember(source))[0].double().cpu().numpy()
    counts = np.bincount([word for word, _ in told], minlength=len(found))
    for place, (word, _) in enumerate(told):
        np.add.at(found[word], [own for own, _ in read], weights[place] / counts[word])
    return found


def _numbers(subwords: Subwords, text: str, most: int) -> Sequence[tuple[int, int]]:
    """The pieces of a text, at most so many, each with the word that it is of."""
    each = [(word, number) for word, token in enumerate(tokens(text)) for number in subwords.encode_word(token)]
    return each[:most]
