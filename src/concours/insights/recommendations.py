"""What recommended items show: whom they suit, by how much is known of a user, and which items are found."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from concours.core.values import take
from concours.insights.diagnosis import Predicted, of_rows
from concours.kernels.rows.ranked import Floats, Ranked, Sought
from concours.kernels.scoring.diagnosis import equal_bins
from concours.kernels.scoring.recommendations import FIRST, gains, hits
from concours.kernels.scoring.rounded import rounded

_BINS: Final = 6


def of_items(found: Predicted) -> dict[str, Any]:
    """What recommended items show.

    Returns:
        mistakes: the 12 users of the least gain, as `insights.diagnosis.of_rows` has them, but with the codes of the
            items that were held out and of those recommended, lists.
        activity: users by how many items were held out of them: `low` and `high` of each bin, `count`, and `gain`, the
            mean nDCG of the first ten.
        popularity: items by how many of these users sought them: `low` and `high` of each bin, `count` of the items,
            `found`, the share of those who sought one who find it among their first ten, and `recommended`, the share
            of all that is recommended there that they are.
    """
    sought, ranked = Sought.of(found.y), Ranked.of(found.p).first(FIRST)
    return {
        "mistakes": _mistakes(found),
        "activity": _binned(sought.counts, "gain", gains(sought, ranked)),
        "popularity": by_popularity(sought, ranked),
    }


def _mistakes(found: Predicted) -> dict[str, Any]:
    """Codes, since jobs do not know what items are called."""
    told = of_rows(found)["mistakes"]
    rows = np.asarray(told["rows"])
    sought, ranked = Sought.of(take(found.y, rows)), Ranked.of(take(found.p, rows))
    return {
        **told,
        "true": [items.tolist() for items in np.split(sought.items, sought.offsets[1:-1])],
        "named": [items[:count].tolist() for items, count in zip(ranked.items, ranked.counts, strict=True)],
    }


def by_popularity(sought: Sought, ranked: Ranked) -> list[dict[str, Any]]:
    """Items that somebody sought, in bins of about as much that is sought; see `of_items`."""
    items = 1 + max(int(sought.items.max(initial=0)), int(ranked.items.max(initial=0)))
    seeking = np.bincount(sought.items, minlength=items)
    finding = np.bincount(ranked.items[hits(sought, ranked)], minlength=items)
    named = np.bincount(ranked.items[ranked.items >= 0], minlength=items)
    some = np.flatnonzero(seeking)
    bins = equal_bins(seeking[some].astype(np.float64), _BINS, weights=seeking[some].astype(np.float64))
    rows = []
    for each in np.unique(bins):
        at = some[bins == each]
        rows.append(
            {
                "low": int(seeking[at].min()),
                "high": int(seeking[at].max()),
                "count": len(at),
                "found": rounded(finding[at].sum() / seeking[at].sum()),
                "recommended": rounded(named[at].sum() / max(named.sum(), 1)),
            }
        )
    return rows


def _binned(sizes: NDArray[np.int64], name: str, values: Floats) -> list[dict[str, Any]]:
    """Rows in bins of about equal count, by a size, with the mean of a value in each."""
    bins = equal_bins(sizes.astype(np.float64), _BINS)
    return [
        {
            "low": int(sizes[bins == each].min()),
            "high": int(sizes[bins == each].max()),
            "count": int((bins == each).sum()),
            name: rounded(values[bins == each].mean()),
        }
        for each in np.unique(bins)
    ]
