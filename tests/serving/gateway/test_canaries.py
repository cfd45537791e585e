"""Canaries: what an endpoint gets of them, what they cost whom, when an alarm is raised, and what a stop leaves."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from gateways import SECRET, ask, key, offer, part, stream
from hypothesis import given
from hypothesis import strategies as st

from concours import Contest, Entrant, Result, Split, Task
from concours.core.errors import ContestError
from concours.kernels.watching.alarms import heard, watching
from concours.serving.gateway import canaries
from concours.serving.gateway.alarms import after, fresh, seen
from concours.serving.gateway.canaries import Canaries, _form
from concours.serving.gateway.competed import hidden_rows, promised_errors
from concours.serving.gateway.ledger import Bill, Entry, Ledger
from concours.serving.gateway.offers import digest_of, plain
from concours.serving.gateway.oip import read
from concours.serving.gateway.router import Router, Wish
from concours.serving.model import Served
from concours.serving.tensors import inputs_of
from concours.stores.values import get_values
from concours.testing.endpoints import Answer, Loopback, chat

ROWS, COLUMNS = 160, list("abcd")
LABELS = ("high", "low")
HALF = Split(test=0.5, folds=2)
INFER = "/v2/models/ours/infer"
CHAT = "/v1/chat/completions"


# Runs


def table():
    """Rows of numbers, no two alike, of two classes that are not told apart for certain."""
    rng = np.random.default_rng(1)
    x = np.round(rng.normal(size=(2 * ROWS, 4)), 2)
    x[:, 0] = np.arange(2 * ROWS) - ROWS
    noisy = x[:, 1] + 0.5 * rng.normal(size=len(x)) > 0
    return pd.DataFrame(x, columns=COLUMNS).assign(kind=np.where(noisy, *LABELS))


def contest(out, task, *entrants, **more):
    how = {"lineup": "none", "engine": "inline", "cooperate": (), "out": out} | more
    Contest(task=task, entrants=entrants, **how).run()
    return out


@pytest.fixture(scope="session")
def digits(tmp_path_factory):
    """The run of a table of numbers."""
    task = Task(kind="tabular-classification", data=table(), target="kind", split=HALF)
    linear = Entrant("linear", "sklearn.linear_model:LogisticRegression")
    return contest(tmp_path_factory.mktemp("canaries") / "digits", task, linear)


def asked_of(asked):
    """What `small` says: the right sum, but of every seventh."""
    number = int(asked.question.split(" and ")[0].split()[-1])
    return f"I think {2 * number + (number % 7 == 0)}."


@pytest.fixture(scope="session")
def questions(tmp_path_factory):
    """The run of questions that language models were asked: in chats, one after examples; and one that was recorded."""
    folder = tmp_path_factory.mktemp("canaries")
    rows = [{"question": f"What is {n} and {n}?", "answer": str(2 * n), "id": str(n)} for n in range(60)]
    (folder / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    said = [{"id": row["id"], "response": row["answer"]} for row in rows]
    (folder / "kept.jsonl").write_text("".join(json.dumps(row) + "\n" for row in said))
    task = Task(
        kind="question-answering",
        data=str(folder / "sums.jsonl"),
        options={"question": "question", "answer": "answer", "extract": "last-number"},
        id="id",
        metrics=("numeric_match",),
        split=HALF,
    )
    with Loopback(lambda asked: Answer(chat(asked_of(asked)))) as end:
        models = [
            Entrant(name, "openai:small", {"base_url": end.base_url, **how})
            for name, how in {
                "small": {"temperature": 0.0},
                "shown": {"shots": 2},
                "long": {"route": "completions"},
            }.items()
        ]
        return contest(
            folder / "questions", task, *models,
            Entrant("kept", f"recorded:{folder}/kept.jsonl", seen="none"), cooperate=("majority",),
        )  # fmt: skip


class Rows:
    """The hidden rows of a run of a table, as its test reads them: cells, and what the model that competed said."""

    def __init__(self, run):
        result = Result.load(run)
        test, store = result.setup.problem.test, result.folder.store
        ids = get_values(store, test.ids)
        self.x = table()[COLUMNS].to_numpy()[ids]
        self.p = get_values(store, result.candidates[result.default].test)
        self.said = [LABELS[code] for code in self.p.argmax(axis=1)]
        self.place = {float(row[0]): place for place, row in enumerate(self.x)}


# What an endpoint gets


def spaced(value):
    return json.dumps(value)


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def whole(x):
    """Numbers as JavaScript writes them."""
    return [int(value) if value == int(value) else value for value in x.ravel().tolist()]


STYLES = {
    "flat": lambda x: _body(spaced, "x", "FP64", x.shape, x.ravel().tolist()),
    "compact": lambda x: _body(compact, "x", "FP64", x.shape, x.ravel().tolist()),
    "nested": lambda x: _body(spaced, "rows", "FP32", x.shape, x.astype(np.float32).tolist()),
    "as typed": lambda x: _body(spaced, "rows", "FP32", x.shape, x.tolist()),
    "whole": lambda x: _body(compact, "x", "FP64", x.shape, whole(x)),
    "columns": lambda x: _columns(x),
    "binary": lambda x: _binary(x, np.float32, "FP32"),
    "binary of 64 bits": lambda x: _binary(x, np.float64, "FP64"),
}


def _body(write, name, kind, shape, data):
    tensor = {"name": name, "shape": list(shape), "datatype": kind, "data": data}
    return write({"inputs": [tensor], "outputs": [{"name": "label"}]}).encode(), {}


def _columns(x):
    inputs = [
        {"name": name, "datatype": "FP64", "shape": [len(x), 1], "data": x[:, place].tolist()}
        for place, name in enumerate(COLUMNS)
    ]
    return spaced({"parameters": {"k": "v"}, "inputs": inputs}).encode(), {}


def _binary(x, kind, name):
    content = x.astype(kind).tobytes()
    tensor = {"name": "x", "shape": list(x.shape), "datatype": name, "parameters": {"binary_data_size": len(content)}}
    head = compact({"inputs": [tensor]}).encode()
    return head + content, {
        "inference-header-content-length": str(len(head)),
        "content-type": "application/octet-stream",
    }


def labels(said):
    return {"outputs": [{"name": "label", "datatype": "BYTES", "shape": [len(said)], "data": said}]}


def until(true):
    """Waits for what happens in other threads."""
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


def settled(found, count):
    """Waits for as many canaries."""
    until(
        lambda: (
            sum(row["requests"] - row["under_way"] for row in found.ledger.usage() if row["key"] == "canaries") == count
        )
    )


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
@pytest.mark.parametrize("rows", [1, 3])
def test_a_canary_is_the_request_of_that_row(gateway, digits, style, rows):
    """Byte for byte, head and all: what an endpoint gets of a canary is what it gets when a caller asks about its row."""
    came, hidden = [], Rows(digits)

    def endpoint(asked):
        came.append((asked.path, dict(asked.headers), asked.content))
        return Answer(labels(["high"] * rows))

    found = gateway({"ours": endpoint}, ours={"protocol": "oip", "canary": {"run": str(digits)}})
    content, head = style(np.tile([0.1, 2.0, 0.25, -3.0], (rows, 1)))
    assert found.post(INFER, content=content, headers=head).status_code == 200
    settled(found, 1)
    with found.ledger._engine.connect() as books:
        seed = books.exec_driver_sql("SELECT seed FROM canaries").scalar()
    places = found.hidden["ours"].places(seed, 0, rows)
    content, head = style(hidden.x[places])
    assert found.post(INFER, content=content, headers=head).status_code == 200
    settled(found, 2)
    assert came[1] == came[2]
    assert list(came[1][1]) == list(came[0][1])


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize(
    "caller",
    [
        {"model": "ours", "messages": [], "max_tokens": 512, "temperature": 0.0},
        {"messages": [], "temperature": 0.0, "model": "ours", "user": "u1", "max_completion_tokens": 512},
    ],
)
def test_a_canary_is_the_chat_of_that_question(gateway, questions, caller, streams):
    """The prompt of the model that competed, its parameters, and the keys of a caller in their order, streamed or not."""
    came = []

    def endpoint(asked):
        came.append((asked.path, dict(asked.headers), asked.content))
        return stream(part("4 "), part("really")) if streams else Answer(chat("4 really"))

    how = {"run": str(questions), "line": "small"}
    found = gateway({"ours": endpoint}, ours={"canary": how, "price": {"output": 1}})
    caller = caller | ({"stream": True} if streams else {})

    def call(messages):
        assert found.post(CHAT, json={**caller, "messages": messages}).status_code == 200

    call([{"role": "user", "content": "Where is Paris?"}])
    settled(found, 1)
    call(json.loads(came[1][2])["messages"])
    settled(found, 2)
    assert came[1] == came[2]
    assert b"Paris" not in came[1][2]
    assert [row["rows"] for row in found.ledger.watched()] == [2, 2]


def test_what_was_special_of_a_request_does_not_follow(gateway, questions):
    """Tools, formats and other bounds of a caller change answers, so a canary has those of who competed."""
    came = []
    found = gateway(
        {"ours": lambda asked: came.append(asked.body) or Answer(chat("4"))},
        ours={"canary": {"run": str(questions), "line": "small"}},
    )
    more = {"tools": [{"type": "function"}], "temperature": 1.5, "max_tokens": 1, "n": 2, "stop": ["x"]}
    assert found.post(CHAT, json=ask(model="ours", **more)).status_code == 200
    settled(found, 1)
    assert came[1].keys() == {"model", "messages", "temperature", "max_tokens"}
    assert (came[1]["temperature"], came[1]["max_tokens"]) == (0.0, 512)


def test_completions_and_served_models(gateway, questions, texts):
    """A model that goes on with texts is asked so; one that Concours serves is asked its row."""
    found = gateway(
        {"ours": lambda _: Answer({"choices": [{"text": " 4"}]})},
        ours={"canary": {"run": str(questions), "line": "long"}},
    )
    assert found.post("/v1/completions", json={"model": "ours", "prompt": "x"}).status_code == 200
    settled(found, 1)
    body = json.loads(next(content for (_, content), _ in found.ends["ours"].requests.items() if b"Answer:" in content))
    assert body["prompt"].endswith("Answer:")
    assert body["stop"] == ["\n\n"]
    hidden = hidden_rows(offers({"canary": {"run": str(texts)}}), Path())["ours"]
    assert hidden.posing.rows[0][0]["content"].startswith("a ")
    assert not hidden.judging.failed(np.arange(2), hidden.judging.competed[:2])["disagreement"].any()


# When an alarm is raised


def offers(*more):
    one = {"name": "ours", "model": "m", "task": "qa", "protocol": "openai", "url": "http://127.0.0.1:9/v1"}
    return plain({"offer": [{**one, **each} for each in more], "key": [key()]}).offer


def watched_by_requests(url, digits, swapped_after, requests, errs, seed):
    """Requests through a router, each with a canary; from some on the endpoint errs on a share. Gives the alarms."""
    rows, rng, answered = Rows(digits), np.random.default_rng(seed), []

    def endpoint(asked):
        at = rows.place.get(asked.body["inputs"][0]["data"][0])
        said = "high" if at is None else rows.said[at]
        if at is not None:
            answered.append(at)
            if rng.random() < (errs if len(answered) > swapped_after else 0.01):
                said = LABELS[1 - LABELS.index(said)]
        return Answer(labels([said]))

    async def all_of_it(end):
        one = {"protocol": "oip", "url": end.base_url.removesuffix("/v1"), "canary": {"run": str(digits)}}
        found = plain({"offer": [offer("ours", "", **one)], "key": [key()]})
        with Ledger(url) as ledger:
            ledger.admit({"ada": None, "canaries": None})
            router = Router(found, {}, ledger, hidden=hidden_rows(found.offer, Path()), drawn=lambda: 0.0)
            content = json.dumps({"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP64", "data": [0.5] * 4}]})
            for number in range(requests):
                work = read("ours", "", {}, content.encode())
                await router.answer(router.key(digest_of(SECRET)), work, Wish(id=f"{number}"))
                while len(answered) <= number:
                    await asyncio.sleep(0)
            await router.close()
            return {row["told_by"]: row for row in ledger.watched()}

    with Loopback(endpoint) as end:
        return asyncio.run(all_of_it(end))


def test_an_honest_offer_is_not_named_and_a_swapped_one_is(tmp_path, digits, caplog, monkeypatch):
    """Of one that differs once in a hundred nothing is said; where a worse model answers, disagreement names it soon.

    The order of rows is drawn by a seed here: of 300 canaries in any order some would raise an alarm, as one in 20,000
    may.
    """
    monkeypatch.setattr(canaries, "SystemRandom", lambda: random.Random(3))
    caplog.set_level(logging.ERROR)
    honest = watched_by_requests(f"sqlite:///{tmp_path}/honest.db", digits, 10**9, 300, 0.0, seed=1)
    assert [(row["raised"], row["rows"], row["drawn"]) for row in honest.values()] == [(None, 300, 300)] * 2
    assert caplog.text == ""
    swapped = watched_by_requests(f"sqlite:///{tmp_path}/swapped.db", digits, 100, 200, 0.3, seed=2)
    told = swapped["disagreement"]
    assert 100 < told["raised_rows"] < 160
    assert (told["rows"], len(told["raised_lately"])) == (200, told["raised_rows"])
    (line,) = [text for record in caplog.records if "different" in (text := record.getMessage())]
    assert line.startswith(
        f"alarm: offer ours may serve something else than linear of {digits}, which competed. After "
        f"{told['raised_rows']} canaries "
    )
    assert "where 2.0% may be" in line
    assert "\n" not in line


@given(
    st.lists(st.booleans(), max_size=60),
    st.integers(0, 60),
    st.sampled_from([0.02, 0.1]),
    st.sampled_from([3.0, 100.0]),
)
def test_a_row_of_the_books_is_the_alarm(flags, cut, promised, between):
    """Told in two parts through the books it is the alarm of all rows at once; what was told stays."""
    (row,) = fresh("a", {"accuracy": promised})
    row |= {"raised": None, "raised_rows": None, "raised_lately": None}
    for some in (flags[:cut], flags[cut:]):
        row |= json.loads(json.dumps(after(row, np.array(some, dtype=bool), between)))
    whole = heard(watching(promised), np.array(flags, dtype=bool))
    assert (row["rows"], row["failed"], row["raised"] is not None) == (whole.rows, whole.failed, whole.raised(between))
    assert np.allclose(json.loads(row["sums"]), whole.sums, equal_nan=True)
    assert row["greatest"] == pytest.approx(whole.greatest)
    told = seen(row)
    assert told.low <= (told.share if told.lately else 0) <= told.high or not told.lately


@given(st.integers(0, 10**6), st.integers(1, 50), st.floats(0, 0.5))
def test_what_is_promised_can_be_held(seed, rows, differs):
    """It is a share of which an alarm can be made, no less than on the board."""
    erred = seed % (rows + 1)
    promised = promised_errors(erred, rows, differs)
    assert watching(promised).promised >= min(erred / rows, (rows + 1) / (rows + 2))


def test_an_honest_model_whose_answers_vary_is_within_its_promise():
    """Of models that answer by chance, one in two hundred at most errs more often than its own board promised."""
    rng = np.random.default_rng(6)
    over = 0
    for _ in range(2000):
        q = np.where(rng.random(400) < 0.1, rng.random(400), 0.0)
        promised = promised_errors(int((rng.random(400) < q).sum()), 400, 2 * float(np.mean(q * (1 - q))))
        over += q.mean() > promised
    assert over <= 10


def test_rows_go_round(digits):
    """In each round each hidden row is one canary, in another order each time."""
    hidden = hidden_rows(offers({"protocol": "oip", "url": "http://h", "canary": {"run": str(digits)}}), Path())["ours"]
    rounds = [hidden.places(7, start, ROWS) for start in (0, ROWS, 2 * ROWS)]
    assert [sorted(each) for each in rounds] == [list(range(ROWS))] * 3
    assert not np.array_equal(rounds[0], rounds[1])
    assert np.array_equal(hidden.places(7, ROWS - 5, 10), np.concatenate([rounds[0][-5:], rounds[1][:5]]))


def test_what_competed_fails_at_nothing_but_its_own_errors(digits, questions):
    """The answers of who competed differ nowhere, and are wrong exactly as often as its board says."""
    for run, line, protocol in (
        (digits, "linear", "oip"),
        (digits, "linear", "openai"),
        (questions, "small", "openai"),
    ):
        hidden = hidden_rows(offers({"protocol": protocol, "canary": {"run": str(run), "line": line}}), Path())["ours"]
        result = Result.load(run)
        lines = {each.entrant.name: each for each in result.standings}
        score = lines[line].metrics["numeric_match" if run is questions else "accuracy"]
        said = hidden.judging.competed if run is digits else [f"It is {text}" for text in hidden.judging.competed]
        failed = hidden.judging.failed(np.arange(hidden.rows), said)
        assert not failed["disagreement"].any()
        assert 1 - failed["accuracy"].mean() == pytest.approx(score)
        differs = 0.02 if run is questions else 0.0
        assert hidden.promised == {
            "accuracy": promised_errors(int(failed["accuracy"].sum()), hidden.rows, differs),
            "disagreement": 0.02,
        }
        odd = hidden.judging.failed(np.arange(3), ["", "no such label", "\0"])
        assert odd["disagreement"].all()
        assert odd["accuracy"].all()


# Who pays


def test_nobody_else_pays_for_canaries(gateway, digits):
    """They are the gateway's own account: no key pays, no belief, no log of choices and no time of an answer changes."""
    hidden = Rows(digits)

    def endpoint(asked):
        rows = np.reshape(asked.body["inputs"][0]["data"], (-1, 4))
        return Answer(labels([hidden.said[hidden.place[row[0]]] if row[0] in hidden.place else "high" for row in rows]))

    how = {"protocol": "oip", "price": {"row": 0.5}, "canary": {"run": str(digits)}}
    found = gateway({"ours": endpoint}, ours=how, keys=[key(budget=10)], settings={"exploration": 0.1})
    belief = [
        row for row in found.get("/usage", headers={"authorization": "Bearer let-me-see"}).text.split() if "0.9" in row
    ]
    content, _ = STYLES["flat"](np.full((2, 4), 0.25))
    for _ in range(5):
        assert found.post("/v2/models/qa/infer", content=content).status_code == 200
    settled(found, 5)
    budgets = {row["key"]: (row["most"], row["spent"], row["reserved"]) for row in found.ledger.budgets()}
    assert budgets == {"ada": (10**13, 5 * 10**12, 0), "canaries": (None, 5 * 10**12, 0)}
    assert {row["key"]: (row["requests"], row["rows"]) for row in found.ledger.usage()} == {
        "ada": (5, 10),
        "canaries": (5, 10),
    }
    assert found.ledger.scores() == {}
    assert len(found.ledger.seconds("ours")) == 5
    with found.ledger._engine.connect() as books:
        own = books.exec_driver_sql("SELECT considered, propensity, score, said FROM requests WHERE key = 'canaries'")
        assert set(own) == {(None, None, None, None)}
    page = found.get("/usage", headers={"authorization": "Bearer let-me-see"}).text
    assert [row for row in page.split() if "0.9" in row] == belief
    assert "Canaries" in page
    assert [row["rows"] for row in found.ledger.watched()] == [10, 10]


def test_a_share_of_requests_is_followed_within_a_minute(tmp_path, digits_hidden):
    """As many as the share says, at any time within the next minute; those that still wait at the end are not sent."""
    work = read("ours", "", {}, STYLES["flat"](np.full((1, 4), 0.25))[0])
    (one,) = offers({"protocol": "oip", "canary": {"run": "digits"}})

    async def all_of_it(ledger):
        drawn = np.random.default_rng(3).random
        books = SimpleNamespace(ledger=ledger)
        canaries = Canaries({"ours": digits_hidden}, wires={}, loads={}, books=books, drawn=drawn)
        for _ in range(5000):
            canaries.follow(one, work)
        now, waiting = asyncio.get_running_loop().time(), list(canaries._waiting)
        canaries.close()
        assert all(handle.cancelled() for handle in waiting)
        return np.array([handle.when() - now for handle in waiting])

    with Ledger(f"sqlite:///{tmp_path}/books.db") as ledger:
        after_s = asyncio.run(all_of_it(ledger))
        assert [row["drawn"] for row in ledger.watched()] == [0, 0]
    assert abs(len(after_s) - 100) < 30
    assert after_s.max() <= 60
    assert 20 < np.mean(after_s) < 40


FAULTS = {
    "an error": Answer(status=500),
    "refused": Answer({"error": "no"}, status=400),
    "dropped": Answer(fault="drop"),
    "no JSON": Answer(b"no json"),
    "no label": Answer({"outputs": []}),
    "odd outputs": Answer({"outputs": [{"name": "x", "shape": ["a"], "datatype": 3}]}),
    "too few": Answer({"outputs": [{"name": "x", "shape": [0], "datatype": "BYTES", "data": []}]}),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_no_answer_is_no_failure(gateway, digits, fault, caplog):
    """Whatever an endpoint does at a canary, no caller sees it, the account is settled, and no alarm hears of it."""
    hidden = Rows(digits)
    found = gateway(
        {
            "ours": lambda asked: (
                fault if asked.body["inputs"][0]["data"][0] in hidden.place else Answer(labels(["high"]))
            )
        },
        ours={"protocol": "oip", "canary": {"run": str(digits)}},
    )
    content, _ = STYLES["flat"](np.full((1, 4), 0.25))
    assert found.post(INFER, content=content).status_code == 200
    settled(found, 1)
    assert [(row["rows"], row["drawn"]) for row in found.ledger.watched()] == [(0, 1)] * 2
    assert [row["reserved"] for row in found.ledger.budgets()] == [0, 0]
    assert "defect" not in caplog.text


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=3),
        max_leaves=6,
    ),
    st.sampled_from(["FP32", "FP16", "INT8", "BYTES", "BOOL", "X", ""]),
    st.lists(st.integers(0, 4), max_size=3),
)
def test_whatever_a_caller_sent_is_no_reason_to_fail(digits_hidden, data, kind, shape):
    """A request of any content either has a form, which gives a request, or none."""
    tensor = {"name": "x", "shape": shape, "datatype": kind, "data": data}
    work = read(
        "ours", "", {}, json.dumps({"inputs": [tensor]}).encode().replace(b"NaN", b"1").replace(b"Infinity", b"1")
    )
    form = _form(digits_hidden, work)
    if form is not None:
        assert digits_hidden.posing.posed(form, np.arange(work.rows)).rows == work.rows


@pytest.fixture(scope="session")
def digits_hidden(digits):
    return hidden_rows(offers({"protocol": "oip", "canary": {"run": str(digits)}}), Path())["ours"]


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        ([{"name": "i", "datatype": "INT64", "shape": [2, 1], "data": [3, 4]}], ["3", "4"]),
        ([{"name": "p", "datatype": "FP32", "shape": [2, 2], "data": [[0.9, 0.1], [0.2, 0.8]]}], ["high", "low"]),
        ([{"name": "p", "datatype": "FP32", "shape": [2, 3], "data": [0] * 6}], None),
        ([{"name": "l", "datatype": "BYTES", "shape": [2], "data": ["low", "high"]}], ["low", "high"]),
    ],
)
def test_labels_however_they_are_told(digits_hidden, outputs, said):
    """As texts, as whole numbers, or by probabilities."""
    assert digits_hidden.posing.texts(None, {}, json.dumps({"outputs": outputs}).encode(), 2) == said


def test_labels_in_binary(digits_hidden):
    """As the binary extension sends them."""
    content = b"".join(struct.pack("<I", len(word)) + word for word in (b"low", b"high"))
    one = {"name": "l", "datatype": "BYTES", "shape": [2], "parameters": {"binary_data_size": len(content)}}
    head = json.dumps({"outputs": [one]}).encode()
    told = digits_hidden.posing.texts(None, {"inference-header-content-length": str(len(head))}, head + content, 2)
    assert told == ["low", "high"]


# The books


def begun(ledger, promise="p"):
    ledger.admit({"canaries": None})
    ledger.watch("a", promise, 5, fresh("a", {"accuracy": 0.1, "disagreement": 0.02}))


def canary(ledger, number, flags):
    """Draws, reserves and judges one; gives the number that it drew."""
    drawn = ledger.draw("a", 1)
    ledger.reserve(Entry(key="canaries", id=str(number), asked="a", chosen="a"), 7)
    changes = {by: lambda row: after(row, np.array([flags]), 20_000) for by in ("accuracy", "disagreement")}
    ledger.judge(str(number), Bill(state="settled", cost=5, offer="a"), "a", changes)
    ledger.judge(str(number), Bill(state="settled", cost=5, offer="a"), "a", changes)
    return drawn[1]


def test_each_canary_counts_once_whoever_counts(url):
    """Eight at a time draw numbers of their own, and what is judged twice counts once; a stop in the middle loses nothing."""
    with Ledger(url) as ledger:
        begun(ledger)
        with ThreadPoolExecutor(8) as pool:
            numbers = list(pool.map(lambda number: canary(ledger, number, number % 9 == 0), range(64)))
        assert sorted(numbers) == list(range(64))
        ledger.draw("a", 3)
        ledger.reserve(Entry(key="canaries", id="lost", asked="a", chosen="a"), 7)
        before = ledger.watched()
    with Ledger(url) as ledger:
        assert ledger.close_lost() == 1
        begun(ledger)
        assert ledger.watched() == before
        assert [(row["rows"], row["failed"], row["drawn"]) for row in before] == [(64, 8, 67)] * 2
        assert ledger.draw("a", 1) == (5, 67)
        (own,) = ledger.budgets()
        assert (own["spent"], own["reserved"]) == (64 * 5 + 7, 0)
        begun(ledger, promise="another")
        assert [(row["rows"], row["drawn"]) for row in ledger.watched()] == [(0, 0)] * 2


def test_a_judgement_is_whole_or_not_at_all(url):
    """Where it breaks off in the middle, neither the account nor an alarm has changed."""
    with Ledger(url) as ledger:
        begun(ledger)
        ledger.reserve(Entry(key="canaries", id="1", asked="a", chosen="a"), 7)
        before = ledger.watched(), ledger.budgets()

        def broken(_):
            raise ZeroDivisionError

        changes = {"accuracy": lambda row: after(row, np.array([True]), 20_000), "disagreement": broken}
        with pytest.raises(ZeroDivisionError):
            ledger.judge("1", Bill(state="settled", cost=5, offer="a"), "a", changes)
        assert (ledger.watched(), ledger.budgets()) == before


def test_the_alarm_on_the_page(gateway, digits):
    """When, what was promised, what was seen, between which bounds, and of how many."""
    found = gateway(
        {"ours": lambda _: Answer(labels(["neither"]))}, ours={"protocol": "oip", "canary": {"run": str(digits)}}
    )
    content, _ = STYLES["flat"](np.full((1, 4), 0.25))
    for number in range(12):
        assert found.post(INFER, content=content).status_code == 200
        settled(found, number + 1)
    (row,) = [row for row in found.ledger.watched() if row["told_by"] == "disagreement"]
    assert row["raised_rows"] < 12
    page = found.get("/usage", headers={"authorization": "Bearer let-me-see"}).text
    told = seen(row)
    for text in ("different", "100.0%", f"{100 * told.low:.1f} to 100.0%", "2.0%"):
        assert text in page, text
    assert time.strftime("%Y-%m-%d", time.gmtime(row["raised"])) in page


# What cannot be watched


@pytest.fixture(scope="session")
def runs(tmp_path_factory, digits, questions, numbers, texts, run):
    """Runs by name, of all sorts."""
    folder = tmp_path_factory.mktemp("canaries")
    rng = np.random.default_rng(2)
    task = Task(kind="tabular-classification", data=table(), target="kind", split=Split(test=0.0, folds=2))
    linear = Entrant("linear", "sklearn.linear_model:LogisticRegression")
    pixels = Task(
        kind="image-classification", data=rng.random((60, 4, 4, 1)), target=np.array(["a", "b"] * 30), split=HALF
    )
    return {
        "digits": digits,
        "questions": questions,
        "numbers": numbers,
        "texts": texts,
        "flowers": run,
        "untested": contest(folder / "untested", task, linear),
        "pictures": contest(folder / "pictures", pixels, Entrant("dnn", "dnn", {"epochs": 1})),
        "none": folder / "none",
        "empty": folder,
    }


UNFIT = [
    ("none", "oip", {}, "none does not exist"),
    ("empty", "oip", {}, "is not the folder of a run"),
    ("untested", "oip", {}, "untested has no test part"),
    ("numbers", "oip", {}, "numbers predicts a number, and canaries of protocol oip tell classes alone"),
    ("numbers", "openai", {}, "nothing is right or wrong of a number: canaries need classes, or answers"),
    ("questions", "oip", {"line": "small"}, "predicts a short answer, and canaries of protocol oip tell classes alone"),
    ("questions", "openai", {"line": "shown"}, "'shown' of .* was asked with examples, or several times a row"),
    ("questions", "openai", {"line": "kept"}, "nobody knows how 'kept' of .* was asked"),
    ("questions", "openai", {"line": "smal"}, "no line 'smal' on the board of .*did you mean 'small'"),
    ("pictures", "openai", {}, "rows of .* are no words"),
]


@pytest.mark.parametrize(("name", "protocol", "how", "told"), UNFIT, ids=[f"{n}-{p}-{h}" for n, p, h, _ in UNFIT])
def test_what_cannot_be_watched_is_told(runs, name, protocol, how, told):
    """One line, with the offer, and what to do."""
    with pytest.raises(ContestError, match=rf"^offer ours, canary: .*{told}") as error:
        hidden_rows(offers({"protocol": protocol, "canary": {"run": str(runs[name]), **how}}), Path())
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("beside", ["quality", "offer"])
def test_a_run_of_another_task(runs, beside):
    """Offers of one task, and the board and the hidden rows of one offer, are of one task."""
    one = {"protocol": "oip", "canary": {"run": str(runs["digits"])}}
    two = {"protocol": "oip", "name": "b", "canary": {"run": str(runs["flowers"])}}
    if beside == "quality":
        one, two = {**one, "quality": {"run": str(runs["flowers"])}}, {"name": "b"}
    with pytest.raises(ContestError, match=r"is a run of another task than .*, and both stand for task 'qa'"):
        hidden_rows(offers(one, two), Path())


@pytest.mark.parametrize("name", ["digits", "flowers", "texts", "pictures"])
def test_what_can_be_watched(runs, name):
    """Tables of numbers, tables of all sorts, texts and pictures, each as its tensors."""
    hidden = hidden_rows(offers({"protocol": "oip", "canary": {"run": str(runs[name])}}), Path())["ours"]
    wanted = inputs_of(Served.of(Result.load(runs[name])))
    inputs = [
        {**each, "shape": [2, *each["shape"][1:]], "data": ["a"] * 2 if each["datatype"] == "BYTES" else [[0] * 2]}
        for each in wanted
    ]
    work = read("ours", "", {}, json.dumps({"inputs": inputs}).encode())
    form = hidden.posing.form(work)
    posed = json.loads(hidden.posing.posed(form, np.arange(2)).content)
    assert [one["name"] for one in posed["inputs"]] == [one["name"] for one in wanted]
