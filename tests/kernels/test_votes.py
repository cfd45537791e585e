"""Counts of battles add up, however they are cut."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.kernels.rating.votes import TIE, Counts, Votes, count

NAMES = ("a", "b", "c", "d")


def votes_of(rows: list[tuple[int, int, int, int]], *, weighted: bool = False) -> Votes:
    """Rows of left, right, outcome, category."""
    table = np.array(rows, dtype=np.int32).reshape(-1, 4)
    weight = (1.0 + table.sum(axis=1) % 3) if weighted else None
    return Votes(left=table[:, 0], right=table[:, 1], outcome=table[:, 2], category=table[:, 3], weight=weight)


def counted(rows: list[tuple[int, int, int, int]], names: tuple[str, ...] = NAMES, **more: bool) -> Counts:
    return count(votes_of(rows, **more), names, ("x", "y"))


def same(one: Counts, two: Counts) -> bool:
    arrays = ("left", "right", "category", "battles", "weight", "square")
    return (one.names, one.categories) == (two.names, two.categories) and all(
        np.array_equal(getattr(one, key), getattr(two, key)) for key in arrays
    )


battles = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 2), st.integers(0, 1)), min_size=1, max_size=40
)


@settings(max_examples=50)
@given(battles, battles, battles, st.booleans())
def test_counts_are_a_commutative_monoid(a, b, c, weighted):
    """Cutting a file into parts, in any order, changes no count."""
    one, two, three = (counted(rows, weighted=weighted) for rows in (a, b, c))
    assert same((one + two) + three, one + (two + three))
    assert same(one + two, two + one)
    assert same(one + two + three, counted(a + b + c, weighted=weighted))


@settings(max_examples=30)
@given(battles, st.permutations(range(4)))
def test_codes_do_not_matter(rows, order):
    """Counts depend on names, not on the order in which these were first seen."""
    place = np.argsort(order)
    renamed = [(int(place[a]), int(place[b]), o, k) for a, b, o, k in rows]
    assert same(counted(rows), counted(renamed, tuple(NAMES[code] for code in order)))


def test_parts_with_other_names_are_joined():
    """A part that knows other models and categories is added by name."""
    one = count(votes_of([(0, 1, 0, 0)]), ["b", "c"], ["y"])
    two = count(votes_of([(0, 1, 1, 0)]), ["a", "b"], ["x"])
    both = one + two
    assert both.names == ("a", "b", "c")
    assert both.categories == ("x", "y")
    assert both.battles.sum() == 2
    assert (both.left.tolist(), both.right.tolist(), both.category.tolist()) == ([0, 1], [1, 2], [0, 1])


@settings(max_examples=30)
@given(battles)
def test_many_models_are_counted_as_few(rows):
    """The way for more cells than fit a table gives what the table gives."""
    names = tuple(f"m{code:05}" for code in range(4000))
    table = votes_of(rows)
    many = count(table, names, ("x", "y")).boards(by_category=True)
    few = count(table, names[:4], ("x", "y")).boards(by_category=True)
    assert np.array_equal(many.battles, few.battles)
    assert np.array_equal(many.first, few.first)


def test_pairs_are_seen_from_the_first():
    """Folding turns wins of the right side into losses of the first of the pair; categories come after the whole."""
    board = counted([(0, 1, 0, 0), (1, 0, 0, 1), (1, 0, 1, 1), (0, 1, TIE, 0), (2, 2, 0, 0)]).boards(by_category=True)
    assert (board.first.tolist(), board.second.tolist()) == ([0], [1])
    assert board.battles[:, 0].tolist() == [[2, 1, 1], [1, 0, 1], [1, 1, 0]]
    assert board.played()[0].tolist() == [4, 4, 0, 0]
