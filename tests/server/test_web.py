"""The web process answers, and what it imports is little."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import httpx
from anyio import to_thread


def test_health_answers_on_each_database(client):
    """What a proxy asks to know whether to send people here."""
    answer = client.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_each_route_keeps_its_rule_when_groups_are_joined(app, people):
    """A framework that copied routes would lose their rules."""
    assert people.browser("ann").get("/api/users").status_code == 403
    assert people.browser("root1", administrator=True).get("/api/users").status_code == 200


def test_no_transaction_waits_for_a_thread(app, people):
    """One that was open while its handler waited would keep out those who have the threads, and all would stand still."""
    headers = dict(people.program("ann", "write").headers)

    async def ask():
        to_thread.current_default_thread_limiter().total_tokens = 2
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url=app.state.platform.settings.address, headers=headers
        )
        async with client, asyncio.timeout(20):
            return await asyncio.gather(*(client.put("/api/me", json={"display": f"Ann {n}"}) for n in range(24)))

    assert {answer.status_code for answer in asyncio.run(ask())} == {200}


def test_the_web_process_imports_no_library_of_models():
    """Its memory is bounded: scoring is done by others."""
    code = (
        "import sys, concours.server.web.app; "
        "print([name for name in ('torch', 'sklearn', 'pandas', 'pyarrow', 'scipy') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
