"""The site of the documentation in a real browser, opened from its files as a reader without a network would."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed; pip install playwright")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
if CHROMIUM is None:
    pytest.skip("chromium is not installed; apt-get install chromium", allow_module_level=True)

ROOT = Path(__file__).parents[2]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
FLAGS += ["--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site, built anew in a folder of its own."""
    folder = tmp_path_factory.mktemp("docs")
    shutil.copytree(ROOT / "docs", folder / "docs")
    (folder / "src").symlink_to(ROOT / "src")
    for name in ("mkdocs.yml", "BENCHMARKS.md"):
        shutil.copy(ROOT / name, folder)
    command = [str(Path(sys.executable).with_name("zensical")), "build", "--strict", "--clean"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


@pytest.mark.slow
def test_site(site):
    """No page asks for anything that is not in the folder, complains, or is wider than a telephone; and the search finds."""
    pages = sorted(set(site.glob("*.html")) - {site / "404.html"})  # that one is for a server
    assert len(pages) > 15
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 390, "height": 800}, color_scheme="dark")
        asked: list[str] = []
        said: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        for file in pages:
            page.goto(file.as_uri())
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, f"{file.name} is {wide} pixels too wide"
        page.set_viewport_size({"width": 1280, "height": 800})
        page.goto((site / "board.html").as_uri())
        page.keyboard.press("Control+k")
        page.get_by_placeholder("Search").fill("shapley")
        page.get_by_text("How results are evaluated").last.wait_for()
        browser.close()
    away = [url for url in asked if not url.startswith((site.as_uri(), "data:", "blob:", "about:"))]
    assert (away, said) == ([], [])
