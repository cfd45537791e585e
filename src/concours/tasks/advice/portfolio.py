"""A record of past contests on open sets, and whom it names first for others."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from concours.kernels.ranking.portfolio import greedy_portfolio, places


@dataclass(frozen=True, kw_only=True)
class Record:
    """How entrants did on one set; lower scores are better.

    Attributes:
        form: of rows and what is predicted of them, as the zoo names it.
        rows: that were fitted on and judged by, in folds.
        baseline: the score of who knows nothing.
        scores: by entrant.
        near: the best, and who cannot be told from it: within two standard errors of the paired difference.
    """

    name: str
    form: str
    rows: int
    baseline: float
    scores: Mapping[str, float]
    near: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "scores": dict(self.scores), "near": list(self.near)}


def portfolio_of(records: Sequence[Record], form: str) -> list[str]:
    """Entrants of a form in the order in which they should run, by a greedy search over their places in the sets of it.

    Tables with sentences among their columns count as tables. Empty where no set is of the form. A model that a set has
    no score of counts there as the last.
    """
    alike = [record for record in records if _plain(record.form) == _plain(form)]
    names = sorted({name for record in alike for name in record.scores})
    if not names:
        return []
    scores = np.array([[record.scores.get(name, np.nan) for name in names] for record in alike])
    return [names[place] for place in greedy_portfolio(places(scores))]


def _plain(form: str) -> str:
    return form.replace("mixed:", "table:")


def held(record: Record, chosen: Sequence[str]) -> bool:
    """Whether some of the chosen are the best of a set, or cannot be told from it."""
    return bool(set(chosen) & set(record.near))


@dataclass(frozen=True, kw_only=True)
class Portfolio:
    """The record that the package brings.

    Attributes:
        date: of the fits. command, how: what made it.
    """

    date: str
    command: str
    how: str
    records: tuple[Record, ...]

    def order(self, form: str) -> list[str]:
        """Entrants of a form, whom to run first first; empty where the record has no such sets."""
        return portfolio_of(self.records, form)

    def sets(self, form: str) -> list[str]:
        """The sets that speak of a form."""
        return [record.name for record in self.records if _plain(record.form) == _plain(form)]


@cache
def shipped() -> Portfolio:
    """The record of the package."""
    content = json.loads((files("concours.tasks.advice") / "portfolio.json").read_text(encoding="utf-8"))
    records = tuple(Record(**{**one, "near": tuple(one["near"])}) for one in content["records"])
    return Portfolio(date=content["date"], command=content["command"], how=content["how"], records=records)
