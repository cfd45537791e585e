"""A gateway that runs: its file is read, its books are opened, what an earlier one left is told, and it answers."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from concours.core.errors import MissingPackage
from concours.core.optional import install_command, installed
from concours.report.lines import counted

if TYPE_CHECKING:
    from concours.serving.gateway.hidden import Hidden
    from concours.serving.gateway.offers import Offers

_NEEDED = ("starlette", "uvicorn", "httptools", "msgspec", "sqlalchemy")


def serve(file: Path, *, host: str, port: int, told: Callable[[str], None]) -> None:
    """Answers at an address until the process is told to end.

    Args:
        port: 0 for any that is free.
        told: takes lines for whoever started it.

    Raises:
        ContestError: the file, a variable of the environment or the database is wrong, or the
            address is taken. MissingPackage.
    """
    for module in _NEEDED:
        if not installed(module):
            raise MissingPackage(f"concours gateway needs {module}: {install_command(module)}")
    from concours.serving.connections import Web
    from concours.serving.gateway.app import make
    from concours.serving.gateway.ledger import Ledger
    from concours.serving.gateway.offers import Offers
    from concours.serving.gateway.qualities import measured
    from concours.serving.listening import listening

    offers = Offers.read(file)
    _ = [*(offer.secret for offer in offers.offer), *(key.digest for key in offers.key), offers.gateway.admin]
    known = {offer.name: found for offer in offers.offer if (found := measured(offer, file.parent)) is not None}
    hidden = _hidden(offers, file.parent)
    database = offers.gateway.database or f"sqlite:///{file.with_suffix('.db').absolute()}"
    with Ledger(database) as ledger, ledger.held(), listening(host, port) as heard:
        # Asyncio does so only where it makes the socket itself; without it, parts of an answer wait for one another.
        heard.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if lost := ledger.close_lost():
            told(
                f"{counted(lost, 'request')} under way when the last gateway ended; charged at the worst until asked "
                "again by their ids"
            )
        at = f"{f'[{host}]' if ':' in host else host}:{heard.getsockname()[1]}"
        who = f"{counted(len(offers.offer), 'offer')} for {counted(len(offers.key), 'key')}"
        told(f"{who} at http://{at}/v1 and http://{at}/v2")
        Web(make(offers, known, ledger, hidden=hidden), lifespan="on", grace=30).run(sockets=[heard])


def _hidden(offers: Offers, folder: Path) -> Mapping[str, Hidden]:
    """The rows by which offers are watched; where there are none, what reads runs is not even imported."""
    if not any(offer.canary for offer in offers.offer):
        return {}
    from concours.serving.gateway.competed import hidden_rows

    return hidden_rows(offers.offer, folder)
