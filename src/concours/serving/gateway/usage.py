"""Usage by day, key and offer, as a page and as CSV, and what the choice between offers has gained."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from jinja2 import ChoiceLoader, PackageLoader

from concours.kernels.routing.gain import Gain, gain
from concours.report.page import environment
from concours.serving.gateway.alarms import WORDS, Seen, seen
from concours.serving.gateway.beliefs import Beliefs
from concours.serving.gateway.ledger import Ledger
from concours.serving.gateway.offers import Offer, money
from concours.serving.gateway.qualities import Measured

COLUMNS: Final = (
    "day", "key", "offer", "requests", "under_way", "failed", "kept", "lost", "rows", "tokens_in", "tokens_out",
    "bound", "over", "cost", "charged_lost",
)  # fmt: skip
"""Of the CSV; sums of money in the currency of the prices."""
_SHOWN: Final = 500
"""Lines on the page, at most."""
_MONEY: Final = ("cost", "charged_lost")


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What the choice has scored more than asking one offer always."""

    task: str
    offer: str
    gain: Gain


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What canaries say of an offer by one of the alarms, what answers are called that fail, and how many were sent."""

    seen: Seen
    fails: str
    drawn: int

    @property
    def when(self) -> str:
        """When there was an alarm, in UTC; nothing where there was none."""
        at = self.seen.raised
        return "" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")


def as_csv(ledger: Ledger) -> str:
    """A line for each day, key and offer, the last day first."""
    out = io.StringIO()
    table = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    table.writeheader()
    for row in ledger.usage():
        table.writerow(row | {name: money(row[name]) for name in _MONEY})
    return out.getvalue()


def as_page(offers: Sequence[Offer], beliefs: Beliefs, ledger: Ledger) -> str:
    """The page, which needs nothing but itself."""
    found = environment()
    found.loader = ChoiceLoader([PackageLoader("concours.serving.gateway"), PackageLoader("concours.report")])
    found.filters["amount"] = money
    shown = [
        {
            "name": offer.name,
            "task": offer.task,
            "belief": beliefs.now(offer.name),
            "feedback": beliefs.fed_back(offer.name),
        }
        for offer in offers
    ]
    usage = ledger.usage()
    return found.get_template("usage.html.j2").render(
        usage=usage[:_SHOWN],
        more=max(0, len(usage) - _SHOWN),
        budgets=ledger.budgets(),
        offers=shown,
        compared=compared(offers, beliefs, ledger.judged()),
        watched=watched(offers, ledger.watched()),
    )


def watched(offers: Sequence[Offer], alarms: Sequence[Mapping[str, Any]]) -> list[Watched]:
    """What canaries say of each offer that is watched: those with an alarm first."""
    now = {offer.name for offer in offers if offer.canary}
    found = [
        Watched(seen=seen(row), fails=WORDS[row["told_by"]], drawn=row["drawn"])
        for row in alarms
        if row["offer"] in now
    ]
    return sorted(found, key=lambda one: (one.seen.raised is None, one.seen.offer, one.seen.told_by))


def compared(offers: Sequence[Offer], beliefs: Beliefs, judged: Sequence[Mapping[str, Any]]) -> list[Compared]:
    """What the choice has gained over each offer, on the requests in which that could have been chosen."""
    return [
        Compared(task=offer.task, offer=offer.name, gain=_gain(offer.name, start, rows))
        for offer in offers
        if (start := beliefs.measured(offer.name)) is not None
        and (rows := [row for row in judged if offer.name in json.loads(row["considered"])])
    ]


def _gain(name: str, start: Measured, rows: Sequence[Mapping[str, Any]]) -> Gain:
    scores = start.sign * np.array([row["score"] for row in rows], dtype=np.float64)
    propensities = np.array([row["propensity"] for row in rows], dtype=np.float64)
    same = np.array([row["chosen"] == name for row in rows], dtype=np.float64)
    return gain(scores, propensities, same, start.belief.mean)
