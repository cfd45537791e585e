"""The parts of a gateway by themselves: paces, races, choices, counts of tokens, streams, what is kept, books that fail."""

from __future__ import annotations

import asyncio
import json

import numpy as np
import pytest
from gateways import ask, part
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from concours.kernels.routing.beliefs import Belief
from concours.serving.gateway.choosing import AIMS, Candidate, choose
from concours.serving.gateway.kept import Kept, KeptAnswer
from concours.serving.gateway.loads import Load, Pace
from concours.serving.gateway.offers import Limits, Offer, Price
from concours.serving.gateway.openai import DEEDS, Meter, read, text_bytes
from concours.serving.gateway.race import Nobody, Race
from concours.serving.gateway.upstream import Failed, _events
from concours.serving.gateway.work import Told, counted

ANY_JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)  # fmt: skip


def some_offer(**more):
    return Offer(name="a", model="m", task="t", protocol="openai", url="http://h/v1", **more)


# Paces and loads


@given(st.integers(1, 4), st.lists(st.floats(0, 40), max_size=30))
def test_never_more_within_a_minute(most, steps):
    """Against the naive twin: all that was taken is kept, and those of the last 60 seconds are counted."""
    now, taken = 0.0, []
    pace = Pace(most, lambda: now)
    for step in steps:
        now += step
        recent = [at for at in taken if now - at < 60]
        assert (pace.wait_s > 0) == (len(recent) >= most)
        if recent and pace.wait_s:
            assert now + pace.wait_s == pytest.approx(recent[-most] + 60)
        if not pace.wait_s:
            pace.take()
            taken.append(now)


def test_loads():
    """Those under way, the rest after failures, twice as long each time, and what was slow of late."""
    now = 0.0
    load = Load(concurrent=1, clock=lambda: now)
    assert load.usual_s == float("inf")
    load.begin()
    assert load.wait_s == 1.0
    load.end()
    assert load.wait_s == 0.0
    for rest in (1, 2, 4, 8, 16, 32, 60, 60):
        load.failed()
        now += rest - 0.5
        assert load.rests
        now += 0.5
        assert not load.rests
    load.failed(7.0)
    now += 6.9
    assert load.rests
    assert load.slow_s is None
    for seconds in range(1, 21):
        load.answered(seconds)
    assert (load.slow_s, load.usual_s) == (pytest.approx(19.05), 10.5)


# Races


def run(scripts, patience=None):
    """A race among names; a script is what each does. Gives the winner, and what was asked and cancelled."""
    log = []

    async def one(name):
        log.append(name)
        try:
            return await scripts[name]()
        except asyncio.CancelledError:
            log.append(f"{name} left")
            raise

    async def all_of_it():
        race = Race(ask=one, patience_s=lambda _: patience, dismiss=lambda won: log.append(f"{won} dismissed"))
        try:
            return await race.run(list(scripts))
        finally:
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    return asyncio.run(all_of_it()), log


async def yes():
    return "yes"


async def no():
    raise Failed("no")


async def never():
    await asyncio.Event().wait()


def test_races():
    """The next only after a failure; a second beside a slow first, once; what is left is cancelled; all failed is told."""
    assert run({"a": yes, "b": yes}) == ("yes", ["a"])
    assert run({"a": no, "b": no, "c": yes}) == ("yes", ["a", "b", "c"])
    assert run({"a": never, "b": yes, "c": yes}, 0.01) == ("yes", ["a", "b", "a left"])
    with pytest.raises(Nobody) as nobody:
        run({"a": no, "b": no})
    assert [(who, str(why)) for who, why in nobody.value.failures] == [("a", "no"), ("b", "no")]
    with pytest.raises(ZeroDivisionError):
        run({"a": broken, "b": yes})


async def broken():
    raise ZeroDivisionError


# Choices


@given(
    st.lists(
        st.tuples(st.floats(-1, 1), st.floats(0, 0.5), st.integers(0, 3), st.floats(0, 2)), min_size=1, max_size=4
    ),
    st.sampled_from(list(AIMS)),
    st.sampled_from([0.0, 0.1, 1.0]),
)
@settings(max_examples=40)
def test_each_is_first_as_often_as_is_written(offers, aim, exploration):
    """Over evenly drawn numbers each offer comes first with the probability given; each stands in the order once."""
    ones = [
        Candidate(name=f"o{n}", belief=Belief(mean=m, sd=s, noise=0.5), price=p, seconds=t)
        for n, (m, s, p, t) in enumerate(offers)
    ]
    draws = (np.arange(400) + 0.5) / 400
    found = [choose(ones, aim, alike=0.05, exploration=exploration, drawn=drawn) for drawn in draws]
    assert all(sorted(each.order) == sorted(one.name for one in ones) for each in found)
    for name, share in found[0].propensities.items():
        assert np.mean([each.order[0] == name for each in found]) == pytest.approx(share, abs=0.006)


# Tokens


@given(
    st.integers(0, 10**6) | st.none(),
    st.integers(0, 10**6) | st.none(),
    st.integers(0, 5000),
    st.integers(0, 300) | st.none(),
    st.integers(1, 3),
)
def test_a_cost_is_no_more_than_was_reserved(told_in, told_out, size, limit, answers):
    """Whatever an endpoint tells, and however long its answer is."""
    offer = some_offer(price=Price(request=1, input=2, output=3), limits=Limits(tokens=100))
    body = ask(n=answers) | ({} if limit is None else {"max_tokens": limit})
    work, _ = read("chat/completions", json.dumps(body).encode())
    count = counted(work, offer, Told(tokens_in=told_in, tokens_out=told_out, text_bytes=size))
    assert offer.price.of(rows=1, tokens_in=count.tokens_in, tokens_out=count.tokens_out) <= work.worst(offer)
    assert count.tokens_out <= min(size + answers, answers * (100 if limit is None else limit))


@given(ANY_JSON)
def test_bytes_of_texts(value):
    """Against the naive twin that goes down into lists and tables."""

    def naive(value):
        if isinstance(value, str):
            return len(value.encode("utf-8", "surrogatepass"))
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return sum(map(naive, inner))

    assert text_bytes(value) == naive(value)


@given(st.sampled_from(list(DEEDS)), st.binary(max_size=30) | ANY_JSON.map(lambda value: json.dumps(value).encode()))
def test_a_meter_takes_whatever_a_stream_says(path, data):
    """What is no event of the protocol is passed on and counted, and breaks nothing."""
    asked = {"model": "best", DEEDS[path].asked: "x", "stream": True}
    work, _ = read(path, json.dumps(asked).encode())
    meter = Meter(work)
    meter.passes(b"data: " + data + b"\n\n")
    assert meter.told.text_bytes >= 0


@given(
    st.lists(st.sampled_from([b"data: {}\n\n", b"data: a\r\n\r\n", b": ping\n\n", b"data: \xff\n\n"]), max_size=6),
    st.randoms(),
)
def test_events_however_they_come(events, chance):
    """A stream is cut into the same events wherever its parts end; what has no end is no event."""
    whole = b"".join(events)
    cuts = sorted(chance.randint(0, len(whole)) for _ in range(5))
    parts = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)] + [b"data: half"]

    async def sent():
        for each in parts:
            yield each

    async def found():
        return [event async for event in _events(sent(), some_offer())]

    assert b"".join(asyncio.run(found())) == whole


# What is kept


def test_kept_answers_stay_within_their_bytes():
    """What was used longest ago goes first; one that is too large is not kept."""
    kept = Kept()
    for number in range(20):
        kept.put("ada", str(number), KeptAnswer(asked="", offer="a", head={}, content=b"x" * (1 << 22)))
        kept.get("ada", "0")
    assert [number for number in range(20) if kept.get("ada", str(number))] == [0, *range(6, 20)]
    kept.put("ada", "large", KeptAnswer(asked="", offer="a", head={}, content=b"x" * ((1 << 22) + 1)))
    assert kept.get("ada", "large") is None
    assert kept.get("eve", "0") is None


# Books that fail


def failing(*_):
    raise OperationalError("INSERT", {"secret": 1}, Exception("database or disk is full"))


def test_a_disk_that_is_full(gateway, monkeypatch, caplog):
    """Nothing is sent that cannot be written down; an answer that came is given, and stays open in the books."""
    from gateways import says

    found = gateway({"good": says("good")}, good={"price": {"request": 1}})
    monkeypatch.setattr(found.ledger, "settle", failing)
    answer = found.post("/v1/chat/completions", json=ask())
    assert answer.status_code == 200
    assert "stays open in the books" in caplog.text
    assert "INSERT" not in caplog.text
    assert found.ledger.request("ada", answer.headers["concours-request"])["state"] == "open"
    monkeypatch.setattr(found.ledger, "reserve", failing)
    answer = found.post("/v1/chat/completions", json=ask())
    assert (answer.status_code, found.ends["good"].count) == (503, 1)
    assert answer.json()["error"]["message"].startswith("the books of the gateway cannot be written")


def test_a_meter_counts_what_streams():
    """The texts of all parts, the usage of the last, and the whole answer where it came to its end."""
    work, _ = read("chat/completions", json.dumps(ask(stream=True)).encode())
    meter = Meter(work)
    for text in ("Pa", "ris"):
        assert meter.passes(b"data: " + json.dumps(part(text)).encode() + b"\n\n")
    assert meter.told.said is None
    usage = {**part(""), "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}
    assert not meter.passes(b"data: " + json.dumps(usage).encode() + b"\n\n")
    assert meter.passes(b"data: [DONE]\n\n")
    assert meter.told == Told(tokens_in=3, tokens_out=2, text_bytes=5, said="Paris")
