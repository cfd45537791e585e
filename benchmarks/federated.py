"""Federated averaging in one process, against Flower's simulation: the same network, rows, seeds and clients.

    pip install 'concours[federated,ray]'
    python benchmarks/federated.py [--clients 100] [--rounds 30] [--peer-rounds 10] [--skip-peer]

784-128-10, 600 rows a client, batches of 60, one epoch of SGD a round, a tenth of the clients a round. First both train
ten clients that all take part for three rounds, and their weights are compared. Then each trains as many rounds as it
is told: seconds from the start of Python to the end of the first round, rounds a second after that, and CPU seconds and
memory of all of its processes. Last, our memory with 101 and with 10,000 clients, ten of them a round.

Rows lie in files that both map into memory, so that neither is measured at making them; those of the last two runs are
made where a client is asked, so what grows is what a round holds. Each measurement is a process of its own, which ends
after five minutes at most. On a busy machine CPU seconds count: the load is printed beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil

ROWS, BATCH, RATE, INPUTS, HIDDEN, CLASSES = 600, 60, 0.05, 784, 128, 10
LIMIT = 300
LAYERS = ("1.weight", "1.bias", "5.weight", "5.bias")
"""Ours, in the order of torch's own modules."""


def made(client: int) -> tuple[Any, Any]:
    """A client's rows and classes: (600, 784) float32, (600,)."""
    rng = np.random.default_rng(client)
    y = rng.integers(0, CLASSES, ROWS)
    centres = np.random.default_rng(10**9).normal(size=(CLASSES, INPUTS))
    return (centres[y] + 3 * rng.normal(size=(ROWS, INPUTS))).astype(np.float32), y


def keep(folder: Path, clients: int) -> None:
    """Writes the rows of all clients to two files."""
    x = np.lib.format.open_memmap(folder / "x.npy", "w+", np.float32, (clients, ROWS, INPUTS))
    y = np.lib.format.open_memmap(folder / "y.npy", "w+", np.int64, (clients, ROWS))
    for client in range(clients):
        x[client], y[client] = made(client)


def reader(folder: str | None) -> Callable[[int], tuple[Any, Any]]:
    """What gives a client's rows: from the files, as pages of them that are private; without a folder, made anew."""
    if folder is None:
        return made
    x, y = (np.load(Path(folder, f"{name}.npy"), mmap_mode="c") for name in "xy")
    return lambda client: (x[client], y[client])


def seed_of(client: int, number: int) -> int:
    """Of a client's order of rows in a round, from 1."""
    return 1000 * number + client


def begun() -> Any:
    """Our network with its first weights."""
    from concours.entrants.neural import DenseClassifier

    network = DenseClassifier(hidden=[HIDDEN], norm="none", dropout=0.0)
    return network.begun(np.zeros((1, INPUTS), np.float32), CLASSES, seed=0)


def chosen(clients: int, share: float, number: int) -> list[int]:
    count = max(1, round(share * clients))
    return np.random.default_rng(number).permutation(clients)[:count].tolist()


class Watch:
    """When each round of a run ended, and what all processes of it had taken by then."""

    def __init__(self, rounds: int) -> None:
        self.rounds = rounds
        self.ends: list[float] = []
        self.cpu: list[float] = []
        self.memory = 0.0

    def look(self) -> None:
        """Called at the end of each round. To look at memory takes long, so that it is done once, after the last."""
        self.ends.append(time.time())
        if len(self.ends) in (1, self.rounds):
            own = psutil.Process()
            family = [own, *own.children(recursive=True)]
            self.cpu.append(sum(each.user + each.system for each in (process.cpu_times() for process in family)))
        if len(self.ends) == self.rounds:
            self.memory = sum(process.memory_full_info().pss for process in family) / 2**20

    def told(self) -> dict[str, float]:
        """Seconds to the first round, and what a round took after it."""
        later = max(1, len(self.ends) - 1)
        return {
            "first_s": self.ends[0] - float(os.environ["BEGAN"]),
            "steady": later / (self.ends[-1] - self.ends[0]),
            "cpu_s": (self.cpu[-1] - self.cpu[0]) / later,
            "memory_mb": self.memory,
        }


def ours(clients: int, share: float, rounds: int, threads: int, folder: str | None, out: str) -> dict[str, float]:
    """Rounds of `train_sites` and `aggregate`, which a contest's jobs call, too."""
    import torch

    from concours.entrants.federated import Local
    from concours.entrants.sites import Site, train_sites
    from concours.kernels.federating.strategies import aggregate
    from concours.kernels.federating.update import ServerState

    torch.set_num_threads(threads)
    network, state, rows_of, watch = begun(), ServerState(), reader(folder), Watch(rounds)
    tensors, settings = network.get_tensors(), Local(batch_size=BATCH, learning_rate=RATE)
    for number in range(1, rounds + 1):
        asked = [(rows_of(client), seed_of(client, number)) for client in chosen(clients, share, number)]
        sites = [Site(x=x, y=y, seed=seed) for (x, y), seed in asked]
        tensors, state, _ = aggregate(tensors, train_sites(network, tensors, sites, settings, threads=threads), state)
        watch.look()
    np.savez(out, *(tensors[f"body.{name}"] for name in LAYERS))
    return watch.told()


def peer(clients: int, share: float, rounds: int, threads: int, folder: str, out: str) -> dict[str, float]:
    """Flower's simulation with its own FedAvg; the client is a plain loop of torch, as its examples have it."""
    import logging

    import torch
    from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
    from flwr.clientapp import ClientApp
    from flwr.serverapp import Grid, ServerApp
    from flwr.serverapp.strategy import FedAvg
    from flwr.simulation import run_simulation

    logging.getLogger("flwr").setLevel(logging.WARNING)
    client_app, server_app, watch = ClientApp(), ServerApp(), Watch(rounds)

    @client_app.train()
    def train(message: Message, context: Context) -> Message:
        torch.set_num_threads(1)
        client, number = int(context.node_config["partition-id"]), int(message.content["config"]["server-round"])
        x, y = (torch.from_numpy(part) for part in reader(folder)(client))
        x = x * torch.rsqrt(1 + (x / 3).square())  # ours bends far values so
        model = torch.nn.Sequential(torch.nn.Linear(INPUTS, HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, CLASSES))
        with torch.no_grad():
            for own, given in zip(model.parameters(), message.content["arrays"].to_numpy_ndarrays(), strict=True):
                own.copy_(torch.from_numpy(given.copy()))
        optimiser = torch.optim.SGD(model.parameters(), lr=RATE)
        order = torch.randperm(ROWS, generator=torch.Generator().manual_seed(seed_of(client, number)))
        for part in order.tensor_split(ROWS // BATCH):
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(model(x[part]), y[part]).backward()
            optimiser.step()
        arrays = [each.detach().numpy() for each in model.parameters()]
        content = {"arrays": ArrayRecord(arrays), "metrics": MetricRecord({"num-examples": ROWS})}
        return Message(content=RecordDict(content), reply_to=message)

    @server_app.main()
    def serve(grid: Grid, context: Context) -> None:  # noqa: ARG001
        def look(number: int, arrays: ArrayRecord) -> None:
            if number:
                watch.look()
            if number == rounds:
                np.savez(out, *arrays.to_numpy_ndarrays())

        strategy = FedAvg(
            fraction_train=share,
            fraction_evaluate=0.0,
            min_train_nodes=1,
            min_evaluate_nodes=0,
            min_available_nodes=clients,
        )
        tensors = begun().get_tensors()
        first = ArrayRecord([tensors[f"body.{name}"] for name in LAYERS])
        strategy.start(grid=grid, initial_arrays=first, num_rounds=rounds, evaluate_fn=look)

    resources = {"client_resources": {"num_cpus": 1, "num_gpus": 0.0}, "init_args": {"num_cpus": threads}}
    run_simulation(server_app, client_app, num_supernodes=clients, backend_config=resources)  # type: ignore[arg-type]
    return watch.told()


WAYS = {"ours": ours, "peer": peer}


def measured(way: str, *arguments: Any) -> dict[str, float]:
    """One measurement in a process of its own, to which the files of this folder are no modules: one is called ray."""
    own = {"FLWR_TELEMETRY_ENABLED": "0", "RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1", "PYTHONSAFEPATH": "1"}
    command = [sys.executable, __file__, "--one", way, json.dumps(arguments)]
    environment = {**os.environ, **own, "BEGAN": str(time.time())}
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment, timeout=LIMIT)
    except subprocess.SubprocessError as error:
        sys.exit(f"{way} {arguments}: {error}\n{str(error.stderr)[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def apart(first: Path, second: Path) -> float:
    """By how much two files of weights differ at most."""
    with np.load(first) as a, np.load(second) as b:
        return max(float(np.abs(a[name] - b[name]).max()) for name in a.files)


def compared(folder: Path, options: argparse.Namespace) -> None:
    """Prints ours beside Flower."""
    files = {way: folder / f"{way}.npz" for way in WAYS}
    if not options.skip_peer:
        for way, file in files.items():
            measured(way, 10, 1.0, 3, options.threads, str(folder), str(file))
        difference = apart(*files.values())
        print(f"ten clients that all take part, three rounds: weights differ by at most {difference:.1e}\n")
    print(
        "| | first round after s | rounds a second after it | CPU ms a round | memory, MB |\n|---|---:|---:|---:|---:|"
    )
    steady = {}
    for way, name, rounds in (("ours", "Concours", options.rounds), ("peer", "Flower", options.peer_rounds)):
        if way == "ours" or not options.skip_peer:
            told = measured(way, options.clients, 0.1, rounds, options.threads, str(folder), str(files[way]))
            steady[way] = told["steady"]
            row = f"{told['first_s']:.1f} | {told['steady']:.2f} | {told['cpu_s'] * 1000:.0f} | {told['memory_mb']:.0f}"
            print(f"| {name} | {row} |", flush=True)
    if len(steady) > 1:
        print(f"\n{steady['ours'] / steady['peer']:.1f} times as many rounds a second")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--peer-rounds", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--skip-peer", action="store_true")
    options = parser.parse_args()
    if options.one:
        way, arguments = options.one[0], json.loads(options.one[1])
        print(json.dumps(WAYS[way](*arguments)))
        return
    print(f"784-128-10, {options.clients} clients of {ROWS} rows, a tenth a round; load {os.getloadavg()[0]:.1f}\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        keep(folder, max(10, options.clients))
        compared(folder, options)
        few, many = (
            measured("ours", clients, 10 / clients, 3, options.threads, None, str(folder / "out.npz"))["memory_mb"]
            for clients in (101, 10_000)
        )
    print(f"\nten clients a round of 101 take {few:.0f} MB, of 10,000 {many:.0f} MB")


if __name__ == "__main__":
    main()
