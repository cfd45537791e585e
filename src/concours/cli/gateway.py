"""`concours gateway`: one address in front of many models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from concours.cli.terminal import say


def gateway(
    offers: Annotated[Path, typer.Argument(help="A file (TOML) with [[offer]]s, [[key]]s and [gateway].")],
    host: Annotated[str, typer.Option(metavar="H", help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="P", help="The port; 0 for any that is free.", min=0, max=65535)] = 8100,
) -> None:
    """Send each request to the model that earns it, by quality, price and speed, and meter what it costs."""
    from concours.serving.gateway.serve import serve

    try:
        serve(offers, host=host, port=port, told=lambda text: say(text))
    except KeyboardInterrupt:
        say("left")
