"""The platform on loopback, and workers' tokens."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager

import pytest
import uvicorn


@pytest.fixture
def database(platform):
    return platform.database


@pytest.fixture
def token(people):
    """Makes a token of somebody's with some scopes, by default that of a worker."""

    def make(name, *scopes):
        return people.program(name, *(scopes or ("work",))).headers["authorization"].removeprefix("Bearer ")

    return make


@pytest.fixture
def serving(app):
    """Serves the application on loopback; gives its address. May be left and entered again, at the same port."""

    @contextmanager
    def serve(port=0):
        config = uvicorn.Config(app, port=port, log_level="error", lifespan="off", ws="none", loop="asyncio")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive()
                time.sleep(0.01)
            yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()

    return serve
