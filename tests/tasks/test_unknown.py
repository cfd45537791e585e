"""What is known and not learned from yet is named, with what can be done; what can be learned from is not taken for it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from concours.core.errors import DataError
from concours.tasks.discovery import discover
from concours.tasks.sources import find_source

RNG = np.random.default_rng(0)
DAYS = pd.date_range("2024-03-01", periods=120)
LONG = [f"this is what the number {i} says about all of it, at some length" for i in range(60)]
SHORT = [f"what number {i} says, made shorter than it was" for i in range(60)]


def noise(rows: int = 120) -> np.ndarray:
    return RNG.normal(size=rows).round(3)


def runs(count: int, steps: int) -> dict:
    return {
        "unit": np.repeat(np.arange(1, count + 1), steps),
        "cycle": np.tile(np.arange(1, steps + 1), count),
        **{f"s{i}": noise(count * steps) for i in range(4)},
    }


def csv(columns: dict) -> bytes:
    return pd.DataFrame(columns).to_csv(index=False).encode()


def records(*rows: dict) -> bytes:
    return b"\n".join(json.dumps(row).encode() for row in rows)


def picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (8, 8)).save(buffer, "png")
    return buffer.getvalue()


PICTURES = {f"img/{i}.png": picture() for i in range(4)}
BOX = b"<annotation><object><name>a</name><bndbox><xmin>1</xmin></bndbox></object></annotation>"
COCO = json.dumps({"images": [], "annotations": [{"bbox": [1, 2, 3, 4]}], "categories": []}).encode()
VOTES = {"model_a": ["x", "y"] * 30, "model_b": ["z", "x"] * 30, "winner": ["model_a", "tie"] * 30}

UNKNOWN = {
    "sound": ({f"{c}/{i}.{e}": b"RIFF" for c in "ab" for i, e in enumerate(("wav", "flac", "mp3"))}, "recordings of sound"),
    "films": ({f"{c}/{i}.mp4": b"\0" for c in "ab" for i in range(3)}, "films"),
    "boxes of Pascal": ({**PICTURES, **{f"xml/{i}.xml": BOX for i in range(4)}}, r"boxes in them \(Pascal VOC\)"),
    "boxes of YOLO": ({**PICTURES, **{f"txt/{i}.txt": b"0 0.5 0.5 0.1 0.2\n" for i in range(4)}}, r"boxes in them \(YOLO\)"),
    "boxes of COCO": ({**PICTURES, "instances.json": COCO}, r"boxes in them \(COCO\)"),
    "boxes in a table": ({"b.csv": csv({k: range(9) for k in ("xmin", "ymin", "xmax", "ymax")})}, "boxes in pictures"),
    "one series": ({"s.csv": csv({"ds": DAYS, "y": noise()})}, "forecast it, by `concours new FILE --kind forecasting`"),
    "series of shops": ({"s.csv": csv({"day": DAYS, "shop": ["a", "b", "c"] * 40, "sold": noise()})}, "3 series"),
    "many series": ({"s.csv": csv({"date": DAYS, **{f"v{i}": noise() for i in range(5)}})}, "--target v4"),
    "series by calendar": (
        {"s.csv": csv({"year": DAYS.year, "month": DAYS.month, "day": DAYS.day, "a": noise(), "b": noise(), "c": noise()})},
        "in the order of a time .*by year, month, day.*once its time is one column of dates",
    ),
    "dates as columns": (
        {"s.csv": csv({"shop": list("abcdefgh"), **{f"2024-{m:02}": noise(8) for m in range(1, 13)}})},
        "12 times as columns",
    ),
    "two languages": ({"t.en": b"one\ntwo\n", "t.de": b"eins\nzwei\n"}, "in two languages"),
    "pairs of texts": ({"t.tsv": "\n".join(f"{a}\t{b}" for a, b in zip(LONG, SHORT, strict=True)).encode()}, "pairs of texts"),
    "translations": ({"t.jsonl": records(*({"translation": {"en": t, "de": t}} for t in LONG))}, "two languages"),
    "questions": (
        {"q.jsonl": records(*({"question": t, "choices": ["a", "b"], "answer": "a"} for t in LONG))},
        "questions and answers",
    ),
    "instructions": (
        {"q.json": json.dumps([{"instruction": t, "output": t} for t in LONG]).encode()},
        "questions and answers",
    ),
    "which model was right": (
        {"q.csv": csv({"prompt": LONG, "big": [True, False] * 30, "small": [False, False, True] * 20})},
        "which of several models was right",
    ),
    "votes": ({"v.csv": csv(VOTES)}, "concours rate"),
    "votes among others": ({"v.csv": csv(VOTES), "answers.csv": csv({"id": range(60), "text": LONG})}, "concours rate .*v.csv"),
    "evaluated answers": (
        {"v.json": json.dumps([{"instruction": t, "response1": t, "response2": t, "annotator1": 1} for t in LONG]).encode()},
        "pairs of answers that were evaluated",
    ),
    "ratings": (
        {"r.csv": csv({"userId": np.arange(120) % 11, "movieId": np.arange(120) % 7, "rating": np.arange(120) % 5 + 1})},
        "holds ratings",
    ),
    "runs": ({"r.csv": csv(runs(5, 30))}, "5 runs of sensors"),
    "prose": (
        {"book.txt": "\n".join(f"It was {'very ' * (i % 4)}late{', and dark' * (i % 3)} in the house." for i in range(60)).encode()},
        "lines of text and no labels",
    ),
}  # fmt: skip


def laid(folder: Path, files: dict[str, bytes]) -> str:
    for name, content in files.items():
        (folder / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "set" / name).write_bytes(content)
    return str(folder / "set")


@pytest.mark.parametrize("name", UNKNOWN)
def test_named(name, tmp_path):
    """Three lines at most: what it is, that Concours does not learn from it yet, and what can be done today."""
    files, words = UNKNOWN[name]
    with pytest.raises(DataError, match=f"(?s){words}") as error:
        looked_into(laid(tmp_path, files))
    text = str(error.value)
    assert len(text.splitlines()) <= 3
    assert "can do" in text
    assert "  " not in text
    assert "is no text" not in text


def looked_into(source: str):
    found = find_source(source)
    return discover(found.opened, found.opened_test, guide=found.guide)


FINE = {
    "a date among labels": {"date": DAYS, "a": noise(), "b": noise(), "class": ["u", "v", "w"] * 40},
    "a user and a rating": {"user_id": np.arange(120), "age": noise(), "town": ["a", "b"] * 60, "rating": noise()},
    "a title and a label": {"title": LONG, "text": LONG, "label": ["fake", "true"] * 30},
    "a question and its class": {"question": LONG, "answer": SHORT, "category": ["a", "b", "c"] * 20},
    "numbers of years": {"1999": noise(), "2000": noise(), "kind": ["u", "v"] * 60},
    "units without cycles": {"unit": np.arange(120) // 6, **{f"s{i}": noise() for i in range(4)}, "y": noise()},
}


@pytest.mark.parametrize("name", FINE)
def test_not_taken_for_it(name, tmp_path):
    """Tables that share a column or two with these, and have a target, are tasks."""
    found = find_source(laid(tmp_path, {"t.csv": csv(FINE[name])}))
    assert discover(found.opened).target


def test_a_named_target_goes_on(tmp_path):
    """Whoever names a target has decided: a series is then a regression, evaluated on its latest rows."""
    source = laid(tmp_path, UNKNOWN["many series"][0])
    found = discover(find_source(source).opened, target="v4")
    assert (found.target.name, found.kind.name, found.time.name) == ("v4", "tabular-regression", "date")
