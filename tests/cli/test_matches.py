"""Matches in a terminal of 80 columns: who beats whom stays readable, however many play."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest

from concours.cli.console import Console
from concours.cli.matches import print_matches


def found(count: int) -> dict[str, Any]:
    """So many in the field, the last the best, and an alliance that is as good."""
    names = [f"somebody-or-other-{place}" for place in range(count)]
    ratings = [
        {"name": name, "rating": 1000.0 + place, "ci": (900.0, 1100.0), "rank": 1, "rank_best": 1, "rank_worst": count}
        for place, name in reversed(list(enumerate([*names, "nash"])))
    ]
    points = [[None if row == column else 1.0 for column in range(count)] for row in range(count + 1)]
    late = {"nash": {"illegal": 0, "late": 2, "crashed": 0, "first": "had not answered"}}
    return {
        "games": 12,
        "ratings": ratings,
        "field": names,
        "everybody": [*names, "nash"],
        "points": points,
        "teams": {"games": 4, "forfeits": late},
    }


@pytest.mark.parametrize(("count", "shown"), [(3, "abc"), (7, "abcdefg"), (20, "abcdefgh")])
def test_as_many_columns_are_shown_as_find_room(count: int, shown: str) -> None:
    """Each of the field has a letter, in the order of ratings, and no line is wider than the terminal."""
    out = Console(file=StringIO(), width=80)
    print_matches(found(count), out)
    lines = out.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert max(map(len, lines)) <= 80
    assert lines[2].split()[3:] == list(shown)
    assert lines[3].split()[2:4] == ["nash", f"{1000 + count}"]
    assert lines[4].split()[2:4] == ["a", f"somebody-or-other-{count - 1}"]
    assert "–" in lines[4].split()
    told = " ".join(" ".join(lines).split())
    assert ("against the first 8 of the field" in told) == (count > len(shown))
    assert "nash forfeited 2 games: it took too long in 2" in told
