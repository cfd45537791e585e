"""The program itself: it starts from a file, is killed in the middle, and what was under way is told and paid once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest
from gateways import ask

from concours.serving.gateway.ledger import Ledger
from concours.testing.endpoints import Answer, Loopback, chat

FILE = """
[[offer]]
name = "good"
model = "m"
task = "qa"
protocol = "openai"
url = "{url}"
price = {{ request = 0.25 }}
quality = {{ score = 0.9, error = 0.01 }}

[[key]]
name = "ada"
key_env = "ADA_KEY"
budget = 100
"""


@contextmanager
def program(file):
    """The gateway as a process: its first lines until it says where it answers, and how to kill it."""
    words = [sys.executable, "-m", "concours", "gateway", file.name, "--port", "0"]
    environment = {**os.environ, "ADA_KEY": "sk-of-ada", "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=file.parent, env=environment
    ) as process:
        lines = []
        while "http://" not in (lines or [""])[-1]:
            lines.append(process.stdout.readline())
            assert lines[-1], lines
        address = lines[-1].split("http://")[1].partition("/")[0]
        try:
            with httpx.Client(base_url=f"http://{address}", headers={"authorization": "Bearer sk-of-ada"}) as client:
                yield client, lines, process
        finally:
            process.kill()


@pytest.mark.slow
def test_killed_under_load(tmp_path):
    """Kill -9: answers that came stay billed, those under way count at their worst, and asked again they are billed once."""
    asked = []

    def script(request):
        asked.append(request)
        slow = "slow" in request.question and len(asked) <= 12
        return Answer(chat("yes"), fault="hang" if slow else "")

    def call(number):
        body = ask("slow" if number >= 8 else "quick", model="good")
        head = {"idempotency-key": f"id-{number}"}
        try:
            return client.post("/v1/chat/completions", json=body, headers=head).status_code
        except httpx.HTTPError:
            return None

    file = tmp_path / "offers.toml"
    with Loopback(script) as endpoint, ThreadPoolExecutor(12) as pool:
        file.write_text(FILE.format(url=endpoint.base_url))
        with program(file) as (client, _, process):
            told = [pool.submit(call, number) for number in range(12)]
            assert [each.result() for each in told[:8]] == [200] * 8
            while endpoint.count < 12:
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            assert [each.result() for each in told[8:]] == [None] * 4
        with Ledger(f"sqlite:///{tmp_path}/offers.db") as ledger:
            assert [(row["spent"], row["reserved"]) for row in ledger.budgets()] == [(2 * 10**12, 10**12)]
        with program(file) as (client, lines, process):
            assert lines[0].startswith("4 requests under way when the last gateway ended")
            assert [call(number) for number in range(8, 12)] == [200] * 4
            assert call(0) == 409
            second = subprocess.run(
                [sys.executable, "-m", "concours", "gateway", file.name], capture_output=True, text=True, cwd=tmp_path,
                env={**os.environ, "ADA_KEY": "sk-of-ada", "PYTHONPATH": os.pathsep.join(sys.path)},
            )  # fmt: skip
            assert (second.returncode, "another gateway has the database" in second.stderr) == (2, True)
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == 0
        with Ledger(f"sqlite:///{tmp_path}/offers.db") as ledger:
            assert [(row["spent"], row["reserved"]) for row in ledger.budgets()] == [(3 * 10**12, 0)]
            assert {row["cost"] for row in ledger.usage()} == {3 * 10**12}
