"""Where what is remembered from run to run lies, for one person on one machine."""

from __future__ import annotations

import os
from pathlib import Path


def state_file(name: str) -> Path:
    """A file of that name, below `XDG_STATE_HOME` (`~/.local/state`)."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "concours" / name


def cache_folder(name: str) -> Path:
    """A folder of that name for what can be had again, below `XDG_CACHE_HOME` (`~/.cache`)."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "concours" / name


def config_file(name: str) -> Path:
    """A file of that name for what a person has chosen, below `XDG_CONFIG_HOME` (`~/.config`)."""
    config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(config) / "concours" / name
