"""The processes of a model: batches, death, back-pressure, a change of version."""

from __future__ import annotations

import asyncio
import json
import os
import signal

import numpy as np
import pytest

from concours import Result
from concours.serving import pool as pools
from concours.serving.pool import ModelFailed, Pool
from concours.serving.refused import Refused
from concours.serving.shelf import Shelf
from concours.serving.wire import Ask
from concours.serving.worker import Spec

from .conftest import flowers


def asks(count: int, first: int = 1) -> list[Ask]:
    rows = flowers(count).drop(columns="kind").to_dict("records")
    return [Ask(first + n, "plain", json.dumps({"rows": [row]}).encode()) for n, row in enumerate(rows)]


async def told(pool: Pool, many: list[Ask]) -> list[list[float]]:
    found = await asyncio.gather(*(pool.answer(ask) for ask in many))
    assert {each.status for each in found} == {200}
    return [json.loads(each.body)["probabilities"][0] for each in found]


def test_many_at_once_are_answered_as_one_by_one(run, go) -> None:
    """Whoever is asked with whom, an answer is the same, to the last bit, and goes to whom it belongs."""

    async def work() -> None:
        pool = Pool(Spec(run=run, model="forest"), processes=2)
        await pool.start()
        together = await told(pool, asks(60))
        alone = [(await told(pool, [ask]))[0] for ask in asks(60, 100)]
        assert together == alone
        await pool.stop()

    go.run(work())


def test_what_comes_in_turns_of_the_loop_without_a_pause_is_asked_at_once(run, go, monkeypatch) -> None:
    """And nothing waits longer than a turn that brings nothing."""

    async def work() -> None:
        pool = Pool(Spec(run=run, model="forest"))
        await pool.start()
        monkeypatch.setattr(pools, "_SETTLING", 60.0)  # however busy the machine is
        sizes, send = list[int](), pools._Process.send
        monkeypatch.setattr(pools._Process, "send", lambda self, many: (sizes.append(len(many)), send(self, many)))
        tasks = list[asyncio.Task]()
        for ask in asks(5):
            tasks.append(asyncio.create_task(pool.answer(ask)))
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)
        await pool.answer(asks(1, 50)[0])
        assert sizes == [5, 1]
        await pool.stop()

    go.run(work())


def test_a_model_whose_answers_hang_on_other_rows_is_asked_one_by_one(run, result: Result, go) -> None:
    """Unless a distance is allowed: then requests are answered together."""

    async def work() -> None:
        exact, within = Pool(Spec(run=run, model="linear")), Pool(Spec(run=run, model="linear", within=1e-6))
        await exact.start()
        await within.start()
        if not exact.about["together"]:
            assert "by itself" in exact.ready.notes[0]
        assert within.about["together"] and not within.ready.notes
        assert np.allclose(await told(exact, asks(30)), await told(within, asks(30)), atol=1e-6, rtol=0)
        await exact.stop()
        await within.stop()

    go.run(work())


@pytest.mark.parametrize("seed", range(3))
def test_a_process_that_is_killed_loses_no_request(run, go, seed: int) -> None:
    """What was under way is asked again of the one that takes its place; all get their own answer."""
    rng = np.random.default_rng(seed)

    async def work() -> None:
        pool = Pool(Spec(run=run, model="tree"))
        await pool.start()
        expected, first = await told(pool, asks(40)), pool.pids
        under_way = asyncio.gather(*(pool.answer(ask) for ask in asks(40, 1000)))
        for _ in range(int(rng.integers(1, 4))):
            await asyncio.sleep(0)
        os.kill(first[0], signal.SIGKILL)
        found = await under_way
        assert [json.loads(each.body)["probabilities"][0] for each in found] == expected
        assert pool.pids != first
        await pool.stop()

    go.run(work())


def test_a_request_that_kills_twice_is_to_blame_and_no_other(run, go, monkeypatch) -> None:
    """It is told so; those beside it are answered."""

    async def work() -> None:
        pool = Pool(Spec(run=run, model="tree"))
        await pool.start()
        many = asks(3)
        waiting = [asyncio.create_task(pool.answer(ask)) for ask in many]
        for _ in range(2):  # whoever has the first request dies over it
            while not (pool.pids and any(1 in one.busy for one in pool._all)):
                await asyncio.sleep(0)
            os.kill(pool.pids[0], signal.SIGKILL)
            while pool.pids and any(1 in one.busy for one in pool._all):
                await asyncio.sleep(0.001)
        found = await asyncio.gather(*waiting, return_exceptions=True)
        assert isinstance(found[0], Refused) and found[0].status == 503 and "twice" in str(found[0])
        assert [each.status for each in found[1:]] == [200, 200]
        await pool.stop()

    go.run(work())


def test_too_much_is_refused_with_when_to_come_again(run, go, monkeypatch) -> None:
    """Rather than queue without end; what waits is answered."""
    monkeypatch.setattr(pools, "MOST_WAITING", 5)

    async def work() -> None:
        pool = Pool(Spec(run=run, model="tree"))
        await pool.start()
        found = await asyncio.gather(*(pool.answer(ask) for ask in asks(20)), return_exceptions=True)
        refused = [each for each in found if isinstance(each, Refused)]
        assert len(refused) == 15 and all(each.status == 429 and each.headers["retry-after"] for each in refused)
        assert (await pool.answer(asks(1, 99)[0])).status == 200
        await pool.stop()

    go.run(work())


def test_a_model_that_cannot_be_served_says_why(run, tmp_path, go) -> None:
    """As the server starts."""
    with pytest.raises(ModelFailed, match="no model 'oak'"):
        go.run(Pool(Spec(run=run, model="oak")).start())


def test_a_new_version_takes_over_without_a_lost_request(run, go) -> None:
    """What the last one was asked it answers before it goes; its processes end."""

    async def work() -> None:
        shelf = Shelf()
        await shelf.put("flowers", Pool(Spec(run=run, model="tree")))
        old = shelf.find("flowers")
        under_way = [asyncio.create_task(old.pool.answer(ask)) for ask in asks(30)]
        new = await shelf.put("flowers", Pool(Spec(run=run, model="forest")))
        assert (old.number, new.number, shelf.find("flowers").number) == (1, 2, 2)
        assert {each.status for each in await asyncio.gather(*under_way)} == {200}
        pids = old.pool.pids
        await shelf.stop()
        for pid in pids:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)

    go.run(work())
