"""Small invented data of each kind: a few dozen rows that teach something, laid as a reader finds them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from concours.tasks.task import Split, Task

_ROWS, _PAIRS, _CLASSES = 90, 60, 3
_NAMES = np.array(["red", "green", "blue"])
_HERE = ("sun", "rain", "wind", "snow", "hill", "lake", "road", "tree", "bird", "stone")
_THERE = ("sole", "pluvo", "vento", "nevo", "monteto", "lago", "vojo", "arbo", "birdo", "ŝtono")
_SPLIT = Split(test=0.3, folds=2)


def classified(folder: Path, seed: int) -> Task:
    """A table of numbers with gaps and words, and a label."""
    rng, codes = np.random.default_rng(seed), np.arange(_ROWS) % _CLASSES
    return _table(folder, rng, codes, _NAMES[codes], "tabular-classification")


def counted(folder: Path, seed: int) -> Task:
    """The same with a number to predict."""
    rng, codes = np.random.default_rng(seed), np.arange(_ROWS) % _CLASSES
    return _table(folder, rng, codes, codes + rng.normal(scale=0.1, size=_ROWS), "tabular-regression")


def texts(folder: Path, seed: int) -> Task:
    """Sentences of which some words tell the label."""
    rng, codes = np.random.default_rng(seed), np.arange(_ROWS) % _CLASSES
    words = np.array(["rain", "sun", "wind", "and", "the", "of"])
    drawn = np.where(rng.random((_ROWS, 8)) < 0.5, codes[:, None], rng.integers(3, 6, size=(_ROWS, 8)))
    said = [" ".join(words[row]) for row in drawn]
    pa.csv.write_csv(pa.table({"text": said, "label": _NAMES[codes]}), folder / "texts.csv")
    data = str(folder / "texts.csv")
    return Task(kind="text-classification", data=data, target="label", text=("text",), split=_SPLIT)


def pictures(folder: Path, seed: int) -> Task:
    """Pictures of 8 by 8, the brighter the later the class."""
    rng, codes = np.random.default_rng(seed), np.arange(_ROWS) % _CLASSES
    x = (rng.random((_ROWS, 8, 8)) + codes[:, None, None]).astype(np.float32)
    np.savez(folder / "pictures.npz", x=x, y=_NAMES[codes])
    return Task(kind="image-classification", data=str(folder / "pictures.npz"), split=_SPLIT)


def translated(folder: Path, seed: int) -> Task:
    """Sentences in two languages, columns of a table."""
    x, y = pairs(np.random.default_rng(seed), _PAIRS)
    pa.csv.write_csv(pa.table({"en": pa.array(x, pa.string()), "eo": y}), folder / "pairs.csv")
    return Task(kind="translation", data=str(folder / "pairs.csv"), text=("en",), target="eo")


def answered(folder: Path, seed: int) -> Task:
    """Sums in words, with a worked solution beside the number that is right; some say it in two ways."""
    rng, counts = np.random.default_rng(seed), ("one", "two", "three", "four", "five")
    rows = []
    for one, other in rng.integers(1, 6, size=(_PAIRS, 2)).tolist():
        bird, place = rng.choice(["birds", "sheep", "horses"]), rng.choice(_HERE)
        told = f"{counts[one - 1].capitalize()} {bird} are at the {place}, and {counts[other - 1]} come."
        text = f"{told} How many {bird} are there?"
        said = [str(one + other), *counts[one + other - 1 : one + other]]
        rows.append({"question": text, "worked": f"{one} + {other} = {one + other}", "answer": said})
    lines = "".join(f"{json.dumps(row)}\n" for row in rows)
    (folder / "sums.jsonl").write_text(lines)
    options = {"question": "question", "answer": "answer", "extract": "whole"}
    data = str(folder / "sums.jsonl")
    metrics = ("exact_match", "f1_tokens", "numeric_match")
    return Task(kind="question-answering", data=data, options=options, drop=("worked",), metrics=metrics, split=_SPLIT)


def requested(folder: Path, seed: int) -> Task:
    """Requests to say a sentence with its words turned round; references do."""
    x, y = pairs(np.random.default_rng(seed), _PAIRS)
    both = zip(x.tolist(), y.to_pylist(), strict=True)
    rows = [{"request": f"Say this: {one}", "reference": other} for one, other in both]
    (folder / "say.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    options = {"question": "request", "answer": "reference"}
    metrics = ("chrf_sentence", "chrf")
    return Task(kind="text-generation", data=str(folder / "say.jsonl"), options=options, metrics=metrics, split=_SPLIT)


def chosen(folder: Path, seed: int) -> Task:
    """Questions of two to six choices, the right one mostly a word of the question; some have it twice."""
    rng, rows = np.random.default_rng(seed), []
    for row in range(_ROWS):
        some = rng.permutation(_HERE)[: rng.integers(2, 6)].tolist()
        right = some[int(rng.integers(len(some)))]
        text = f"The {right if row % 4 else some[0]} is near. What is near?"
        rows.append({"question": text, "choices": [*some, right] if row % 7 == 0 else some, "answer": right})
    (folder / "near.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    options = {"question": "question", "choices": "choices", "answer": "answer"}
    return Task(kind="multiple-choice", data=str(folder / "near.jsonl"), options=options, split=_SPLIT)


def pairs(rng: np.random.Generator, rows: int) -> tuple[NDArray[np.object_], pa.Array]:
    """Sentences (rows,), and what they become: a word for each word, the last two the other way round."""
    words = dict(zip(_HERE, _THERE, strict=True))
    drawn = [rng.choice(_HERE, size=rng.integers(3, 8)).tolist() for _ in range(rows)]
    said = [[words[word] for word in (*some[:-2], some[-1], some[-2])] for some in drawn]
    x = np.array([" ".join(some) for some in drawn], dtype=object)
    return x, pa.array([" ".join(some) for some in said], pa.string())


def _table(
    folder: Path, rng: np.random.Generator, codes: NDArray[np.int64], target: NDArray[np.generic], kind: str
) -> Task:
    numbers = rng.normal(size=(_ROWS, 3)) + codes[:, None]
    gaps = pa.array(numbers[:, 2], mask=rng.random(_ROWS) < 0.1)
    columns = {"length": numbers[:, 0], "width": numbers[:, 1], "sometimes missing": gaps}
    table = pa.table({**columns, "colour": _NAMES[rng.permutation(codes)], "target": target})
    pa.csv.write_csv(table, folder / "rows.csv")
    return Task(kind=kind, data=str(folder / "rows.csv"), target="target", split=_SPLIT)


def boxed(folder: Path, seed: int) -> Task:
    """Grey pictures with red discs and blue squares, with annotations as Pascal VOC has them."""
    from PIL import Image

    rng, main = np.random.default_rng(seed), folder / "shapes" / "ImageSets" / "Main"
    for place in (folder / "shapes" / "JPEGImages", folder / "shapes" / "Annotations", main):
        place.mkdir(parents=True)
    for row in range(_ROWS):
        picture = rng.integers(100, 120, (48, 64, 3)).astype(np.uint8)
        objects = "".join(_drawn(picture, rng) for _ in range(rng.integers(1, 4)))
        Image.fromarray(picture).save(folder / "shapes" / "JPEGImages" / f"{row:03}.png")
        (folder / "shapes" / "Annotations" / f"{row:03}.xml").write_text(f"<annotation>{objects}</annotation>")
    for part, rows in (("trainval", range(60)), ("test", range(60, _ROWS))):
        (main / f"{part}.txt").write_text("".join(f"{row:03}\n" for row in rows))
    return Task(kind="object-detection", data=str(folder / "shapes"), split=_SPLIT)


def masked(folder: Path, seed: int) -> Task:
    """The same discs and squares, with a mask in a PNG file of its own for each picture."""
    from PIL import Image

    rng = np.random.default_rng(seed)
    for place in (folder / "shapes" / "images", folder / "shapes" / "masks"):
        place.mkdir(parents=True)
    for row in range(_PAIRS):
        picture = rng.integers(100, 120, (24, 32, 3)).astype(np.uint8)
        for _ in range(rng.integers(1, 3)):
            _drawn(picture, rng, sides=(3, 5))
        mask = np.where(picture[:, :, 0] > 200, 1, np.where(picture[:, :, 2] > 200, 2, 0)).astype(np.uint8)
        Image.fromarray(picture).save(folder / "shapes" / "images" / f"{row:03}.png")
        Image.fromarray(mask).save(folder / "shapes" / "masks" / f"{row:03}.png")
    return Task(kind="segmentation", data=str(folder / "shapes"), labels={"0": "grey"}, split=_SPLIT)


def tones(folder: Path, seed: int) -> Task:
    """Tones in noise, the higher the later the class, of different lengths, as WAV files in a folder a class."""
    from scipy.io import wavfile

    rng = np.random.default_rng(seed)
    for row in range(_ROWS):
        label = row % _CLASSES
        time = np.arange(int(rng.integers(1200, 2400))) / 8000
        wave = np.sin(2 * np.pi * (300 * 2**label + rng.normal(scale=20)) * time) + rng.normal(size=len(time))
        (folder / "tones" / _NAMES[label]).mkdir(parents=True, exist_ok=True)
        wavfile.write(folder / "tones" / _NAMES[label] / f"{row:03}.wav", 8000, (4000 * wave).astype(np.int16))
    return Task(kind="audio-classification", data=str(folder / "tones"), split=_SPLIT)


def moving(folder: Path, seed: int) -> Task:
    """A bright spot that goes to the left, to the right, or stays, as an array a clip, in a folder a class."""
    rng = np.random.default_rng(seed)
    for row in range(_ROWS):
        clip = rng.integers(0, 60, (6, 10, 12, 3)).astype(np.uint8)
        place = np.array([8, 2, 5])[row % _CLASSES] + np.array([-1, 1, 0])[row % _CLASSES] * np.arange(6)
        for frame, across in zip(clip, place, strict=True):
            frame[int(rng.integers(3, 6)) :, across : across + 2] += 150
        (folder / "clips" / _NAMES[row % _CLASSES]).mkdir(parents=True, exist_ok=True)
        np.save(folder / "clips" / _NAMES[row % _CLASSES] / f"{row:03}.npy", clip)
    return Task(kind="video-classification", data=str(folder / "clips"), split=_SPLIT)


def _drawn(picture: NDArray[np.uint8], rng: np.random.Generator, sides: tuple[int, int] = (5, 9)) -> str:
    """Draws a disc or a square, and says where."""
    height, width = picture.shape[:2]
    radius, disc = int(rng.integers(*sides)), bool(rng.integers(2))
    x, y = int(rng.integers(radius, width - radius)), int(rng.integers(radius, height - radius))
    down, across = np.mgrid[:height, :width]
    off = np.hypot(down - y, across - x) if disc else np.maximum(abs(down - y), abs(across - x))
    picture[off < radius] = (220, 40, 40) if disc else (40, 40, 220)
    corners = {"xmin": x - radius, "ymin": y - radius, "xmax": x + radius, "ymax": y + radius}
    box = "".join(f"<{side}>{value}</{side}>" for side, value in corners.items())
    return f"<object><name>{'disc' if disc else 'square'}</name><bndbox>{box}</bndbox></object>"
