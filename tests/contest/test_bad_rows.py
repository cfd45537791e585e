"""What is wrong with one row, by kind of task: named with its file, skipped only where the contest says so, and counted."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.io import wavfile

ROWS = 24
_END = """split = {{ test = 0.25, folds = 2 }}
[compete]
lineup = "none"
[cooperate]
strategies = []
[[entrant]]
recipe = "{recipe}"
"""


@dataclass(frozen=True, kw_only=True)
class Bad:
    """Data of a kind with one bad row.

    Attributes:
        keys: of `[task]`, as TOML.
        lay: writes the data into the folder of the contest.
        refused: words of the message that ends the command; none where such a row is mended.
        told: words that the command and the report say of the row once it is skipped, or mended.
        recipe: an entrant of the kind.
    """

    keys: str
    lay: Callable[[], None]
    told: tuple[str, ...]
    refused: tuple[str, ...] = ()
    recipe: str = "dummy"


def _png(side: int = 8, light: int = 0) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((side, side, 3), light, dtype=np.uint8)).save(file, "png")
    return file.getvalue()


def _put(name: str, content: bytes | str) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())


def _pictures(bad: bytes) -> Callable[[], None]:
    def lay() -> None:
        for row in range(ROWS):
            _put(f"set/{'ab'[row % 2]}/{row:02}.png", _png(light=10 * row))
        _put("set/a/99.png", bad)

    return lay


def _table_of_pictures() -> None:
    for row in range(ROWS):
        _put(f"set/{row:02}.png", _png(light=10 * row))
    rows = [["file", "label"], *([f"{row:02}.png", "ab"[row % 2]] for row in range(ROWS)), ["99.png", "a"]]
    with open("set/labels.csv", "w", newline="") as file:
        csv.writer(file).writerows(rows)


def _wave(name: str, rate: int = 8000) -> None:
    file = io.BytesIO()
    wavfile.write(file, rate, np.random.default_rng(0).integers(-900, 900, rate // 8).astype(np.int16))
    _put(name, file.getvalue())


def _sounds(*, broken: bytes | None = None) -> Callable[[], None]:
    def lay() -> None:
        for row in range(ROWS):
            _wave(f"set/{'ab'[row % 2]}/{row:02}.wav")
        if broken is None:
            _wave("set/a/99.wav", rate=16000)
        else:
            _put("set/a/99.wav", broken)

    return lay


def _lines(*bad: str, first: str = "text,label") -> Callable[[], None]:
    good = (f"some words {row},{'ab'[row % 2]}" for row in range(ROWS))
    return lambda: _put("set.csv", "\n".join([first, *good, *bad]) + "\n")


def _pairs() -> None:
    _put("set.tsv", "\n".join(["en\tde", *(f"one {row}\teins {row}" for row in range(ROWS)), "two\t "]) + "\n")


def _records(*bad: dict[str, object]) -> Callable[[], None]:
    good = ({"text": f"Day {row}. It rained.", "short": [f"rain on day {row}"]} for row in range(ROWS))
    return lambda: _put("set.jsonl", "".join(f"{json.dumps(row)}\n" for row in (*good, *bad)))


def _couples(*bad: str) -> Callable[[], None]:
    rows = [[f"one {row}", f"other {row}", "ab"[row % 2]] for row in range(ROWS)]

    def lay() -> None:
        with open("set.csv", "w", newline="") as file:
            csv.writer(file).writerows([["text1", "text2", "label"], *rows, bad])

    return lay


def _listed_sounds() -> None:
    for row in range(ROWS + 1):
        _wave(f"set/{row:02}.wav")
    lines = [f"{row:02}.wav,{'ab'[row % 2]}" for row in range(ROWS)]
    _put("set/labels.csv", "\n".join(["file,label", *lines, f"{ROWS}.wav,"]) + "\n")


def _boxes(*bad: object) -> Callable[[], None]:
    def lay() -> None:
        for row in range(ROWS):
            _put(f"set/{row:02}.png", _png(16, light=10 * row))
        rows = [[f"{row:02}.png", "cell", 2, 2, 9, 9] for row in range(ROWS)]
        with open("set/boxes.csv", "w", newline="") as file:
            csv.writer(file).writerows([["image", "label", "xmin", "ymin", "xmax", "ymax"], *rows, bad])

    return lay


def _masks(*, size: int = 8, mask: bytes | None = None) -> Callable[[], None]:
    """Pictures and masks of the same names, of which the last mask is another one."""

    def lay() -> None:
        for row in range(ROWS):
            labels = np.zeros((8, 8), dtype=np.uint8)
            labels[row % 3 : row % 3 + 3, 2:5] = 1
            _put(f"set/images/{row:02}.png", _png(light=10 * row))
            _put(f"set/masks/{row:02}.png", _grey(labels))
        _put("set/images/99.png", _png())
        _put("set/masks/99.png", _grey(np.ones((size, size), dtype=np.uint8)) if mask is None else mask)

    return lay


def _grey(labels: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(labels).save(file, "png")
    return file.getvalue()


def _captions(*bad: str) -> Callable[[], None]:
    def lay() -> None:
        for row in range(ROWS):
            _put(f"set/{row:02}.png", _png(light=10 * row))
        rows = [["file", "caption"], *([f"{row:02}.png", f"a grey square, {row}"] for row in range(ROWS)), bad]
        with open("set/captions.csv", "w", newline="") as file:
            csv.writer(file).writerows(rows)

    return lay


def _clips() -> None:
    for row in range(ROWS):
        file = io.BytesIO()
        np.savez(file, np.full((3, 8, 8, 3), 10 * row, dtype=np.uint8))
        _put(f"set/{'ab'[row % 2]}/{row:02}.npz", file.getvalue())
    _put("set/a/99.npz", b"no array")


def _spoken() -> None:
    lines = []
    for row in range(ROWS):
        _wave(f"set/{row:02}.wav")
        lines.append({"path": f"{row:02}.wav", "text": f"{('one', 'two')[row % 2]} three"})
    _wave("set/99.wav")
    lines.append({"path": "99.wav", "text": " "})
    _put("set/all.jsonl", "".join(f"{json.dumps(line)}\n" for line in lines))


_IMAGES = 'kind = "image-classification"\ndata = "set"'
_SOUNDS = 'kind = "audio-classification"\ndata = "set"'
_TEXTS = 'kind = "text-classification"\ndata = "set.csv"\ntext = "text"\ntarget = "label"'
_BOXES = 'kind = "object-detection"\ndata = "set"'

BAD = {
    "a broken picture": Bad(
        keys=_IMAGES,
        lay=_pictures(b"no picture"),
        refused=("99.png", "no picture that can be read", 'on_bad_row = "skip"'),
        told=("1 picture left out as broken", "99.png"),
    ),
    "a picture that ends too soon": Bad(
        keys=_IMAGES,
        lay=_pictures(_png(64)[:60]),
        refused=("99.png", "no picture that can be read", 'on_bad_row = "skip"'),
        told=("1 picture left out as broken", "99.png"),
    ),
    "a table that names a picture that is not there": Bad(
        keys=_IMAGES,
        lay=_table_of_pictures,
        refused=("labels.csv", "1 of 25 rows name no picture", "'99.png'", 'on_bad_row = "skip"'),
        told=("labels.csv: 1 row without a picture left out", "99.png"),
    ),
    "a broken sound": Bad(
        keys=_SOUNDS,
        lay=_sounds(broken=b"no sound"),
        refused=("99.wav", "no sound that can be read", 'on_bad_row = "skip"'),
        told=("1 sound left out as broken", "99.wav"),
    ),
    "an empty sound": Bad(
        keys=_SOUNDS,
        lay=_sounds(broken=b""),
        refused=("99.wav", 'on_bad_row = "skip"'),
        told=("1 sound left out as broken", "99.wav"),
    ),
    "a sound of another rate": Bad(keys=_SOUNDS, lay=_sounds(), told=("1 of 25 sounds", "resampled", "99.wav")),
    "a text that is empty": Bad(
        keys=_TEXTS,
        lay=_lines(",a", "  ,b"),
        refused=("set.csv", "row 25", "2 such texts of 26", 'on_bad_row = "skip"'),
        told=("2 empty texts were left out", "row 25"),
    ),
    "a text without a label": Bad(
        keys=_TEXTS,
        lay=_lines("some words,", "more words,"),
        refused=("set.csv", "'label' is missing in 2 of 26 rows, first in row 25", 'on_bad_row = "skip"'),
        told=("2 rows without the target", "row 25"),
    ),
    "a row of a table without the target": Bad(
        keys='kind = "tabular-regression"\ndata = "set.csv"\ntarget = "y"',
        lay=lambda: _put("set.csv", "x,y\n" + "".join(f"{row},{row * 1.5}\n" for row in range(ROWS)) + "7,\n"),
        refused=("set.csv", "'y' is missing in 1 of 25 rows, first in row 25", 'on_bad_row = "skip"'),
        told=("1 row without the target", "row 25"),
    ),
    "a pair without a label": Bad(
        keys='kind = "text-pairs"\ndata = "set.csv"\ntarget = "label"',
        lay=_couples("one", "other", ""),
        refused=("set.csv", "'label' is missing in 1 of 25 rows, first in row 25", 'on_bad_row = "skip"'),
        told=("1 row without the target", "row 25"),
    ),
    "a sound without a label": Bad(
        keys=_SOUNDS,
        lay=_listed_sounds,
        refused=("set", "'label' is missing in 1 of 25 rows, first in row 25", 'on_bad_row = "skip"'),
        told=("1 row without the target", "row 25"),
    ),
    "a pair with an empty side": Bad(
        keys='kind = "translation"\ndata = "set.tsv"\ntext = "en"\ntarget = "de"',
        lay=_pairs,
        refused=("set.tsv", "row 25", 'on_bad_row = "skip"'),
        told=("1 ",),
        recipe="copy",
    ),
    "a text without a summary": Bad(
        keys='kind = "summarization"\ndata = "set.jsonl"\ntext = "text"\ntarget = "short"',
        lay=_records({"text": "A day. It rained.", "short": []}, {"text": " ", "short": ["rain"]}),
        refused=("set.jsonl", "row 25", "short is empty", "2 such pairs of 26", 'on_bad_row = "skip"'),
        told=("2 pairs with an empty side were left out", "row 25"),
        recipe="lead",
    ),
    "a pair of texts of which one is empty": Bad(
        keys='kind = "text-pairs"\ndata = "set.csv"\ntarget = "label"',
        lay=_couples("one", " ", "a"),
        refused=("set.csv", "row 25", "'text2' is empty", 'on_bad_row = "skip"'),
        told=("1 pairs without one of the texts were left out", "row 25"),
    ),
    "a mask of another size": Bad(
        keys='kind = "segmentation"\ndata = "set"',
        lay=_masks(size=6),
        refused=("99.png", "6 × 6", 'on_bad_row = "skip"'),
        told=("1 picture left out", "99.png"),
    ),
    "a broken mask": Bad(
        keys='kind = "segmentation"\ndata = "set"',
        lay=_masks(mask=b"no mask"),
        refused=("99.png", 'on_bad_row = "skip"'),
        told=("1 picture left out", "99.png"),
    ),
    "a caption without a picture": Bad(
        keys='kind = "image-generation"\ndata = "set"',
        lay=_captions("99.png", "a square that is not there"),
        refused=("captions.csv", "1 of 25 rows name no picture", "'99.png'", 'on_bad_row = "skip"'),
        told=("captions.csv: 1 row without a picture left out", "99.png"),
        recipe="independent-pixels",
    ),
    "a picture without a caption": Bad(
        keys='kind = "image-generation"\ndata = "set"',
        lay=_captions("00.png", ""),
        refused=("captions.csv", "row 25"),
        told=("captions.csv: 1 row without", "left out; first in row 25"),
        recipe="independent-pixels",
    ),
    "a broken clip": Bad(
        keys='kind = "video-classification"\ndata = "set"',
        lay=_clips,
        refused=("99.npz", 'on_bad_row = "skip"'),
        told=("1 clip left out", "99.npz"),
    ),
    "a sound of which nobody says what is spoken": Bad(
        keys='kind = "speech-recognition"\ndata = "set/all.jsonl"',
        lay=_spoken,
        refused=("99.wav", "row 25", 'on_bad_row = "skip"'),
        told=("1 rows with an empty text were left out", "99.wav"),
        recipe="typical",
    ),
    "a box outside its picture": Bad(
        keys=_BOXES, lay=_boxes("00.png", "cell", 30, 30, 40, 40), told=("1 of 25 boxes", "00.png")
    ),
    "a box that reaches out of its picture": Bad(
        keys=_BOXES, lay=_boxes("00.png", "cell", 8, 8, 40, 40), told=("1 of 25 boxes", "00.png")
    ),
    "a box of no area": Bad(keys=_BOXES, lay=_boxes("00.png", "cell", 3, 3, 3, 9), told=("1 of 25 boxes", "00.png")),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_row_is_named_and_counted(concours, tmp_path, monkeypatch, name):
    """It ends the command with its file and what to do; a contest that skips such rows says how many, in its report too."""
    monkeypatch.chdir(tmp_path)
    bad = BAD[name]
    bad.lay()
    end = _END.format(recipe=bad.recipe)
    if bad.refused:
        Path("c.toml").write_text(f"[task]\n{bad.keys}\n{end}")
        code, _, said = concours("run c.toml --out run --engine inline")
        assert code == 2, said
        assert [word for word in bad.refused if word not in said] == [], said
    skip = 'on_bad_row = "skip"' if bad.refused else ""
    Path("c.toml").write_text(f"[task]\n{bad.keys}\n{skip}\n{end}")
    code, _, said = concours("run c.toml --out run --engine inline")
    assert code == 0, said
    assert [word for word in bad.told if word not in said] == [], said
    concours("report run")
    report = Path("run/report.html").read_text()
    assert [word for word in bad.told if word not in report] == []
