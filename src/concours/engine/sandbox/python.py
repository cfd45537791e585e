"""Our own Python as programs in a box find it: the interpreter, what is installed beside it, and this package."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import concours

PYTHON = sys.executable
"""Where it lies in a box, which is where it lies here."""

_OURS = "/opt/concours"
_SYSTEM = "/usr"


@cache
def places() -> Mapping[str, Path]:
    """Folders of this machine by where they are in a box: a virtual environment, and what it is based on."""
    found = {str(prefix): prefix for prefix in map(Path, (sys.base_prefix, sys.prefix)) if not _in_system(prefix)}
    executable = Path(sys.executable).resolve().parent.parent
    if not _in_system(executable):
        found.setdefault(str(executable), executable)
    return {**found, f"{_OURS}/concours": Path(concours.__file__).parent}


@cache
def variables() -> Mapping[str, str]:
    """By which the interpreter is found, and finds this package."""
    beside = Path(sys.executable).parent
    return {
        "PATH": ":".join(dict.fromkeys([str(beside), f"{sys.prefix}/bin", "/usr/local/bin", "/usr/bin", "/bin"])),
        "PYTHONPATH": _OURS,
    }


def _in_system(folder: Path) -> bool:
    return folder.is_relative_to(_SYSTEM)
