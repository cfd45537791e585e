"""A worker that a platform starts itself: the program of `concours worker`, beside the platform and gone with it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import Any, Final

from concours.core.errors import EndpointRefused
from concours.server import logs
from concours.server.settings import Settings
from concours.server.staff import serve_post
from concours.server.working.speaking import Platform
from concours.server.working.worker import Worker

_LOG: Final = logging.getLogger("concours.worker")


def work(told: Mapping[str, Any], leaving: threading.Event) -> None:
    """Works until the platform is gone, or says that it will not have this worker.

    Args:
        told: `url`, `token` and `name` of the worker, and the platform's `settings`.
    """
    settings = Settings.from_json(told["settings"])
    logs.keep(settings, told["name"])
    speaking = Platform(told["url"], told["token"], told["name"])
    worker = Worker(speaking, settings.data / "workers" / told["name"], told=lambda text: _LOG.info("%s", text))
    threading.Thread(target=_end, args=(worker, leaving), daemon=True).start()
    try:
        worker.work()
    except EndpointRefused as error:
        _LOG.error("%s", error)
    finally:
        speaking.close()


def _end(worker: Worker, leaving: threading.Event) -> None:
    leaving.wait()
    worker.end()


if __name__ == "__main__":
    serve_post(work)
