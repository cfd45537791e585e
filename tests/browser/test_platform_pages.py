"""Every page of the platform in a real browser, over sample data: it fits, it is quiet, everybody can use it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

pytest.importorskip("fastapi", reason="the platform is not installed; pip install concours[server]")
axe_core = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="axe is not installed; pip install axe-playwright-python"
)

from concours.server.web.pages import static  # noqa: E402
from concours.server.web.pages.rendering import Head  # noqa: E402
from concours.server.web.security import _PAGE  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[1] / "server" / "pages"))
import samples  # noqa: E402

POLICY = _PAGE.format("'none'")
LONG = "a-name-without-any-place-to-break-" * 4
SERIOUS = ("serious", "critical")


def long(what: str) -> str:
    """Texts of people that are longer than anybody expects, and cannot be broken."""
    return LONG[:60] if what in ("title", "team", "display", "phase", "page", "file") else samples.said(what)


class Handler(BaseHTTPRequestHandler):
    """Serves `/LANGUAGE/THEME/long or short/PAGE` and the static files, under the policy of the platform."""

    def do_GET(self) -> None:
        path = unquote(self.path).lstrip("/")
        kind, content = static._files().get(path.removeprefix("static/"), ("", b""))
        if not kind:
            kind = "text/html; charset=utf-8"
            language, _, rest = path.partition("/")
            theme, _, rest = rest.partition("/")
            form, _, name = rest.partition("/")
            head = Head(language=language, theme=theme, path="/x", name="ada", administrator=True, form="f" * 43)
            known = name in samples.pages()
            content = samples.drawn(name, head, long if form == "long" else samples.said).encode() if known else b""
        self.send_response(200 if content else 404)
        self.send_header("content-type", kind)
        self.send_header("content-security-policy", POLICY)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def page(browser: Any) -> Iterator[Any]:
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    opened.complaints = []
    opened.on("console", lambda message: opened.complaints.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: opened.complaints.append(str(error)))
    yield opened
    opened.close()


def overflow(page: Any) -> int:
    """How many pixels a page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def faults(page: Any, **options: Any) -> list[str]:
    """What axe-core finds that keeps somebody from using it."""
    found = axe_core.Axe().run(page, options=options or None).response["violations"]
    return [
        f"{one['id']}: {node['html'][:160]} {node['failureSummary'][:300]}"
        for one in found
        if one["impact"] in SERIOUS
        for node in one["nodes"][:3]
    ]


@pytest.mark.parametrize("name", samples.pages())
def test_page_is_for_everybody(page: Any, address: str, name: str) -> None:
    """No serious fault in light and in dark, at a desk and on a phone; nothing that the policy forbids; on a phone nothing
    to scroll sideways, in Chinese too, and with names that cannot be broken.
    """
    page.complaints.clear()
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{address}/en/light/short/{name}")
    assert faults(page) == []
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert faults(page, runOnly={"type": "rule", "values": ["color-contrast"]}) == []
    page.set_viewport_size({"width": 360, "height": 780})
    assert faults(page) == []
    assert overflow(page) <= 0
    page.goto(f"{address}/zh/light/long/{name}")
    assert overflow(page) <= 0
    complaints = [one for one in page.complaints if "/api/changes" not in one and "404" not in one]
    assert complaints == []


def test_keyboard_skips_to_the_content_and_sees_where_it_is(page: Any, address: str) -> None:
    """The first stop is a link to the content; what has the focus has an outline."""
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{address}/en/light/short/board")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_moments_are_shown_in_the_zone_of_the_reader(browser: Any, address: str) -> None:
    """And the one in UTC stays at hand."""
    opened = browser.new_page(timezone_id="Asia/Shanghai", locale="en")
    opened.goto(f"{address}/en/light/short/overview")
    time = opened.locator("time").first
    assert "5:30" in time.text_content()
    assert time.get_attribute("title") == "28 Nov 2026, 09:30 UTC"
    opened.close()


def test_without_script_pages_say_the_same(browser: Any, address: str) -> None:
    """The script adds comfort, not content."""
    opened = browser.new_page(java_script_enabled=False)
    opened.goto(f"{address}/en/light/short/submit")
    assert opened.locator("form[data-upload] button").is_enabled()
    assert opened.locator("form[data-choice] button").first.is_visible()
    opened.close()


def test_a_team_stands_out_on_its_board(page: Any, address: str) -> None:
    """Which is the same for all; the script finds its line."""
    page.goto(f"{address}/en/light/short/board")
    assert page.locator("tr.mine").count() == 1
    assert page.locator("tr.mine").get_attribute("id") == "team-2"


def test_keys_vote(page: Any, address: str) -> None:
    """1 and 2 for the sides, 0 for a tie."""
    page.goto(f"{address}/en/light/short/vote")
    sent: list[str] = []
    page.route("**/c/heart/vote", lambda route: (sent.append(route.request.post_data), route.abort()))
    page.keyboard.press("2")
    page.wait_for_timeout(50)
    page.unroute("**/c/heart/vote")
    assert ["outcome=right" in one for one in sent] == [True]
