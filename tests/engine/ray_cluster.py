"""A Ray cluster of two nodes on this machine, for tests, in a process of its own: Ray's processes leave files open.

    python ray_cluster.py ADDRESS_FILE

Writes the address of its head to the file. Each line on standard input is done: `kill` ends the second node, with all
that runs on it, as a power cut would; `add` brings another. What is done is a line of the file ADDRESS_FILE.done. Ends
with its standard input.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

import psutil

from concours.engine.cluster import imported

os.environ["RAY_raylet_start_wait_time_s"] = "170"  # noqa: SIM112 (its name; a busy machine takes its time)
imported()

from ray.cluster_utils import Cluster  # noqa: E402 (nothing of Ray before it is told to be quiet)


def kill(node: object) -> None:
    """Ends a node: its raylet alone would leave its workers to finish."""
    raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)  # type: ignore[attr-defined]
    for process in (raylet, *raylet.children(recursive=True)):
        with suppress(psutil.Error):
            process.kill()


def main(file: Path) -> None:
    """Until standard input ends."""
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    node = cluster.add_node(num_cpus=1)
    file.with_suffix(".part").write_text(cluster.address)
    file.with_suffix(".part").replace(file)
    for line in sys.stdin:
        if line.strip() == "kill":
            kill(node)
        elif line.strip() == "add":
            node = cluster.add_node(num_cpus=1)
        with file.with_suffix(".done").open("a") as done:
            done.write(line)
    cluster.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
