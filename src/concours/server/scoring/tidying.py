"""What has served is forgotten, once a day, beside everything else that a conductor does."""

from __future__ import annotations

import logging
import threading
import time
from typing import Final

from concours.core.event import utc_now
from concours.server.platform import Platform
from concours.server.services import retention

_LOG: Final = logging.getLogger("concours.conductor")
_FIRST_S: Final = 3600.0
_EVERY_S: Final = 86400.0


class Tidying:
    """Calls `services.retention` an hour after it began, and then every day, in a thread of its own."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._next = time.monotonic() + _FIRST_S

    def look(self, now_s: float | None = None) -> threading.Thread | None:
        """Begins what is due; the thread that does it, if one was begun.

        Args:
            now_s: on `time.monotonic`; by default its time.
        """
        now_s = time.monotonic() if now_s is None else now_s
        if now_s < self._next:
            return None
        self._next = now_s + _EVERY_S
        thread = threading.Thread(target=self._tidy, name="tidying", daemon=True)
        thread.start()
        return thread

    def _tidy(self) -> None:
        database, store = self._platform.database, self._platform.store
        try:
            with database.writing() as db:
                gone = retention.retire(db, utc_now())
            with database.reading() as db:
                freed = retention.garbage(db, store)
            retention.leftovers(self._platform.settings.data / "tmp")
        except Exception:  # noqa: BLE001 (what was left is tidied tomorrow)
            _LOG.exception("what has served could not be forgotten")
            return
        _LOG.info("forgotten: %s rows, %s objects of %s bytes", sum(gone.values()), freed.objects, freed.bytes)
