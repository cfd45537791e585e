"""The page of a server in a browser: complete, accessible, narrow and wide, light and dark."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from concours import Contest, Entrant, Result, Split, Task
from concours.serving.about import about
from concours.serving.model import Served
from concours.serving.pages import page
from concours.serving.shelf import Version

axe = pytest.importorskip("axe_playwright_python.sync_playwright")
ADDRESS = "http://127.0.0.1:8000/"


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of a server with a model of a table, and one of texts, which wants a token."""
    place, rows = tmp_path_factory.mktemp("served"), range(40)
    table = pd.DataFrame(
        {
            "length": [row / 7 for row in rows],
            "colour": [["red", "blue"][row % 2] for row in rows],
            "kind": [["lily", "rose"][row // 20] for row in rows],
        }
    )
    texts = pd.DataFrame({"text": [f"a {word} day" for word in table["colour"]], "kind": table["kind"]})
    versions = {}
    for name, kind, data in (("flowers", "tabular-classification", table), ("days", "text-classification", texts)):
        task = Task(kind=kind, data=data, target="kind", split=Split(test=0.3, folds=2))
        tree = Entrant("tree", "sklearn.tree:DecisionTreeClassifier", {"max_depth": 2})
        Contest(task=task, entrants=(tree,), lineup="none", engine="inline", out=place / name, cooperate=()).run()
        said = about(Served.of(Result.load(place / name), "tree"), together=True, continuous=False)
        versions[name] = Version(name, 1, SimpleNamespace(about=said))  # type: ignore[arg-type]
    return page(versions, ADDRESS, guarded=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_of_a_server(browser: Any, html: str, scheme: str, width: int) -> None:
    """Every model with its columns and requests to copy; axe finds nothing; nothing is wider than the window."""
    opened = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    asked = list[str]()
    opened.on("request", lambda request: asked.append(request.url))
    opened.set_content(html)
    assert opened.locator("h2").all_text_contents() == ["flowers", "days"]
    assert "blue, red" in opened.locator("#flowers table").inner_text()
    assert f"{ADDRESS}predict?model=days" in opened.locator("#days pre").first.inner_text()
    assert "Bearer TOKEN" in opened.locator("#days pre").first.inner_text()
    assert opened.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    found = axe.Axe().run(opened)
    assert found.violations_count == 0, found.generate_report()
    assert not asked
    opened.close()
