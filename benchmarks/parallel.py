"""One network trained by one process and by two: what the second is worth, and torch's own wrapper beside it.

    .venv/bin/python benchmarks/parallel.py [--rows 4000] [--width 16] [--rounds 3]

Rows are photographs of `cifar10-subset` (`CONCOURS_DATA`), the network the zoo's `cnn`. Ways take turns; the best epoch
of the rounds counts, without the start of processes. Efficiency is the time of one process over that of two, over two;
by CPU, the CPU seconds of one over those of both, which other users of the machine disturb less. Traffic is what each
worker hands to torch's collectives in the epoch. Apart is the largest difference of a weight from one process's after
the epoch, over the largest weight; the optimiser is SGD, as Adam makes steps of rounding. The peer is
`DistributedDataParallel` without `SyncBatchNorm`, which is for GPUs alone: so it does less. Where others use the
machine two processes have less than two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, distributed
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel

from concours.core.parallel import joined
from concours.entrants import networks, together
from concours.entrants.knowing import learn_scaling
from concours.entrants.losses import surprise
from concours.entrants.training import Settings, seeded, train

BATCH, RATE = 128, 0.01
WAYS = {
    "one process": (1, None, False),
    "two, every step": (2, {"workers": 2}, False),
    "two, every 8 steps": (2, {"workers": 2, "every": 8}, False),
    "torch's wrapper, two": (2, None, True),
}


def data(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures and the numbers of their classes, drawn by a seed."""
    path = Path(os.environ.get("CONCOURS_DATA", "../shared/data")) / "cifar10-subset" / "cifar10-subset.tar.gz"
    with tarfile.open(path) as archive:
        members = sorted(m.name for m in archive.getmembers() if m.name.startswith("train/") and m.isfile())
        names = np.random.default_rng(0).permutation(members)[:rows]
        pictures = [np.asarray(Image.open(BytesIO(archive.extractfile(str(name)).read()))) for name in names]
    classes = np.array([str(name).split("/")[1] for name in names])
    return np.stack(pictures), np.unique(classes, return_inverse=True)[1]


@contextmanager
def counted() -> Iterator[list[int]]:
    """Bytes that this process hands to the collectives of a training."""
    sent, sums, firsts = list[int](), together._sum, together._as_the_first

    def counting(of: object) -> object:
        return lambda tensor: (sent.append(tensor.numel() * tensor.element_size()), of(tensor))

    together._sum, together._as_the_first = counting(sums), counting(firsts)
    try:
        yield sent
    finally:
        together._sum, together._as_the_first = sums, firsts


def wrapped(network: torch.nn.Module, x: Tensor, y: Tensor, rank: int) -> None:
    """An epoch of torch's own wrapper and optimiser, on the same batches."""
    model = DistributedDataParallel(network.train())
    optimiser = torch.optim.SGD(model.parameters(), lr=RATE, momentum=0.9)
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    for chosen in order.tensor_split(max(1, len(x) // BATCH)):
        mine = chosen.tensor_split(2)[rank]
        optimiser.zero_grad()
        functional.cross_entropy(model(x[mine]), y[mine]).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()


def program(folder: Path, rank: int, width: int, rounds: int) -> None:
    """What one process does: each way in turn, told by the first on a line of its own."""
    torch.set_num_threads(1)
    pictures, classes = np.load(folder / "x.npy"), np.load(folder / "y.npy")
    x, y = torch.from_numpy(pictures), torch.from_numpy(classes)
    distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2, timeout=timedelta(minutes=30)
    )
    alone = torch.zeros(0)
    for way, (workers, parallel, peer) in list(WAYS.items()) * rounds:
        distributed.barrier()
        if rank >= workers:
            continue
        with seeded(0, torch.device("cpu")) as generator:
            network = networks.convolutional(
                shape=x.shape[1:], outputs=10, widths=[width * 2**stage for stage in range(4)], stride=1, dropout=0.0
            )
            learn_scaling(network.scaling, pictures)
            began, cpu, sent = time.perf_counter(), time.process_time(), list[int]()
            if peer:
                wrapped(network, x, y, rank)
            else:
                settings = Settings(
                    epochs=1, batch_size=BATCH, learning_rate=RATE, optimiser="sgd", nesterov=False, parallel=parallel
                )
                with joined(), counted() as sent:
                    train(network, surprise, (x, y), settings, generator=generator)
            wall, told = time.perf_counter() - began, torch.tensor([time.process_time() - cpu])
        weights = torch.cat([each.detach().flatten() for each in network.parameters()])
        if workers == 1:
            alone = weights
        else:
            distributed.all_reduce(told)
        if rank == 0:
            apart = float((weights - alone).abs().max() / alone.abs().max())
            line = {"way": way, "wall": wall, "cpu": float(told), "megabytes": sum(sent) / 1e6, "apart": apart}
            print(json.dumps(line), flush=True)
    distributed.barrier()
    distributed.destroy_process_group()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rank", type=int)
    parser.add_argument("--folder", type=Path)
    told = parser.parse_args()
    if told.rank is not None:
        program(told.folder, told.rank, told.width, told.rounds)
        return
    with tempfile.TemporaryDirectory() as place:
        x, y = data(told.rows)
        np.save(Path(place) / "x.npy", x)
        np.save(Path(place) / "y.npy", y)
        env = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
        sizes = ["--width", str(told.width), "--rounds", str(told.rounds)]
        command = [sys.executable, __file__, "--folder", place, *sizes, "--rank"]
        running = [subprocess.Popen([*command, str(rank)], env=env, stdout=subprocess.PIPE) for rank in (0, 1)]
        lines = running[0].communicate()[0].decode().splitlines()
        if any(process.wait() for process in running):
            raise SystemExit("a process failed")
    best: dict[str, dict[str, float]] = {}
    for line in map(json.loads, lines):
        seen = best.setdefault(line["way"], line)
        best[line["way"]] = line | {name: min(seen[name], line[name]) for name in ("wall", "cpu")}
    load = os.getloadavg()[0]
    print(f"{told.rows} photographs, cnn of width {told.width}, one epoch; {os.cpu_count()} cores, load {load:.1f}")
    print("| way | wall s | CPU s of all | efficiency | by CPU | MB a worker | apart |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    one = best["one process"]
    for way, line in best.items():
        workers = WAYS[way][0]
        efficiency = one["wall"] / (workers * line["wall"])
        ours = f"{line['megabytes']:.2f} | {line['apart']:.1e}" if not WAYS[way][2] else "– | –"
        times = f"{line['wall']:.2f} | {line['cpu']:.2f} | {efficiency:.2f} | {one['cpu'] / line['cpu']:.2f}"
        print(f"| {way} | {times} | {ours} |")


if __name__ == "__main__":
    main()
