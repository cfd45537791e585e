"""What follows from its arguments, kept: a plan is made anew at each event, and names mostly the same jobs."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Kept:
    """Results by what they are of, each with the arguments that it was last made from.

    Law: `once` gives what `make` gives, as long as that follows from the key and the arguments.
    """

    __slots__ = ("_made",)

    def __init__(self) -> None:
        self._made: dict[Hashable, tuple[Any, Any]] = {}

    def once(self, key: Hashable, arguments: Any, make: Callable[[], T]) -> T:
        """The result for the key; made anew where the arguments are others than last time."""
        known = self._made.get(key)
        if known is not None and known[0] == arguments:
            result: T = known[1]
            return result
        result = make()
        self._made[key] = (arguments, result)
        return result

    def settled(self, key: Hashable, make: Callable[[], T], over: Callable[[T], bool]) -> T:
        """The result for the key; made anew until it is one of which `over` says that it stays as it is."""
        known = self._made.get(key)
        if known is not None:
            result: T = known[1]
            return result
        result = make()
        if over(result):
            self._made[key] = (None, result)
        return result
