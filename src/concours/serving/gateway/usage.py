"""Usage by day, key and offer, as a page and as CSV, and what the choice between offers has gained."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from jinja2 import ChoiceLoader, PackageLoader

from concours.kernels.routing.gain import Gain, gain
from concours.report.page import environment
from concours.serving.gateway.ledger import Ledger
from concours.serving.gateway.offers import money

if TYPE_CHECKING:
    from concours.serving.gateway.router import Router

COLUMNS: Final = (
    "day", "key", "offer", "requests", "under_way", "failed", "kept", "lost", "rows", "tokens_in", "tokens_out",
    "bound", "over", "cost", "charged_lost",
)  # fmt: skip
"""Of the CSV; sums of money in the currency of the prices."""
_MONEY: Final = ("cost", "charged_lost")


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What the choice has scored more than asking one offer always."""

    task: str
    offer: str
    gain: Gain


def as_csv(ledger: Ledger) -> str:
    """A line for each day, key and offer, the last day first."""
    out = io.StringIO()
    table = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    table.writeheader()
    for row in ledger.usage():
        table.writerow(row | {name: money(row[name]) for name in _MONEY})
    return out.getvalue()


def as_page(router: Router) -> str:
    """The page, which needs nothing but itself."""
    found, ledger = environment(), router.ledger
    found.loader = ChoiceLoader([PackageLoader("concours.serving.gateway"), PackageLoader("concours.report")])
    found.filters["amount"] = money
    offers = [
        {
            "name": offer.name,
            "task": offer.task,
            "belief": router.beliefs.now(offer.name),
            "feedback": router.beliefs.fed_back(offer.name),
        }
        for offer in router.offers.offer
    ]
    return found.get_template("usage.html.j2").render(
        usage=ledger.usage(), budgets=ledger.budgets(), offers=offers, compared=compared(ledger.judged(), router)
    )


def compared(judged: Sequence[Mapping[str, Any]], router: Router) -> list[Compared]:
    """The gain over each offer, of the requests in which it could have been chosen, task by task."""
    found = []
    for offer in router.offers.offer:
        start = router.beliefs.measured(offer.name)
        if start is None:
            continue
        rows = [row for row in judged if offer.name in json.loads(row["considered"])]
        if not rows:
            continue
        scores = start.sign * np.array([row["score"] for row in rows], dtype=np.float64)
        propensities = np.array([row["propensity"] for row in rows], dtype=np.float64)
        same = np.array([row["chosen"] == offer.name for row in rows], dtype=np.float64)
        found.append(
            Compared(task=offer.task, offer=offer.name, gain=gain(scores, propensities, same, start.belief.mean))
        )
    return found
