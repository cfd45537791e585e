"""`concours up`: pages, API, scoring and workers, by one command."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from fastapi import FastAPI

from concours.engine.sandbox.run import available
from concours.server import logs
from concours.server.accounts.links import first_link
from concours.server.accounts.own_workers import own_token
from concours.server.platform import Platform
from concours.server.settings import Settings
from concours.server.staff import Post, Staff
from concours.server.web.app import make
from concours.serving.connections import Web
from concours.serving.listening import listening

_GRACE_S: Final = 10
_WORKER_S: Final = 30.0
"""A worker that is to leave has a while to finish its job, and returns it then (`working.worker`)."""
_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}  # noqa: S104 (what is listened at)


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
        settings = replace(settings, port=heard.getsockname()[1])
        platform = Platform.opened(settings)
        logs.keep(settings, "web")
        try:
            with Staff(_posts(platform, told)) as staff:
                told(f"Concours is at {settings.address}; all it knows lies in {settings.data}. Ctrl-C ends it.")
                with platform.database.writing() as db:
                    link = first_link(db, settings)
                if link:
                    told(f"Nobody administers it yet. Who opens this link first does, within seven days: {link}")
                _Web(make(platform), staff).run(sockets=[heard])
        finally:
            platform.close()


class _Web(Web):
    """Answers until all others have left: a worker returns what it runs, or what has come of it, by a request."""

    def __init__(self, app: FastAPI, staff: Staff) -> None:
        super().__init__(app, lifespan="on", grace=_GRACE_S)
        self._app, self._staff = app, staff

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Once it is told to end."""
        await asyncio.to_thread(self._staff.leave)
        self._app.state.feed.end()
        await super().shutdown(sockets)


def _posts(platform: Platform, told: Callable[[str], None]) -> Sequence[Post]:
    """Who works beside the web process: the conductor, and workers where programs can be kept in a sandbox."""
    settings = platform.settings
    conductor = Post(name="conductor", module="concours.server.scoring.conductor", told=settings.to_json())
    if why := available():
        told(f"Code is not taken here: {why}")
        return (conductor,)
    with platform.database.writing() as db:
        token = own_token(db, settings)
    host = _EVERYWHERE.get(settings.host, f"[{settings.host}]" if ":" in settings.host else settings.host)
    names = [f"worker-{number}" for number in range(1, settings.workers + 1)]
    at = {"url": f"http://{host}:{settings.port}", "token": token}
    return (
        conductor,
        *(
            Post(
                name=name,
                module="concours.server.working.own",
                told={**at, "name": name, "settings": settings.to_json()},
                grace_s=_WORKER_S,
            )
            for name in names
        ),
    )
