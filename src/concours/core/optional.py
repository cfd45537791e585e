"""Optional packages, and how to get them."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from concours.core.errors import MissingPackage

EXTRAS = {"torch": "torch"}
"""Which extra of Concours brings a top-level module."""


def install_command(module: str) -> str:
    """The command that brings a module."""
    extra = EXTRAS.get(module)
    return f"pip install 'concours[{extra}]'" if extra else f"pip install {module}"


def installed(module: str) -> bool:
    """Whether a top-level module can be imported; does not import it."""
    return find_spec(module) is not None


def require(module: str) -> ModuleType:
    """Imports a module of an optional package.

    Raises:
        MissingPackage: it is not installed; the message has the install command.
    """
    top = module.partition(".")[0]
    if not installed(top):
        raise MissingPackage(f"{top} is not installed; get it with: {install_command(top)}")
    return import_module(module)
