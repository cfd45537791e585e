"""The address at which a server or a gateway listens."""

from __future__ import annotations

import socket
from typing import Final

from concours.core.errors import ContestError

_WAITING: Final = 2048
"""Connections that may wait to be taken."""


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises ContestError where the address is taken, or is none of this machine."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_WAITING)
    except OSError as error:
        raise unusable(host, port, error) from None


def unusable(host: str, port: int, error: OSError, what: str = "") -> ContestError:
    """That nobody can listen there, why, and what to do. `what`: which of several ports it is."""
    why = (error.strerror or str(error)).partition(" (")[0]
    return ContestError(f"cannot listen at {host}:{port}{what}: {why}; choose another address, by --host or --port")
