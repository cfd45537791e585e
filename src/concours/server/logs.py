"""What the processes of a platform write down: a line of JSON for each request, and for each thing that went wrong."""

from __future__ import annotations

import json
import logging
from contextvars import ContextVar
from logging.handlers import RotatingFileHandler
from typing import Any, Final

from concours.server.settings import Settings

REQUEST: Final[ContextVar[str]] = ContextVar("request", default="")
"""The id of the request that is being answered; every line that is logged meanwhile has it, and so has the answer."""

LOG: Final = logging.getLogger("concours.web")

_FILE_BYTES: Final = 32 << 20
_FILES: Final = 5


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


def keep(settings: Settings, process: str) -> None:
    """Keeps what a process logs in `logs/PROCESS.jsonl` of the platform's folder, of which the last files stay; what
    went wrong is said on standard error besides, in words."""
    folder = settings.data / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    file = RotatingFileHandler(folder / f"{process}.jsonl", maxBytes=_FILE_BYTES, backupCount=_FILES, encoding="utf-8")
    file.setFormatter(AsJson())
    wrong = logging.StreamHandler()
    wrong.setLevel(logging.WARNING)
    wrong.setFormatter(logging.Formatter("%(asctime)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[file, wrong], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("uvicorn.access").disabled = True  # its paths hold the secrets of links
