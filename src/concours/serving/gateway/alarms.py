"""Alarms of offers as the books have them: before the first canary, after some more, and in words."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from concours.kernels.watching.alarms import Alarm, heard, watching
from concours.kernels.watching.means import Sums, interval
from concours.serving.gateway.hidden import Flags

_LATELY: Final = 500
WORDS: Final[Mapping[str, str]] = {"accuracy": "wrong", "disagreement": "different"}
"""What alarms are told by, and what answers are called that fail."""


def fresh(offer: str, promised: Mapping[str, float]) -> list[dict[str, Any]]:
    """Rows of the table of alarms before the first canary."""
    return [{"offer": offer, "told_by": by, **_kept(watching(share)), "lately": ""} for by, share in promised.items()]


def after(row: Mapping[str, Any], failed: Flags, between: float) -> dict[str, Any]:
    """What changes in a row of the table by more canaries (rows,), in their order.

    Law: canaries told at once are as those told one after the other, but for the moment of an alarm among them. Once
    there was an alarm, what is written of it stays.

    Args:
        between: canaries that a false alarm takes at least, in expectation.
    """
    names = "promised", "rows", "failed", "greatest"
    alarm = Alarm(sums=np.array(json.loads(row["sums"])), **{name: row[name] for name in names})
    now = heard(alarm, failed)
    lately = (row["lately"] + "".join("1" if flag else "0" for flag in failed))[-_LATELY:]
    changes = {**_kept(now), "lately": lately}
    if row["raised"] is None and now.raised(between):
        changes |= {"raised": time.time(), "raised_rows": now.rows, "raised_lately": lately}
    return changes


def _kept(alarm: Alarm) -> dict[str, Any]:
    return {
        "promised": alarm.promised,
        "rows": alarm.rows,
        "failed": alarm.failed,
        "sums": json.dumps(alarm.sums.tolist()),
        "greatest": alarm.greatest,
    }


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What canaries say of an offer, when there was an alarm, else now.

    Attributes:
        raised: when, in seconds since 1970; None where there was no alarm.
        rows: canaries that were judged until then.
        lately, failed: the last of them, and how many of these failed.
        low, high: where the share that fails is, by these, with a probability of 95% at any one look.
    """

    offer: str
    told_by: str
    promised: float
    raised: float | None
    rows: int
    lately: int
    failed: int
    low: float
    high: float

    @property
    def share(self) -> float:
        return self.failed / self.lately if self.lately else math.nan

    def line(self, who: str) -> str:
        """The alarm for people, with the name of who competed."""
        return (
            f"alarm: offer {self.offer} may serve something else than {who}, which competed. After {self.rows:,} "
            f"canaries {self.failed:,} of the last {self.lately:,} answers were {WORDS[self.told_by]}: "
            f"{self.share:.1%} ({self.low:.1%} to {self.high:.1%}), where {self.promised:.1%} may be"
        )


def seen(row: Mapping[str, Any]) -> Seen:
    """A row of the table of alarms, as people look at it."""
    there = row["raised"] is not None
    lately = row["raised_lately"] if there else row["lately"]
    count, failed = len(lately), lately.count("1")
    # The order of failures is not needed: their surprise is at most as many as there are.
    low, high = interval(Sums(rows=count, total=failed, surprise=float(count)), low=0.0, high=1.0)
    return Seen(
        offer=row["offer"],
        told_by=row["told_by"],
        promised=row["promised"],
        raised=row["raised"],
        rows=row["raised_rows"] if there else row["rows"],
        lately=count,
        failed=failed,
        low=low,
        high=high,
    )
