"""The report page in a real browser: narrow and wide, light and dark, on paper."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from concours.report.page import write_report

NAME = "a name of an entrant that goes on for much longer than any column of a table is wide <b>&</b> " + "x" * 80


def line(rank: int | None, name: str, role: str = "single") -> dict[str, Any]:
    """A line of `result.json`; without a rank, of one that failed."""
    score = None if rank is None else 2.3 if role == "baseline" else 0.07 * rank
    return {
        "rank": rank,
        "rank_best": rank and max(1, rank - 2),
        "rank_worst": rank and min(12, rank + 2),
        "name": name,
        "role": role,
        "cv_score": score and {"score": score, "stderr": 0.01},
        "score": score,
        "ci": score and [score - 0.03, score + 0.03],
        "metrics": {"log_loss": score, "accuracy": 0.91, "f1_macro": 0.9, "roc_auc": None} if score else {},
        "fit_seconds": score and 321.0,
        "predict_seconds": score and 0.02,
        "status": "ok" if score else "failed",
        "reason": "" if score else f"ValueError: {NAME}",
    }


def result() -> dict[str, Any]:
    """The content of a `result.json` with everything that could push a page apart."""
    names = ["greedy", NAME, *(f"entrant-{number}" for number in range(3, 12))]
    lines = [line(rank, name, "alliance" if rank == 1 else "entrant") for rank, name in enumerate(names, 1)]
    return {
        "task": {
            "name": "the-name-of-a-task-that-has-no-place-to-break-and-so-has-to-be-broken",
            "kind": "tabular-classification",
            "digest": "sha256:" + "a" * 64,
            "rows": 1800,
            "rows_train": 1440,
            "rows_test": 360,
            "classes": ["y" * 90, *(f"class {number}" for number in range(60))],
            "metrics": ["log_loss", "accuracy", "f1_macro", "roc_auc"],
        },
        "greater_is_better": False,
        "complete": True,
        "standings": [*lines, line(12, "dummy", "baseline"), line(None, "net")],
        "alliances": {"greedy": {"strategy": "greedy", "weights": {NAME: 0.6, "entrant-3": 0.4}}},
        "default": "greedy",
        "lineup": [{"name": NAME, "recipe": "z" * 90, "params": {"key" * 30: "value" * 40}, "prepare": "table"}],
        "seed": 0,
        "final": "refit",
        "warnings": ["w" * 200],
        "versions": {f"package-{number}": "1.2.3" for number in range(20)},
        "digest": "sha256:" + "b" * 64,
    }


@pytest.fixture
def address(tmp_path: Path) -> str:
    """Where a report lies."""
    write_report(result(), tmp_path / "report.html")
    return (tmp_path / "report.html").as_uri()


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
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out(browser: Any, address: str, scheme: str) -> None:
    """Every text has a contrast of at least 4.5 to what is behind it, as WCAG 2 AA asks."""
    page = browser.new_page(color_scheme=scheme)
    page.goto(address)
    assert page.evaluate(_CONTRAST) == []
    page.close()


def test_labels_of_pictures_do_not_leave_the_page(browser: Any, address: str) -> None:
    """On a phone, every text of a picture is within the page, however long the name."""
    page = browser.new_page(viewport={"width": 390, "height": 900})
    page.goto(address)
    boxes = page.evaluate("[...document.querySelectorAll('.plot text')].map(e => e.getBoundingClientRect().toJSON())")
    assert boxes and all(box["left"] >= 0 and box["right"] <= 390 for box in boxes)
    page.close()


def test_a_reason_can_be_read_without_scrolling(browser: Any, address: str) -> None:
    """On a phone, why an entrant failed is within the page."""
    page = browser.new_page(viewport={"width": 390, "height": 900})
    page.goto(address)
    box = page.locator("td.reason").first.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390
    page.close()


_CONTRAST = """() => {
  const rgb = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const colour = rgb(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const e of document.querySelectorAll('body *')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) || /^(title|desc)$/.test(e.tagName)) continue;
    const style = getComputedStyle(e);
    const a = light(rgb(e.namespaceURI.endsWith('svg') ? style.fill : style.color)), b = light(behind(e));
    const contrast = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (contrast < 4.5) poor.push(`${e.tagName} ${e.className.baseVal ?? e.className}: ${contrast.toFixed(2)}`);
  }
  return [...new Set(poor)];
}"""
