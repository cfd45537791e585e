"""Weights merged: mergekit and `concours merge` on the same checkpoints, in one run.

    PYTHONPATH=src python benchmarks/merge.py --peer /PATH/TO/VENV/bin/python [--work DIR] [--only linear-2,ties]

The peer's environment holds mergekit 0.1.5 and torch 2.13.0. Makes four random bfloat16 checkpoints of one
architecture, 1.1 GB each, of which three are the first one with noise added; merges them by both programs, each in a
process of its own, several times, with what it reads in the page cache (told is the median), and looks at every element
of what they wrote. Wants 9 GB of disk below DIR. CPU seconds are of the process, all threads; memory is RssAnon, what
is not the page cache, looked at every 20 ms. The floor is the time of writing as many bytes from memory, with fsync.

A twin, below, does the same from the formulas, in numpy, tensor by tensor and by a stable sort.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.kernels.merging.floats import narrowed_bfloat16, widened_bfloat16
from concours.stores.checkpoints.tensors import Stored, head_of, tensors_in

Floats = NDArray[Any]
CONFIG: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 1536, "intermediate_size": 4096,
    "num_hidden_layers": 16, "num_attention_heads": 24, "num_key_value_heads": 24, "vocab_size": 32000,
    "torch_dtype": "bfloat16", "tie_word_embeddings": False, "rms_norm_eps": 1e-5, "hidden_act": "silu",
    "max_position_embeddings": 2048,
}  # fmt: skip
NOISE = {"base": 0.0, "a": 0.002, "b": 0.002, "c": 0.002}
EVERY_S = 0.02


@dataclass(frozen=True)
class Work:
    """A merge: the models in order, the YAML beside them, and the twin's formula of one tensor."""

    name: str
    models: Sequence[str]
    yaml: str
    twin: Callable[[Sequence[Floats], Floats | None], Floats]
    base: str | None = None


@dataclass(frozen=True)
class Took:
    """What a process took."""

    wall: float
    cpu: float
    peak_mb: float


def shapes() -> list[tuple[str, tuple[int, ...]]]:
    """The tensors of the architecture, as Hugging Face's files order them."""
    width, inner, words = (int(CONFIG[key]) for key in ("hidden_size", "intermediate_size", "vocab_size"))
    found: list[tuple[str, tuple[int, ...]]] = [
        ("lm_head.weight", (words, width)),
        ("model.embed_tokens.weight", (words, width)),
    ]
    for layer in range(int(CONFIG["num_hidden_layers"])):
        before = f"model.layers.{layer}."
        found += [
            (f"{before}input_layernorm.weight", (width,)),
            (f"{before}mlp.down_proj.weight", (width, inner)),
            (f"{before}mlp.gate_proj.weight", (inner, width)),
            (f"{before}mlp.up_proj.weight", (inner, width)),
            (f"{before}post_attention_layernorm.weight", (width,)),
            *((f"{before}self_attn.{name}_proj.weight", (width, width)) for name in "koqv"),
        ]
    return [*found, ("model.norm.weight", (width,))]


def make(folder: Path, seed: int, noise: float) -> None:
    """A checkpoint, unless it is there."""
    if (folder / "config.json").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "model.safetensors").open("wb") as file:
        file.write(head_of([(name, "BF16", shape) for name, shape in shapes()], {"format": "pt"}))
        for number, (_, shape) in enumerate(shapes()):
            values = np.random.default_rng(number).standard_normal(shape, dtype=np.float32) * np.float32(0.02)
            if noise:
                values += np.random.default_rng([seed, number]).standard_normal(shape, dtype=np.float32) * np.float32(
                    noise
                )
            file.write(narrowed_bfloat16(values).tobytes())
    (folder / "config.json").write_text(json.dumps(CONFIG))


def median(command: Sequence[str], folder: Path, out: str, read: Sequence[str], count: int) -> Took:
    """What a program took in the middle one of several runs, each of which finds what it reads in the page cache."""
    runs = []
    for _ in range(count):
        shutil.rmtree(folder / out, ignore_errors=True)
        os.sync()
        for name in read:
            with (folder / name / "model.safetensors").open("rb") as file:
                while file.read(1 << 24):
                    pass
        runs.append(run(command, folder))
    return Took(*(sorted(values)[count // 2] for values in zip(*map(astuple, runs), strict=True)))


def run(command: Sequence[str], folder: Path) -> Took:
    """Runs a program to its end, and watches what memory it holds beside the page cache."""
    began, peak = time.monotonic(), 0
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": str(os.cpu_count())}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=environment)
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            peak = max(peak, anonymous(process.pid))
            time.sleep(EVERY_S)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{(folder / 'log').read_text()[-2000:]}")
    return Took(time.monotonic() - began, usage.ru_utime + usage.ru_stime, peak / 1024)


def anonymous(pid: int) -> int:
    """KiB of a process that are no page cache."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("RssAnon")), 0)


def floor(folder: Path, count: int) -> float:
    """Seconds that writing so many bytes takes, through to the disk: the least of three."""
    content, best = np.random.default_rng(0).bytes(1 << 24), float("inf")
    for _ in range(3):
        began = time.monotonic()
        with (folder / "floor").open("wb") as file:
            for _ in range(count >> 24):
                file.write(content)
            file.flush()
            os.fsync(file.fileno())
        best = min(best, time.monotonic() - began)
        (folder / "floor").unlink()
    return best


def content(tensor: Stored) -> NDArray[np.uint16]:
    """The bits of a tensor."""
    found = np.memmap(tensor.file, dtype="<u2", mode="r", offset=tensor.begin, shape=(tensor.size,))
    return np.asarray(found)


def of_folder(folder: Path) -> dict[str, Stored]:
    """All tensors of a folder."""
    return {name: own for file in sorted(folder.glob("*.safetensors")) for name, own in tensors_in(file).items()}


def differing(one: Path, other: Path) -> tuple[int, int, float]:
    """How many elements of two folders differ, of how many, and by how much at most."""
    ours, theirs = of_folder(one), of_folder(other)
    if ours.keys() != theirs.keys():
        sys.exit(f"{one} and {other} hold other tensors: {sorted(ours.keys() ^ theirs.keys())[:5]}")
    count, most = 0, 0.0
    for name, tensor in ours.items():
        own, their = content(tensor), content(theirs[name])
        if (places := np.flatnonzero(own != their)).size:
            count += places.size
            most = max(most, float(abs(widened_bfloat16(own[places]) - widened_bfloat16(their[places])).max()))
    return count, sum(tensor.size for tensor in ours.values()), most


def differing_from_twin(work: Work, folder: Path, out: Path) -> int:
    """How many elements differ from what the formulas say."""
    models = {name: of_folder(folder / name) for name in (*work.models, *([work.base] if work.base else []))}
    count = 0
    for name, tensor in of_folder(out).items():
        tensors = [widened_bfloat16(content(models[model][name])) for model in work.models]
        base = widened_bfloat16(content(models[work.base][name])) if work.base else None
        count += int((narrowed_bfloat16(work.twin(tensors, base)) != content(tensor)).sum())
    return count


def twin_linear(tensors: Sequence[Floats], _: Floats | None) -> Floats:
    """The mean, in float32."""
    total = tensors[0].copy()
    for tensor in tensors[1:]:
        total = total + tensor
    return np.asarray(total / np.float32(len(tensors)))


def twin_slerp(tensors: Sequence[Floats], _: Floats | None) -> Floats:
    """Shoemake's formula at t = 0.4; the angle in float64."""
    first, second = (tensor.astype(np.float64) for tensor in tensors)
    cosine = float((first * second).sum()) / (np.sqrt((first**2).sum()) * np.sqrt((second**2).sum()))
    angle = float(np.arccos(np.clip(cosine, -1, 1)))
    if abs(cosine) > 0.9995:
        shares = (0.6, 0.4)
    else:
        shares = (float(np.sin(0.6 * angle) / np.sin(angle)), float(np.sin(0.4 * angle) / np.sin(angle)))
    return np.asarray(tensors[0] * np.float32(shares[0]) + tensors[1] * np.float32(shares[1]))


def twin_ties(tensors: Sequence[Floats], base: Floats | None) -> Floats:
    """Yadav's formulas at density 0.5 and weights 0.5, in float32; the greatest by a stable sort of whole tensors."""
    assert base is not None
    deltas = []
    for tensor in tensors:
        delta = tensor - base
        kept = np.argsort(-abs(delta), kind="stable")[: max(1, int(0.5 * delta.size))]
        trimmed = np.zeros_like(delta)
        trimmed[kept] = delta[kept]
        deltas.append(trimmed * np.float32(0.5))
    sign = np.where(sum(deltas) >= 0, 1, -1)
    agree = [np.sign(delta) == sign for delta in deltas]
    shares = sum(np.where(yes, np.float32(0.5), np.float32(0)) for yes in agree)
    mixed = sum(np.where(yes, delta, np.float32(0)) for yes, delta in zip(agree, deltas, strict=True))
    return np.asarray(base + mixed / np.where(shares == 0, np.float32(1), shares))


def works() -> Iterator[Work]:
    """What both are given."""
    for count in (2, 3):
        models = list(NOISE)[1 : count + 1]
        rows = "".join(f"  - model: ./{name}\n    parameters: {{weight: 1.0}}\n" for name in models)
        yield Work(f"linear-{count}", models, f"merge_method: linear\nmodels:\n{rows}", twin_linear)
    rows = "  - model: ./a\n  - model: ./b\n"
    yield Work(
        "slerp",
        ["a", "b"],
        f"merge_method: slerp\nbase_model: ./a\nmodels:\n{rows}parameters: {{t: 0.4}}\n",
        twin_slerp,
    )
    rows = "".join(f"  - model: ./{name}\n    parameters: {{weight: 0.5, density: 0.5}}\n" for name in "ab")
    yield Work("ties", ["a", "b"], f"merge_method: ties\nbase_model: ./base\nmodels:\n{rows}", twin_ties, "base")


def compare(work: Work, folder: Path, peer: str | None, least: float, count: int) -> None:
    """Runs both, and prints a line for each and one for what they wrote."""
    (folder / "ours.yaml").write_text(f"{work.yaml}dtype: bfloat16\n")
    ours, theirs = folder / "out-ours", folder / "out-theirs"
    read = (*work.models, *([work.base] if work.base else []))
    mine = median([sys.executable, "-m", "concours", "merge", "ours.yaml", ours.name], folder, ours.name, read, count)
    print(f"{work.name:<10} concours  {said(mine)}  {mine.wall / least:.1f} x the floor", flush=True)
    print(f"{'':<10} differing from the formulas: {differing_from_twin(work, folder, ours):,} elements", flush=True)
    for dtype in ("bfloat16", "float32") if peer and work.base else ("bfloat16",) if peer else ():
        out = "out_dtype: bfloat16\n" if dtype == "float32" else ""
        (folder / "theirs.yaml").write_text(f"{work.yaml}dtype: {dtype}\n{out}")
        script = str(Path(str(peer)).with_name("mergekit-yaml"))
        command = [str(peer), script, "theirs.yaml", theirs.name, "--no-copy-tokenizer"]
        other = median(command, folder, theirs.name, read, count)
        times = f"{other.wall / mine.wall:.1f} x our wall time, {other.cpu / mine.cpu:.1f} x our CPU"
        print(f"{'':<10} mergekit  {said(other)}  computing in {dtype}: {times}", flush=True)
        count, of, most = differing(ours, theirs)
        print(f"{'':<10} differing from mergekit's: {count:,} of {of:,} elements, by {most:.3g} at most", flush=True)
    shutil.rmtree(theirs, ignore_errors=True)
    shutil.rmtree(ours, ignore_errors=True)


def said(took: Took) -> str:
    """What a process took, in words."""
    return f"{took.wall:7.1f} s  {took.cpu:7.1f} CPU s  {took.peak_mb:6.0f} MB"


def main() -> None:
    """Makes the checkpoints, and compares."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--peer", help="the python of an environment with mergekit")
    parser.add_argument("--work", type=Path, default=Path("merge-benchmark"))
    parser.add_argument("--only", help="names of works, with commas")
    parser.add_argument("--runs", type=int, default=3, help="of which the median is told")
    parser.add_argument("--layers", type=int, default=16, help="fewer for smaller checkpoints")
    parser.add_argument("--words", type=int, default=32000, help="as well")
    options = parser.parse_args()
    CONFIG.update(num_hidden_layers=options.layers, vocab_size=options.words)
    for seed, (name, noise) in enumerate(NOISE.items()):
        make(options.work / name, seed, noise)
    size = (options.work / "a" / "model.safetensors").stat().st_size
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, load {load}; numpy {version('numpy')}; {size / 1e9:.2f} GB each"
    )
    least = floor(options.work, size)
    print(f"the floor, writing {size / 1e9:.2f} GB with fsync: {least:.1f} s", flush=True)
    for work in works():
        if not options.only or work.name in options.only.split(","):
            compare(work, options.work, options.peer, least, options.runs)


if __name__ == "__main__":
    main()
