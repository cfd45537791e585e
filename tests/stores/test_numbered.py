"""Texts by number: each is what was put, and damage is told and never shown."""

from __future__ import annotations

import io
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.core.errors import ContentRefused
from concours.stores.memory import MemoryStore
from concours.stores.numbered import numbered, put_numbered

TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=12)


@settings(max_examples=100)
@given(TEXTS)
def test_each_text_is_what_was_put(texts: list[str]) -> None:
    """Of every number; and of no other."""
    store = MemoryStore()
    digest = put_numbered(store, texts)
    assert [numbered(store, digest, number) for number in range(len(texts))] == texts
    for number in (-1, len(texts)):
        with pytest.raises(IndexError):
            numbered(store, digest, number)


@settings(max_examples=200)
@given(TEXTS.filter(bool), st.data())
def test_a_damaged_object_is_refused_or_gives_a_text(texts: list[str], data: st.DataObject) -> None:
    """Cut or changed at any byte: nothing but the two errors that are documented, and no endless read."""
    store = MemoryStore()
    with store.open(put_numbered(store, texts)) as file:
        content = bytearray(file.read())
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        del content[place:]
    else:
        content[place] ^= data.draw(st.integers(1, 255))
    digest = store.put(io.BytesIO(bytes(content)))
    for number in range(len(texts)):
        with suppress(ContentRefused, IndexError):
            assert isinstance(numbered(store, digest, number), str)
