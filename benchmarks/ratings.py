"""Ratings from battles beside evalica, FastChat's algorithm, arena-rank, choix and openskill, on the same battles.

python benchmarks/ratings.py [--battles 100000 1000000] [--rounds 3] [--systems …] [--peers …/bin/python]

100 models with popularity by Zipf, 24% ties, strings in a data frame; each system in a process of its own, the median
of some rounds. The peers live in an environment of their own, see benchmarks/requirements-ratings.txt; one that is not
there has a row that says so. benchmarks/ratings_coverage.py asks whether intervals hold what they promise.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).parent
FIT = ("concours", "concours davidson", "evalica", "FastChat", "FastChat, pivot tables", "arena-rank", "choix")
ROUNDS = ("concours bootstrap 100", "concours bootstrap 1000", "FastChat bootstrap 20")
ONLINE = ("concours elo", "evalica elo", "concours trueskill", "openskill")
MOST = {"openskill": 100_000, "FastChat bootstrap 20": 1_000_000}
"""Up to how many battles a system is run: beyond, it takes minutes."""


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--battles", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", type=Path, default=HERE.parent / ".venv-peers-ratings/bin/python")
    parser.add_argument("--systems", nargs="+", help="only these; all by default")
    arguments = parser.parse_args()
    print(
        f"100 models, Zipf popularity, 24% ties, strings in a data frame; CPU seconds and MB added, median of "
        f"{arguments.rounds}; Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.0f}"
    )
    with tempfile.TemporaryDirectory() as folder:
        for battles in arguments.battles:
            path = Path(folder) / f"{battles}.parquet"
            write(path, battles)
            groups = {
                "Ratings": FIT,
                "Bootstrap": ROUNDS,
                "One pass in file order": ONLINE,
                "More": ("concours 10k more",),
            }
            if arguments.systems:
                groups = {
                    title: [name for name in names if name in arguments.systems] for title, names in groups.items()
                }
            found = {name: measured(name, path, battles, arguments) for names in groups.values() for name in names}
            print(f"\n## {battles:,} battles")
            for title, names in groups.items():
                if names:
                    table(title, {name: found[name] for name in names}, found.get("concours", {}))
            path.unlink()


def write(path: Path, battles: int) -> None:
    """Battles of models of known strengths."""
    rng = np.random.default_rng(0)
    popular = 1 / np.arange(1, 101)
    strength = rng.normal(0, 0.8, 100)
    names = np.array([f"model-{place:03}-instruct" for place in rng.permutation(100)])
    left = rng.choice(100, battles, p=popular / popular.sum()).astype(np.int32)
    right = rng.choice(100, battles, p=popular / popular.sum()).astype(np.int32)
    right = np.where(left == right, (right + 1) % 100, right).astype(np.int32)
    won = rng.random(battles) < 1 / (1 + np.exp(strength[right] - strength[left]))
    outcome = np.where(rng.random(battles) < 0.24, 2, np.where(won, 0, 1)).astype(np.int32)
    columns = {"model_a": (left, names), "model_b": (right, names), "winner": (outcome, ["model_a", "model_b", "tie"])}
    arrays = [pa.DictionaryArray.from_arrays(codes, list(words)).cast(pa.string()) for codes, words in columns.values()]
    pq.write_table(pa.table(arrays, names=list(columns)), path)


def measured(system: str, path: Path, battles: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """The medians of some rounds, or why there are none."""
    if battles > MOST.get(system, battles):
        return {"missing": "not run at this size"}
    ours = system.startswith("concours")
    if not ours and not arguments.peers.exists():
        return {"missing": "peer not installed"}
    python = sys.executable if ours else str(arguments.peers)
    command = [python, str(HERE / "ratings_systems.py"), system, str(path)]
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    rounds = []
    for _ in range(arguments.rounds):
        run = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **one}, check=False)
        if run.returncode:
            return {"missing": f"failed: {(run.stderr.strip().splitlines() or ['killed'])[-1][:60]}"}
        found = json.loads(run.stdout.strip().splitlines()[-1])
        if "missing" in found:
            return found
        rounds.append(found)
    medians = {key: statistics.median(each[key] for each in rounds) for key in ("cpu", "wall", "mb")}
    return {**medians, "ratings": rounds[0]["ratings"]}


def table(title: str, rows: dict[str, dict[str, Any]], ours: dict[str, Any]) -> None:
    """Prints one table; the ratio is to our own row at the head of it; of bootstraps, a round."""
    print(f"\n| {title} | CPU s | MB added | ratio | furthest from ours, Elo |\n|---|---:|---:|---:|---:|")
    head = None
    for name, row in rows.items():
        if "missing" in row:
            print(f"| {name} | {row['missing']} | | | |")
            continue
        each = row["cpu"] / int(name.split()[-1]) if "bootstrap" in name else row["cpu"]
        head = head or each
        same = name in (*FIT, *ROUNDS[:2]) and name != "concours davidson" and "ratings" in ours
        apart = f"{distance(row['ratings'], ours['ratings']):.1g}" if same else ""
        print(f"| {name} | {row['cpu']:.3f} | {row['mb']:.0f} | {each / head:.1f}× | {apart} |", flush=True)


def distance(one: dict[str, float], two: dict[str, float]) -> float:
    """The greatest difference of two scales with the same mean."""
    gaps = np.array([one[name] - two[name] for name in two])
    return float(np.abs(gaps - gaps.mean()).max())


if __name__ == "__main__":
    main()
