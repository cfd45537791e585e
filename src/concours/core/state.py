"""Where what is remembered from run to run lies, for one person on one machine."""

from __future__ import annotations

import os
from pathlib import Path


def state_file(name: str) -> Path:
    """A file of that name, below `XDG_STATE_HOME` (`~/.local/state`)."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "concours" / name
