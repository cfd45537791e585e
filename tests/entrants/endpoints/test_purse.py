"""Prices and the purse: exact, whatever happens in whichever order."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from concours.core.errors import ContestError, SpentOut
from concours.entrants.endpoints.calls import Call, chat
from concours.entrants.endpoints.client import ask_all
from concours.entrants.endpoints.endpoint import Endpoint
from concours.entrants.endpoints.price import Price, in_units, money
from concours.entrants.endpoints.purse import Purse, worst_cost, worst_tokens
from concours.testing import endpoints
from concours.testing.endpoints import Answer, refusal

PRICE = Price(input=1, output=2)


def test_the_published_price():
    """1000 in, 900 of them cached, 50 out with 30 of thinking: nothing is counted twice."""
    price = Price(2.5, 10, cached=1.25)
    assert money(price.units(1000, 900, 50)) == Decimal("0.001875")
    assert money(Price("0.15", Decimal("0.6")).units(1, 0, 1)) == Decimal("0.00000075")
    assert Price(2.5, 10).units(1000, 900, 50) == Price(2.5, 10, cached=2.5).units(1000, 900, 50)
    assert money(Price(0.000001, 0).units(1, 0, 0)) == Decimal("1e-12")


@pytest.mark.parametrize("given_", [-1, float("nan"), "free", True, 2e6, 0.0000001, None])
def test_what_is_no_price_is_refused(given_):
    """Named, with what may be given."""
    with pytest.raises(ContestError, match=r"price.input = "):
        Price(given_, 1)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6), st.sampled_from([0.1, 1, 3]))
def test_the_worst_is_the_worst(tokens, cached, out, rate):
    """No answer within its limits costs more than its worst, cached or not."""
    price = Price(1, 2, cached=rate)
    assert price.units(tokens, min(cached, tokens), out) <= price.worst(tokens, out)


def test_tokens_are_estimated_from_above():
    """A token has a byte at least; what the server may say is bounded by the call."""
    call = Call(
        "http://h", chat("m", [{"role": "user", "content": "日本" * 50}], max_tokens=7, max_completion_tokens=9)
    )
    into, out = worst_tokens(call)
    assert into > len(("日本" * 50).encode())
    assert out == 9
    assert worst_cost(call, PRICE, bounded=True) == PRICE.worst(into, 9)
    unbounded = Call("http://h", chat("m", []))
    assert worst_cost(unbounded, None, bounded=False) == 0
    with pytest.raises(ContestError, match="has no price: add price"):
        worst_cost(call, None, bounded=True)
    with pytest.raises(ContestError, match="add max_tokens"):
        worst_cost(unbounded, PRICE, bounded=True)


EVENTS = st.lists(
    st.tuples(st.sampled_from(["ask", "answer", "fail", "unsent", "kill"]), st.integers(0, 40), st.integers(0, 40)),
    max_size=60,
)


@given(EVENTS, st.integers(0, 200), st.integers(0, 20))
def test_no_order_of_events_exceeds_the_limits(events, most, requests):
    """What endpoints were truly sent and may truly charge stays within both limits, whoever is killed when."""
    with Purse(":memory:", money(most), requests) as purse:
        under_way, sent, charged, spent = [], 0, 0, 0
        for event, number, share in events:
            if event == "ask" and purse.reserve(number):
                under_way.append(number)
                sent += 1
            elif under_way and event != "ask":
                worst = under_way.pop(number % len(under_way))
                cost = worst * share // 40
                if event == "answer":
                    purse.settle(worst, cost)
                    charged, spent = charged + cost, spent + cost
                elif event == "fail":
                    purse.settle(worst, 0)
                elif event == "unsent":
                    purse.settle(worst, 0, 1)
                    sent -= 1
                else:  # nobody settles it, and the endpoint may have charged it
                    charged += cost
            assert charged + sum(under_way) <= in_units(purse.spent + purse.reserved, "all") <= most
            assert sent == purse.requests <= requests
        assert purse.spent == money(spent)


def test_limits_are_checked():
    """Negative ones, and what is no number."""
    for cost in (-1, "much", float("inf")):
        with pytest.raises(ContestError, match="max-cost"):
            Purse(":memory:", cost)
    for number in (-1, 1.5, True):
        with pytest.raises(ContestError, match="max-requests"):
            Purse(":memory:", None, number)


def _chat(asked, out=5):
    return Answer(endpoints.chat(asked.question, tokens=(10, out)), delay_s=0.002)


def test_requests_end_at_their_limit(serve, answers, asking, tmp_path):
    """To the request, tries again among them; what was answered is kept; a higher limit goes on."""
    server = serve(lambda asked: Answer(b"", status=500) if asked.number % 5 == 0 else _chat(asked))
    endpoint = Endpoint(server.base_url, at_once=7)
    calls = asking(endpoint, *range(100))
    with Purse(tmp_path / "p.sqlite", most_requests=40) as purse:
        with pytest.raises(
            SpentOut, match=r"^40 requests have been sent, and --max-requests is 40: all answers are kept"
        ):
            ask_all(calls, endpoint, answers, purse)
        assert (server.count, len(answers), purse.requests) == (40, 32, 40)
        with pytest.raises(SpentOut):
            ask_all(calls, endpoint, answers, purse)
        assert server.count == 40
    with Purse(tmp_path / "p.sqlite", most_requests=400) as purse:
        assert [reply.text for reply in ask_all(calls, endpoint, answers, purse)] == [str(i) for i in range(100)]
        assert purse.requests == server.count


def test_money_ends_at_its_limit(serve, answers, asking, tmp_path):
    """The tokens that the server counted never cost more; near the end fewer are under way, instead of none."""
    server = serve(_chat)
    endpoint = Endpoint(server.base_url, price=PRICE, at_once=16)
    calls = asking(endpoint, *range(100), max_tokens=10)
    each = PRICE.units(10, 0, 5)
    worst = max(worst_cost(call, PRICE, bounded=True) for call in calls)
    limit = 50 * each + worst
    with Purse(tmp_path / "p.sqlite", most_cost=money(limit)) as purse:
        with pytest.raises(
            SpentOut, match=r"have been spent, the next request may take .*--max-cost is .*higher limit"
        ):
            ask_all(calls, endpoint, answers, purse)
        assert purse.spent == money(server.count * each)
        assert 50 <= server.count <= 53
        assert len(answers) == server.count
        assert purse.reserved == 0


def test_what_may_have_been_charged_stays_at_its_worst(serve, answers, asking, tmp_path):
    """A cut answer may have been paid; a refusal, and what was never sent, has not."""
    faults = {0: Answer(endpoints.chat("0"), fault="cut"), 1: Answer(refusal("no"), status=500)}
    server = serve(lambda asked: faults[asked.number - 1] if asked.number <= 2 else _chat(asked))
    endpoint = Endpoint(server.base_url, price=PRICE, at_once=1)
    calls = asking(endpoint, 0, 1, max_tokens=10)
    with Purse(tmp_path / "p.sqlite", most_cost=1) as purse:
        ask_all(calls, endpoint, answers, purse)
        assert purse.reserved == money(worst_cost(calls[0], PRICE, bounded=True))
        assert purse.spent == money(2 * PRICE.units(10, 0, 5))
        assert purse.requests == server.count == 4


def test_an_answer_without_tokens_is_counted_at_its_worst(serve, answers, asking, tmp_path):
    """Where a server does not say what it took, nobody knows better."""
    server = serve(lambda asked: Answer({**endpoints.chat("yes"), "usage": None}))
    endpoint = Endpoint(server.base_url, price=PRICE)
    calls = asking(endpoint, 0, max_tokens=10)
    with Purse(tmp_path / "p.sqlite", most_cost=1) as purse:
        (reply,) = ask_all(calls, endpoint, answers, purse)
        assert (reply.tokens_in, PRICE.of(reply)) == (None, None)
        assert purse.reserved == money(worst_cost(calls[0], PRICE, bounded=True))


SPENDS = """
import sys
from concours.core.errors import SpentOut
from concours.entrants.endpoints.calls import Call, chat
from concours.entrants.endpoints.client import ask_all
from concours.entrants.endpoints.endpoint import Endpoint
from concours.entrants.endpoints.kept import Answers
from concours.entrants.endpoints.price import Price
from concours.entrants.endpoints.purse import Purse
url, path, name = sys.argv[1:]
endpoint = Endpoint(url, price=Price(1, 2), at_once=5)
calls = [Call(endpoint.chats, chat("m", [{"role": "user", "content": f"{name} {i}"}], max_tokens=10)) for i in range(99)]
with Answers(path) as answers, Purse(path, 1, 60) as purse:
    try:
        ask_all(calls, endpoint, answers, purse)
    except SpentOut:
        print("spent", flush=True)
"""


def test_processes_share_a_purse(serve, tmp_path):
    """Two that ask at once send as many requests as the limit says, together; one file holds answers and purse."""
    server, path = serve(_chat), tmp_path / "both.sqlite"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", SPENDS, server.base_url, str(path)]
    runs = [subprocess.Popen([*command, name], stdout=subprocess.PIPE, text=True, env=environment) for name in "ab"]
    assert [run.communicate(timeout=60)[0] for run in runs] == ["spent\n"] * 2
    assert server.count == 60
    with Purse(path) as purse:
        assert (purse.requests, purse.spent, purse.reserved) == (60, money(60 * PRICE.units(10, 0, 5)), 0)


def test_the_limit_holds_over_kills(serve, tmp_path):
    """Killed again and again at odd moments: the server never sees more than the limit."""
    server, path = serve(_chat), tmp_path / "both.sqlite"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", SPENDS, server.base_url, str(path), "a"]
    rng, seen = random.Random(0), 0
    for _ in range(2):
        run = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
        seen += 5 + rng.randrange(10)
        while server.count < seen and run.poll() is None:
            pass
        run.kill()
        run.communicate()
    assert subprocess.run(command, stdout=subprocess.PIPE, env=environment, timeout=60, check=True).stdout == b"spent\n"
    with Purse(path) as purse:
        assert 50 <= server.count <= purse.requests == 60
