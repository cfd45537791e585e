"""A Ray cluster of two nodes on this machine, of a core each, until it is interrupted: what the example runs on.

    python examples/cluster/nodes.py

With machines of one's own, `ray start --head` on one and `ray start --address HOST:6379` on the others do the same.
"""

from __future__ import annotations

import os
import signal

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

from ray.cluster_utils import Cluster

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
cluster.add_node(num_cpus=1)
print(cluster.address, flush=True)
try:
    signal.pause()
except KeyboardInterrupt:
    cluster.shutdown()
