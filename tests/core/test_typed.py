"""JSON as types: what is written from a value reads as an equal one, and anything else is refused with its place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, NotRequired, TypedDict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.core.digests import Digest, digest_bytes
from concours.core.errors import ContentRefused
from concours.core.typed import typed


class Shown(TypedDict):
    """A typed dictionary with a key that may be left out."""

    share: float
    notes: NotRequired[list[str]]


@dataclass(frozen=True, kw_only=True)
class Inner:
    """Plain values; `low` is at most `high`."""

    low: int
    high: int = 10
    word: Literal["a", "b"] = "a"

    def amiss(self) -> str:
        """The law."""
        return "" if self.low <= self.high else f"low: expected at most {self.high}"


@dataclass(frozen=True, kw_only=True)
class Outer:
    """Every form that annotations have here."""

    inner: tuple[Inner, ...]
    pair: tuple[int, float]
    digest: Digest | None
    shown: Shown
    by_name: Mapping[str, bool] = field(default_factory=dict)
    label: str | int | bool = ""
    anything: Any = None


INNER = st.builds(Inner, low=st.integers(-5, 5), high=st.integers(5, 9), word=st.sampled_from(["a", "b"]))
NUMBERS = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e299, max_value=1e299)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=5,
)
OUTER = st.builds(
    Outer,
    inner=st.lists(INNER, max_size=3).map(tuple),
    pair=st.tuples(st.integers(-9, 9), NUMBERS),
    digest=st.none() | st.binary(max_size=2).map(digest_bytes),
    shown=st.fixed_dictionaries({"share": NUMBERS}, optional={"notes": st.lists(st.text(max_size=3), max_size=2)}),
    by_name=st.dictionaries(st.text(max_size=3), st.booleans(), max_size=2),
    label=st.text(max_size=3) | st.integers(-9, 9) | st.booleans(),
    anything=PLAIN,
)


@settings(max_examples=100)
@given(OUTER)
def test_what_is_written_is_read_as_it_was(value: Outer) -> None:
    """The law of `typed`, over all forms."""
    assert typed(Outer, json.loads(json.dumps(asdict(value)))) == value


GOOD: dict[str, Any] = {
    "inner": [{"low": 1}],
    "pair": [1, 0.5],
    "digest": None,
    "shown": {"share": 1.0},
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"inner": 3}, "inner: expected a list, got a number"),
        ({"inner": [{"low": 1}, {"low": "x"}]}, r"inner\[1\].low: expected a whole number, got a text"),
        ({"inner": [{"low": True}]}, r"inner\[0\].low: expected a whole number, got a truth value"),
        ({"inner": [{"low": 0.5}]}, r"inner\[0\].low: expected a whole number"),
        ({"inner": [{"low": 1 << 63}]}, r"inner\[0\].low: expected a whole number"),
        ({"inner": [{}]}, r"inner\[0\].low is missing"),
        ({"inner": [{"low": 1, "more": 2}]}, r"inner\[0\].more is not known"),
        ({"inner": [{"low": 11}]}, r"inner\[0\]: low: expected at most 10"),
        ({"inner": [{"low": 1, "word": "c"}]}, r"inner\[0\].word: expected one of a, b, got 'c'"),
        ({"inner": [{"low": 1, "word": ["a"]}]}, r"inner\[0\].word: expected one of a, b, got a list"),
        ({"pair": [1]}, "pair: expected a list of 2, got one of 1"),
        ({"pair": [1, float("nan")]}, r"pair\[1\]: expected a number, got no finite number"),
        ({"pair": [1, 10**400]}, r"pair\[1\]: expected a number"),
        ({"digest": "sha256:../x"}, "digest: expected a digest"),
        ({"shown": []}, "shown: expected an object, got a list"),
        ({"shown": {"share": 1.0, "notes": [None]}}, r"shown.notes\[0\]: expected a text, got null"),
        ({"by_name": {"x": 1}}, "by_name.x: expected true or false, got a number"),
        ({"label": []}, "label: expected"),
        ({"anything": {"x": [float("inf")]}}, "anything: expected finite numbers"),
    ],
)
def test_another_form_is_refused_with_its_place(change: dict[str, Any], said: str) -> None:
    """Which place, what was expected there, and what is there."""
    assert typed(Outer, GOOD).pair == (1, 0.5)
    with pytest.raises(ContentRefused, match=f"^{said}"):
        typed(Outer, {**GOOD, **change})


def test_what_lies_too_deep_is_refused() -> None:
    """Where anything may stand, it is no deeper than readers go; a value as deep as a hundred levels is read."""
    deep: Any = 1
    for _ in range(99):
        deep = [deep]
    assert typed(Outer, {**GOOD, "anything": deep}).anything == deep
    with pytest.raises(ContentRefused, match="anything: it lies within itself more than 100 levels deep"):
        typed(Outer, {**GOOD, "anything": {"x": [deep]}})


def test_the_deepest_of_several_forms_says_why() -> None:
    """Of a union that takes none, the form that the value comes nearest to."""
    with pytest.raises(ContentRefused, match=r"^\[0\].low: expected a whole number"):
        typed(list[int | Inner | str], [{"low": None}])  # type: ignore[arg-type]
