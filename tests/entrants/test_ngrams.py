"""Counts of bytes: held to a naive twin, and to the laws of probabilities."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.entrants.ngrams import NgramModel, discounts_of

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


@settings(max_examples=60, deadline=None)
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


@pytest.mark.parametrize("order", [1, 3, 8])
def test_all_bytes_behind_a_text_sum_to_one(order: int) -> None:
    """Protects that it is a distribution, whatever stands before: all signs of one byte, and the rest of 256 even."""
    rng = np.random.default_rng(0)
    text = "".join(rng.choice(list("abcde \n"), size=3000))
    model = NgramModel(order=order).fit(passages([text[:2000]], [""]))
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
