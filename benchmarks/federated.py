"""Federated averaging in one process, against Flower's simulation: the same network, rows, seeds and clients.

    pip install 'concours[federated]'
    python benchmarks/federated.py [--clients 100] [--rounds 30] [--peer-rounds 10] [--skip-peer]

784-128-10, 600 rows a client, batches of 60, one epoch of SGD a round, a tenth of the clients a round. First both train
ten clients that all take part, and their weights are compared; then the rounds a second are measured, and how long the
first takes from the start of Python. Last, our memory with 100 and with 10,000 clients: rows are made where a client is
asked, so what grows is what a round holds. Each measurement is a process of its own. Print the load beside it: on a
busy machine CPU seconds count.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from typing import Any

ROWS, BATCH, RATE, INPUTS, HIDDEN, CLASSES = 600, 60, 0.05, 784, 128, 10
STARTED = time.time()


def rows_of(client: int) -> tuple[Any, Any]:
    """A client's rows and classes: (600, 784) float32, (600,)."""
    import numpy as np

    rng = np.random.default_rng(client)
    y = rng.integers(0, CLASSES, ROWS)
    centres = np.random.default_rng(10**9).normal(size=(CLASSES, INPUTS))
    return (centres[y] + 3 * rng.normal(size=(ROWS, INPUTS))).astype(np.float32), y


def seed_of(client: int, number: int) -> int:
    """Of a client's order of rows in a round, from 1."""
    return 1000 * number + client


def begun() -> Any:
    """Our network with its first weights."""
    import numpy as np

    from concours.entrants.neural import DenseClassifier

    network = DenseClassifier(hidden=[HIDDEN], norm="none", dropout=0.0)
    return network.begun(np.zeros((1, INPUTS), np.float32), CLASSES, seed=0)


def first_weights() -> list[Any]:
    """In the order of torch's own modules; inputs are clipped smoothly in ours, so the peer is told the same."""
    tensors = begun().get_tensors()
    return [tensors[f"body.{name}"] for name in ("1.weight", "1.bias", "5.weight", "5.bias")]


def chosen(clients: int, share: float, number: int) -> list[int]:
    import numpy as np

    count = max(1, round(share * clients))
    return np.random.default_rng(number).permutation(clients)[:count].tolist()


def ours(clients: int, share: float, rounds: int, threads: int) -> dict[str, Any]:
    """Rounds of `train_sites` and `aggregate`, which a contest's jobs call, too."""
    import torch

    from concours.entrants.federated import Local
    from concours.entrants.sites import Site, train_sites
    from concours.kernels.federating.strategies import aggregate
    from concours.kernels.federating.update import ServerState

    torch.set_num_threads(threads)
    network, state = begun(), ServerState()
    tensors, settings = network.get_tensors(), Local(batch_size=BATCH, learning_rate=RATE)
    known = {client: rows_of(client) for client in range(clients)} if clients <= 100 else {}
    ends, cpu = [], 0.0
    for number in range(1, rounds + 1):
        sites = [
            Site(x=x, y=y, seed=seed_of(client, number))
            for client in chosen(clients, share, number)
            for x, y in [known.get(client) or rows_of(client)]
        ]
        tensors, state, _ = aggregate(tensors, train_sites(network, tensors, sites, settings, threads=threads), state)
        ends.append(time.time())
        cpu = time.process_time() if number == 1 else cpu
    order = ("1.weight", "1.bias", "5.weight", "5.bias")
    return {
        "weights": [tensors[f"body.{name}"].ravel()[:2000].tolist() for name in order],
        **_rates(ends, rounds),
        "cpu_s": (time.process_time() - cpu) / max(1, rounds - 1),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def peer(clients: int, share: float, rounds: int, threads: int) -> dict[str, Any]:
    """Flower's simulation with its own FedAvg; the client is a plain loop of torch, as its examples have it."""
    import logging

    import numpy as np
    import torch
    from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
    from flwr.clientapp import ClientApp
    from flwr.serverapp import Grid, ServerApp
    from flwr.serverapp.strategy import FedAvg
    from flwr.simulation import run_simulation

    logging.getLogger("flwr").setLevel(logging.WARNING)
    client_app, server_app = ClientApp(), ServerApp()
    ends: list[float] = []
    kept: dict[str, Any] = {}

    @client_app.train()
    def train(message: Message, context: Context) -> Message:
        torch.set_num_threads(1)
        client, number = int(context.node_config["partition-id"]), int(message.content["config"]["server-round"])
        x, y = (torch.from_numpy(part) for part in rows_of(client))
        x = x * torch.rsqrt(1 + (x / 3).square())
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
                ends.append(time.time())
            kept["weights"] = [np.ravel(each)[:2000].tolist() for each in arrays.to_numpy_ndarrays()]

        strategy = FedAvg(
            fraction_train=share,
            fraction_evaluate=0.0,
            min_train_nodes=1,
            min_evaluate_nodes=0,
            min_available_nodes=clients,
        )
        strategy.start(grid=grid, initial_arrays=ArrayRecord(first_weights()), num_rounds=rounds, evaluate_fn=look)

    resources = {"client_resources": {"num_cpus": 1, "num_gpus": 0.0}, "init_args": {"num_cpus": threads}}
    run_simulation(server_app, client_app, num_supernodes=clients, backend_config=resources)  # type: ignore[arg-type]
    return {**kept, **_rates(ends, rounds)}


def _rates(ends: list[float], rounds: int) -> dict[str, float]:
    steady = (rounds - 1) / (ends[-1] - ends[0]) if rounds > 1 else float("nan")
    return {"first_s": ends[0] - float(os.environ["BEGAN"]), "steady": steady}


WAYS = {"ours": ours, "peer": peer}


def measured(way: str, *arguments: float) -> dict[str, Any]:
    """One measurement in a process of its own."""
    quiet = {"FLWR_TELEMETRY_ENABLED": "0", "RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, __file__, "--one", way, json.dumps(arguments)]
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, **quiet, "BEGAN": str(time.time())},
    )
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


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
    load = os.getloadavg()[0]
    print(f"784-128-10, {options.clients} clients of {ROWS} rows, a tenth a round; load {load:.1f}\n")
    mine = measured("ours", options.clients, 0.1, options.rounds, options.threads)
    few, many = (
        measured("ours", clients, share, 3, options.threads) for clients, share in ((101, 0.1), (10_000, 0.001))
    )
    if not options.skip_peer:
        import numpy as np

        pair = [measured(way, 10, 1.0, 3, options.threads)["weights"] for way in WAYS]
        apart = max(float(np.abs(np.subtract(a, b)).max()) for a, b in zip(*pair, strict=True))
        print(f"ten clients that all take part, three rounds: weights differ by at most {apart:.1e}\n")
        theirs = measured("peer", options.clients, 0.1, options.peer_rounds, options.threads)
        print("| | rounds a second, steady | first round after s |\n|---|---:|---:|")
        print(f"| Concours | {mine['steady']:.1f} | {mine['first_s']:.1f} |")
        print(f"| Flower | {theirs['steady']:.2f} | {theirs['first_s']:.1f} |")
        print(f"\n{mine['steady'] / theirs['steady']:.1f} times as many rounds a second")
    else:
        print(f"{mine['steady']:.1f} rounds a second, the first after {mine['first_s']:.1f} s")
    print(f"{mine['cpu_s'] * 1000:.0f} CPU ms a round; ten clients a round take {few['peak_mb']:.0f} MB")
    print(f"at most of 101 clients, {many['peak_mb']:.0f} MB of 10,000")


if __name__ == "__main__":
    main()
