"""The page of a gateway's usage in a real browser: narrow and wide, light and dark."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
pytest.importorskip("sqlalchemy", reason="the extra serve is not installed")

DAY_S = 86_400


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where a page lies that has everything which it may have."""
    from concours.serving.gateway.alarms import after, fresh
    from concours.serving.gateway.beliefs import Beliefs
    from concours.serving.gateway.ledger import Bill, Entry, Ledger
    from concours.serving.gateway.offers import plain
    from concours.serving.gateway.qualities import measured
    from concours.serving.gateway.usage import as_page

    folder, rng = tmp_path_factory.mktemp("usage"), np.random.default_rng(0)
    long = "an-offer-whose-name-has-no-end-and-no-place-to-break-and-so-has-to-be-broken"
    common = {"model": "m", "task": "questions", "protocol": "openai", "url": "http://127.0.0.1:9/v1"}
    offers = [
        {**common, "name": "large", "quality": {"score": 0.91, "error": 0.01}, "canary": {"run": "runs/questions"}},
        {**common, "name": "small", "quality": {"score": 0.86, "error": 0.01}},
        {**common, "name": long, "canary": {"run": "runs/questions"}},
    ]
    keys = [
        {"name": name, "hash": f"sha256:{place:064x}", "budget": 10 * place or None} for place, name in enumerate("ab")
    ]
    found = plain({"offer": offers, "key": keys})
    with Ledger(f"sqlite:///{folder}/books.db") as ledger:
        ledger.admit({key.name: key.most for key in found.key} | {"canaries": None})
        counting = ["told", "told", "bound", "over"]
        for number in range(80):
            name = rng.choice(["large", "large", "large", "small"])
            shares = {"large": 0.75, "small": 0.25}
            entry = Entry(
                key="ab"[number % 2], id=str(number), asked="best", chosen=name, propensity=shares[name],
                considered=json.dumps(shares), began=1_800_000_000 + DAY_S * (number // 20),
            )  # fmt: skip
            ledger.reserve(entry, 10**10)
            settled = Bill(
                state="settled", cost=123_456_789, offer=name if number % 9 else long, rows=1, tokens_in=1_234_567,
                tokens_out=200, counting=counting[number % 4], seconds=0.2,
            )  # fmt: skip
            ledger.settle(entry.key, entry.id, Bill(state="failed") if number % 11 == 3 else settled)
            ledger.score(entry.key, entry.id, float(rng.random() < 0.9))
        ledger.reserve(Entry(key="a", id="x", asked="best", chosen="large"), 10**11)
        ledger.close_lost()
        for name, wrong, other in (("large", 0.09, 0.15), (long, 0.0, 0.0)):
            ledger.watch(name, "promise", 1, fresh(name, {"accuracy": 0.09, "disagreement": 0.02}))
            flags = {"accuracy": rng.random(600) < wrong, "disagreement": rng.random(600) < other}
            changes = {by: partial(after, failed=failed, between=20_000) for by, failed in flags.items()}
            ledger.draw(name, 620)
            ledger.reserve(Entry(key="canaries", id=name, asked=name, chosen=name), 10**10)
            ledger.judge(name, Bill(state="settled", cost=10**9, offer=name, rows=600), name, changes if wrong else {})
        ledger.reserve(Entry(key="a", id="y", asked="best", chosen="large"), 10**11)
        known = {one.name: start for one in found.offer if (start := measured(one, folder))}
        path = folder / "usage.html"
        page = as_page(found.offer, Beliefs(known, ledger.scores()), ledger)
        path.write_text(page, encoding="utf-8")
    return Path(path).as_uri()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page(browser: Any, address: str, width: int, scheme: str) -> None:
    """Nothing is requested, nothing complained of, nothing to scroll sideways, and axe-core finds no fault."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    requests: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(address)
    assert [url for url in requests if not url.startswith("data:")] == [address]
    assert complaints == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("[...document.querySelectorAll('section > h2')].map(e => e.id)") == [
        "budgets",
        "canaries",
        "days",
        "offers",
        "gain",
    ]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in axe.Axe().run(page).response["violations"]] == []
    page.close()
