"""What a model of texts or pictures looks at: what it says when a word is left out, or a part of a picture covered."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice, pairwise, product
from string import punctuation
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.rows import get_rows
from concours.engine.runners.explain import affordable, predicted, told
from concours.engine.runners.score import metrics_of
from concours.engine.work import JobResult
from concours.kernels.scoring.explaining import explained_share, nested_order
from concours.stores.values import get_values

Floats = NDArray[np.float64]
Pair = tuple[str, int]
"""A word, and a text that has it by its place among those sampled."""

_WORD = re.compile(r"\S+")
_AROUND = punctuation + "“”‘’«»…–—¿¡"
_TEXTS = 16
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


def occlude(job: Job, store: Store) -> JobResult:
    """By how much the probability of the class that the model names falls when a part of the input is taken away.

    Of a text one word at a time is left out; of a picture one of 8 × 8 cells, with half a cell around it, is covered by
    the picture's mean colour (Zeiler and Fergus 2014). Where several parts tell the same, each alone may seem to matter
    little.

    Inputs: `x`, `y` of the test part. Params: `model`, `parents`, those of the metrics, and `rows`: positions of
    the texts (at most 16) or pictures (at most 12) to explain. Values:
        rows: the positions that were explained.
        class: the code that the model names for each.
        tokens: of texts, for each its first words, at most 60, and fewer of texts of more than about 1,500 characters.
        weights: of texts, for each the falls, one a token; negative where leaving the word out makes it more probable.
        words: over up to 200 texts, as many of each class as can be: the words that raise the probability of a class
            most, `{"word", "class", "effect", "count"}`, greatest effect first, at most 30 and each class its share of
            these. The effect is the mean fall over `count` texts, three at least, when the word is left out of them
            wherever it stands. Words are compared without regard to case and to punctuation around them; where they
            are too many, those that best tell the true classes are tried.
        maps: of pictures, for each the falls, lists of rows of cells; fewer than 8 where the picture has fewer pixels.
    """
    x, rows = get_rows(store, job.inputs["x"]), list(job.params["rows"])
    if x.ndim == 1:
        y = get_values(store, job.inputs["y"])
        return JobResult(values=_texts(job, store, [text or "" for text in x], y, rows[:_TEXTS]))
    return JobResult(values=_pictures(job, store, x, rows[:_PICTURES]))


def _texts(job: Job, store: Store, texts: Sequence[str], y: NDArray[np.int64], rows: list[int]) -> dict[str, Any]:
    """The explained texts, the sampled ones, and all copies of both are predicted together."""
    rng = np.random.default_rng(job.seed)
    spans = [_first_words(texts[row]) for row in rows]
    copies = [_without(texts[row], [span]) for row, own in zip(rows, spans, strict=True) for span in own]
    chosen = _sample(y, rng)
    sample = [texts[row] for row in chosen]
    words = [_words(text) for text in sample]
    pairs = _pairs(sample, words, y[chosen], min(_PAIRS, affordable(job)), rng)
    without = [_without(sample[place], words[place][word]) for word, place in pairs]
    parts = [[texts[row] for row in rows], copies, sample, without]
    p = predicted(job, store, np.asarray([text for part in parts for text in part], dtype=object))
    whole, left, before, after = np.split(p, np.cumsum([len(part) for part in parts])[:-1])
    named, falls = _falls(job, whole, left, [len(own) for own in spans])
    return {
        "rows": rows,
        "class": named,
        "tokens": [[texts[row][slice(*span)] for span in own] for row, own in zip(rows, spans, strict=True)],
        "weights": [fall.tolist() for fall in falls],
        "words": _effects(pairs, before[[place for _, place in pairs]] - after),
    }


def _pictures(job: Job, store: Store, x: NDArray[Any], rows: list[int]) -> dict[str, Any]:
    """The pictures and a copy of each for every cell are predicted together."""
    covered = [_covered(np.asarray(x[row])) for row in rows]
    p = predicted(job, store, np.concatenate([np.asarray(x[rows]), *(copies for copies, _ in covered)]))
    named, falls = _falls(job, p[: len(rows)], p[len(rows) :], [len(copies) for copies, _ in covered])
    maps = [fall.reshape(shape).tolist() for fall, (_, shape) in zip(falls, covered, strict=True)]
    return {"rows": rows, "class": named, "maps": maps}


def _falls(job: Job, whole: Floats, left: Floats, counts: Sequence[int]) -> tuple[list[int], list[Floats]]:
    """The class named for each input, and for each of its copies by how much the probability of that class is less."""
    named = told(job, metrics_of(job)[0], whole).argmax(axis=1)
    parts = np.split(left, np.cumsum(counts)[:-1]) if len(counts) else []
    return named.tolist(), [p[code] - part[:, code] for p, part, code in zip(whole, parts, named, strict=True)]


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
    """Words and texts that they are left out of, those first which best tell the classes, as far as the cost allows."""
    having: dict[str, list[int]] = defaultdict(list)
    for place, own in enumerate(words):
        for word in own:
            having[word].append(place)
    often = {word: places for word, places in sorted(having.items()) if len(places) >= _OFTEN}
    truth = np.eye(int(y.max()) + 1)[y]
    presence = {word: np.bincount(places, minlength=len(y)) for word, places in often.items()}
    shares = {word: explained_share(found, truth) for word, found in presence.items()}
    pairs: list[Pair] = []
    characters = 0
    for word in sorted(often, key=lambda word: -shares[word]):
        places = rng.permutation(often[word])[:_TEXTS_A_WORD].tolist()
        characters += sum(len(sample[place]) for place in places)
        if len(pairs) + len(places) > most or characters > _CHARACTERS:
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
