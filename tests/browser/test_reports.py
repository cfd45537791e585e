"""Reports of real contests, a table, texts and pictures, in a real browser."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits

from concours import Contest, Entrant, Split, Task
from concours.runs.report import write_report

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")

COMMON = ["scores", "ranks", "folds", "costs", "learning", "complement", "alliances", "credit", "predictions"]
SECTIONS = {
    "table": [*COMMON, "mistakes", "explanations", "card"],
    "numbers": [*COMMON, "mistakes", "explanations", "slices", "card"],
    "texts": [*COMMON, "mistakes", "explanations", "card"],
    "pictures": [*COMMON, "mistakes", "explanations", "card"],
    "questions": ["scores", "ranks", "folds", "answers", "card"],
}


def table() -> Task:
    """Tumours, some of their measures missing."""
    data = load_breast_cancer(as_frame=True)
    frame = data.data.iloc[:, :6].mask(np.random.default_rng(0).random((len(data.data), 6)) < 0.05)
    frame["size"] = pd.cut(data.data["mean radius"], 3, labels=["small", "middle", "large"]).astype(str)
    return task("tabular-classification", frame, data.target_names[data.target])


def numbers() -> Task:
    """Diabetes: a number to predict."""
    x, y = load_diabetes(return_X_y=True, as_frame=True)
    return task("tabular-regression", x, y.to_numpy())


def texts() -> Task:
    """Sentences of two moods, a tenth of them told wrongly."""
    chance = random.Random(0)
    words = {"good": ["bright", "kind", "warm", "fresh"], "bad": ["dull", "rude", "cold", "stale"]}
    things = ["morning", "soup", "film", "room", "answer", "walk", "letter", "song"]
    rows = []
    for _ in range(240):
        mood = chance.choice(["good", "bad"])
        told = mood if chance.random() > 0.1 else "bad" if mood == "good" else "good"
        rows.append(
            (
                f"The {chance.choice(things)} was {chance.choice(words[told])} and <b>{chance.choice(things)}</b> too",
                mood,
            )
        )
    return task("text-classification", [text for text, _ in rows], np.array([mood for _, mood in rows]))


def pictures() -> Task:
    """Some of the digits."""
    data = load_digits()
    return task("image-classification", data.images[:400], data.target[:400])


def questions() -> Task:
    """Short questions that come again in other words, with answers that are known, by topic."""
    words = ["sun", "rain", "wind", "snow", "<b>hill</b>", "\u202elake"]
    rows = [
        {
            "question": f"What is {words[n % 6]} called {'again' if n % 5 else 'by most people'}, {n}?",
            "topic": "weather" if n % 6 < 4 else "land",
            "answer": words[n % 6],
        }
        for n in range(240)
    ]
    options = {"question": "question", "answer": "answer"}
    split = Split(test=0.3, folds=3)
    return Task(kind="question-answering", data=rows, name="A task of questions", split=split, options=options)


def task(kind: str, x: Any, y: Any) -> Task:
    return Task(kind=kind, data=x, target=y, name=f"A task of {kind}", split=Split(test=0.3, folds=3))


ENTRANTS = {
    "table": ["logistic", "sklearn.naive_bayes:GaussianNB"],
    "numbers": ["ridge", "sklearn.neighbors:KNeighborsRegressor"],
    "texts": ["logistic", "naive-bayes"],
    "pictures": ["logistic", "sklearn.neighbors:KNeighborsClassifier"],
    "questions": ["nearest", "logistic"],
}
OTHERS = [("light", 390), ("dark", 1280)]
"""Where there is time for them."""
TASKS: dict[str, Callable[[], Task]] = {
    "table": table,
    "numbers": numbers,
    "texts": texts,
    "pictures": pictures,
    "questions": questions,
}


@pytest.fixture(scope="module", params=list(TASKS))
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The report of a contest."""
    kind = request.param
    entrants = [Entrant(recipe.rpartition(":")[2], recipe) for recipe in ENTRANTS[kind]]
    out = tmp_path_factory.mktemp(kind) / "run"
    result = Contest(task=TASKS[kind](), entrants=entrants, lineup="none", engine="inline", out=out).run()
    return kind, write_report(result, engine="inline")


@pytest.mark.parametrize(
    ("scheme", "width"),
    [("light", 1280), ("dark", 390), *(pytest.param(*other, marks=pytest.mark.slow) for other in OTHERS)],
)
def test_report(browser: Any, report: tuple[str, Path], width: int, scheme: str) -> None:
    """At every width and in both schemes: nothing is requested, nothing complained of, nothing to scroll sideways, every
    section is there and filled, each picture has its sentence and its numbers, and axe-core finds no serious fault.
    """
    kind, path = report
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    requests: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(path.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert [url for url in requests if not url.startswith("data:")] == [path.as_uri()]
    assert complaints == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    filled = page.evaluate(_FILLED)
    assert set(SECTIONS[kind]) <= set(filled), sorted(set(SECTIONS[kind]) - set(filled))
    assert [name for name, letters in filled.items() if letters < 60] == []
    assert page.evaluate(_UNREAD) == []
    found = axe.Axe().run(page).response["violations"]
    assert [
        (one["id"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] in ("serious", "critical")
    ] == []
    page.close()


def test_report_is_small(report: tuple[str, Path]) -> None:
    """A page that is sent by mail is not heavy."""
    assert report[1].stat().st_size < 8_000_000


_FILLED = """() => Object.fromEntries([...document.querySelectorAll('section > h2')]
  .map(e => [e.id, e.parentElement.innerText.length]))"""
_UNREAD = """() => [...document.querySelectorAll('figure')]
  .filter(f => !f.querySelector('figcaption')?.innerText.includes('How to read it')
    || !f.querySelector('table, .cards')).map(f => f.id)"""
