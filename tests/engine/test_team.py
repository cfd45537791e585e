"""A team, on a double of Ray: how it sums what its slots say of a job that they do together.

That they do it, and come to the same bytes, only real nodes can show: `test_ray.py`.
"""

from __future__ import annotations

from typing import Any

import pytest

from concours.core.digests import digest_json
from concours.core.event import Cost, Done, Failed, event_from_json
from concours.core.parallel import Seat, is_seated, unseated
from concours.engine import team as teams
from concours.engine.slots import Opened, Terms, Turn
from concours.engine.team import Team

JOB = digest_json("a job")
DONE = Done(job=JOB, cost=Cost(wall_s=2.0, cpu_s=1.5))
PARTED = Failed(job=JOB, cause="parted", reason="parallel: another worker of this fit was not reached: closed")
KILLED = Failed(job=JOB, cause="out_of_memory", reason="was killed from outside")
CRASHED = Failed(job=JOB, cause="crash", reason="its process died of SIGSEGV")
TOO_LARGE = Failed(job=JOB, cause="out_of_memory", reason="needed more than 1 GiB", limit=2.0**30)
COMPLAINED = Failed(job=JOB, cause="exception", reason="ValueError: batches of 1 rows")


class Three(Team):
    """A team of three whose slots are elsewhere; what is cancelled is noted."""

    def __init__(self) -> None:
        super().__init__(
            Terms(store="", probe=JOB, runners="", threads=1, limits=None, machine={}, environment={}), {}, 3
        )  # type: ignore[arg-type]
        self._places = [Opened(node=name, name=name) for name in ("a", "b", "c")]
        self.stopped: list[str] = []

    def cancel(self, job: str) -> None:
        self.stopped.append(job)


def summed(*said: tuple[int, Done | Failed]) -> tuple[list[Any], str, list[str]]:
    """How a job ends by what slots have said: outcomes, what is lost, and what was cancelled."""
    team, turn = Three(), Turn()
    for rank, event in said:
        team._tell(rank, event)
    team._summed(turn)
    return [event_from_json(event) for event in turn.ended], turn.lost, team.stopped


def test_a_job_is_done_when_all_say_so() -> None:
    """The first one's outcome, with the processor time of all."""
    assert summed((0, DONE), (2, DONE)) == ([], "", [])
    (event,), lost, stopped = summed((0, DONE), (2, DONE), (1, DONE))
    assert (event.outputs, event.cost.cpu_s, event.cost.wall_s, lost, stopped) == (DONE.outputs, 4.5, 2.0, "", [])


@pytest.mark.parametrize("event", [TOO_LARGE, COMPLAINED])
def test_what_one_complains_of_is_the_outcome_though_others_have_only_lost_it(event: Failed) -> None:
    """It would be so each time; those that still wait for it are ended."""
    assert summed((0, PARTED), (2, event)) == ([event], "", [""])


@pytest.mark.parametrize("event", [KILLED, CRASHED])
def test_where_a_worker_has_died_the_job_is_done_again(event: Failed) -> None:
    """With the one named that has died, not those that have lost it."""
    assert summed((0, PARTED), (2, event)) == ([], f"worker 3, on the node c, was lost ({event.reason})", [])


def test_who_has_lost_another_waits_a_moment_for_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """The node of the other may be gone, and then nobody says more."""
    assert summed((0, PARTED)) == ([], "", [])
    monkeypatch.setattr(teams, "_GRACE_S", -1.0)
    assert summed((1, PARTED))[1] == f"worker 2, on the node b, was lost ({PARTED.reason})"


def test_a_seat_is_told_as_torch_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an executor sets is what torchrun sets; what is started by who has a seat has none."""
    told = Seat(rank=1, size=3, host="10.0.0.1", port=4711, network="eth0").environment()
    assert told == {
        "RANK": "1",
        "WORLD_SIZE": "3",
        "MASTER_ADDR": "10.0.0.1",
        "MASTER_PORT": "4711",
        "GLOO_SOCKET_IFNAME": "eth0",
        "NCCL_SOCKET_IFNAME": "eth0",
    }
    assert not is_seated()
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    assert is_seated()
    assert unseated({**told, "HOME": "/"}).keys() == {"GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME", "HOME"}
