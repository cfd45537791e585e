"""What a federation of real sites does not do is refused, and not passed over."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from concours.contest.formats import FORMATS

PROMISE = {"epsilon": 4.0, "delta": 1e-5}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"strategy": "scaffold"}, "keeps a variate of each site"),
        ({"names": []}, "use: concours federate"),
        ({"secure": True, "strategy": "median"}, "'median' looks at what each site sends, and with secure = true"),
        ({"secure": True, "strategy": "krum"}, "'krum' looks at what each site sends"),
        ({"secure": True, "names": ["a"]}, "1 of 1 is asked in a round"),
        ({"secure": True, "sample": 0.3}, "1 of 3 is asked in a round"),
        ({"secure": True, "privacy": {**PROMISE, "where": "server"}}, 'take where = "site"'),
        ({"privacy": {**PROMISE, "where": "server", "delta": 0.5}}, "privacy.delta must be below 1/3, of 3 sites"),
        ({"privacy": {**PROMISE, "where": "server"}, "strategy": "median"}, "noise at the server hides a site"),
    ],
)
def test_what_real_sites_do_not_do_is_refused(options: dict[str, Any], told: str) -> None:
    """Before anybody is asked: a promise that nobody keeps is worse than none."""
    problem = SimpleNamespace(output=SimpleNamespace(estimator="classifier"), input=SimpleNamespace(can=("columns",)))
    usual = {"names": ["a", "b", "c"], "strategy": "fedavg", "privacy": None, "secure": False, "sample": 1.0}
    setup: Any = SimpleNamespace(options={**usual, **options}, problem=problem)
    assert told in FORMATS["deployed"].unsuited(setup)
