"""What this installation can do, and what the machine has."""

from __future__ import annotations

import platform
import shutil
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version

from concours.core.optional import EXTRAS, install_command
from concours.engine.usage import available_memory, usable_cores


@dataclass(frozen=True)
class Finding:
    """One line: a name, what is known of it, and whether it is there (None: it is just so)."""

    name: str
    text: str
    present: bool | None = None


_SOLD_AS = {"xgboost": "xgboost-cpu"}
"""Distributions that are called otherwise than the module they bring."""


def examine() -> list[Finding]:
    """Packages, required ones and optional ones, and the machine."""
    return [
        Finding("concours", version("concours")),
        Finding("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
        *(_package(name, f"pip install {name}") for name in _required()),
        *(_package(_SOLD_AS.get(name, name), install_command(name)) for name in EXTRAS),
        Finding("cores", str(usable_cores())),
        Finding("memory", f"{available_memory() / 2**30:.1f} GiB free"),
        Finding("disk", f"{shutil.disk_usage('.').free / 2**30:.1f} GiB free here"),
        Finding("gpu", _gpu()),
    ]


def _required() -> list[str]:
    lines = requires("concours") or []
    return sorted(line.split(">")[0].split("=")[0].strip() for line in lines if "extra ==" not in line)


def _package(name: str, cure: str) -> Finding:
    try:
        return Finding(name, version(name), True)
    except PackageNotFoundError:
        return Finding(name, f"get it with: {cure}", False)


def _gpu() -> str:
    try:
        import torch
    except ImportError:
        return "not known: torch is not installed"
    if torch.cuda.is_available():
        return ", ".join(torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count()))
    if torch.backends.mps.is_available():
        return "Apple (mps)"
    return "none; networks train on the CPU"
