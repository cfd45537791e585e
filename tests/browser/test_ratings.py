"""The page of ratings in a real browser: narrow and wide, light and dark, with long names and many models."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import concours

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed; pip install playwright")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
if CHROMIUM is None:
    pytest.skip("chromium is not installed; apt-get install chromium", allow_module_level=True)

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
FLAGS += ["--disable-background-networking", "--disable-component-update"]
NAME = "a name that goes on for much longer than any column of a table is wide <b>&</b> " + "x" * 80


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, without a window."""
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where a page lies that has everything which a page may have."""
    rng = np.random.default_rng(0)
    names = np.array([NAME, *(f"model-{code}" for code in range(39))])
    left = rng.integers(0, 40, 6000)
    right = (left + rng.integers(1, 40, 6000)) % 40
    frame = pd.DataFrame({"model_a": names[left], "model_b": names[right]})
    frame["winner"] = rng.choice(["model_a", "model_b", "tie"], 6000)
    frame["kind"] = rng.choice([*"pqrstu", "k" * 90], 6000)
    frame["length"] = rng.normal(size=6000)
    more = pd.DataFrame(
        {"model_a": ["unbeaten" + "y" * 60] * 5, "model_b": names[1], "winner": "model_a", "kind": "p", "length": 0}
    )
    path = tmp_path_factory.mktemp("page") / "ratings.html"
    board = concours.rate(pd.concat([frame, more]), by="kind", control=["length"], online="elo")
    return board.report(path, title="the-name-of-a-board-that-has-no-place-to-break-and-so-has-to-be-broken").as_uri()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_opens_quietly_and_fits(browser: Any, address: str, width: int, scheme: str) -> None:
    """At every width and in both schemes: nothing is requested, nothing complained of, nothing to scroll sideways."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    requests: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert [url for url in requests if not url.startswith("data:")] == [address]
    assert complaints == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    boxes = page.evaluate("[...document.querySelectorAll('.plot text')].map(e => e.getBoundingClientRect().toJSON())")
    assert boxes and all(box["left"] >= 0 and box["right"] <= width for box in boxes)
    page.close()


def test_names_are_not_markup(address: str) -> None:
    """What somebody called a model is text."""
    assert "<b>&</b>" not in Path(address.removeprefix("file://")).read_text(encoding="utf-8")
