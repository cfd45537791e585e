"""Read-only mappings that grow: a longer one is made from another at the cost of what is added."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Growing(Mapping[K, V]):
    """A read-only mapping, in the order in which its keys were added.

    All that grow from one another share one list of keys, and each knows how far its own reach. So a state that is told
    of thousands of outcomes, one after the other, never copies those before.

    Law: `with_item` leaves the mapping that it is called on as it was, and gives what `{**mapping, key: value}` gives.
    """

    __slots__ = ("_keys", "_length", "_values")

    def __init__(self, items: Mapping[K, V] | None = None) -> None:
        self._keys: list[K] = list(items or ())
        self._values: dict[K, tuple[int, V]] = {key: (i, (items or {})[key]) for i, key in enumerate(self._keys)}
        self._length = len(self._keys)

    def with_item(self, key: K, value: V) -> Growing[K, V]:
        """A mapping with one item more, or with another value of a key that it has, for which all is copied."""
        if key in self._values or self._length < len(self._keys):  # it is there, or another has grown from this one
            return Growing({**dict(self.items()), key: value})
        longer: Growing[K, V] = Growing.__new__(Growing)
        longer._keys, longer._values, longer._length = self._keys, self._values, self._length + 1
        self._values[key] = (self._length, value)
        self._keys.append(key)
        return longer

    def since(self, length: int) -> list[K]:
        """The keys that were added after the first so many, at their cost alone."""
        return self._keys[length : self._length]

    def __getitem__(self, key: K) -> V:
        place, value = self._values[key]
        if place >= self._length:
            raise KeyError(key)
        return value

    def __iter__(self) -> Iterator[K]:
        return islice(self._keys, self._length)

    def __len__(self) -> int:
        return self._length

    def __repr__(self) -> str:
        return f"Growing({dict(self.items())!r})"
