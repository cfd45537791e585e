"""Many connections to one server: what they take, and what those who ask notice of them.

    PYTHONPATH=src python benchmarks/serving_connections.py [--connections 10000] [--asked 500]

A served model (a tree on digits) is asked before and while so many connections are open: half of them say nothing,
half have asked once. The server and this program need a file for each of them (`ulimit -n`). Memory is what the
server's process has more; its models have processes of their own. A server ends what says nothing for a minute, so this
is tried within half of one.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import msgspec
import psutil
from sklearn.datasets import load_digits

from concours import Contest, Entrant, Split, Task
from concours.serving.connections import make_room

TREE = Entrant("tree", "sklearn.tree:DecisionTreeClassifier", {"max_depth": 5})


def contest(out: Path) -> None:
    """A run to serve."""
    data = load_digits(as_frame=True).frame
    task = Task(kind="tabular-classification", data=data, target="target", split=Split(test=0.3, folds=2))
    Contest(task=task, entrants=(TREE,), lineup="none", engine="inline", out=out, cooperate=()).run()


def request() -> bytes:
    """A request for one row."""
    row = load_digits(as_frame=True).data.iloc[0].to_dict()
    body = msgspec.json.encode({"rows": [row]})
    return b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body


async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: bytes) -> float:
    """Milliseconds until a request is answered."""
    began = time.perf_counter()
    writer.write(asked)
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise SystemExit(head.decode())
    size = re.search(rb"content-length: (\d+)", head)
    await reader.readexactly(int(size[1]) if size else 0)
    return (time.perf_counter() - began) * 1000


async def tried(port: int, server: psutil.Process, connections: int, asked: int) -> None:
    """Prints what it takes."""
    text = request()
    gc.disable()  # what is measured is the server
    mine = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.gather(*(answered(*mine, text) for _ in range(1)))
    alone = [await answered(*mine, text) for _ in range(asked)]
    before, held = server.memory_info().rss, []
    for _ in range(connections // 100):
        new = [await asyncio.open_connection("127.0.0.1", port) for _ in range(100)]
        await asyncio.gather(*(answered(*each, text) for each in new[::2]))
        held += new
    among = [await answered(*mine, text) for _ in range(asked)]
    there = sum(each.status == psutil.CONN_ESTABLISHED for each in server.net_connections("tcp")) - 1
    each = (server.memory_info().rss - before) / there / 1024
    print(f"{there:,} connections: {each:.1f} KiB of memory each")
    print(f"one client, p50 of {asked} requests: {median(alone):.2f} ms alone, {median(among):.2f} ms among them")
    for _, writer in held:
        writer.close()


def main() -> None:
    """Tries it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--asked", type=int, default=500)
    wanted = parser.parse_args()
    make_room()
    with tempfile.TemporaryDirectory() as place:
        contest(Path(place) / "digits")
        command = [sys.executable, "-m", "concours", "serve", f"{place}/digits", "--port", "0"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
            try:
                port = next(found[1] for line in server.stderr or () if (found := re.search(r"http://\S+:(\d+)", line)))
                asyncio.run(tried(int(port), psutil.Process(server.pid), wanted.connections, wanted.asked))
            finally:
                server.terminate()


if __name__ == "__main__":
    main()
