"""Serving: the models of run folders, until somebody stops it."""

from __future__ import annotations

import asyncio
import signal
import socket
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Final

import uvloop

from concours.core.errors import ContestError
from concours.serving.app import app_of
from concours.serving.connections import Web
from concours.serving.grpc_server import grpc_server
from concours.serving.keys import Keys
from concours.serving.listening import listening, unusable
from concours.serving.pool import Pool
from concours.serving.server import Server
from concours.serving.shelf import Shelf
from concours.serving.worker import Spec

_GRACE: Final = 10.0
"""Seconds in which calls that are under way may end."""


@dataclass(frozen=True, kw_only=True)
class Serving:
    """How to serve.

    Attributes:
        specs: what is served, by name.
        shadows: of some of them, the model of the same board that is asked beside.
        port: of HTTP; gRPC has the next one. 0: any that are free.
        processes: of each model.
        wait: seconds for which a request may wait for others to be answered with.
    """

    specs: dict[str, Spec]
    shadows: Mapping[str, str] = field(default_factory=dict)
    host: str = "127.0.0.1"
    port: int = 8000
    processes: int = 1
    wait: float = 0.0
    tokens: Sequence[str] = ()


def serve(serving: Serving, say: Callable[[str], None]) -> None:
    """Serves until it is stopped by a signal; what is under way is answered first.

    Raises:
        ModelFailed: a model cannot be served.
        ContestError: others than this machine may ask, and there is no token; or an address is taken.
    """
    keys = Keys.of(serving.tokens)
    if not keys.scopes and serving.host not in ("127.0.0.1", "::1", "localhost"):
        raise ContestError(f"--host {serving.host}: whoever reaches it may ask; give --token TEXT, which askers send")
    with (
        tempfile.TemporaryDirectory(prefix="concours-served-") as place,
        listening(serving.host, serving.port) as heard,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(_served(serving, keys, heard, Path(place), say))


async def _served(serving: Serving, keys: Keys, heard: socket.socket, place: Path, say: Callable[[str], None]) -> None:
    shelf = Shelf()
    make = partial(Pool, processes=serving.processes, wait=serving.wait)
    host, port = heard.getsockname()[:2]
    server = Server(shelf, keys, make, place)
    try:
        beside, grpc_port = grpc_server(server, host, port + 1 if serving.port else 0)
    except OSError as error:
        raise unusable(host, port + 1, error, ", for gRPC, which has the port after that of HTTP") from None
    for name, spec in serving.specs.items():
        challenger = serving.shadows.get(name)
        shadow = make(replace(spec, model=challenger)) if challenger else None
        version = await shelf.put(name, make(spec), shadow)
        for note in version.pool.ready.notes:
            say(note)
    for name, version in shelf.versions.items():
        about = version.pool.about
        say(f"{name}: {about['model']} predicts {about['predicts']} (version {version.number})")
    await beside.start()
    say(f"listening on http://{host}:{port}, and for gRPC on {host}:{grpc_port}")
    for each in (signal.SIGINT, signal.SIGTERM):  # uvicorn gives on what it was stopped by when it has ended
        signal.signal(each, lambda *_: None)
    await Web(app_of(server)).serve(sockets=[heard])
    say("stopping: what is under way is answered first")
    await beside.stop(grace=_GRACE)
    await shelf.stop()
