"""One rule for `new`, `run` and `predict`: what lies in a file, a folder or an archive is the same rows to all of them."""

from __future__ import annotations

import gzip
import io
import re
import tomllib
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.csv
import pytest
from PIL import Image

from concours import Contest
from concours.api.new import draft
from concours.engine.ingest import ingest
from concours.stores.blobs import get_array, get_table, is_table, texts_in, unit_of_texts
from concours.stores.memory import MemoryStore
from concours.tasks.new_rows import read_inputs

ROWS = 48
WORDS = {"good": "bright warm lovely kind fine", "bad": "dark cold rotten cruel grim"}


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    """Commands run in a folder of their own."""
    monkeypatch.chdir(tmp_path)


def labels(rows: int, names=("good", "bad")) -> list[str]:
    return [names[i % len(names)] for i in range(rows)]


def sentence(label: str, number: int) -> str:
    words = WORDS[label].split()
    return f"a {words[number % 5]} day with {words[(number // 5) % 5]} people, number {number}"


def frame(rows: int = ROWS, *, start: int = 0, target: str = "outcome") -> pd.DataFrame:
    rng = np.random.default_rng(start)
    mood = labels(rows)
    shift = np.where(np.asarray(mood) == "good", 1.0, -1.0)
    return pd.DataFrame(
        {
            "id": [f"r{start + i:04}" for i in range(rows)],
            "size": rng.normal(size=rows) + shift,
            "town": rng.choice(["ulm", "bonn"], rows),
            target: mood,
        }
    )


def picture(label: str, number: int) -> bytes:
    rng = np.random.default_rng(number)
    pixels = rng.normal(200 if label == "good" else 50, 20, (8, 8)).clip(0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()


def csv(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False).encode()


def lines(count: int, form: str = "{text}", only: str | None = None) -> bytes:
    kept = [(label, i) for i, label in enumerate(labels(count)) if only in (None, label)]
    return "\n".join(form.format(label=label, text=sentence(label, i)) for label, i in kept).encode()


def idx(array: np.ndarray) -> bytes:
    head = bytes([0, 0, 8, array.ndim]) + np.asarray(array.shape, ">u4").tobytes()
    return head + array.astype(np.uint8).tobytes()


def npz(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def digits(rows: int, start: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(start)
    y = np.arange(rows) % 2
    return (rng.normal(60 + 120 * y[:, None, None], 10, (rows, 6, 6))).astype(np.uint8), y.astype(np.uint8)


X, Y = digits(ROWS)
X2, Y2 = digits(ROWS // 2, 1)
PICTURES = {f"images/{i:03}.png": picture(label, i) for i, label in enumerate(labels(ROWS))}
NAMED = pd.DataFrame({"file": [f"{i:03}.png" for i in range(ROWS)], "mood": labels(ROWS)})
HALF = ROWS // 2

LAYOUTS = {
    "files a class": ({f"all.{c}": lines(ROWS, only=c) for c in WORDS}, ROWS, 0),
    "texts a folder": ({f"{c}/{i}.txt": sentence(c, i).encode() for i, c in enumerate(labels(ROWS))}, ROWS, 0),
    "texts in parts": (
        {f"{p}/{c}/{i}.txt": sentence(c, i).encode() for p in ("train", "test") for i, c in enumerate(labels(HALF))},
        HALF,
        HALF,
    ),
    "files a class in parts": (
        {f"{part}.{c}": lines(ROWS, only=c) for part in ("train", "test") for c in WORDS},
        ROWS,
        ROWS,
    ),
    "parts by name, a tab": (
        {f"reviews_{part}.txt": lines(ROWS, "{label}\t{text}") for part in ("train", "test")},
        ROWS,
        ROWS,
    ),
    "lines with a colon": ({"said.txt": lines(ROWS, "{label}: {text}")}, ROWS, 0),
    "lines of fasttext": ({"said.txt": lines(ROWS, "__label__{label} {text}")}, ROWS, 0),
    "pictures a folder": ({f"{c}/{i}.png": picture(c, i) for i, c in enumerate(labels(ROWS))}, ROWS, 0),
    "pictures called by class": ({f"{c}.{i}.png": picture(c, i) for i, c in enumerate(labels(ROWS))}, ROWS, 0),
    "pictures in parts": (
        {f"{p}/{c}/{i}.png": picture(c, i) for p in ("train", "valid") for i, c in enumerate(labels(HALF))},
        HALF,
        HALF,
    ),
    "pictures and a table": ({**PICTURES, "labels.csv": csv(NAMED)}, ROWS, 0),
    "pictures and a split": (
        {**PICTURES, "meta.csv": csv(NAMED.assign(split=["train"] * HALF + ["test"] * HALF))},
        HALF,
        HALF,
    ),
    "a table of paths": (
        {**PICTURES, "labels.csv": csv(NAMED.assign(file="images/" + NAMED["file"]))},
        ROWS,
        0,
    ),
    "idx": (
        {
            "train-images-idx3-ubyte.gz": gzip.compress(idx(X)),
            "train-labels-idx1-ubyte.gz": gzip.compress(idx(Y)),
            "t10k-images.idx3-ubyte": idx(X2),
            "t10k-labels.idx1-ubyte": idx(Y2),
        },
        ROWS,
        HALF,
    ),
    "npz": ({"set.npz": npz(train_images=X, train_labels=Y, test_images=X2, test_labels=Y2)}, ROWS, HALF),
    "npz without names": ({"set.npz": npz(arr_0=X, arr_1=Y[:, None])}, ROWS, 0),
    "one table": ({"t.csv": csv(frame())}, ROWS, 0),
    "tables of one form": ({"north.csv": csv(frame()), "south.csv": csv(frame(start=HALF))}, 2 * ROWS, 0),
    "three parts": (
        {
            "train.csv": csv(frame()),
            "valid.csv": csv(frame(start=200)),
            "test.csv": csv(frame(HALF, start=400)),
        },
        2 * ROWS,
        HALF,
    ),
    "shards": (
        {
            "data/train-00000-of-00002.csv": csv(frame()),
            "data/train-00001-of-00002.csv": csv(frame(start=200)),
            "data/test-00000-of-00001.csv": csv(frame(HALF, start=400)),
        },
        2 * ROWS,
        HALF,
    ),
}  # fmt: skip


def laid(folder: Path, files: dict[str, bytes], how: str) -> str:
    """The files as a folder or an archive; where there is only one, itself."""
    if how == "zip":
        with zipfile.ZipFile(folder / "set.zip", "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return "set.zip"
    for name, content in files.items():
        path = folder / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return f"set/{next(iter(files))}" if how == "file" else "set"


def quick(path: Path) -> dict:
    """A contest as `new` wrote it, with one quick entrant instead of its line-up, and no end in time."""
    text = path.read_text()
    kind = tomllib.loads(text)["task"]["kind"]
    text = re.sub(r'lineup = "\w+"', 'lineup = "none"', text)
    text = re.sub(r"folds = \d+", "folds = 2", text)
    text = re.sub(r"budget = .*\n", "", text)
    path.write_text(f'{text}\n[cooperate]\nstrategies = []\n\n[[entrant]]\nname = "one"\nrecipe = "{ENTRANTS[kind]}"\n')
    return tomllib.loads(text)["task"]


ENTRANTS = {
    "tabular-classification": "logistic",
    "tabular-regression": "ridge",
    "text-classification": "naive-bayes",
    "image-classification": "logistic",
}


def predictions(path: str) -> list:
    table = pyarrow.csv.read_csv(path)
    return table["prediction" if "prediction" in table.column_names else table.column_names[-1]].to_pylist()


HOW = ("folder", "zip", "file")
CASES = [(name, how) for name, (files, _, _) in LAYOUTS.items() for how in HOW if how != "file" or len(files) == 1]
THROUGH = {"files a class": "zip", "pictures and a split": "folder", "idx": "folder", "parts by name, a tab": "folder",
           "tables of one form": "folder", "three parts": "zip"}  # fmt: skip
"""Those that go through the whole command line, each in one form: a run takes seconds."""


@pytest.mark.parametrize(("name", "how"), CASES)
def test_the_same_rows_to_all(name, how, tmp_path, monkeypatch):
    """What `new` counts, a run fits and judges on, and `predict` reads, of a file, a folder or an archive."""
    monkeypatch.chdir(tmp_path)
    files, rows, judging = LAYOUTS[name]
    source = laid(Path(), files, how)
    made = draft(source)
    assert made.findings.rows == rows
    Path("contest.toml").write_text(made.text)
    store = MemoryStore()
    task = Contest.from_file("contest.toml").task
    task = replace(task, split=replace(task.split, test=0.0))
    problem = ingest(task, store, seed=0, folder=Path()).problem
    assert (problem.train.rows, problem.test.rows if problem.test else 0) == (rows, judging)
    assert {str(label) for label in problem.output.labels} in ({"good", "bad"}, {"0", "1"})
    told: list[str] = []
    assert len(new_rows(problem, store, source, told)) == rows + judging
    assert not judging or f"{rows:,} rows, then the {judging:,} of its test part" in told[0]


def new_rows(problem, store, source, told):
    """New rows as `predict` reads them."""
    if not is_table(store, problem.train.x):
        return read_inputs(source, get_array(store, problem.train.x), told=told.append)[0]
    table = get_table(store, problem.train.x)
    columns = texts_in(table)
    if columns is None:
        return read_inputs(source, table, told=told.append)[0]
    unit = unit_of_texts(table)
    classes = problem.output.labels
    return read_inputs(source, table.column(0), text=columns, unit=unit, classes=classes, told=told.append)[0]


@pytest.mark.parametrize("name", THROUGH)
def test_from_new_to_predict(name, concours):
    """The whole way by the command line, with no edit but a shorter line-up; predictions are classes."""
    files, rows, judging = LAYOUTS[name]
    source = laid(Path(), files, THROUGH[name])
    code, out, err = concours("new", source)
    assert (code, err) == (0, "")
    assert f": {rows} rows" in out
    quick(Path("contest.toml"))
    code, out, err = concours("run", "contest.toml", "--engine", "inline")
    assert code == 0, err
    if judging:
        assert f"{rows} rows to learn from, {judging} to judge by" in " ".join(out.split())
    code, _, err = concours("predict", "runs/contest", source, "-o", "p.csv")
    assert code == 0, err
    told = predictions("p.csv")
    assert len(told) == rows + judging
    assert set(map(str, told)) <= {"good", "bad", "0", "1"}
