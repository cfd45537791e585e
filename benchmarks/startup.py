"""How long a person waits for the command line: wall and CPU seconds of a fresh process, the median of several."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import concours": ["-c", "import concours"],
    "concours --help": ["-m", "concours", "--help"],
    "from concours import Contest": ["-c", "from concours import Contest"],
}
ROUNDS = 7


def seconds(arguments: list[str]) -> tuple[float, float]:
    """Wall and CPU seconds of one process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Prints a table."""
    print("| process | wall s | CPU s |\n|---|---:|---:|")
    for name, arguments in COMMANDS.items():
        walls, cpus = zip(*(seconds(arguments) for _ in range(ROUNDS)), strict=True)
        print(f"| `{name}` | {statistics.median(walls):.2f} | {statistics.median(cpus):.2f} |")


if __name__ == "__main__":
    main()
