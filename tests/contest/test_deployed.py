"""What a federation of real sites does not do is refused, and not passed over."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from concours.contest.formats import FORMATS


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"privacy": {"epsilon": 4.0, "delta": 1e-5, "where": "site"}}, "no promise of privacy is kept"),
        ({"privacy": None, "strategy": "scaffold"}, "keeps a variate of each site"),
        ({"privacy": None, "names": []}, "use: concours federate"),
    ],
)
def test_what_real_sites_do_not_do_is_refused(options: dict[str, Any], told: str) -> None:
    """Before anybody is asked: a promise that nobody keeps is worse than none."""
    problem = SimpleNamespace(output=SimpleNamespace(estimator="classifier"), input=SimpleNamespace(can=("columns",)))
    setup: Any = SimpleNamespace(options={"names": ["a"], "strategy": "fedavg", **options}, problem=problem)
    assert told in FORMATS["deployed"].unsuited(setup)
