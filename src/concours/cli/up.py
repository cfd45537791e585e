"""`concours up`: host competitions by one command."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated

import typer

from concours.cli.terminal import say


def up(
    data: Annotated[Path, typer.Option(metavar="DIR", help="Where everything lies.")] = Path("concours-data"),
    host: Annotated[str, typer.Option(metavar="H", help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="P", help="The port; 0 for any that is free.", min=0, max=65535)] = 8000,
    database: Annotated[str, typer.Option(metavar="URL", help="postgresql://…; by default SQLite in the folder.")] = "",
    store: Annotated[str, typer.Option(metavar="URL", help="s3://BUCKET/PREFIX; by default in the folder.")] = "",
    workers: Annotated[int, typer.Option(metavar="N", help="Processes that score.", min=1, max=256)] = 2,
    url: Annotated[str, typer.Option(metavar="URL", help="How people reach it, where a proxy stands in front.")] = "",
) -> None:
    """Host competitions: pages, API, scoring and workers. The first start prints the administrator's one-time link."""
    from concours.server.settings import Settings
    from concours.server.up import up as serve

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # however it is told to end, it ends well
    told = {"host": host, "port": port, "database": database, "store": store, "workers": workers, "url": url}
    try:
        serve(Settings.of(data, **told), told=lambda text: say(text))
    except KeyboardInterrupt:
        say("left")
