"""Servers on the same model, in one run: Concours, FastAPI, LitServe, BentoML, MLflow.

    PYTHONPATH=src python benchmarks/serving.py [--litserve PYTHON] [--bentoml PYTHON] [--mlflow PYTHON] [--rounds 3]
    PYTHONPATH=src python benchmarks/serving.py --million       memory over a million requests

A row is 64 floats of a digit, an answer ten probabilities. The model is a forest of 100 trees, or a logistic
regression, both of scikit-learn and as ONNX. Servers have one core, the load the other (taskset). Concours and FastAPI
ask for a token and count requests by it; the others do neither. Each peer is given by a Python that has it; those that
are not given are left out, by name. Load is closed: so many clients, each with one connection, who ask again when they
are answered; at 80% it is open, of random arrivals. Rounds of all servers take turns; medians are told. CPU
microseconds are of the server and all its processes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import joblib
import numpy as np
import psutil
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

HERE = Path(__file__).parent
TOKEN = "a-token-for-the-benchmark"
MODELS = {
    "forest": (
        RandomForestClassifier(100, random_state=0),
        "sklearn.ensemble:RandomForestClassifier",
        {"n_estimators": 100},
    ),
    "linear": (LogisticRegression(max_iter=1000), "sklearn.linear_model:LogisticRegression", {"max_iter": 1000}),
}
SERVER_CPU, LOAD_CPU = 0, 1


@dataclass(frozen=True)
class Peer:
    """A server.

    Attributes:
        command: with `{port}` in it.
        path: of the request.
        body: of one row.
        guarded: whether it wants a token.
    """

    name: str
    command: Sequence[str]
    path: str
    body: bytes
    guarded: bool = False
    env: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Load:
    """What came of a load: requests a second, milliseconds, CPU microseconds a request, and failures."""

    rate: float
    p50: float
    p99: float
    cpu: float
    failed: int


def free_port() -> int:
    """Below those that connections are given."""
    while True:
        with suppress(OSError), socket.create_server(("127.0.0.1", random.randrange(10_000, 30_000))) as one:
            return int(one.getsockname()[1])


def started(peer: Peer) -> tuple[subprocess.Popen[bytes], int]:
    """A server of its own process group, on one core, once it answers."""
    port = free_port()
    command = ["taskset", "-c", str(SERVER_CPU), *(word.format(port=port) for word in peer.command)]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "BENCH_TOKEN": TOKEN, **(peer.env or {})}
    process = subprocess.Popen(
        command, env=env, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    until = time.monotonic() + 180
    while time.monotonic() < until:
        try:
            head = {"content-type": "application/json", "authorization": f"Bearer {TOKEN}"}
            request = urllib.request.Request(f"http://127.0.0.1:{port}{peer.path}", peer.body, head)
            if urllib.request.urlopen(request, timeout=5).status == 200:
                return process, port
        except OSError:
            time.sleep(0.3)
        if process.poll() is not None:
            break
    stop(process)
    raise SystemExit(f"{peer.name} does not answer")


def stop(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(10)
    except (ProcessLookupError, subprocess.TimeoutExpired):
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def cpu_of(process: subprocess.Popen[bytes]) -> float:
    """CPU seconds of a process and all below it."""
    root = psutil.Process(process.pid)
    times = [each.cpu_times() for each in (root, *root.children(recursive=True))]
    return sum(each.user + each.system for each in times)


class Client(asyncio.Protocol):
    """One connection that asks, and tells when it is answered."""

    def __init__(self, request: bytes) -> None:
        self.request, self.buffer, self.failed = request, bytearray(), 0
        self.answered: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if self._answered() and self.answered is not None and not self.answered.done():
            self.answered.set_result(None)

    def _answered(self) -> bool:
        """Whether an answer is there as a whole, which is then left out of what has come."""
        head = self.buffer.find(b"\r\n\r\n")
        if head < 0:
            return False
        top = bytes(self.buffer[:head]).lower()
        place = top.find(b"content-length:")
        if place < 0:
            if not self.buffer.endswith(b"0\r\n\r\n"):
                return False
            size = len(self.buffer)
        else:
            size = head + 4 + int(top[place + 15 :].partition(b"\r\n")[0])
        if len(self.buffer) < size:
            return False
        self.failed += b" 200 " not in top[:16]
        del self.buffer[:size]
        return True

    async def ask(self) -> float:
        """Seconds until the answer is there."""
        self.answered = asyncio.get_running_loop().create_future()
        began = time.perf_counter()
        self.transport.write(self.request)  # type: ignore[attr-defined]
        await self.answered
        return time.perf_counter() - began


async def connected(port: int, request: bytes, count: int) -> list[Client]:
    loop = asyncio.get_running_loop()
    return [(await loop.create_connection(lambda: Client(request), "127.0.0.1", port))[1] for _ in range(count)]


async def closed(port: int, request: bytes, clients: int, seconds: float) -> tuple[list[float], int]:
    """Each client asks again when it is answered."""
    all = await connected(port, request, clients)
    until, took = time.perf_counter() + seconds, list[float]()

    async def one(client: Client) -> None:
        while time.perf_counter() < until:
            took.append(await client.ask())

    await asyncio.gather(*map(one, all))
    for client in all:
        client.transport.close()
    return took, sum(client.failed for client in all)


class Arrival(Client):
    """A connection that is asked when a request arrives, and keeps how long that took until it was answered."""

    idle: list[Arrival]
    took: list[float]
    due = 0.0

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if self._answered():
            self.took.append(time.perf_counter() - self.due)
            self.idle.append(self)


async def open_load(port: int, request: bytes, rate: float, seconds: float) -> list[float]:
    """Requests come at random times, so many a second, whether others are answered or not; waiting counts."""
    idle, took, rng = list[Arrival](), list[float](), random.Random(0)
    loop = asyncio.get_running_loop()
    for _ in range(256):
        _, one = await loop.create_connection(lambda: Arrival(request), "127.0.0.1", port)
        one.idle, one.took = idle, took
        idle.append(one)
    every = list(idle)
    began = due = time.perf_counter()
    count = 0
    while due < began + seconds:
        while due <= time.perf_counter() and idle:
            one = idle.pop()
            one.due = due
            one.transport.write(request)  # type: ignore[attr-defined]
            due += rng.expovariate(rate)
            count += 1
        await asyncio.sleep(0)
    while len(took) < count:
        await asyncio.sleep(0.01)
    for one in every:
        one.transport.close()
    return took


def request_of(peer: Peer) -> bytes:
    head = f"POST {peer.path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
    head += f"authorization: Bearer {TOKEN}\r\n" if peer.guarded else ""
    return f"{head}content-length: {len(peer.body)}\r\n\r\n".encode() + peer.body


def measured(peer: Peer, process: subprocess.Popen[bytes], port: int, clients: int, seconds: float) -> Load:
    request = request_of(peer)
    asyncio.run(closed(port, request, clients, min(1.0, seconds)))
    before, began = cpu_of(process), time.perf_counter()
    took, failed = asyncio.run(closed(port, request, clients, seconds))
    spent = time.perf_counter() - began
    low, high = np.percentile(took, [50, 99])
    return Load(len(took) / spent, low * 1e3, high * 1e3, (cpu_of(process) - before) / len(took) * 1e6, failed)


def prepared(folder: Path) -> None:
    """The models in all forms: joblib, ONNX, and run folders of contests in which they stand alone."""
    import pandas as pd
    from skl2onnx import to_onnx

    from concours import Contest, Entrant, Split, Task

    x, y = load_digits(return_X_y=True)
    frame = pd.DataFrame(x + 0.0, columns=[f"p{place}" for place in range(x.shape[1])]).assign(
        digit=[f"d{each}" for each in y]
    )
    for name, (model, recipe, params) in MODELS.items():
        place = folder / name
        place.mkdir()
        joblib.dump(model.fit(x, y), place / "model.joblib")
        made = to_onnx(model, x[:1].astype(np.float32), options={type(model): {"zipmap": False}})
        (place / "model.onnx").write_bytes(made.SerializeToString())
        task = Task(kind="tabular-classification", data=frame, target="digit", split=Split(test=0.2, folds=2))
        entrant = Entrant(name, recipe, params)
        Contest(
            task=task, entrants=(entrant,), lineup="none", engine="inline", cooperate=(), final="refit",
            out=place / "run",
        ).run()  # fmt: skip


def peers_of(folder: Path, model: str, pythons: Mapping[str, str]) -> list[Peer]:
    row = [float(each) for each in load_digits().data[0]]
    place = folder / model
    ours = json.dumps({"rows": [{f"p{number}": value for number, value in enumerate(row)}]}).encode()
    one = json.dumps({"row": row}).encode()
    serve = [sys.executable, "-m", "concours", "serve", str(place / "run"), "--with", model, "--port", "{port}"]
    serve += ["--token", TOKEN, "--within", "1e-6"]
    api = [
        sys.executable,
        "-m",
        "uvicorn",
        "fastapi_app:app",
        "--port",
        "{port}",
        "--log-level",
        "warning",
        "--no-access-log",
    ]
    env = {"BENCH_MODEL": str(place), "PYTHONPATH": f"{HERE.parent / 'src'}:{HERE / 'serving_peers'}"}
    found = [
        Peer("concours", serve, "/predict", ours, guarded=True),
        Peer("concours, onnx", [*serve, "--export", "onnx"], "/predict", ours, guarded=True),
        Peer("fastapi", api, "/predict", one, guarded=True, env={**env, "BENCH_FORM": "sklearn"}),
        Peer("fastapi, onnx", api, "/predict", one, guarded=True, env={**env, "BENCH_FORM": "onnx"}),
    ]
    bare = {"BENCH_MODEL": str(place), "PYTHONPATH": str(HERE / "serving_peers")}
    if "litserve" in pythons:
        command = [pythons["litserve"], str(HERE / "serving_peers/litserve_app.py"), "{port}"]
        found.append(Peer("litserve", command, "/predict", one, env=bare))
    if "bentoml" in pythons:
        command = [pythons["bentoml"], "-m", "bentoml", "serve", "bentoml_app:Rows", "--port", "{port}"]
        found.append(Peer("bentoml", command, "/predict", json.dumps({"row": [row]}).encode(), env=bare))
    if "mlflow" in pythons:
        subprocess.run([pythons["mlflow"], str(HERE / "serving_peers/mlflow_model.py"), str(place)], check=True)
        command = [
            pythons["mlflow"],
            "-m",
            "mlflow",
            "models",
            "serve",
            "-m",
            str(place / "mlflow"),
            "-p",
            "{port}",
            "--env-manager",
            "local",
        ]
        path = f"{Path(pythons['mlflow']).parent}:{os.environ['PATH']}"
        found.append(
            Peer("mlflow", command, "/invocations", json.dumps({"inputs": [row]}).encode(), env={**bare, "PATH": path})
        )
    return found


HEAD = (
    "server", "1 client: requests/s", "p50 ms", "p99 ms", "32 clients: requests/s", "p50 ms", "p99 ms",
    "CPU µs a request", "failed",
)  # fmt: skip
Loads = dict[tuple[str, int], list[Load]]
RIVALS = {"concours": ("fastapi", "litserve", "bentoml", "mlflow"), "concours, onnx": ("fastapi, onnx",)}


def compare(folder: Path, pythons: Mapping[str, str], rounds: int, seconds: float) -> None:
    for model in MODELS:
        peers = peers_of(folder, model, pythons)
        loads: Loads = {}
        tails: dict[str, list[list[float]]] = {}
        for _ in range(rounds):
            for peer in peers:
                process, port = started(peer)
                try:
                    for clients in (1, 32):
                        found = measured(peer, process, port, clients, seconds)
                        loads.setdefault((peer.name, clients), []).append(found)
                    if peer.name in RIVALS:
                        rate = 0.8 * loads[peer.name, 32][-1].rate
                        took = asyncio.run(open_load(port, request_of(peer), rate, seconds))
                        tails.setdefault(peer.name, []).append((np.percentile(took, [50, 99]) * 1e3).tolist())
                finally:
                    stop(process)
        print(f"\n{model}, medians of {rounds} rounds of {seconds:g} s\n")
        tell(loads, [peer.name for peer in peers])
        for name, kept in tails.items():
            low, high = (median(each[place] for each in kept) for place in (0, 1))
            print(f"{name} at 80% of what it can: p50 {low:.2f} ms, p99 {high:.2f} ms, {high / low:.1f} times")


def tell(loads: Loads, names: Sequence[str]) -> None:
    print(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}")
    for name in names:
        cells = [name]
        for clients, keys in ((1, ("rate", "p50", "p99")), (32, ("rate", "p50", "p99", "cpu"))):
            values = [median(getattr(each, key) for each in loads[name, clients]) for key in keys]
            cells += [f"{value:,.2f}" if value < 100 else f"{value:,.0f}" for value in values]
        failed = sum(each.failed for clients in (1, 32) for each in loads[name, clients])
        print(f"| {' | '.join(cells)} | {failed} |")
    print()
    for ours, others in RIVALS.items():
        for other in (name for name in others if name in names and ours in names):
            many = [a.rate / b.rate for a, b in zip(loads[ours, 32], loads[other, 32], strict=True)]
            one = [b.p50 / a.p50 for a, b in zip(loads[ours, 1], loads[other, 1], strict=True)]
            print(
                f"{ours} beside {other}: with 32 clients {median(many):.1f} times as many requests; with one p50 is "
                f"{median(one):.2f} times lower"
            )


def million(folder: Path) -> None:
    """Memory of the server and its processes before and after a million requests."""
    (peer, *_) = peers_of(folder, "linear", {})
    process, port = started(peer)

    def memory() -> float:
        root = psutil.Process(process.pid)
        return sum(each.memory_info().rss for each in (root, *root.children(recursive=True))) / 1e6

    try:
        done, request = 0, request_of(peer)
        asyncio.run(closed(port, request, 32, 5))
        before = memory()
        while done < 1_000_000:
            took, failed = asyncio.run(closed(port, request, 32, 20))
            done += len(took)
            print(f"{done:,} requests, {failed} failed: {memory():.0f} MB, {before:.0f} MB at first", flush=True)
    finally:
        stop(process)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name in ("litserve", "bentoml", "mlflow"):
        parser.add_argument(f"--{name}", metavar="PYTHON")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--million", action="store_true")
    given = parser.parse_args()
    os.sched_setaffinity(0, {LOAD_CPU})
    pythons = {name: getattr(given, name) for name in ("litserve", "bentoml", "mlflow") if getattr(given, name)}
    folder = Path(tempfile.mkdtemp(prefix="concours-serving-"))
    try:
        prepared(folder)
        print(f"load average at the beginning {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
        if given.million:
            million(folder)
        else:
            compare(folder, pythons, given.rounds, given.seconds)
            left = [name for name in ("litserve", "bentoml", "mlflow") if name not in pythons]
            print(f"\nleft out, as no Python was given that has them: {', '.join(left)}" if left else "")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
