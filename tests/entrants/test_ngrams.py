"""Counts of bytes: held to a naive twin, and to the laws of probabilities."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.entrants.ngrams import NgramModel, discounts_of
from concours.entrants.word_grams import WordModel

TEXTS = st.lists(st.text(alphabet="ab c\né", min_size=1, max_size=30), min_size=1, max_size=4)


def passages(texts: list[str], before: list[str] | None = None) -> pd.DataFrame:
    """Rows as entrants take them."""
    return pd.DataFrame({"before": before or [""] * len(texts), "text": texts}, dtype=object)


def naive(texts: list[str], order: int, before: bytes, byte: int) -> float:
    """Interpolated modified Kneser–Ney of one byte, by dictionaries."""
    came: Counter[bytes] = Counter()
    for text in texts:
        padded = bytes(order - 1) + text.encode()
        came.update(padded[place : place + order] for place in range(len(padded) - order + 1))
    tables = {order: came}
    for length in range(order - 1, 0, -1):
        tables[length] = Counter(gram[1:] for gram in tables[length + 1])
    p = 1 / 256
    for length in range(1, order + 1):
        table, context = tables[length], before[len(before) - length + 1 :]
        discounts = discounts_of(np.array(list(table.values())))
        after = {gram: count for gram, count in table.items() if gram[:-1] == context}
        if not after:
            return p
        total = sum(after.values())
        left = sum(discounts[min(count, 3) - 1] for count in after.values()) / total
        count = after.get(context + bytes([byte]), 0)
        p = (count - discounts[min(count, 3) - 1] if count else 0.0) / total + left * p
    return p


def contexts(before: bytes, words: int) -> list[tuple[bytes, ...]]:
    """What a byte is told by, the least first: nothing, the last byte, the word so far, and with words before it."""
    parts = [b""]
    for place, byte in enumerate(before):
        letter = bytes([byte]).isalpha() or byte >= 128 or byte == ord("'")
        behind = place and (
            before[place - 1 : place].isalpha() or before[place - 1] >= 128 or before[place - 1] == ord("'")
        )
        if letter and not behind and place:
            parts.append(b"")
        parts[-1] += bytes([byte])
    parts = [b""] * words + parts if words else parts
    told = [tuple(parts[-1 - count :][::-1]) for count in range(words + 1)]
    return [(), (before[-1:],), *told]


def naive_words(texts: list[str], words: int, before: bytes, byte: int) -> float:
    """The same smoothing of bytes behind words, by dictionaries."""
    levels = words + 3
    table = Counter(
        (context, text[place])
        for text in (b"\0" + each.encode() for each in texts)
        for place in range(1, len(text))
        for context in [tuple(contexts(text[:place], words))]
    )
    tables = {levels - 1: table}
    for level in range(levels - 2, -1, -1):
        tables[level] = Counter((context[:-1], told) for context, told in tables[level + 1])
    p, asked = 1 / 256, tuple(contexts(before, words))
    for level in range(levels):
        discounts = discounts_of(np.array(list(tables[level].values())))
        after = {told: count for (context, told), count in tables[level].items() if context == asked[: level + 1]}
        if not after:
            return p
        total = sum(after.values())
        left = sum(discounts[min(count, 3) - 1] for count in after.values()) / total
        count = after.get(byte, 0)
        p = (count - discounts[min(count, 3) - 1] if count else 0.0) / total + left * p
    return p


@settings(max_examples=60)
@given(texts=TEXTS, words=st.integers(0, 2), asked=st.text(alphabet="abx é", min_size=1, max_size=8))
def test_words_are_what_dictionaries_say(texts: list[str], words: int, asked: str) -> None:
    """Protects the sums of powers by which contexts are told: a naive twin keeps them as they are."""
    model = WordModel(words=words).fit(passages(texts))
    (p,) = model.predict(passages([asked]))
    whole = b"\0" + asked.encode()
    expected = [naive_words(texts, words, whole[:place], whole[place]) for place in range(1, len(whole))]
    assert p == pytest.approx(expected, rel=1e-9)


@settings(max_examples=60)
@given(texts=TEXTS, order=st.integers(1, 4), asked=st.text(alphabet="abx é", min_size=1, max_size=6))
def test_it_is_what_dictionaries_say(texts: list[str], order: int, asked: str) -> None:
    """Protects the arithmetic on sorted numbers: a naive twin counts in dictionaries."""
    model = NgramModel(order=order).fit(passages(texts))
    (p,) = model.predict(passages([asked]))
    whole = bytes(order - 1) + asked.encode()
    expected = [
        naive(texts, order, whole[place : place + order - 1], byte) for place, byte in enumerate(asked.encode())
    ]
    assert p == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("model", [NgramModel(order=1), NgramModel(order=3), NgramModel(order=8), WordModel()], ids=str)
def test_all_bytes_behind_a_text_sum_to_one(model: NgramModel | WordModel) -> None:
    """Protects that it is a distribution, whatever stands before: all signs of one byte, and the rest of 256 even."""
    rng = np.random.default_rng(0)
    text = "".join(rng.choice(list("abcde \n"), size=3000))
    model.fit(passages([text[:2000]], [""]))
    for before in ("", "abc", text[2000:2040], "zzz"):
        signs = [chr(number) for number in range(1, 128)]
        p = np.concatenate(model.predict(passages(signs, [before] * len(signs))))
        never = p[signs.index("z")]
        assert p.sum() + 129 * never == pytest.approx(1.0)


def test_what_stands_before_counts() -> None:
    """Protects the context: a passage is told after what stands before it in its document."""
    model = NgramModel(order=3).fit(passages(["ababab" * 20]))
    known, unknown = model.predict(passages(["b", "b"], ["xba", "xab"]))
    assert known[0] > 0.9 > 0.1 > unknown[0]


def test_an_order_that_does_not_fit_is_refused() -> None:
    """Protects the one line that says what orders there are."""
    with pytest.raises(ValueError, match="order must be from 1 to 8; got 9"):
        NgramModel(order=9).fit(passages(["abc"]))
    with pytest.raises(ValueError, match="the columns before and text"):
        NgramModel().fit(np.zeros((3, 2)))
