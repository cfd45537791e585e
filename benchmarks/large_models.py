"""Large models: what it costs to ask them.

    python benchmarks/large_models.py [throughput] [memory]

Parts are in files of their own. Peers run where they are installed, in the same run; what is not installed is named.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

from large_models_throughput import memories, throughput

PARTS: Mapping[str, Callable[[], None]] = {"throughput": throughput, "memory": memories}


def main() -> None:
    """Runs the parts that are named, or all."""
    names = sys.argv[1:] or list(PARTS)
    if unknown := [name for name in names if name not in PARTS]:
        sys.exit(f"no part {unknown[0]!r}; known: {', '.join(PARTS)}")
    for name in names:
        PARTS[name]()


if __name__ == "__main__":
    main()
