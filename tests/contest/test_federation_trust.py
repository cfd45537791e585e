"""Federations that are to be trusted: what is promised, what is told of sites, and faults in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from concours import Contest, Result, Split, Task
from concours.contest.federations import check_federation
from concours.core.errors import ContestError
from concours.core.optional import installed

pytestmark = pytest.mark.skipif(not installed("opacus"), reason="opacus accounts for privacy")

SITES = {"count": 5, "split": "iid"}


def table(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(240, 4))
    return pd.DataFrame(x, columns=list("abcd")).assign(colour=np.where(x[:, 0] + x[:, 1] > 0, "red", "blue"))


def run(out: Path, test: pd.DataFrame, notices: Any = None, **options: Any) -> Result:
    contest = Contest(
        task=Task(kind="tabular-classification", data=table(0), test=test, target="colour", split=Split(folds=2)),
        lineup="none",
        cooperate=[],
        format="federation",
        options={"sites": SITES, "rounds": 2, "learning_rate": 0.2, **options},
        engine="inline",
        out=out,
    )
    return contest.run(**({"listener": notices} if notices else {}))


@pytest.mark.slow
def test_what_is_told_reads_no_test_target_and_adds_up(tmp_path: Path) -> None:
    """Labels of the test part that are permuted change nothing of it; and credit adds up to the gain."""
    test = table(1)
    permuted = test.assign(colour=np.random.default_rng(2).permutation(test["colour"]))
    lies = {"liars": {"share": 0.2, "times": -10}, "strategy": "median"}
    true, false = (run(tmp_path / name, part, **lies).format["trust"] for name, part in (("a", test), ("b", permuted)))
    assert true == false
    credit = true["credit"]
    assert sum(credit["shapley"]) == pytest.approx(credit["last"] - credit["first"])
    assert min(credit["stderr"]) > 0
    assert len(true["suspects"]["sites"]) == 5
    assert true["suspects"]["looked"] == 2
    assert true["models"] == ["federated", "pooled"]
    for attacks in true["attack"]["attacks"]:
        for told in attacks.values():
            assert told["area_interval"][0] <= told["area"] <= told["area_interval"][1]
    assert "privacy" not in true


@pytest.mark.slow
@pytest.mark.parametrize("where", ["site", "server"])
def test_a_promise_is_kept_and_shown(tmp_path: Path, where: str) -> None:
    """The ε that it came to is at most what was asked; losses do not leave a private site; all is the same again."""
    privacy = {"epsilon": 4.0, "delta": 1e-4, "where": where}
    once, again = (run(tmp_path / name, table(1), privacy=privacy) for name in "ab")
    told = once.format["trust"]["privacy"]
    assert 3.8 < told["epsilon"] <= told["asked"] == 4.0
    assert told["noise"][0] > 0.3
    assert (once.format["rounds"][0]["loss"] is None) is (where == "site")
    assert once.format == again.format
    credit = once.format["trust"]["credit"]
    assert sum(credit["shapley"]) == pytest.approx(credit["last"] - credit["first"])


@pytest.mark.slow
def test_batch_norm_and_privacy_are_refused_with_what_to_do(tmp_path: Path) -> None:
    """The federation ends, the contest goes on, and the page says why."""
    from concours import Entrant

    contest = Contest(
        task=Task(kind="tabular-classification", data=table(0), target="colour", split=Split(folds=2)),
        lineup="none",
        cooperate=[],
        entrants=[Entrant("normed", "dnn", {"norm": "batch", "hidden": [8]}, prepare="sums")],
        format="federation",
        options={"sites": SITES, "rounds": 1, "of": "normed", "privacy": {"epsilon": 4.0, "delta": 1e-4}},
        engine="inline",
        out=tmp_path / "run",
    )
    result = contest.run()
    assert any("batch norm" in warning and 'norm = "layer"' in warning for warning in result.warnings)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"privacy": {"delta": 1e-5}}, "privacy.epsilon is missing"),
        ({"privacy": {"epsilon": 4}}, "privacy.delta is missing"),
        ({"privacy": {"epsilon": 0, "delta": 1e-5}}, "privacy.epsilon"),
        ({"privacy": {"epsilon": -1, "delta": 1e-5}}, "privacy.epsilon"),
        ({"privacy": {"epsilon": float("nan"), "delta": 1e-5}}, "privacy.epsilon"),
        ({"privacy": {"epsilon": "4", "delta": 1e-5}}, "privacy.epsilon"),
        ({"privacy": {"epsilon": 4, "delta": 0.0}}, "privacy.delta"),
        ({"privacy": {"epsilon": 4, "delta": 1.0}}, "privacy.delta"),
        ({"privacy": {"epsilon": 4, "delta": 1e-5, "where": "cloud"}}, "privacy.where"),
        ({"privacy": {"epsilon": 4, "delta": 1e-5, "bound": 0}}, "privacy.bound"),
        ({"privacy": {"epsilon": 4, "delta": 1e-5, "noise": 1}}, "noise"),
        ({"privacy": 4}, "privacy"),
        ({"privacy": {"epsilon": 4, "delta": 1e-5, "where": "server"}, "strategy": "median"}, "'median' makes another"),
        ({"privacy": {"epsilon": 4, "delta": 1e-5, "where": "server"}, "strategy": "scaffold"}, "'scaffold' makes"),
        ({"privacy": {"epsilon": 4, "delta": 1e-5, "where": "server"}, "stragglers": 0.1}, "leave out stragglers"),
    ],
)
def test_promises_that_are_none_are_one_line(table: dict[str, Any], message: str) -> None:
    """Found when the file is read: the key, what it must be, what to do."""
    with pytest.raises(ContestError, match=message) as caught:
        check_federation({"sites": SITES, **table})
    assert "\n" not in str(caught.value)


def test_a_delta_that_shows_a_row_whole_is_refused(tmp_path: Path) -> None:
    """At δ of one in as many rows as a site has, publishing one of them keeps the promise."""
    with pytest.raises(ContestError, match=r"privacy.delta must be below 1/\d+, of \d+ rows of a site"):
        run(tmp_path / "run", table(1), privacy={"epsilon": 4.0, "delta": 0.1})
