"""Signs of life, sent from a thread while the process that they are of is busy with something else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Self


class Pulse:
    """Calls something every so many seconds, from when it is started until it is stopped.

    What it raises is kept for whoever asks: the thread that would have to know is another one.
    """

    def __init__(self, beat: Callable[[], object], *, every_s: float) -> None:
        self._beat, self._every_s = beat, every_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.trouble: Exception | None = None

    def started(self) -> Self:
        """It, once it has begun."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Ends it. Idempotent."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(self._every_s):
            try:
                self._beat()
                self.trouble = None
            except Exception as error:  # noqa: BLE001 (it is told to whoever asks)
                self.trouble = error
