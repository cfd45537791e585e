"""Networks in a contest: their bytes do not depend on the executor or the number of workers."""

from __future__ import annotations

import pytest

from concours import Contest, Entrant, Split, Task

ENTRANTS = [
    Entrant("dnn", "dnn", {"epochs": 3}),
    Entrant("cnn", "cnn", {"epochs": 2, "width": 8}),
    Entrant("vit", "vit", {"epochs": 2, "width": 16, "depth": 1}),
]


@pytest.mark.slow
def test_networks_give_the_same_digest_everywhere(tmp_path):
    """In this process and in one or three of their own; and what is kept of them predicts what was evaluated."""
    task = Task(kind="image-classification", data="sklearn:digits", split=Split(test=0.3, folds=2))
    ways = [{"engine": "inline"}, {"workers": 1}, {"workers": 3}]
    contests = [Contest(task=task, entrants=ENTRANTS, out=tmp_path / str(i), **way) for i, way in enumerate(ways)]
    results = [contest.run() for contest in contests]
    assert {line.status for result in results for line in result.standings} == {"ok"}
    assert len({result.digest for result in results}) == 1
