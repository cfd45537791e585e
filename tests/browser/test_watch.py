"""The page of a watch in a real browser: narrow and wide, light and dark, with long names and many columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from concours.core.digests import digest_json
from concours.core.kind import Input
from concours.tasks.kinds import kind_named

pytest.importorskip("sqlalchemy", reason="sqlalchemy is not installed; pip install 'concours[serve]'")
from concours.serving.watch.page import render
from concours.serving.watch.reference import Reference, watched
from concours.serving.watch.standing import standing
from concours.serving.watch.tally import Tallies

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")

NAME = "a name that goes on for much longer than any column of a table is wide <b>&</b> " + "x" * 80
LABELS = ("no", "yes", "the label that has no end and " + "y" * 60)


def table(rows: int, seed: int, shift: float) -> pa.Table:
    """Forty columns of which some move."""
    rng = np.random.default_rng(seed)
    columns = {f"column {number}": rng.normal(shift * (number % 3 == 0), 1, rows) for number in range(38)}
    return pa.table({NAME: rng.choice(LABELS, rows), **columns, "empty": pa.nulls(rows, pa.float64())})


@pytest.fixture(scope="module", params=["drifted", "late", "quiet", "nothing yet"])
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where a page lies."""
    output = kind_named("tabular-classification").output(classes=3, called=LABELS)
    named = pa.table({"prediction": np.random.default_rng(1).choice(LABELS, 3000)})
    reference = Reference(
        model=NAME,
        digest=digest_json("a result"),
        kind="tabular-classification",
        input=Input(name="table", can=("columns",)),
        output=output.value,
        rows=3000,
        inputs=watched(table(3000, 0, 0.0)),
        outputs=watched(named),
        metrics={"log_loss": 0.31, "accuracy": 0.9},
    )
    tallies = Tallies()
    turns = {"drifted": 1, "late": 30, "quiet": 1, "nothing yet": 0}[request.param]
    for turn in range(turns):
        moved = table(3000, 2, 1.5 * (request.param != "quiet" and turn in (0, 28, 29)))
        p = np.random.default_rng(turn).dirichlet((1, 1, 1), 3000)
        tallies = tallies.asked(3000, reference.counted(moved, p))
        tallies = tallies.answered(
            {"accuracy": np.ones(30), "log_loss": np.full(30, 2.0) + turn}, dict.fromkeys(("accuracy", "log_loss"), 0.5)
        )
    trouble = "database or disk is full <i>" if request.param == "drifted" else ""
    page = render(standing(reference, tallies, kept=10, dropped=5 * turns, trouble=trouble))
    path: Path = tmp_path_factory.mktemp("page") / "watch.html"
    path.write_text(page, encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_is_quiet_fits_and_is_accessible(browser: Any, address: str, width: int, scheme: str) -> None:
    """At every width and in both schemes: nothing is requested, complained of, cut off, or hard to read."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    requests: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    assert [url for url in requests if not url.startswith("data:")] == [address]
    assert complaints == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("h1").inner_text() == NAME
    found = axe.Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page.close()
