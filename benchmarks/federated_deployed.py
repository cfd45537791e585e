"""What a round of a federation of real sites takes beyond training, against Flower's own programs.

    pip install 'concours[federated]'
    python benchmarks/federated_deployed.py [--rounds 10] [--peer-rounds 4] [--skip-peer]

A SuperLink on loopback, with TLS and nodes known by their keys, and two sites that are processes of their own. The
weights of 784-128-10 go to both and come back, nothing is trained, and the mean of what came is sent in the next round:
by our executor and sites, in the open and summed up unseen, and by `flower-supernode` and `flwr run`, with Flower's
FedAvg. Print the load beside it.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

QUIET = {"FLWR_TELEMETRY_ENABLED": "0", "FLWR_DISABLE_UPDATE_CHECK": "1", "OMP_NUM_THREADS": "1"}
os.environ |= QUIET

SITES = ("north", "south")
SHAPES = {"1.weight": (128, 784), "1.bias": (128,), "3.weight": (10, 128), "3.bias": (10,)}
PROGRAMS = Path(sys.executable).parent
os.environ["PATH"] = os.pathsep.join((str(PROGRAMS), os.environ.get("PATH", "")))  # they start one another by name
STARTS_S, PEER_S = 120.0, 900.0

APP = """[project]
name = "peerapp"
version = "1.0.0"
description = "Weights that go to sites and come back"
license = "Apache-2.0"
dependencies = []
[tool.flwr.app]
publisher = "peer"
[tool.flwr.app.components]
serverapp = "peerapp.app:server"
clientapp = "peerapp.app:client"
[tool.flwr.app.config]
rounds = {rounds}
"""

CODE = """import time

import numpy as np
from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

client = ClientApp()
server = ServerApp()


@client.train()
def train(message: Message, context: Context) -> Message:
    told = {{"arrays": message.content["arrays"], "metrics": MetricRecord({{"num-examples": 600}})}}
    return Message(RecordDict(told), reply_to=message)


@server.main()
def main(grid: Grid, context: Context) -> None:
    first = ArrayRecord([np.zeros(shape, np.float32) for shape in {shapes}])
    stamp = lambda number, arrays: print("STAMP", number, time.time(), flush=True)
    FedAvg(fraction_evaluate=0.0).start(
        grid, first, num_rounds=int(context.run_config["rounds"]), evaluate_fn=stamp
    )
"""


def certified(folder: Path) -> None:
    """A certificate of this machine, which is its own authority."""
    names = ("subjectAltName=DNS:localhost,IP:127.0.0.1", "keyUsage=critical,digitalSignature,keyCertSign")
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
            ),
            *("-subj", "/CN=localhost", *(word for name in names for word in ("-addext", name))),
            *("-keyout", str(folder / "server.key"), "-out", str(folder / "server.crt")),
        ],
        check=True,
        capture_output=True,
    )


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def started(name: str, words: Sequence[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A program that runs for as long as the context lasts; what it prints is in a file."""
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, env=os.environ | {"FLWR_HOME": str(folder / "flwr")})
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def superlink(folder: Path, *isolation: str) -> Iterator[str]:
    """The address of a SuperLink."""
    port = free_port()
    words = [
        *(str(PROGRAMS / "flower-superlink"), *isolation, "--enable-supernode-auth"),
        *("--host", "127.0.0.1", "--port", str(port), "--ssl-ca-certfile", str(folder / "server.crt")),
        *("--ssl-certfile", str(folder / "server.crt"), "--ssl-keyfile", str(folder / "server.key")),
    ]
    with started("superlink", words, folder) as process:
        _await(lambda: _listens(port), f"the SuperLink does not start: {folder / 'superlink.log'}", process)
        yield f"127.0.0.1:{port}"


def _listens(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def _await(ready: Callable[[], bool], otherwise: str, process: subprocess.Popen[bytes] | None = None) -> None:
    until = time.monotonic() + STARTS_S
    while not ready():
        if time.monotonic() > until or (process and process.poll() is not None):
            raise SystemExit(otherwise)
        time.sleep(1.0)


def ours(folder: Path, rounds: int, hold: Callable[[Any, Any, int], list[float]]) -> list[float]:
    """Seconds of each round, which is held by an executor on a store."""
    from concours.engine.inline import InlineExecutor
    from concours.engine.runners import RUNNERS
    from concours.engine.sites.executor import SitesExecutor
    from concours.engine.sites.keys import public_keys
    from concours.engine.sites.link import Link
    from concours.stores.memory import MemoryStore

    with ExitStack() as stack:
        address = stack.enter_context(superlink(folder, "--isolation", "process"))
        link, store = Link(address, (folder / "server.crt").read_bytes()), MemoryStore()
        link.admit(public_keys(folder / "keys"))
        for name in SITES:
            words = [sys.executable, __file__, "--site", name, "--superlink", address, "--folder", str(folder)]
            stack.enter_context(started(name, words, folder))
        _await(lambda: all(place.online for place in link.places()), f"a site does not come: {folder}")
        executor = SitesExecutor(InlineExecutor(store, RUNNERS), link, store, wait_s=60, job_s=600)
        stack.callback(executor.close)
        return hold(executor, store, rounds)


def in_the_open(executor: Any, store: Any, rounds: int) -> list[float]:
    """Both sites are sent the weights, and answer; the mean is kept."""
    import numpy as np
    from safetensors.numpy import load, save

    from concours.core.event import Done
    from concours.core.job import Job
    from concours.core.needs import Needs

    weights = {name: np.zeros(shape, np.float32) for name, shape in SHAPES.items()}
    seconds = []
    for number in range(rounds):
        began = time.perf_counter()
        sent = store.put(io.BytesIO(save(weights)))
        for place, site in enumerate(SITES):
            executor.submit(
                Job(
                    runner="train_at_site",
                    inputs={"weights": sent},
                    seed=number * len(SITES) + place,  # jobs alike would be one
                    outputs=("update",),
                    label=f"round {number + 1} of {site}",
                    needs=Needs(site=site),
                )
            )
        updates: list[Any] = []
        while len(updates) < len(SITES):
            for event in executor.outcomes():
                if not isinstance(event, Done):
                    raise SystemExit(event.reason)
                with store.open(event.outputs["update"]) as file:
                    updates.append(load(file.read()))
        weights = {name: np.mean([w + u[f"delta/{name}"] for u in updates], axis=0) for name, w in weights.items()}
        seconds.append(time.perf_counter() - began)
    if not all((w == rounds).all() for w in weights.values()):
        raise SystemExit("what came back is not what was sent")
    return seconds


def unseen(executor: Any, store: Any, rounds: int) -> list[float]:
    """Both sites are sent the weights, and go through the four stages; the server makes the next ones of the sum."""
    from types import SimpleNamespace

    import numpy as np

    from concours.cooperate.deployed_jobs import Among, Asking
    from concours.cooperate.deployed_rounds import secure_round
    from concours.core.event import Done
    from concours.core.kept import Kept
    from concours.engine.federating import get_weights, put_weights

    ended: dict[Any, Any] = {}
    state: Any = SimpleNamespace(
        seed=0,
        candidates=(SimpleNamespace(entrant=SimpleNamespace(recipe="dnn", params={})),),
        ended=lambda job: ended.get(job.digest),
        kept=Kept(),
    )
    problem: Any = SimpleNamespace(output=SimpleNamespace(told={}))
    asking = Asking(Among(problem=problem, sites=SITES, task={}), state, {})
    weights, server = put_weights(store, {n: np.zeros(shape, np.float32) for n, shape in SHAPES.items()}, {}), None
    seconds = []
    for number in range(rounds):
        began, submitted = time.perf_counter(), set()
        while True:
            held = secure_round(asking, number, weights, server, SITES)
            wanted = [job for job in (*held.jobs, *([held.ends] if held.ends else [])) if job.digest not in submitted]
            if held.ends and held.ends.digest in ended:
                break
            for job in wanted:
                submitted.add(job.digest)
                executor.submit(job)
            for event in executor.outcomes():
                if not isinstance(event, Done):
                    raise SystemExit(event.reason)
                ended[event.job] = event
        outputs = ended[held.ends.digest].outputs
        weights, server = outputs["weights"], outputs["state"]
        seconds.append(time.perf_counter() - began)
    if not all((w == rounds).all() for w in get_weights(store, weights)[0].values()):
        raise SystemExit("what came back is not what was sent")
    return seconds


def site(name: str, address: str, folder: Path) -> None:
    """A site that says that each weight moved by one."""
    import numpy as np
    from safetensors.numpy import load

    from concours.engine.federating import get_weights
    from concours.engine.rows import put_rows
    from concours.engine.runners import secure
    from concours.engine.sites.keys import own_key
    from concours.engine.sites.ledger import Bound, Ledger
    from concours.engine.sites.node import online
    from concours.engine.sites.secrets import OwnSecrets
    from concours.engine.sites.site import Site, serve
    from concours.engine.sites.wire import Answer, Asked
    from concours.kernels.federating.update import Update
    from concours.stores.disk import DiskStore
    from concours.stores.values import put_values

    def trained(job: Any, store: Any) -> tuple[Update, None]:
        weights, _ = get_weights(store, job.inputs["weights"])
        return Update(delta={key: np.ones_like(w) for key, w in weights.items()}, rows=600, loss=0.0), None

    def rows(_: Any, store: Any) -> dict[str, Any]:
        return {"x": put_rows(store, np.zeros((600, 1))), "y": put_values(store, np.zeros(600))}

    class Untrained(Site):
        def answer(self, asked: Asked) -> Answer:
            if asked.job.runner != "train_at_site":
                return super().answer(asked)
            weights = load(asked.objects[asked.job.inputs["weights"]])
            return Answer(outputs={"update": {f"delta/{key}": np.ones_like(w) for key, w in weights.items()}})

    secure.trained_at_site = trained
    with online(address, (folder / "server.crt").read_bytes(), own_key(folder / "keys" / name)[0]) as node:
        own = {"x": rows, "y": rows, "secret": OwnSecrets()}
        untrained = Untrained(DiskStore(folder / f"{name}-store"), own, Ledger(folder / name, Bound()), print)
        serve(node, untrained, print)


def peer(folder: Path, rounds: int) -> list[float]:
    """Seconds of each round of Flower's own programs, by the times that its strategy evaluates at."""
    app = folder / "app" / "peerapp"
    app.mkdir(parents=True)
    (app.parent / "pyproject.toml").write_text(APP.format(rounds=rounds))
    (app / "__init__.py").touch()
    (app / "app.py").write_text(CODE.format(shapes=list(SHAPES.values())))
    root = str(folder / "server.crt")
    with ExitStack() as stack:
        address = stack.enter_context(superlink(folder, "--disable-runtime-dependency-installation"))
        home = folder / "flwr"
        home.mkdir(exist_ok=True)
        connection = f'[superlink.here]\naddress = "{address}"\nroot-certificates = "{root}"\n'
        (home / "config.toml").write_text(f'[superlink]\ndefault = "here"\n{connection}')
        own = os.environ | {"FLWR_HOME": str(home)}
        for name in SITES:
            key = str(folder / "keys" / name)
            register = [str(PROGRAMS / "flwr"), "supernode", "register", f"{key}.pub", "here"]
            subprocess.run(register, env=own, check=True, capture_output=True)
            words = [
                *(str(PROGRAMS / "flower-supernode"), "--superlink", address, "--root-certificates", root),
                *("--auth-supernode-private-key", key, "--port", str(free_port())),
            ]
            stack.enter_context(started(name, words, folder))
        run, log = [str(PROGRAMS / "flwr"), "run", str(app.parent), "here", "--stream"], folder / "run.log"
        stack.enter_context(started("run", run, folder))
        last = re.compile(rf"STAMP {rounds} ")
        until = time.monotonic() + PEER_S
        while not last.search(log.read_text(errors="replace")) and time.monotonic() < until:
            time.sleep(0.5)
        stamps = [float(at) for at in re.findall(r"STAMP \d+ ([\d.]+)", log.read_text(errors="replace"))]
    if len(stamps) < rounds + 1:
        raise SystemExit(f"Flower's run came to {max(0, len(stamps) - 1)} rounds: {log.read_text(errors='replace')}")
    return [after - before for before, after in pairwise(stamps)]


def told(name: str, seconds: Sequence[float]) -> None:
    first, *others = seconds
    rest = f"{statistics.median(others):.2f} ({min(others):.2f} to {max(others):.2f})" if others else "–"
    print(f"| {name} | {first:.2f} | {rest} | {len(seconds)} | {os.getloadavg()[0]:.1f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--peer-rounds", type=int, default=4)
    parser.add_argument("--skip-peer", action="store_true")
    parser.add_argument("--site", help=argparse.SUPPRESS)
    parser.add_argument("--superlink", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.site:
        site(given.site, given.superlink, given.folder)
        return
    from concours.engine.sites.keys import own_key

    print("| two sites, 784-128-10, untrained | first round, s | further rounds, s, median (range) | rounds | load |")
    print("|---|---:|---:|---:|---:|")
    sides: dict[str, tuple[Callable[[Path, int], list[float]], int]] = {
        "concours": (partial(ours, hold=in_the_open), given.rounds),
        "concours, summed up unseen": (partial(ours, hold=unseen), given.rounds),
    }
    if not given.skip_peer:
        sides["Flower"] = peer, given.peer_rounds
    for name, (measure, rounds) in sides.items():
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
            folder = Path(place)
            certified(folder)
            for each in SITES:
                own_key(folder / "keys" / each)
            told(name, measure(folder, rounds))


if __name__ == "__main__":
    main()
