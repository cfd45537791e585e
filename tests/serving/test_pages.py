"""The page of a server in a browser: complete, accessible, narrow and wide, light and dark."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import browser  # noqa: F401

from .conftest import Running

axe = pytest.importorskip("axe_playwright_python.sync_playwright")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_of_a_server(browser: Any, served: Running, scheme: str, width: int) -> None:  # noqa: F811
    """Every model with its columns and requests to copy; axe finds nothing; nothing is wider than the window."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    asked = list[str]()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{served.url}/")
    assert page.locator("h2").all_text_contents() == ["flowers", "numbers", "texts"]
    assert "blue, green, red" in page.locator("#flowers table").inner_text()
    assert f"{served.url}/predict?model=texts" in page.locator("#texts pre").first.inner_text()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    found = axe.Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert asked == [f"{served.url}/"]
    page.close()
