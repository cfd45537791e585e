"""Gateways on loopback, in front of scripted endpoints."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from sqlalchemy import create_engine

from concours.serving.gateway.app import make
from concours.serving.gateway.competed import hidden_rows
from concours.serving.gateway.ledger import Ledger
from concours.serving.gateway.offers import plain
from concours.serving.gateway.qualities import measured
from concours.serving.gateway.tables import METADATA
from concours.testing.endpoints import Loopback

sys.path.insert(0, str(Path(__file__).parent))
from gateways import SECRET, key, offer, running


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """An empty database: a file, and PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/books.db"
    found = request.getfixturevalue("postgresql")
    engine = create_engine(found)
    METADATA.drop_all(engine)
    engine.dispose()
    return found


@pytest.fixture
def gateway(tmp_path, monkeypatch):
    """Starts a gateway from the tables of its file and scripts of its endpoints; gives its address and its books."""
    monkeypatch.setenv("ADMIN", "let-me-see")
    with ExitStack() as stack:

        def start(scripts, *, keys=None, drawn=lambda: 0.0, settings=(), **offers):
            ends = {name: stack.enter_context(Loopback(script)) for name, script in scripts.items()}
            tables = [offer(name, end.base_url, **offers.get(name, {})) for name, end in ends.items()]
            for table in tables:
                if table["protocol"] == "oip":  # whose address is what comes before /v2
                    table["url"] = table["url"].removesuffix("/v1")
            found = plain(
                {
                    "offer": tables,
                    "key": keys or [key()],
                    "gateway": {"admin_env": "ADMIN", "exploration": 0.0, **dict(settings)},
                }
            )
            ledger = stack.enter_context(Ledger(f"sqlite:///{tmp_path}/books.db"))
            known = {each.name: measured(each, tmp_path) for each in found.offer if each.quality}
            hidden = hidden_rows(found.offer, tmp_path)
            url = stack.enter_context(running(make(found, known, ledger, hidden=hidden, drawn=drawn)))
            client = stack.enter_context(httpx.Client(base_url=url, headers={"authorization": f"Bearer {SECRET}"}))
            return SimpleNamespace(
                url=url, ends=ends, ledger=ledger, client=client, post=client.post, get=client.get, hidden=hidden
            )

        yield start
