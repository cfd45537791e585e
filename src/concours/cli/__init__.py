"""The command line: one file a group of commands."""

from concours.cli.app import main

__all__ = ["main"]
