"""Models whose rows are files: pictures and sounds, sent as they are, or as a zip of several."""

from __future__ import annotations

import io
import json
import re
import wave
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from concours import Contest, Entrant, Result, Split, Task, predict
from concours.serving.answering import Steps
from concours.serving.doors.plain import ENDINGS
from concours.serving.openapi import openapi
from concours.serving.pages import page
from concours.serving.shelf import Version
from concours.serving.wire import Ask
from concours.serving.worker import Spec, opened


def picture(level: int, seed: int) -> bytes:
    """A little picture that is dark or light, as a file."""
    noise = np.random.default_rng(seed).integers(0, 60, size=(8, 8, 3))
    file = io.BytesIO()
    Image.fromarray((noise + level).astype(np.uint8)).save(file, "png")
    return file.getvalue()


def sound(tone: int, seed: int) -> bytes:
    """A fifth of a second of a tone, as a file."""
    noise = np.random.default_rng(seed).normal(size=1600) * 500
    samples = (8000 * np.sin(np.arange(1600) * tone / 8000 * 2 * np.pi) + noise).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setparams((1, 2, 8000, 0, "NONE", ""))
        written.writeframes(samples.tobytes())
    return file.getvalue()


MADE = {
    "image-classification": (picture, {"dark": 20, "light": 150}, "image/png", "pixels"),
    "audio-classification": (sound, {"high": 1900, "low": 300}, "audio/wav", "mel-statistics"),
}


@pytest.fixture(scope="module", params=MADE)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def run(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A contest on a folder of files, a folder a class."""
    make, classes, type, prepare = MADE[kind]
    entrant = Entrant("logistic", "sklearn.linear_model:LogisticRegression", {"max_iter": 1000}, prepare=prepare)
    place = tmp_path_factory.mktemp("files")
    for name, level in classes.items():
        (place / "set" / name).mkdir(parents=True)
        for number in range(12):
            (place / "set" / name / f"{name}-{number}{ENDINGS[type]}").write_bytes(make(level, number))
    task = Task(kind=kind, data=place / "set", split=Split(test=0.3, folds=2))
    Contest(task=task, entrants=(entrant,), lineup="none", engine="inline", out=place / "run", cooperate=()).run()
    return place / "run"


@pytest.fixture(scope="module")
def steps(run: Path) -> tuple[Steps, Version]:
    """The model, and it as a server shows it."""
    found, ready = opened(Spec(run=run, model="logistic"))
    return found, Version("files", 1, SimpleNamespace(about=json.loads(ready.about)))  # type: ignore[arg-type]


def told(steps: tuple[Steps, Version], body: bytes, type: str, door: str = "plain") -> tuple[int, dict[str, Any]]:
    (answer,) = steps[0].step([Ask(1, door, body, type=type)])
    return answer.status, json.loads(answer.body)


def test_a_file_and_several_are_answered_as_predict_does(kind: str, run: Path, steps: Any, tmp_path: Path) -> None:
    """By the bytes that lie on a disk; of a zip in the order of its names."""
    make, classes, type, _ = MADE[kind]
    new = [make(level, 100 + number) for number, level in enumerate([*classes.values(), *classes.values()])]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        for number, content in enumerate(new):
            (tmp_path / f"{number}{ENDINGS[type]}").write_bytes(content)
            files.writestr(f"{number}{ENDINGS[type]}", content)
    expected = predict(Result.load(run), tmp_path, model="logistic", proba=True)
    status, body = told(steps, archive.getvalue(), "application/zip")
    assert status == 200 and np.array_equal(body["probabilities"], expected)
    assert body["predictions"] == [*classes, *classes]
    for content, label in zip(new, [*classes, *classes], strict=True):
        status, body = told(steps, content, type)
        assert status == 200 and body["predictions"] == [label]


def test_the_page_has_requests_that_are_answered(kind: str, steps: Any) -> None:
    """Each as it stands there, with a file of that name; and programs are told of the same types."""
    make, classes, type, _ = MADE[kind]
    one, archive = make(classes[min(classes)], 7), io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr(f"a{ENDINGS[type]}", one)
    sent = {f"row{ENDINGS[type]}": one, "rows.zip": archive.getvalue()}
    shown = page({"files": steps[1]}, "http://x/", guarded=False).replace("&#39;", "'")
    asked = re.findall(r"curl -H 'Content-Type: (\S+)' --data-binary @(\S+) 'http://x/(\w+)\?model=files'", shown)
    assert [each[0] for each in asked][:2] == [type, "application/zip"]
    for of, name, path in asked:
        status, body = told(steps, sent[name], of, {"predict": "plain"}.get(path, path))
        assert status == 200, body
    assert "a text" not in shown and "null" not in shown
    assert openapi({"files": steps[1]})["paths"]["/predict"]["post"]["requestBody"]["content"].keys() >= {
        type,
        "application/zip",
    }


def test_what_is_no_such_file_is_told(kind: str, steps: Any) -> None:
    """By the type that would do."""
    type = MADE[kind][2]
    for other in {"image/png", "audio/wav", "video/mp4"} - {type}:
        status, body = told(steps, b"x", other)
        assert status == 415 and f"reads no {other}; send one file as {type}" in body["error"]
    status, body = told(steps, b"rubbish", type)
    assert status == 400 and f"the request{ENDINGS[type]}" in body["error"]
    for rows in (["a text"], [{"sound": [1, 2], "rate": 8000}]):
        status, body = told(steps, json.dumps({"rows": rows}).encode(), "application/json")
        assert status in (400, 415) and "\n" not in body["error"]


def test_tensors_and_explanations_are_offered_where_there_are_some(kind: str, steps: Any) -> None:
    """Pictures are a tensor, whose parts are explained; sounds are neither, and say so."""
    make, classes, type, _ = MADE[kind]
    about = steps[1].pool.about
    pictures = kind.startswith("image")
    assert bool(about["inputs"]) == about["explained"] == pictures
    status, body = told(steps, make(classes[min(classes)], 8), type, "explain")
    assert (status, "parts" in body) == ((200, True) if pictures else (400, False)), body
    tensor = {"name": "sound", "datatype": "BYTES", "shape": [1], "data": ["x"]}
    status, body = told(steps, json.dumps({"inputs": [tensor]}).encode(), "application/json", "oip")
    assert status == 400 and (pictures or "no tensors; send them to POST /predict" in body["error"])
