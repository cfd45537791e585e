"""What the web process writes down: a line of JSON for each request, and for each thing that went wrong."""

from __future__ import annotations

import json
import logging
from contextvars import ContextVar
from typing import Any, Final

REQUEST: Final[ContextVar[str]] = ContextVar("request", default="")
"""The id of the request that is being answered; every line that is logged meanwhile has it, and so has the answer."""

LOG: Final = logging.getLogger("concours.web")


class AsJson(logging.Formatter):
    """A record as one line of JSON: at, level, logger, message, request, what `extra={"more": …}` says, and a traceback
    without the values of its variables."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{int(record.msecs):03}",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "request": REQUEST.get(),
            **getattr(record, "more", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps({name: value for name, value in line.items() if value not in ("", None)}, default=str)


def write_to(handler: logging.Handler) -> None:
    """Sends all that is logged there, as JSON. The server's own lines of requests are left out: their paths hold the
    secrets of links."""
    handler.setFormatter(AsJson())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("uvicorn.access").disabled = True
