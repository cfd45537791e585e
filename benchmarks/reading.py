"""Reading, splitting and storing a large CSV, against pyarrow reading it: time and peak memory, in separate processes.

python benchmarks/reading.py [--rows 1000000] [--rounds 3]
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

import numpy as np
import pyarrow as pa
import pyarrow.csv

PIECE = 1 << 18

PYARROW = """
import pyarrow.csv
table = pyarrow.csv.read_csv(sys.argv[1])
"""
PANDAS = """
import pandas
frame = pandas.read_csv(sys.argv[1])
"""
CONCOURS = """
import tempfile
from pathlib import Path
from concours.stores.disk import DiskStore
from concours.engine.ingest import ingest
from concours.tasks.task import Task
with tempfile.TemporaryDirectory(dir=Path(sys.argv[1]).parent) as folder:
    task = Task(kind="tabular-classification", data=sys.argv[1], target="y")
    ingest(task, DiskStore(folder), seed=0, folder=Path())
"""
MEASURED = """
import json, resource, sys, time
began, cpu = time.perf_counter(), time.process_time()
{work}
seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
print(json.dumps([seconds, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6]))
"""


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        write(path, arguments.rows)
        print(
            f"{arguments.rows:,} rows, 20 columns, {path.stat().st_size / 1e9:.2f} GB; pyarrow {pa.__version__}, "
            f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.0f}; "
            f"median of {arguments.rounds}"
        )
        print("\n| | s | CPU s | peak GB |\n|---|---:|---:|---:|")
        works = {"pyarrow reads": PYARROW, "pandas reads": PANDAS, "Concours reads, splits, stores": CONCOURS}
        # In turns, so that what else the machine does falls on all of them.
        rounds = [[measured(work, path) for work in works.values()] for _ in range(arguments.rounds)]
        rows = {}
        for name, found in zip(works, zip(*rounds, strict=True), strict=True):
            rows[name] = [statistics.median(column) for column in zip(*found, strict=True)]
            print(f"| {name} | " + " | ".join(f"{value:.2f}" for value in rows[name]) + " |")
        first, *_, last = rows.values()
        print("| ratio to pyarrow | " + " | ".join(f"{b / a:.2f}×" for a, b in zip(first, last, strict=True)) + " |")


def write(path: Path, rows: int) -> None:
    """Twelve columns of numbers, five of whole numbers, two of words, and a class."""
    rng = np.random.default_rng(0)
    words = np.asarray([f"word{i}" for i in range(200)], dtype=object)
    with pyarrow.csv.CSVWriter(path, piece(rng, words, 1).schema) as writer:
        for start in range(0, rows, PIECE):
            writer.write_table(piece(rng, words, min(PIECE, rows - start)))


def piece(rng: np.random.Generator, words: np.ndarray, rows: int) -> pa.Table:
    """Some of the rows."""
    numbers = {f"n{i}": rng.normal(size=rows).round(4) for i in range(12)}
    wholes = {f"i{i}": rng.integers(0, 10 ** (i + 1), size=rows) for i in range(5)}
    texts = {f"w{i}": words[rng.integers(0, len(words), size=rows)] for i in range(2)}
    labels = np.asarray(["no", "yes"], dtype=object)[rng.integers(0, 2, size=rows)]
    return pa.table({**numbers, **wholes, **texts, "y": labels})


def measured(work: str, path: Path) -> list[float]:
    """Seconds, CPU seconds and peak memory in GB of a piece of work in a process of its own."""
    code = MEASURED.format(work=work)
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
