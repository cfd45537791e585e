"""Networks of one form trained as one: the stack against loops of plain torch, on the same rows, in one run.

    .venv/bin/python benchmarks/population.py [--networks 64] [--rows 60000] [--rounds 3]

64 networks 784-128-10, 60,000 × 784 rows, one epoch of batches of 128, AdamW with hyperparameters of each network's
own. Ways take turns, so that they meet the same machine; the best of the rounds counts. Rates count the operations of
the matrix products alone. Fewer networks and rows take less time, and the rates on a CPU stay about as they are. Where
others use
the machine, too, two threads of one product wait for one another: `--busy` leaves such ways out. Of one thread the CPU
seconds count, of two the wall seconds.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, stack_module_state, vmap
from torch.nn import functional

from concours.entrants.passes import Form
from concours.entrants.stack import Hyperparameters, Stack, train

FORM = Form(inputs=784, hidden=(128,), outputs=10)
BATCH = 128


def data(count: int, device: str) -> tuple[Tensor, Tensor]:
    """Rows and classes without sense: speed does not depend on it."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(count, FORM.inputs, generator=generator)
    return rows.to(device), torch.randint(0, FORM.outputs, (count,), generator=generator).to(device)


def hyperparameters(networks: int) -> list[Hyperparameters]:
    """Different ones; none drops, as a loop's dropout costs more than the stack's."""
    return [Hyperparameters(learning_rate=1e-3 * (1 + i % 7), momentum=0.8 + 0.02 * (i % 9)) for i in range(networks)]


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))


def loop(rows: Tensor, targets: Tensor, own: Sequence[Hyperparameters]) -> None:
    """One after the other: modules, autograd, torch.optim."""
    for seed, hyperparameter in enumerate(own):
        model = network().to(rows.device)
        beta = (hyperparameter.momentum, 0.999)
        optimiser = torch.optim.AdamW(model.parameters(), lr=hyperparameter.learning_rate, betas=beta)
        order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed)).to(rows.device)
        for chosen in order.tensor_split(len(rows) // BATCH):
            loss = functional.cross_entropy(model(rows[chosen]), targets[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()


def stacked(rows: Tensor, targets: Tensor, own: Sequence[Hyperparameters], **how: int) -> None:
    """Ours."""
    seeds = list(range(len(own)))
    stack = Stack.begin(FORM, seeds).to(rows.device)
    train(stack, rows, targets, own, seeds, epochs=1, batch_size=BATCH, **how)


def mapped(rows: Tensor, targets: Tensor, own: Sequence[Hyperparameters]) -> None:
    """`torch.func`: stacked parameters, a gradient mapped over them; the optimiser as ours."""
    models = [network().to(rows.device) for _ in own]
    weights, _ = stack_module_state(models)
    weights = {name: value.detach() for name, value in weights.items()}
    base = models[0]

    def loss(one: dict[str, Tensor], batch: Tensor, wanted: Tensor) -> Tensor:
        return functional.cross_entropy(functional_call(base, one, (batch,)), wanted)

    slopes = vmap(grad(loss))
    adam(weights, lambda batch, wanted: slopes(weights, batch, wanted), rows, targets, own)


def batched(rows: Tensor, targets: Tensor, own: Sequence[Hyperparameters]) -> None:
    """Batched products of all networks, with autograd; the optimiser as ours."""
    count, device = len(own), rows.device
    shapes = {"w1": (count, 784, 128), "b1": (count, 1, 128), "w2": (count, 128, 10), "b2": (count, 1, 10)}
    weights = {name: (0.03 * torch.randn(shape, device=device)).requires_grad_() for name, shape in shapes.items()}

    def slopes(batch: Tensor, wanted: Tensor) -> dict[str, Tensor]:
        said = torch.baddbmm(weights["b1"], batch, weights["w1"]).relu()
        said = torch.baddbmm(weights["b2"], said, weights["w2"])
        loss = functional.cross_entropy(said.flatten(0, 1), wanted.flatten(), reduction="sum") / wanted.shape[1]
        return dict(zip(weights, torch.autograd.grad(loss, list(weights.values())), strict=True))

    adam(weights, slopes, rows, targets, own)


def adam(
    weights: dict[str, Tensor],
    slopes: Callable[[Tensor, Tensor], dict[str, Tensor]],
    rows: Tensor,
    targets: Tensor,
    own: Sequence[Hyperparameters],
) -> None:
    device = rows.device
    rate, fresh = (
        torch.tensor([value(hyperparameter) for hyperparameter in own], device=device)
        for value in (
            lambda hyperparameter: hyperparameter.learning_rate,
            lambda hyperparameter: 1 - hyperparameter.momentum,
        )
    )
    first, second = ({name: torch.zeros_like(value) for name, value in weights.items()} for _ in range(2))
    orders = [torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed)) for seed in range(len(own))]
    for chosen in torch.stack(orders).to(device).tensor_split(len(rows) // BATCH, dim=1):
        found = slopes(rows[chosen], targets[chosen])
        with torch.no_grad():
            for name, value in weights.items():
                each = (-1, *[1] * (value.ndim - 1))
                first[name].lerp_(found[name], fresh.view(each))
                second[name].mul_(0.999).addcmul_(found[name], found[name], value=0.001)
                value.mul_(1 - 0.01 * rate.view(each))
                value.addcmul_(first[name] / (second[name].sqrt() + 1e-8), -rate.view(each))


def one_of_two(share: int, networks: int, count: int, ready: Sequence[multiprocessing.synchronize.Event]) -> None:
    torch.set_num_threads(1)
    rows, targets = data(count, "cpu")
    loop(rows[:BATCH], targets[:BATCH], hyperparameters(1))  # what is imported at first use
    ready[share].set()
    ready[2].wait()
    loop(rows, targets, hyperparameters(networks)[share::2])


def two_processes(networks: int, count: int) -> float:
    """Seconds that two processes of one thread each take, half of the networks each, without their start."""
    context = multiprocessing.get_context("spawn")
    ready = [context.Event() for _ in range(3)]
    both = [context.Process(target=one_of_two, args=(share, networks, count, ready)) for share in range(2)]
    for process in both:
        process.start()
    for event in ready[:2]:
        event.wait()
    began = time.perf_counter()
    ready[2].set()
    for process in both:
        process.join()
    return time.perf_counter() - began


def products(threads: int, form: tuple[int, int, int]) -> float:
    """GFLOP/s of plain products."""
    torch.set_num_threads(threads)
    a, b = torch.randn(form[:2]), torch.randn(form[1:])
    clock = time.thread_time if threads == 1 else time.perf_counter
    seconds, count = [], int(2e9 // math.prod(form)) + 1
    for _ in range(5):
        began = clock()
        for _ in range(count):
            torch.mm(a, b)
        seconds.append((clock() - began) / count)
    return 2 * math.prod(form) / min(seconds) / 1e9


def of_one_thread(work: Callable[[], None]) -> float:
    """CPU seconds."""
    torch.set_num_threads(1)
    began = time.process_time()
    work()
    return time.process_time() - began


def timed(work: Callable[[], None], threads: int, device: str) -> float:
    torch.set_num_threads(threads)
    began = time.perf_counter()
    work()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began


def on_cpu(networks: int, count: int, rounds: int, *, busy: bool) -> None:
    rows, targets = data(count, "cpu")
    own = hyperparameters(networks)
    works: dict[str, Callable[..., None]] = {
        "loop": partial(loop, rows, targets, own),
        "torch.func, vmap": partial(mapped, rows, targets, own),
        "baddbmm with autograd": partial(batched, rows, targets, own),
        "stack, one block": partial(stacked, rows, targets, own, block=networks),
        "stack": partial(stacked, rows, targets, own),
    }
    ways: dict[str, Callable[[], float]] = {f"{name}, 1 thread": partial(of_one_thread, w) for name, w in works.items()}
    if not busy:
        ways |= {f"{name}, 2 threads": partial(timed, work, 2, "cpu") for name, work in works.items()}
    ways["loop, two processes"] = partial(two_processes, networks, count)
    ways["stack, 2 threads"] = partial(timed, partial(works["stack"], threads=2), 1, "cpu")
    plain: dict[tuple[int, tuple[int, int, int]], float] = {}
    seconds: dict[str, float] = {}
    for _ in range(rounds):
        for form in ((2048, 2048, 2048), (BATCH, 784, 128)):
            for threads in (1,) if busy else (1, 2):
                plain[threads, form] = max(plain.get((threads, form), 0.0), products(threads, form))
        for name, way in ways.items():
            taken = way()
            seconds[name] = min(seconds.get(name, math.inf), taken)
            print(f"{name}: {taken:.2f} s", file=sys.stderr, flush=True)
    report(networks, count, seconds, plain)


def on_gpu(networks: int, count: int, rounds: int) -> None:
    rows, targets = data(count, "cuda")
    own = hyperparameters(networks)
    works = {
        "loop": partial(loop, rows, targets, own),
        "torch.func, vmap": partial(mapped, rows, targets, own),
        "baddbmm with autograd": partial(batched, rows, targets, own),
        "stack": partial(stacked, rows, targets, own),
    }
    for work in works.values():
        timed(work, 1, "cuda")
    seconds = {name: min(timed(w, 1, "cuda") for _ in range(rounds)) for name, w in works.items()}
    report(networks, count, seconds, {})


def report(
    networks: int, count: int, seconds: dict[str, float], plain: dict[tuple[int, tuple[int, int, int]], float]
) -> None:
    work = networks * (count // BATCH) * FORM.flops(BATCH) / 1e9
    print("| way | seconds | GFLOP/s | of plain products | against the loop |")
    print("|---|---:|---:|---:|---:|")
    for (threads, form), rate in plain.items():
        what = " × ".join(str(side) for side in form)
        print(f"| plain products {what}, {threads} thread{'s'[: threads - 1]} | | {rate:.0f} | | |")
    for name, taken in seconds.items():
        one = name.endswith(", 1 thread")
        base = next(
            seconds[known]
            for known in (["loop, 1 thread"] if one else ["loop, 2 threads", "loop, two processes", "loop"])
            if known in seconds
        )
        most = max((rate for (threads, _), rate in plain.items() if threads == 2 - one), default=0.0)
        share = f"{work / taken / most:.0%}" if most else ""
        print(f"| {name} | {taken:.2f} | {work / taken:.1f} | {share} | {base / taken:.2f}× |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=64)
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--busy", action="store_true", help="leave out two threads of one product")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"torch {torch.__version__}, Python {platform.python_version()}, {os.cpu_count()} cores, load {load:.1f};")
    what = f"{options.networks} networks 784-128-10, {options.rows:,} rows, one epoch, batch {BATCH}"
    print(f"{what}; {options.rounds} rounds\n")
    on_cpu(options.networks, options.rows, options.rounds, busy=options.busy)
    if torch.cuda.is_available():
        print(f"\n{torch.cuda.get_device_name()}\n")
        on_gpu(options.networks, options.rows, options.rounds)
    else:
        print("\nGPU: not measured, there is none here.")


if __name__ == "__main__":
    main()
