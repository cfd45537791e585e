"""A board that is kept: a thread that drives its process, and writes down what follows from it."""

from __future__ import annotations

import logging
import threading
import time
from typing import Final

from concours.core.ports import Executor, Notice
from concours.engine.identity import code_digests
from concours.engine.limits import Limits
from concours.engine.loop import Engine
from concours.server.database.inbox import Post, PostClosed, SqlInbox
from concours.server.database.journal import SqlJournal
from concours.server.platform import Platform
from concours.server.scoring.boards import Kept
from concours.server.scoring.runners import RUNNERS

_LOG: Final = logging.getLogger("concours.conductor")


class BoardKeeper(threading.Thread):
    """Drives a board until it is finished. It may be begun again at any time: its journal knows all.

    Attributes:
        ended: when it last ended, on `time.monotonic`.
    """

    def __init__(self, platform: Platform, board: Kept, executor: Executor, post: Post) -> None:
        super().__init__(name=board.name, daemon=True)
        self._platform, self._board, self._executor, self._post = platform, board, executor, post
        self.ended = 0.0

    def run(self) -> None:
        board, projection = self._board, self._board.projection(self._platform.database)
        try:
            engine = Engine(
                store=self._platform.store,
                journal=SqlJournal(self._platform.database.engine, board.name),
                executor=self._executor,
                code=code_digests(RUNNERS),
                inbox=SqlInbox(self._post, board.name),
                limits=Limits(seconds=None),
                listener=self._heard,
            )
            projection.finish(engine.drive(board.process, (), seed=board.seed, watch=projection.watch))
        except PostClosed:
            _LOG.info("%s rests", board.name)
        except Exception:  # noqa: BLE001 (whatever it was, the journal has what was before it)
            _LOG.exception("%s has failed; it is begun again from its journal", board.name)
        finally:
            self._executor.close()
            self.ended = time.monotonic()

    def _heard(self, notice: Notice) -> None:
        if notice.topic in ("warning", "held"):
            _LOG.warning("%s: %s", self._board.name, notice.text)
        elif notice.topic == "refused" and notice.signal:
            signal = notice.signal
            _LOG.warning("%s does not take %s %s: %s", self._board.name, signal.name, signal.id, notice.text)
