"""Draws docs/figures/report.png, the beginning of a report, as the README and report.md show it.

python docs/report_picture.py runs/demo/report.html
"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

SIZE = (1120, 1260)


def main(report: str) -> None:
    """Writes the picture."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
        page.goto(Path(report).resolve().as_uri())
        shot = Image.open(io.BytesIO(page.screenshot()))
        browser.close()
    place = Path(__file__).parent / "figures" / "report.png"
    shot.convert("RGB").save(place, optimize=True)


if __name__ == "__main__":
    main(sys.argv[1])
