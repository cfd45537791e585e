"""Processes that are forked from one in which what a script imports is imported already: a start takes no seconds.

Each is what `subprocess.Popen` makes of the script, in a session and process group of its own, with an environment of its own.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

_SERVER: Final = multiprocessing.get_context("forkserver")
_HERE: Final = Path(__file__)


class Forked:
    """A script that runs, with as much of `subprocess.Popen` as its tests use; what it prints goes to files."""

    def __init__(self, script: Path, words: Sequence[str], *, imports: Sequence[str], env: Mapping[str, str]) -> None:
        _SERVER.set_forkserver_preload(list(imports))
        self.args = [str(script), *words]
        self._prints = [tempfile.NamedTemporaryFile(mode="r", encoding="utf-8") for _ in range(2)]  # noqa: SIM115
        told = {"argv": self.args, "env": dict(env), "prints": [file.name for file in self._prints]}
        self._process = _SERVER.Process(
            target=runpy.run_path, args=(str(_HERE),), kwargs={"init_globals": {"TOLD": told}, "run_name": "__forked__"}
        )
        self._process.start()

    @property
    def pid(self) -> int:
        """Of the process, and of its group."""
        assert self._process.pid
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """As of `Popen`: none while it runs, below zero for the signal that killed it."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """The same."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Until it has ended. Raises TimeoutExpired."""
        self._process.join(timeout)
        if self.returncode is None:
            assert timeout is not None
            raise subprocess.TimeoutExpired(self.args, timeout)
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it has printed on both ways, once it has ended. Raises TimeoutExpired."""
        self.wait(timeout)
        out, error = (file.read() for file in self._prints)
        for file in self._prints:
            file.close()
        return out, error


def _run(argv: list[str], env: dict[str, str], prints: list[str]) -> None:
    os.setsid()
    for number, name in enumerate(prints, 1):
        os.dup2(os.open(name, os.O_WRONLY | os.O_APPEND), number)
    os.environ.clear()
    os.environ.update(env)
    sys.argv[:] = argv
    runpy.run_path(argv[0], run_name="__main__")


if __name__ == "__forked__":
    _run(**TOLD)  # type: ignore[name-defined]  # noqa: F821
