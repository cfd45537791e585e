"""Trust: whose code may run here. Agreed to by folder, remembered in the user's state directory."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path


def trusts(folder: Path) -> bool:
    """Whether the user has agreed to run code that lies in this folder."""
    return str(folder.resolve()) in _known()


def trust(folder: Path) -> None:
    """Remembers that the user agrees. A state directory that cannot be written is no reason to stop."""
    known = _known() | {str(folder.resolve())}
    with suppress(OSError):
        _file().parent.mkdir(parents=True, exist_ok=True)
        _file().write_text(json.dumps(sorted(known), indent=2))


def _known() -> set[str]:
    try:
        return set(json.loads(_file().read_text()))
    except (OSError, ValueError):
        return set()


def _file() -> Path:
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "concours" / "trusted.json"
