"""Noise that sites draw themselves: nobody can draw it again, and each counts what it has told."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

pytest.importorskip("opacus")

from concours.core.errors import ContestError
from concours.core.job import Job
from concours.engine.accounting import epsilon_of, least_noise
from concours.engine.sites.deeds import DEEDS
from concours.engine.sites.ledger import Bound, Ledger
from concours.engine.sites.rows import Gone, Unsuited

PRIVACY = {"epsilon": 4.0, "delta": 1e-3}
JOB = Job(
    runner="train_at_site",
    params={"local": {"batch_size": 32, "epochs": 1}, "private": {**PRIVACY, "bound": 1.0, "rounds": 2}},
)
DEED = DEEDS["train_at_site"]


@pytest.fixture(scope="module")
def held(together: Any) -> Any:
    """A federation whose rows are promised privacy, one of whose sites holds less to be enough."""
    for name in "abc":
        (together.folder / f"{name}.csv.spent").unlink(missing_ok=True)
    hall = together.hall(b=Bound(epsilon=1.0, delta=1e-3))
    return together.run(hall, "private", privacy=PRIVACY), hall


def test_the_board_says_what_is_promised(held: Any) -> None:
    """ε at δ, and the noise that sites have found to keep it themselves."""
    result, _ = held
    privacy = result.format["privacy"]
    assert (privacy["epsilon"], privacy["delta"], privacy["where"]) == (4.0, 1e-3, "site")
    assert 0.5 < privacy["noise"][0] <= privacy["noise"][1] < 5


def test_what_leaves_has_noise_and_no_loss(held: Any, together: Any) -> None:
    """The noise is of the system, not of the seed: in another run the same job at the same site sends another update."""
    result, hall = held
    (first,) = (answer for job, answer in hall.heard if job.label == "federated: round 1 of a")
    assert sorted(first.values) == ["noise", "rows"]
    again = together.hall(b=Bound(epsilon=1.0, delta=1e-3))
    (together.folder / "a.csv.spent").rename(together.folder / "kept")
    together.run(again, "private again", privacy=PRIVACY)
    (together.folder / "kept").replace(together.folder / "a.csv.spent")
    (other,) = (answer for job, answer in again.heard if job.label == "federated: round 1 of a")
    for name, tensor in first.outputs["update"].items():
        assert name in ("rows", "loss") or not (tensor == other.outputs["update"][name]).any()
    assert not any(job.runner == "site_sums" for job, _ in hall.heard)
    assert not any("alone" in name for name in result.candidates)


def test_a_site_keeps_its_own_bound(held: Any) -> None:
    """What would break it does not leave; one line to both sides; the others go on."""
    result, hall = held
    assert [each["sites"] for each in result.format["rounds"]] == [["a", "c"]] * 2
    (line,) = [text for text in result.warnings if "bound" in text]
    assert "its owner's bound would not hold" in line
    assert "1 at δ = 0.001 are allowed" in line
    assert any("its owner's bound" in text for text in hall.said["b"])


def test_what_was_told_is_counted_beside_the_rows(held: Any, together: Any) -> None:
    """Over restarts: a line a round, which comes to the ε that was promised."""
    lines = (together.folder / "a.csv.spent").read_text().splitlines()
    spent = [(entry["noise"], entry["rate"], entry["steps"]) for entry in map(json.loads, lines)]
    assert len(spent) == 2
    assert 3 < epsilon_of(spent, 1e-3) <= 4
    assert not (together.folder / "b.csv.spent").exists()


def test_the_receipt_says_what_cannot_be_run_again(held: Any) -> None:
    """Jobs at sites and noise of the system are taken from the journal; all others are run again."""
    from concours.runs.verify import verify

    result, _ = held
    found = verify(result.folder.path, again=["federated", "all"], engine="inline")
    assert found.holds
    assert [f.text for f in found.findings if "run again" in f.text] == [
        "8 jobs cannot be run again here: their rows lie at sites"
    ]


def test_noise_is_drawn_once_for_a_job(tmp_path: Any) -> None:
    """Law: who asks again, of a site that was started anew, does not get a second draw of the same."""
    ledger = Ledger(tmp_path / "rows.csv", Bound())
    ledger.require(JOB, DEED, 90)
    assert "ε = " in ledger.spend(JOB, 90)
    again = Ledger(tmp_path / "rows.csv", Bound())
    with pytest.raises(Gone, match="noise is not drawn twice"):
        again.require(JOB, DEED, 90)
    again.require(replace(JOB, seed=1), DEED, 90)


def test_with_a_bound_nothing_leaves_without_noise(tmp_path: Any) -> None:
    """Neither updates nor sums of columns; a count of rows does, and without a bound all of it."""
    plain = replace(JOB, params={"local": JOB.params["local"]})
    sums = Job(runner="site_sums")
    for job in (plain, sums):
        with pytest.raises(Unsuited, match="lets nothing leave without noise"):
            Ledger(tmp_path / "rows.csv", Bound(epsilon=8.0)).require(job, DEEDS[job.runner], 90)
        Ledger(tmp_path / "rows.csv", Bound()).require(job, DEEDS[job.runner], 90)
    Ledger(tmp_path / "rows.csv", Bound(epsilon=8.0)).require(Job(runner="site_rows"), DEEDS["site_rows"], 90)


def test_many_rounds_add_up_to_the_bound(tmp_path: Any) -> None:
    """Law: rounds are refused from where their sum would be beyond it, and not before."""
    bound = Bound(epsilon=4.0, delta=1e-3)
    ledger, taken = Ledger(tmp_path / "rows.csv", bound), 0
    with suppress(Unsuited):
        while taken < 9:
            ledger.require(replace(JOB, seed=taken), DEED, 90)
            ledger.spend(replace(JOB, seed=taken), 90)
            taken += 1
    own = (least_noise(4.0, 1e-3, 1 / 2, 4), 1 / 2, 2)
    assert epsilon_of([own] * taken, 1e-3) <= 4.0 < epsilon_of([own] * (taken + 1), 1e-3)


@pytest.mark.parametrize(
    ("private", "told"),
    [
        ({**PRIVACY, "bound": 1.0}, "no noise keeps what is promised"),
        ({"epsilon": 4.0, "delta": 0.02, "bound": 1.0, "rounds": 1}, "delta must be below 1/90"),
    ],
)
def test_a_promise_that_is_none(tmp_path: Any, private: dict[str, Any], told: str) -> None:
    """What a server sends is not believed."""
    with pytest.raises(Unsuited, match=told):
        Ledger(tmp_path / "rows.csv", Bound()).require(
            replace(JOB, params={**JOB.params, "private": private}), DEED, 90
        )


def test_a_count_that_cannot_be_kept(tmp_path: Any) -> None:
    """Nothing leaves where it cannot be counted, and a count that cannot be read is not begun anew."""
    file = tmp_path / "rows.csv.spent"
    file.write_text("nonsense\n")
    with pytest.raises(ContestError, match=r"rows.csv.spent: expected a line of JSON for each round"):
        Ledger(tmp_path / "rows.csv", Bound())
    with pytest.raises(ContestError, match="what has been told of rows is counted there"):
        Ledger(tmp_path / "nowhere" / "rows.csv", Bound()).spend(JOB, 90)
