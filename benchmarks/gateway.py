"""What a gateway costs a request, whether budgets hold under 64 clients, and whether the gain it tells is the true one.

The endpoint answers at once and runs in a process of its own, as the gateway does; keys, budgets and books are on.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np

from concours.kernels.routing.beliefs import Belief, updated
from concours.kernels.routing.gain import gain
from concours.kernels.routing.thompson import bounded, leader, odds
from concours.serving.gateway.ledger import Ledger
from concours.serving.gateway.offers import money
from concours.serving.gateway.wire import Wire

KEY = "sk-of-a-benchmark"
BODY = {"model": "a", "messages": [{"role": "user", "content": "Where is Paris?"}], "max_tokens": 100}
FILE = """
[[offer]]
name = "a"
model = "m"
task = "questions"
protocol = "openai"
url = "{url}"
price = {{ request = 0.01 }}
quality = {{ score = 0.9, error = 0.01 }}
[[key]]
name = "ada"
key_env = "ADA_KEY"
budget = {budget}
"""
SECONDS = 8.0
TRUTHS, ERROR, ROUNDS, REPEATS = (0.90, 0.87, 0.80), 0.03, 2000, 200


@contextmanager
def started(words: list[str], where: Path) -> Iterator[str]:
    """A process of ours; gives the host and port of the line that it prints first."""
    environment = {**os.environ, "ADA_KEY": KEY}
    with subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.PIPE, text=True, cwd=where, env=environment
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().partition("http://")[2].partition("/")[0].strip()
        finally:
            process.terminate()


async def asked(address: str, clients: int, most: int) -> tuple[list[float], list[int]]:
    """Seconds and statuses of requests that so many clients send, each one after the other, on open connections."""
    host, _, port = address.partition(":")
    content = json.dumps(BODY).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {KEY}\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"  # noqa: E501
    seconds, statuses, until = [], [], time.monotonic() + SECONDS

    async def client() -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        while len(seconds) < most and time.monotonic() < until:
            began = time.perf_counter()
            writer.write(head.encode() + content)
            said = (await reader.readuntil(b"\r\n\r\n")).decode().casefold()
            await reader.readexactly(int(said.partition("content-length:")[2].partition("\r\n")[0]))
            seconds.append(time.perf_counter() - began)
            statuses.append(int(said.split()[1]))
        writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return seconds, statuses


async def by_wire(end: str, requests: int) -> None:
    """Requests one after the other, as the gateway sends them."""
    wire, content = Wire(f"http://{end}/v1"), json.dumps(BODY).encode()
    for _ in range(requests):
        incoming = await wire.ask("POST", f"http://{end}/v1/chat/completions", {"a": "b"}, content, seconds=60)
        b"".join([part async for part in incoming.parts()])
        incoming.close()
    wire.close()


async def by_httpx(end: str, requests: int) -> None:
    """The same by the library."""
    content = json.dumps(BODY).encode()
    async with httpx.AsyncClient() as client:
        for _ in range(requests):
            request = client.build_request("POST", f"http://{end}/v1/chat/completions", content=content, timeout=60)
            response = await client.send(request, stream=True)
            b"".join([part async for part in response.aiter_bytes()])
            await response.aclose()


def wires() -> None:
    """The CPU of asking an endpoint, without a gateway."""
    print("| a request to an endpoint by | CPU ms |\n|---|---:|")
    with started(["-m", "concours.testing.endpoints"], Path.cwd()) as end:
        for way in (by_wire, by_httpx):
            asyncio.run(way(end, 100))
            began = time.process_time()
            asyncio.run(way(end, 1000))
            print(f"| {way.__name__.removeprefix('by_')} | {time.process_time() - began:.2f} |")


def cost() -> None:
    """The endpoint asked directly, and through the gateway."""
    print("\n| clients | asked | requests/s | p50 ms | p99 ms |\n|---:|---|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder, started(["-m", "concours.testing.endpoints"], Path(folder)) as end:
        file = Path(folder) / "offers.toml"
        file.write_text(FILE.format(url=f"http://{end}/v1", budget=1_000_000))
        with started(["-m", "concours", "gateway", file.name, "--port", "0"], Path(folder)) as gateway:
            for clients in (1, 32):
                for name, address in (("directly", end), ("by the gateway", gateway)):
                    seconds, _ = asyncio.run(asked(address, clients, 10**9))
                    p50, p99 = np.quantile(seconds, [0.5, 0.99]) * 1e3
                    print(f"| {clients} | {name} | {len(seconds) / SECONDS:,.0f} | {p50:.1f} | {p99:.1f} |")


def budgets() -> None:
    """Sixty-four clients on a budget for 500 answers."""
    with tempfile.TemporaryDirectory() as folder, started(["-m", "concours.testing.endpoints"], Path(folder)) as end:
        file = Path(folder) / "offers.toml"
        file.write_text(FILE.format(url=f"http://{end}/v1", budget=5))
        with started(["-m", "concours", "gateway", file.name, "--port", "0"], Path(folder)) as gateway:
            _, statuses = asyncio.run(asked(gateway, 64, 1000))
        with Ledger(f"sqlite:///{file.with_suffix('.db')}") as ledger:
            spent = ledger.budgets()[0]["spent"]
    given = statuses.count(200)
    print(f"\n64 clients, {len(statuses):,} requests, a budget of 5.00: {given} answers at 0.01, {money(spent)} spent")


def routed(seed: int) -> tuple[float, list[tuple[float, float, float]]]:
    """One life of a router whose first beliefs are as wrong as their errors say, each answer judged.

    Gives the mean true quality of what was chosen, and for each offer the true gain on it, the estimate, and its error.
    """
    rng = np.random.default_rng(seed)
    truths = np.array(TRUTHS)
    start = [Belief(mean=mean, sd=ERROR, noise=0.35) for mean in rng.normal(truths, ERROR)]
    beliefs, rows = list(start), []
    for _ in range(ROUNDS):
        means, sds = np.array([b.mean for b in beliefs]), np.array([b.sd for b in beliefs])
        shares = bounded(odds(means, sds), leader(means), 0.05)
        chosen = int(rng.choice(len(shares), p=shares))
        score = float(rng.random() < truths[chosen])
        beliefs[chosen] = updated(beliefs[chosen], 1, score)
        rows.append((chosen, shares[chosen], score, shares @ truths))
    chosen, propensities, scores, quality = (np.array(column) for column in zip(*rows, strict=True))
    found = []
    for offer, truth in enumerate(truths):
        told = gain(scores, propensities, (chosen == offer).astype(float), start[offer].mean)
        found.append((float(quality.mean() - truth), told.mean, told.stderr))
    return float(quality.mean()), found


def gains() -> None:
    """Many lives: what the router truly gains, what it tells, and how often the interval holds the truth."""
    lives = [routed(seed) for seed in range(REPEATS)]
    print(f"\n{REPEATS} routers, {ROUNDS:,} judged requests each, first beliefs off by {ERROR:g}, exploration 0.05:")
    print(f"mean quality {np.mean([quality for quality, _ in lives]):.4f}; the best offer has {max(TRUTHS):g}\n")
    print("| against always | true gain | told, mean | error of that mean | within ±1.96 standard errors |")
    print("|---|---:|---:|---:|---:|")
    for offer, truth in enumerate(TRUTHS):
        true, told, error = np.array([found[offer] for _, found in lives]).T
        off = (told - true).std(ddof=1) / np.sqrt(REPEATS)
        held = np.mean(np.abs(told - true) <= 1.96 * error)
        print(f"| {truth:g} | {true.mean():+.4f} | {told.mean():+.4f} | {off:.4f} | {held:.0%} |")


if __name__ == "__main__":
    wires()
    cost()
    budgets()
    gains()
