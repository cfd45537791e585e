"""Mappings that grow, and what is kept by its arguments."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.core.growing import Growing
from concours.core.kept import Kept


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9), st.integers(0, 99)), max_size=40))
def test_each_version_is_what_a_copied_dictionary_is(steps: list[tuple[int, int, int]]) -> None:
    """Whichever earlier version grows on, and by keys that it or others have: order, values, and what is missing."""
    versions: list[tuple[Growing[int, int], dict[int, int]]] = [(Growing(), {})]
    for which, key, value in steps:
        growing, plain = versions[which % len(versions)]
        versions.append((growing.with_item(key, value), {**plain, key: value}))
    for growing, plain in versions:
        assert list(growing.items()) == list(plain.items())
        assert len(growing) == len(plain)
        assert growing == plain
        assert [growing.since(length) for length in range(len(plain))] == [list(plain)[n:] for n in range(len(plain))]
        assert [growing.get(key) for key in range(10)] == [plain.get(key) for key in range(10)]
        for key in set(range(10)) - plain.keys():
            assert key not in growing
            with pytest.raises(KeyError):
                growing[key]


def test_what_is_kept_is_made_anew_for_other_arguments() -> None:
    """By key, with the arguments that it was last made from."""
    kept, made = Kept(), list[tuple[str, int]]()

    def once(key: str, argument: int) -> int:
        return kept.once(key, argument, lambda: made.append((key, argument)) or 10 * argument)

    assert [once("a", 1), once("a", 1), once("b", 1), once("a", 2), once("a", 1)] == [10, 10, 10, 20, 10]
    assert made == [("a", 1), ("b", 1), ("a", 2), ("a", 1)]
