"""Mappings whose items change and go: each version is what a copied dictionary is, and differences are found."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.core.persistent import Persistent

STEPS = st.lists(st.tuples(st.integers(0, 30), st.booleans(), st.integers(0, 9), st.integers(0, 99)), max_size=40)


@settings(max_examples=100)
@given(STEPS)
def test_each_version_is_what_a_copied_dictionary_is(steps: list[tuple[int, bool, int, int]]) -> None:
    """Whichever earlier version another is made from; and any two say where they differ."""
    versions: list[tuple[Persistent[str, int], dict[str, int]]] = [(Persistent(), {})]
    for which, goes, key, value in steps:
        made, plain = versions[which % len(versions)]
        name = f"key {key}"
        if goes:
            versions.append((made.without(name), {one: of for one, of in plain.items() if one != name}))
        else:
            versions.append((made.with_item(name, value), {**plain, name: value}))
    for made, plain in versions:
        assert dict(made) == plain
        assert len(made) == len(plain)
        assert made == plain == Persistent(plain)
        for other, theirs in versions:
            differing = {key for key in {**plain, **theirs} if plain.get(key) != theirs.get(key)}
            found = list(made.differing(other))
            assert set(found) == differing
            assert len(found) == len(differing)


def test_what_changes_nothing_gives_the_same_mapping() -> None:
    """So that whoever compares by identity sees that nothing has changed."""
    value = object()
    made: Persistent[str, object] = Persistent({"a": value})
    assert made.with_item("a", value) is made
    assert made.without("b") is made
    with pytest.raises(KeyError):
        made.without("a")["a"]
