"""Standings: the ranked records that a competition gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, overload

from concours.core.boards import board_html, board_text
from concours.core.calls import Calls
from concours.core.entrant import Entrant
from concours.core.frozen import frozen

StandingStatus = Literal["ok", "test_only", "cv_only", "failed", "out_of_time", "skipped", "dropped", "running"]
"""`test_only`: it stands on the board by the test part alone; `cv_only`: it has no predictions of the test part."""

WELL: Final = ("ok", "test_only", "cv_only")
"""Of those that came to what they could."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A score and its standard error, in the units of the metric."""

    score: float
    stderr: float


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One line of a board.

    Attributes:
        rank, rank_best, rank_worst: place on the board, and the places that the data cannot rule out; none if unranked.
        cv_score: the score on out-of-fold predictions of the training part, by which everything is chosen.
        score, ci: the raw metric on the test part, and its interval [low, high] of 95%.
        metrics: every metric of the problem, raw, on the test part; none where it is undefined.
        intervals, ranks: of the metrics by name, the interval [low, high] of 95%, where it is defined, and the place,
            the best and the worst place that the data cannot rule out.
        corrected: the score less what having been chosen by the same rows flatters it; none where other rows judge, or
            where nothing was chosen. `ci` and `intervals` then reach as much further.
        unsure: of the metrics by name, why the score is undefined, or too few rows tell how sure it is.
        tier: which of the groups of entrants that cannot be told from the group's best, from 1.
        note: how the entrant came to be, where that is to be known beside its score.
        calls: what it took to ask it in words.
        row_money: what predicting a row takes; none where nobody who is asked has a price.
    """

    entrant: Entrant
    rank: int | None = None
    rank_best: int | None = None
    rank_worst: int | None = None
    cv_score: Estimate | None = None
    score: float | None = None
    ci: tuple[float, float] | None = None
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    ranks: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    corrected: float | None = None
    unsure: Mapping[str, str] = field(default_factory=dict)
    tier: int | None = None
    fit_seconds: float | None = None
    predict_seconds: float | None = None
    status: StandingStatus = "ok"
    reason: str = ""
    note: str = ""
    calls: Calls | None = None
    row_money: float | None = None

    def __post_init__(self) -> None:
        for name in ("metrics", "intervals", "ranks", "unsure"):
            object.__setattr__(self, name, frozen(getattr(self, name)))


@dataclass(frozen=True, repr=False)
class Standings:
    """A board, best first; failed and unfinished lines last, in the order of entry. It prints as a board.

    Attributes:
        metrics: their names, the one that ranks first; by default those that the lines have.
        default: the name of the line that predicts unless another is asked for; none where that is not chosen.
        final: the model behind a line, `bag` or `refit`, where that is to be known beside its cross-validation score.
    """

    lines: tuple[Standing, ...]
    metrics: tuple[str, ...] = ()
    default: str | None = None
    final: str = ""

    def __iter__(self) -> Iterator[Standing]:
        return iter(self.lines)

    def __len__(self) -> int:
        return len(self.lines)

    @overload
    def __getitem__(self, key: str | int) -> Standing: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[Standing, ...]: ...
    def __getitem__(self, key: str | int | slice) -> Standing | tuple[Standing, ...]:
        """The line of an entrant by its name, or lines by their place, from 0.

        Raises:
            KeyError: no such entrant. IndexError: no such place.
        """
        if not isinstance(key, str):
            return self.lines[key]
        for line in self.lines:
            if line.entrant.name == key:
                return line
        raise KeyError(key)

    def __repr__(self) -> str:
        return board_text(self)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return board_html(self)
