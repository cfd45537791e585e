"""Gateways on loopback, in front of scripted endpoints."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from shutil import which
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


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The address of a PostgreSQL of the tests' own, on a socket in a folder that goes with it."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin")) or [
        Path(place).parent for place in [which("initdb")] if place
    ]
    if not found:
        pytest.skip("PostgreSQL is not installed; apt-get install postgresql")
    who = {"user": "postgres"} if os.getuid() == 0 else {}  # it refuses to run as root
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp", ignore_cleanup_errors=True) as place:
        if who:
            shutil.chown(place, "postgres")
        quiet = {"cwd": place, "check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **who}
        data = f"{place}/data"
        subprocess.run([found[-1] / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync"], **quiet)
        control = [found[-1] / "pg_ctl", "-D", data, "-w", "-l", f"{place}/log"]
        subprocess.run([*control, "-o", f"-k {place} -c listen_addresses='' -c fsync=off", "start"], **quiet)
        try:
            yield f"postgresql+psycopg://postgres@/postgres?host={place}"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], **quiet)


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
