"""`concours worker`: a machine that does the work of a platform."""

from __future__ import annotations

import platform as machine
from pathlib import Path
from typing import Annotated

import typer

from concours.cli.terminal import say


def worker(
    server: Annotated[str, typer.Option(metavar="URL", help="The platform, such as https://compete.example.org.")],
    token: Annotated[
        str,
        typer.Option(
            metavar="T",
            envvar="CONCOURS_TOKEN",
            show_envvar=True,
            help="A token with the scope 'work'.",
        ),
    ],
    name: Annotated[str, typer.Option(metavar="N", help="Its name; by default the machine's.")] = "",
    cache: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where it keeps what jobs read; by default ~/.cache/concours.")
    ] = None,
) -> None:
    """Do the work of a platform on this machine: submitted code and hosts' scorers, in a sandbox.

    It pulls jobs, so it needs no open port. Start it twice, with two names and caches, to have two jobs done at a time.
    It ends when it is asked to (Ctrl-C, SIGTERM): what it is at is finished, or given back.
    """
    from concours.core.errors import ContestError
    from concours.engine.sandbox.run import available
    from concours.server.working.speaking import Platform
    from concours.server.working.worker import Worker, ending_by_signals, usual_folder

    if not server.startswith(("http://", "https://")):
        raise ContestError(f"--server must be an address such as https://compete.example.org, got {server!r}")
    if why := available():
        raise ContestError(why)
    own = name or machine.node().partition(".")[0] or "worker"
    speaking = Platform(server, token, own)
    try:
        found = Worker(speaking, cache or usual_folder() / own, told=say)
        with ending_by_signals(found):
            say(f"{own} works for {server}")
            found.work()
    finally:
        speaking.close()
    say(f"{own} has ended")
