"""A platform, as those who take part in its competitions see it from Python and from the command line."""

from concours.core.errors import MissingPackage
from concours.core.optional import install_command, installed

if not installed("httpx"):
    raise MissingPackage(f"a client of platforms needs httpx: {install_command('httpx')}")

from concours.api.client.client import Client

__all__ = ["Client"]
