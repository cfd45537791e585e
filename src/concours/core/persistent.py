"""Read-only mappings whose items change and go, too: another one is made at a cost that does not grow with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Self, TypeVar

K = TypeVar("K")
V = TypeVar("V")

_BITS: Final = 6
_WIDTH: Final = 1 << _BITS
_NOTHING: Final[dict[Any, Any]] = {}
_EMPTY: Final = ((_NOTHING,) * _WIDTH,) * _WIDTH


class Persistent(Mapping[K, V]):
    """A read-only mapping, in no particular order.

    Items lie in 4,096 small dictionaries by their hash, under tuples that two mappings share where they are alike: so
    what differs between two that came of one another is found at the cost of what differs.

    Laws: `with_item` gives what `{**mapping, key: value}` gives, `without` the same less a key; both leave the mapping
    as it was, and give it back where nothing changes. `differing` gives the keys under which two do not have the same
    object.
    """

    __slots__ = ("_length", "_root")

    def __init__(self, items: Mapping[K, V] | None = None) -> None:
        self._root: tuple[tuple[dict[K, V], ...], ...] = _EMPTY
        self._length = 0
        for key, value in (items or {}).items():
            grown = self.with_item(key, value)
            self._root, self._length = grown._root, grown._length

    def with_item(self, key: K, value: V) -> Self:
        """A mapping with one item more, or with another value of a key that it has."""
        leaf = self._leaf(key)
        if key in leaf and leaf[key] is value:
            return self
        return self._with_leaf(key, {**leaf, key: value}, self._length + (key not in leaf))

    def without(self, key: K) -> Self:
        """A mapping without a key; the same where it has none such."""
        leaf = self._leaf(key)
        if key not in leaf:
            return self
        return self._with_leaf(key, {one: value for one, value in leaf.items() if one != key}, self._length - 1)

    def differing(self, other: Mapping[K, V]) -> Iterator[K]:
        """The keys whose values are not the same object in both, each once."""
        assert isinstance(other, Persistent)  # noqa: S101 (for the type checker)
        for mine, theirs in zip(self._root, other._root, strict=True):
            if mine is theirs:
                continue
            for leaf, its in zip(mine, theirs, strict=True):
                if leaf is not its:
                    yield from (
                        key for key in {**leaf, **its} if not (key in leaf and key in its and leaf[key] is its[key])
                    )

    def __getitem__(self, key: K) -> V:
        return self._leaf(key)[key]

    def __iter__(self) -> Iterator[K]:
        return (key for branch in self._root if branch is not _EMPTY[0] for leaf in branch for key in leaf)

    def __len__(self) -> int:
        return self._length

    def __repr__(self) -> str:
        return f"Persistent({dict(self.items())!r})"

    def _leaf(self, key: object) -> dict[K, V]:
        number = hash(key)
        return self._root[number % _WIDTH][(number >> _BITS) % _WIDTH]

    def _with_leaf(self, key: K, leaf: dict[K, V], length: int) -> Self:
        number = hash(key)
        first, second = number % _WIDTH, (number >> _BITS) % _WIDTH
        branch = self._root[first]
        branch = (*branch[:second], leaf, *branch[second + 1 :])
        found = type(self).__new__(type(self))
        found._root = (*self._root[:first], branch, *self._root[first + 1 :])
        found._length = length
        return found
