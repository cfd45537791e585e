"""Three tables on a cluster of two nodes, at the same time; then each on this machine alone, and the digests compared.

    python examples/cluster/run.py [FOLDER]

The nodes, of a core each, are Ray's on this machine. With machines of one's own, `ray start --head` on one and
`ray start --address HOST:6379` on the others do the same, and the store is a folder that all of them see, or a bucket.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

from ray.cluster_utils import Cluster

HERE = Path(__file__).parent
CONTESTS = ("titanic", "german-credit", "bank-marketing")


def start(name: str, out: Path, *options: str) -> subprocess.Popen[str]:
    """`concours run`, with what it prints in a file beside its folder."""
    command = [sys.executable, "-m", "concours", "run", str(HERE / f"{name}.toml"), "--out", str(out), *options]
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.with_suffix(".txt").open("w") as text:
        return subprocess.Popen(command, stdout=text, stderr=subprocess.STDOUT, text=True)


def digest(out: Path) -> str:
    """What a receipt names."""
    return json.loads((out / "result.json").read_text())["digest"]


def main(folder: Path) -> None:
    """Prints a line a contest; exits with 1 where a digest is another."""
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    shared = ("--engine", "ray", "--address", cluster.address, "--store", str(folder / "store"))
    running = [start(name, folder / "ray" / name, *shared) for name in CONTESTS]
    ended = [process.wait() for process in running]
    cluster.shutdown()
    same = not any(ended)
    for name in CONTESTS:
        start(name, folder / "alone" / name).wait()
        there, here = (digest(folder / place / name) for place in ("ray", "alone"))
        same &= there == here
        sys.stdout.write(f"{name}: {there[:19]}… on the cluster, {here[:19]}… on this machine\n")
    sys.exit(0 if same else 1)


if __name__ == "__main__":
    main(Path(sys.argv[1] if sys.argv[1:] else "runs/cluster"))
