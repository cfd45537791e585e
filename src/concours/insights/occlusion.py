"""What a model of texts or pictures looks at: what it says when a word is left out, or a part of a picture covered."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise, product
from string import punctuation
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.kernels.scoring.explaining import explained_share, nested_order

Floats = NDArray[np.float64]
Pair = tuple[str, int]
"""A word, and a text that has it by its place among those sampled."""

_WORD = re.compile(r"\S+")
_AROUND = punctuation + "“”‘’«»…–—¿¡"
_TEXTS = 16
_FEWEST_ROWS = 3
_WORDS = 60
_FEWEST_WORDS = 10
_CHARACTERS_A_TEXT = 100_000
_SAMPLE = 200
_TEXTS_A_WORD = 10
_OFTEN = 3
_PAIRS = 3000
_CHARACTERS = 1_000_000
_TOP = 30
_PICTURES = 12
_CELLS = 8


@dataclass(frozen=True, kw_only=True, eq=False)
class Occluded:
    """A model that is shown inputs of which a part is taken away.

    By how much the probability of the class that the model names falls then says what it looks at. Where several parts
    tell the same, each alone may seem to matter little.

    Attributes:
        predict: probabilities (rows, classes) of texts (rows,) or pictures (rows, height, width[, channels]).
        named: the class (rows,) that is named by such.
    """

    predict: Callable[[NDArray[Any]], Floats]
    named: Callable[[Floats], NDArray[np.int64]]

    def falls(self, whole: Floats, left: Floats, counts: Sequence[int]) -> tuple[list[int], list[Floats]]:
        """The class named for each input, and for each of its copies by how much the probability of it is less."""
        named = self.named(whole)
        parts = np.split(left, np.cumsum(counts)[:-1]) if len(counts) else []
        return named.tolist(), [p[code] - part[:, code] for p, part, code in zip(whole, parts, named, strict=True)]


def of_texts(
    model: Occluded, texts: Sequence[str], y: NDArray[np.int64], rows: Sequence[int], *, most: int, seed: int
) -> dict[str, Any]:
    """One word at a time is left out.

    The explained texts, the sampled ones, and all copies of both are predicted together. Where few may be predicted,
    fewer texts are explained, as many as half of them allow and three in any case, and fewer words are tried.

    Args:
        y: true classes (rows,).
        rows: positions of the texts to explain, of which the first 16 are.
        most: how many texts may be predicted.

    Returns:
        rows: the positions that were explained.
        class: the code that the model names for each.
        tokens: for each its first words, at most 60, and fewer of texts of more than about 1,500 characters.
        weights: for each the falls, one a token; negative where leaving the word out makes it more probable.
        words: over up to 200 texts, as many of each class as can be: the words that raise the probability of a class
            most, `{"word", "class", "effect", "count"}`, greatest effect first, at most 30 and each class its share of
            these. The effect is the mean fall over `count` texts, three at least, when the word is left out of them
            wherever it stands. Words are compared without regard to case and to punctuation around them; where they
            are too many, those that best tell the true classes are tried.
    """
    rng, rows = np.random.default_rng(seed), rows[:_TEXTS]
    spans = [_first_words(texts[row]) for row in rows]
    rows = rows[: _first([len(own) + 1 for own in spans], most // 2)]
    spans = spans[: len(rows)]
    copies = [_without(texts[row], [span]) for row, own in zip(rows, spans, strict=True) for span in own]
    chosen = _sample(y, rng)
    sample = [texts[row] for row in chosen]
    words = [_words(text) for text in sample]
    pairs = _pairs(sample, words, y[chosen], most - len(rows) - len(copies), rng)
    held = sorted({place for _, place in pairs})
    without = [_without(sample[place], words[place][word]) for word, place in pairs]
    parts = [[texts[row] for row in rows], copies, [sample[place] for place in held], without]
    p = model.predict(np.asarray([text for part in parts for text in part], dtype=object))
    whole, left, before, after = np.split(p, np.cumsum([len(part) for part in parts])[:-1])
    named, falls = model.falls(whole, left, [len(own) for own in spans])
    return {
        "rows": rows,
        "class": named,
        "tokens": [[texts[row][slice(*span)] for span in own] for row, own in zip(rows, spans, strict=True)],
        "weights": [fall.tolist() for fall in falls],
        "words": _effects(pairs, before[np.searchsorted(held, [place for _, place in pairs])] - after),
    }


def of_pictures(model: Occluded, pictures: NDArray[Any], rows: Sequence[int], *, most: int) -> dict[str, Any]:
    """One of 8 × 8 cells, with half a cell around it, is covered by the picture's mean colour (Zeiler and Fergus 2014).

    The pictures and a copy of each for every cell are predicted together.

    Args:
        pictures: (pictures, height, width[, channels]).
        rows: positions of those to explain, of which the first 12 are.
        most: how many pictures may be predicted; where that is few, fewer are explained, three in any case.

    Returns:
        rows: the positions that were explained.
        class: the code that the model names for each.
        maps: for each the falls, lists of rows of cells; fewer than 8 where the picture has fewer pixels.
    """
    rows = rows[:_PICTURES]
    covered = [_covered(np.asarray(pictures[row])) for row in rows]
    covered = covered[: _first([len(copies) + 1 for copies, _ in covered], most)]
    rows = rows[: len(covered)]
    p = model.predict(np.concatenate([np.asarray(pictures[rows]), *(copies for copies, _ in covered)]))
    named, falls = model.falls(p[: len(rows)], p[len(rows) :], [len(copies) for copies, _ in covered])
    maps = [fall.reshape(shape).tolist() for fall, (_, shape) in zip(falls, covered, strict=True)]
    return {"rows": rows, "class": named, "maps": maps}


def _first(counts: Sequence[int], most: int) -> int:
    """How many of the first rows may be explained, if each takes so many predictions."""
    return max(_FEWEST_ROWS, int(np.searchsorted(np.cumsum(counts), most, side="right")))


def _first_words(text: str) -> list[tuple[int, int]]:
    """Where the words that are left out one by one begin and end."""
    most = int(np.clip(_CHARACTERS_A_TEXT // max(len(text), 1), _FEWEST_WORDS, _WORDS))
    return [found.span() for found in islice(_WORD.finditer(text), most)]


def _without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    for begin, end in sorted(spans, reverse=True):
        text = text[:begin] + text[end:]
    return text


def _words(text: str) -> dict[str, list[tuple[int, int]]]:
    """Where each word of a text stands."""
    found = defaultdict(list)
    for match in _WORD.finditer(text):
        if word := match.group().strip(_AROUND).casefold():
            found[word].append(match.span())
    return found


def _sample(y: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Rows of texts, as many of each class as can be."""
    order = nested_order(y, len(y), rng)
    seen = np.zeros(int(y.max()) + 1, dtype=np.int64)
    turn = np.empty(len(y), dtype=np.int64)
    for place, code in enumerate(y[order]):
        turn[place] = seen[code]
        seen[code] += 1
    return order[np.argsort(turn, kind="stable")[:_SAMPLE]]


def _pairs(
    sample: Sequence[str],
    words: Sequence[Mapping[str, Any]],
    y: NDArray[np.int64],
    most: int,
    rng: np.random.Generator,
) -> list[Pair]:
    """Words and texts that they are left out of, those first which best tell the classes, as far as the cost allows.

    Args:
        most: how many texts may be predicted, those that have the words and their copies without them.
    """
    having: dict[str, list[int]] = defaultdict(list)
    for place, own in enumerate(words):
        for word in own:
            having[word].append(place)
    often = {word: places for word, places in sorted(having.items()) if len(places) >= _OFTEN}
    truth = np.eye(int(y.max()) + 1)[y]
    presence = {word: np.bincount(places, minlength=len(y)) for word, places in often.items()}
    shares = {word: explained_share(found, truth) for word, found in presence.items()}
    pairs: list[Pair] = []
    held = set[int]()
    characters = 0
    for word in sorted(often, key=lambda word: -shares[word]):
        places = rng.permutation(often[word])[:_TEXTS_A_WORD].tolist()
        characters += sum(len(sample[place]) for place in places)
        held.update(places)
        many = len(pairs) + len(places)
        if many > _PAIRS or many + len(held) > most or characters > _CHARACTERS:
            break
        pairs += [(word, place) for place in places]
    return pairs


def _effects(pairs: Sequence[Pair], falls: Floats) -> list[dict[str, Any]]:
    """The words with the greatest mean falls (pairs, classes), each under the class that it falls for most."""
    of_word: dict[str, list[int]] = defaultdict(list)
    for number, (word, _) in enumerate(pairs):
        of_word[word].append(number)
    means = [(word, falls[numbers].mean(axis=0), len(numbers)) for word, numbers in of_word.items()]
    found = [(float(mean.max()), int(mean.argmax()), word, count) for word, mean, count in means if mean.max() > 0]
    found.sort(key=lambda entry: -entry[0])
    turn = Counter[int]()
    first: list[tuple[float, int, str, int]] = []
    rest: list[tuple[float, int, str, int]] = []
    for entry in found:
        turn[entry[1]] += 1
        (first if turn[entry[1]] <= _TOP // falls.shape[1] else rest).append(entry)
    kept = sorted([*first, *rest][:_TOP], key=lambda entry: -entry[0])
    return [{"word": word, "class": code, "effect": effect, "count": count} for effect, code, word, count in kept]


def _covered(picture: NDArray[Any]) -> tuple[NDArray[Any], tuple[int, int]]:
    """A copy of a picture (height, width[, channels]) a cell, which has the mean colour there; the cells' shape."""
    down, across = (_windows(size) for size in picture.shape[:2])
    mean = picture.mean(axis=(0, 1))
    colour = (mean.round() if picture.dtype.kind in "iub" else mean).astype(picture.dtype)
    copies = np.repeat(picture[None], len(down) * len(across), axis=0)
    for copy, (rows, columns) in zip(copies, product(down, across), strict=True):
        copy[rows, columns] = colour
    return copies, (len(down), len(across))


def _windows(size: int) -> list[slice]:
    """What is covered along one side of so many pixels, for each cell: the cell and half of one around it."""
    cells = min(size, _CELLS)
    edges, around = np.linspace(0, size, cells + 1).round().astype(int).tolist(), size // (2 * cells)
    return [slice(max(begin - around, 0), end + around) for begin, end in pairwise(edges)]
