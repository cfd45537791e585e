"""What this installation can do, and what the machine has."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Any, Literal

from concours.contest.formats import FORMATS
from concours.core.errors import PluginError, nearest
from concours.core.joins import JOINS
from concours.core.optional import EXTRAS, install_command
from concours.core.registry import Claim, Registry, claims
from concours.core.visible import visible
from concours.engine.runners import RUNNERS
from concours.engine.usage import available_memory, usable_cores
from concours.entrants.zoo import ZOO
from concours.report.sections.all import SECTIONS
from concours.tasks.kinds import KINDS
from concours.tasks.metrics.table import METRICS


@dataclass(frozen=True)
class Finding:
    """One line: a name, what is known of it, and whether it can be used; no mark where it is just so."""

    name: str
    text: str
    mark: Literal["", "ok", "missing", "broken"] = ""


_TABLES: Mapping[str, Registry[Any]] = {
    registry.table: registry for registry in (KINDS, METRICS, ZOO, JOINS, FORMATS, RUNNERS, SECTIONS)
}
"""What plugins can bring rows of."""

_SOLD_AS = {"xgboost": "xgboost-cpu"}
"""Distributions that are called otherwise than the module they bring."""


def examine() -> list[Finding]:
    """Packages, required ones and optional ones, and the machine."""
    return [
        Finding("concours", version("concours")),
        Finding("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
        *(_package(name, f"pip install {name}") for name in _required()),
        *(_package(_SOLD_AS.get(name, name), install_command(name)) for name in EXTRAS),
        *(_plugin(claim) for claim in claims()),
        Finding("cores", str(usable_cores())),
        Finding("memory", f"{available_memory() / 2**30:.1f} GiB free"),
        Finding("disk", f"{shutil.disk_usage('.').free / 2**30:.1f} GiB free here"),
        Finding("gpu", _gpu()),
    ]


def _plugin(claim: Claim) -> Finding:
    """A row of a plugin, which is loaded for that."""
    if not claim.table:
        text = f"plugin {claim.by}: the name of an entry point is table.name; tables: {', '.join(_TABLES)}"
        return Finding(visible(claim.entry), text, "broken")
    if claim.table not in _TABLES:
        text = f"plugin {claim.by}: there is no table {claim.table!r}; {nearest(claim.table, _TABLES)}"
        return Finding(visible(claim.entry), text, "broken")
    try:
        _TABLES[claim.table][claim.name]
    except PluginError as error:
        return Finding(visible(claim.entry), str(error), "broken")
    return Finding(visible(claim.entry), f"{claim.reference} of plugin {claim.by}", "ok")


def _required() -> list[str]:
    lines = requires("concours") or []
    return sorted(line.split(">")[0].split("=")[0].strip() for line in lines if "extra ==" not in line)


def _package(name: str, cure: str) -> Finding:
    try:
        return Finding(name, version(name), "ok")
    except PackageNotFoundError:
        return Finding(name, f"get it with: {cure}", "missing")


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
