"""A platform, as those who take part in its competitions see it from Python and from the command line."""

from concours.api.client.client import Client

__all__ = ["Client"]
