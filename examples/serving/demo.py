"""Serves a run on any free port, asks it by `clients.py`, and ends it: `python examples/serving/demo.py runs/demo`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path


def main(run: str) -> int:
    command = [sys.executable, "-m", "concours", "serve", run, "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        try:
            for line in server.stderr:
                print(line, end="")
                if found := re.search(r"(http://\S+), and for gRPC on (\S+)", line):
                    clients = Path(__file__).with_name("clients.py")
                    return subprocess.call([sys.executable, clients, *found.groups(), Path(run).resolve().name])
            return 1
        finally:
            server.terminate()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
