"""Slices: what a range says is true of every row in it, and every kind of input has slices that can be read."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.tasks.ranges import ranged
from concours.tasks.slices import of_pictures, of_table, of_texts
from concours.tasks.traits import picture_traits, text_shares

SETTINGS = settings(max_examples=80)
NUMBER = r"-?[\d,.]+(?:e[+-]?\d+)?"


def holds(text, value):
    """Whether a range, as a person reads it, has a number in it."""
    low, high = -np.inf, np.inf
    numbers = [float(number.replace(",", "")) for number in re.findall(NUMBER, text)]
    if text.startswith("up to "):
        high = numbers[0]
    elif text.startswith("over ") or text.endswith(" or more"):
        low = numbers[0]
    else:
        low, high = numbers[0], numbers[-1]
    room = 1e-5 * abs(value)
    return low - room <= value <= high + room


@SETTINGS
@given(
    st.lists(st.floats(-1e5, 1e5) | st.floats(-1, 1) | st.integers(0, 3000) | st.just(np.nan), min_size=1, max_size=80)
)
def test_ranges_say_the_truth(values):
    """Every number lies in the range that it was put into, and what is missing in none."""
    values = np.asarray(values, dtype=float)
    texts, codes = ranged(values)
    assert len(set(texts)) == len(texts)
    for value, code in zip(values, codes, strict=True):
        assert (code == -1) if np.isnan(value) else holds(texts[code], value), (texts, value)


def test_ranges_read_well():
    """Bounds have few digits, whole numbers do not overlap, years have no comma and fares one."""
    ages = np.random.default_rng(0).normal(30, 13, 800).round(2)
    assert ranged(ages)[0] == ("up to 21", "21 to 29", "29 to 39", "over 39")
    assert ranged(np.arange(20.0))[0] == ("up to 4", "5 to 9", "10 to 14", "15 or more")
    assert ranged(np.arange(1950.0, 2020))[0][1] == "1968 to 1984"
    assert ranged(np.arange(0, 1e6, 7))[0][1] == "250,000 to 500,000"
    assert ranged(np.array([0.0] * 90 + list(range(1, 20))))[0][0] == "0"
    assert ranged(np.array([0.0] * 90 + [1.0] * 40 + [2.0, 3.0, 5.0]), least=30)[0] == ("0", "1 to 5")


def slices(ways):
    """Rows of each slice by column and value."""
    return {
        (way.column, value): set(np.flatnonzero(way.codes == place))
        for way in ways
        for place, value in enumerate(way.values)
    }


def test_tables():
    """Categories, rare ones together, numbers, truth values, dates, lengths of texts, and gaps; no row's own name."""
    rows = 200
    table = pa.table(
        {
            "id": np.arange(rows),
            "town": pa.array(["hill"] * 100 + ["bay"] * 60 + [f"t{i % 3}" for i in range(40)]),
            "area": pa.array([None if i % 4 == 0 else float(i) + 0.5 for i in range(rows)]),
            "sold": pa.array([i % 2 == 0 for i in range(rows)]),
            "day": pa.array(np.datetime64("2024-01-01") + np.arange(rows) // 2),
            "said": pa.array([f"{i:03} " + "word " * (i % 7) for i in range(rows)]),
            "same": pa.array(["x"] * rows),
        }
    )
    found = slices(of_table(table))
    assert found["town", "hill"] == set(range(100))
    assert found["town", "rare values"] == set(range(160, 200))
    assert found["area", "missing"] == set(range(0, 200, 4))
    assert found["sold", "true"] == set(range(0, 200, 2))
    assert found["day", "2024-03-16 or later"] == set(range(150, 200))
    assert any(column == "length of said" for column, _ in found)
    assert not {"id", "same"} & {column for column, _ in found}


def test_gaps_that_are_no_numbers_are_missing():
    """NaN and infinity count as missing, as in preparation."""
    table = pa.table({"x": pa.array([np.nan, np.inf, *map(float, range(98))])})
    assert slices(of_table(table))["x", "missing"] == {0, 1}


def test_texts():
    """By length and by what is written; empty texts too."""
    texts = ["", "Call 0800123 NOW!", "see https://example.org", "é", *["well, what now?"] * 40]
    found = slices(of_texts(pa.chunked_array([texts])))
    assert found["has a web address", "yes"] == {2}
    assert found["has characters beyond ASCII", "yes"] == {3}
    assert found["has an exclamation mark", "yes"] == {1}
    assert found["has words in capitals", "yes"] == {1}
    assert {column for column, _ in found} >= {"number of characters", "number of words", "share of digits"}
    assert text_shares(pa.chunked_array([["", "A1"]]))["digits"].tolist() == [0.0, 0.5]


def test_pictures():
    """Dark ones are found; what does not differ has no slices; values of every scale are between 0 and 1."""
    bright = np.linspace(0, 255, 80).astype(np.uint8)
    pictures = np.broadcast_to(bright[:, None, None, None], (80, 6, 6, 3))
    found = slices(of_pictures(pictures, np.arange(80)))
    assert found["brightness", "lowest quarter"] == set(range(20))
    assert {column for column, _ in found} == {"brightness"}
    assert not list(of_pictures(np.zeros((50, 4, 4), dtype=np.uint8), np.arange(50)))
    noise = np.random.default_rng(0).normal(size=(30, 5, 5, 1))
    assert all(values.min() >= 0 and values.max() <= 1 for values in picture_traits(noise, np.arange(30)).values())
