"""`concours up`: pages, API, scoring and workers, by one command."""

from __future__ import annotations

import socket
from collections.abc import Callable

from concours.server.platform import Platform
from concours.server.settings import Settings
from concours.server.staff import Post, Staff
from concours.server.web.app import make
from concours.serving.connections import Web
from concours.serving.listening import listening

_GRACE_S = 10


def up(settings: Settings, *, told: Callable[[str], None]) -> None:
    """Serves a platform until the process is told to end.

    Args:
        told: takes lines for whoever started it.

    Raises:
        ContestError, StoreRefused, MissingPackage: the database, the store or the address cannot be used.
    """
    with listening(settings.host, settings.port) as heard:
        # Asyncio does so only where it makes the socket itself; without it, parts of an answer wait for one another.
        heard.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        platform = Platform.opened(settings)
        conductor = Post(name="conductor", module="concours.server.scoring.conductor", told=settings.to_json())
        try:
            with Staff([conductor]):
                told(f"Concours is at {settings.address}; what it knows lies in {settings.data}. Ctrl-C ends it.")
                Web(make(platform), lifespan="on", grace=_GRACE_S).run(sockets=[heard])
        finally:
            platform.close()
