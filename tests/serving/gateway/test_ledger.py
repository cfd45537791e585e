"""Budgets hold to the last unit under concurrency, and a request is charged once, whatever happens."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from concours.core.errors import ContestError
from concours.serving.gateway.ledger import Bill, Entry, Ledger

MOST = 1_000


@pytest.fixture
def ledger(url):
    with Ledger(url) as found:
        found.admit({"ada": MOST, "free": None, "none": 0})
        yield found


def entry(number, key="ada"):
    return Entry(key=key, id=str(number), asked="best", chosen="a", propensity=0.9, considered='{"a":0.9}')


def books(ledger, key="ada"):
    return next(row for row in ledger.budgets() if row["key"] == key)


def spend(ledger, number):
    """One client: reserves, sometimes more, sometimes fails; the cost that it was charged, None where it did not fit."""
    chance = random.Random(number)
    worst = chance.randint(1, 40)
    if ledger.reserve(entry(number), worst):
        return None
    if chance.random() < 0.3 and ledger.extend("ada", str(number), 7):
        worst += 7
    cost = chance.choice([0, worst, chance.randint(0, worst)])
    assert ledger.settle("ada", str(number), Bill(state="settled", cost=cost))
    assert not ledger.settle("ada", str(number), Bill(state="settled", cost=cost))
    return cost


def agrees(ledger, costs):
    found = books(ledger)
    assert found["spent"] == sum(cost for cost in costs if cost) <= MOST
    assert found["reserved"] == 0


def test_64_threads_do_not_overrun(ledger):
    """Sixty-four threads that want more than there is: not one unit too much, and the sums agree."""
    with ThreadPoolExecutor(64) as pool:
        costs = list(pool.map(lambda number: spend(ledger, number), range(160)))
    assert None in costs
    agrees(ledger, costs)


def test_64_tasks_do_not_overrun(ledger):
    """The same of sixty-four tasks of one loop."""

    async def all_at_once():
        gate = asyncio.Semaphore(64)

        async def one(number):
            async with gate:
                return await asyncio.to_thread(spend, ledger, number)

        return await asyncio.gather(*(one(number) for number in range(160)))

    agrees(ledger, asyncio.run(all_at_once()))


def test_the_last_unit(ledger):
    """What fits exactly is taken, one unit more is not, and a budget of zero pays for nothing but what is free."""
    assert ledger.reserve(entry(1), MOST) == ""
    assert ledger.reserve(entry(2), 1) == "spent"
    assert not ledger.extend("ada", "1", 1)
    assert ledger.left("ada") == 0
    assert ledger.reserve(entry(1, "none"), 1) == "spent"
    assert ledger.reserve(entry(1, "none"), 0) == ""
    assert ledger.reserve(entry(1, "free"), 1 << 50) == ""


def test_a_lost_request_is_charged_once(ledger):
    """What a killed gateway left open counts at its worst, and asked again under its id it is charged for the answer alone."""
    ledger.reserve(entry(1), 100)
    ledger.reserve(entry(2), 10)
    ledger.settle("ada", "2", Bill(state="settled", cost=4))
    assert ledger.close_lost() == 1
    assert ledger.close_lost() == 0
    assert (books(ledger)["spent"], books(ledger)["reserved"]) == (104, 0)
    assert not ledger.settle("ada", "1", Bill(state="settled", cost=1))
    assert ledger.reserve(entry(1), 90) == ""
    assert (books(ledger)["spent"], books(ledger)["reserved"]) == (4, 90)
    assert ledger.reserve(entry(1), 90) == "open"
    ledger.settle("ada", "1", Bill(state="settled", cost=30))
    assert (books(ledger)["spent"], books(ledger)["reserved"]) == (34, 0)
    assert ledger.reserve(entry(1), 90) == "settled"


KILLED = """
import sys
from concours.serving.gateway.ledger import Bill, Entry, Ledger
books = Ledger(sys.argv[1])
for number in range(10_000):
    books.reserve(Entry(key="ada", id=str(number), asked="best"), 3)
    if number % 7:
        books.settle("ada", str(number), Bill(state="settled", cost=2))
        print(number, flush=True)
"""


def test_killed_in_the_middle(url):
    """After kill -9 every request that was settled is in the books, and spent is what the rows say, to the unit."""
    with Ledger(url) as ledger:
        ledger.admit({"ada": 10**9})
    worker = subprocess.Popen(
        [sys.executable, "-c", KILLED, url], stdout=subprocess.PIPE, text=True, env={**os.environ}
    )
    told = [int(worker.stdout.readline()) for _ in range(40)]
    worker.send_signal(signal.SIGKILL)
    told += [int(line) for line in worker.stdout if line.endswith("\n")]
    worker.wait()
    worker.stdout.close()
    with Ledger(url) as ledger:
        assert ledger.close_lost() >= 5
        rows = {number: ledger.request("ada", str(number)) for number in range(max(told) + 1)}
        assert all(rows[number]["cost"] == 2 and rows[number]["state"] == "settled" for number in told)
        total = sum(row["cost"] for row in ledger.usage())
        assert books(ledger) == {"key": "ada", "most": 10**9, "spent": total, "reserved": 0}


def test_one_gateway_a_database(url):
    """A second gateway is refused while the first runs, and only so long."""
    with Ledger(url) as first, Ledger(url) as second:
        with first.held(), pytest.raises(ContestError, match="another gateway has the database"), second.held():
            pass
        with second.held():
            pass


def test_books_in_memory():
    """Nobody's money is counted in memory alone."""
    with Ledger("sqlite://") as books, pytest.raises(ContestError, match="name a file"), books.held():
        pass


def test_scores_count_once(ledger):
    """Feedback on a request counts once, and on what nobody answered not at all."""
    ledger.reserve(entry(1), 5)
    assert not ledger.score("ada", "1", 1.0)
    ledger.settle("ada", "1", Bill(state="settled", cost=1, offer="a", seconds=0.5))
    assert ledger.score("ada", "1", 1.0)
    assert not ledger.score("ada", "1", 0.0)
    assert not ledger.score("free", "1", 0.0)
    assert ledger.scores() == {"a": (1, 1.0)}
    assert ledger.seconds("a") == [0.5]


@pytest.mark.parametrize("url", ["", "nothing", "nosuch://a:secret@b/c", "sqlite:////no/such/folder/books.db"])
def test_wrong_databases(url):
    """One line, without the password."""
    with pytest.raises(ContestError) as told:
        Ledger(url)
    assert "\n" not in str(told.value)
    assert "secret" not in str(told.value)


class Books(RuleBasedStateMachine):
    """Any order of what can happen, beside a naive twin that adds up."""

    ids = st.integers(0, 5)

    def __init__(self):
        super().__init__()
        self.ledger = Ledger("sqlite://")
        self.ledger.admit({"ada": 50})
        self.rows = {}

    def gone(self):
        return sum(amount for _, amount in self.rows.values())

    @rule(id=ids, worst=st.integers(0, 30))
    def reserve(self, id, worst):
        state, amount = self.rows.get(id, ("lost", 0))
        told = self.ledger.reserve(entry(id), worst)
        fits = self.gone() - amount + worst <= 50
        assert told == (state if state not in ("lost", "failed") else "" if fits else "spent")
        if not told:
            self.rows[id] = ("open", worst)

    @rule(id=ids, more=st.integers(0, 20))
    def extend(self, id, more):
        state, amount = self.rows.get(id, ("", 0))
        fits = state == "open" and self.gone() + more <= 50
        assert self.ledger.extend("ada", str(id), more) == fits
        if fits:
            self.rows[id] = ("open", amount + more)

    @rule(id=ids, share=st.integers(0, 3), state=st.sampled_from(["settled", "failed"]))
    def settle(self, id, share, state):
        before, amount = self.rows.get(id, ("", 0))
        cost = amount * share // 3 if state == "settled" else 0
        assert self.ledger.settle("ada", str(id), Bill(state=state, cost=cost)) == (before == "open")
        if before == "open":
            self.rows[id] = (state, cost)

    @rule()
    def killed(self):
        lost = [id for id, (state, _) in self.rows.items() if state == "open"]
        assert self.ledger.close_lost() == len(lost)
        self.rows |= {id: ("lost", self.rows[id][1]) for id in lost}

    @invariant()
    def agrees(self):
        found = books(self.ledger)
        assert found["spent"] + found["reserved"] == self.gone() <= 50
        assert found["reserved"] == sum(amount for state, amount in self.rows.values() if state == "open")

    def teardown(self):
        self.ledger.close()


Books.TestCase.settings = settings(max_examples=15, stateful_step_count=15)
test_any_order = Books.TestCase
