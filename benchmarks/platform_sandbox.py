"""What a sandbox costs: programs that do nothing, bare and in a box, by turns; medians, and the difference.

The interpreter is the one that runs this, without what is installed beside it, and with it, as a submission has it.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from concours.core.digests import Digest
from concours.engine.sandbox.box import Box, Ended
from concours.engine.sandbox.run import available, run

PROGRAMS = {
    "`true`": ("/usr/bin/true",),
    "`python -S -c pass`": (sys.executable, "-S", "-c", "pass"),
    "`import numpy, pandas`": (sys.executable, "-c", "import numpy, pandas"),
}
ROUNDS = 15


def bare(command: tuple[str, ...]) -> float:
    """Seconds of wall time of a program as it is."""
    began = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - began


def boxed(command: tuple[str, ...]) -> float:
    """The same of a box, from nothing to what it left."""
    began = time.perf_counter()
    *_, ended = run(Box(command=command), lambda _: Digest(""))
    if not isinstance(ended, Ended) or ended.cause:
        raise SystemExit(f"the box ended badly: {ended}")
    return time.perf_counter() - began


def main() -> None:
    """Prints a table."""
    if why := available():
        raise SystemExit(why)
    print("| program | bare, ms | boxed, ms | more, ms | boxed / bare |\n|---|---:|---:|---:|---:|")
    for name, command in PROGRAMS.items():
        pairs = [(bare(command), boxed(command)) for _ in range(ROUNDS + 1)][1:]
        one, other = (statistics.median(seconds) for seconds in zip(*pairs, strict=True))
        print(f"| {name} | {one * 1e3:.1f} | {other * 1e3:.1f} | {(other - one) * 1e3:.1f} | {other / one:.2f} |")


if __name__ == "__main__":
    main()
