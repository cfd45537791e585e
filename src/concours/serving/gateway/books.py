"""The ledger for one event loop: a thread of its own writes, and what was begun is written whoever leaves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from concours.serving.gateway.ledger import Bill, Ledger
from concours.serving.refused import Refused
from concours.stores.databases import why

T = TypeVar("T")
_LOG: Final = logging.getLogger("concours.gateway")


class Books:
    """Awaitable books.

    Args:
        ledger: is closed by whoever opened it.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._scribe = ThreadPoolExecutor(1, thread_name_prefix="books")
        self._later: set[asyncio.Future[Any]] = set()

    async def do(self, deed: Callable[..., T], *values: Any) -> T:
        """Does a deed of the ledger. Raises Refused: the database is full, locked or gone."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._scribe, partial(deed, *values))
        except SQLAlchemyError as error:
            _LOG.error("the books cannot be written: %s", why(error))
            raise Refused("the books of the gateway cannot be written: ask again later", status=503) from None

    async def settle(self, key: str, id: str, bill: Bill) -> None:
        """Settles a request. Where the books cannot be written it stays open; the next gateway charges its worst."""
        try:
            await self.do(self.ledger.settle, key, id, bill)
        except Refused:
            _LOG.error("request %s of key %s stays open in the books", id, key)

    def soon(self, deed: Awaitable[Any]) -> asyncio.Future[Any]:
        """Does something to its end, even if nobody waits for it any more."""
        task = asyncio.ensure_future(deed)
        self._later.add(task)
        task.add_done_callback(self._later.discard)
        return asyncio.shield(task)

    async def close(self) -> None:
        """Waits for what is still to be done."""
        while self._later:
            await asyncio.wait(self._later)
        self._scribe.shutdown()
