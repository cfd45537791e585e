"""Going on with texts: signs are drawn one at a time, by how probable a model holds each behind what stands there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

Told = Callable[[Sequence[str], Sequence[str]], Floats]
"""From what stands before, and what could stand behind, (n,) each, to the probability of that, (n,)."""


def continued(
    told: Told, prompts: Sequence[str], signs: Sequence[str], *, temperatures: Sequence[float], length: int, seed: int
) -> list[str]:
    """What a model writes behind each prompt, (prompts,), so many signs.

    A model is asked about every sign alone, and so may be any, or a mixture of several.

    Args:
        signs: that may be drawn.
        temperatures: of each prompt: what log-probabilities are divided by; 0 for the most probable sign each time.
        seed: of the chance; the one of a prompt hangs on its place too, so that equal ones go on differently.

    Law: a sign is drawn as often as its probability among all signs says, at a temperature of 1 (by noise of Gumbel's
    law, Gumbel 1954).
    """
    chances = [np.random.default_rng([seed, place]) for place in range(len(prompts))]
    texts = list(prompts)
    for _ in range(length):
        p = told([text for text in texts for _ in signs], [*signs] * len(texts)).reshape(len(texts), len(signs))
        for place, (row, temperature, chance) in enumerate(zip(p, temperatures, chances, strict=True)):
            texts[place] += signs[drawn(row, temperature, chance)]
    return [text[len(prompt) :] for text, prompt in zip(texts, prompts, strict=True)]


def drawn(p: Floats, temperature: float, chance: np.random.Generator) -> int:
    """The place of the sign that is drawn, of probabilities (signs,); at a temperature of 0 the most probable."""
    logs = np.log(np.maximum(p, np.finfo(np.float64).tiny))
    return int((logs / temperature + chance.gumbel(size=len(logs)) if temperature > 0 else logs).argmax())
