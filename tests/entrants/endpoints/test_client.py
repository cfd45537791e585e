"""Asking: order, once, limits of the pace, faults. The server counts."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from concours.core.errors import ContestError, EndpointRefused
from concours.entrants.endpoints import waits
from concours.entrants.endpoints.client import ask_all, ask_each
from concours.entrants.endpoints.endpoint import Endpoint
from concours.entrants.endpoints.kept import Answers
from concours.entrants.endpoints.replies import Failed
from concours.testing.endpoints import Answer, Loopback, chat, refusal


def _echo(asked):
    return Answer(chat(f"said {asked.question}"))


def test_answers_come_in_the_order_of_the_calls_and_are_not_asked_again(serve, answers, asking):
    """Whatever order they come in; the second time nothing is asked, not even for the key."""
    server = serve(lambda asked: Answer(chat(asked.question), delay_s=0.01 * (int(asked.question) % 3)))
    endpoint, told = Endpoint(server.base_url, at_once=8), []
    calls = asking(endpoint, *range(60))
    replies = ask_all(calls, endpoint, answers, told=told.append)
    assert [reply.text for reply in replies] == [str(i) for i in range(60)]
    assert (told[-1].done, told[-1].recalled, told[-1].requests, server.count) == (60, 0, 60, 60)
    assert server.most_at_once <= 8
    keyed = Endpoint(server.base_url, key_env="NOT_SET_ANYWHERE")
    assert ask_all(calls, keyed, answers, told=told.append) == replies
    assert (told[-1].done, told[-1].recalled, told[-1].requests, server.count) == (60, 60, 0, 60)


def test_equal_calls_are_asked_once(serve, answers, asking):
    """In one list, and by several threads at once."""
    server = serve(lambda asked: Answer(chat(asked.question), delay_s=0.05))
    endpoint = Endpoint(server.base_url)
    calls = asking(endpoint, *[i % 5 for i in range(40)])
    out: list[list[str]] = []
    threads = [
        threading.Thread(target=lambda: out.append([reply.text for reply in ask_all(calls, endpoint, answers)]))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert out == [[str(i % 5) for i in range(40)]] * 3
    assert set(server.requests.values()) == {1}


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 30), max_size=150), st.integers(1, 9), st.integers(0, 30))
def test_whatever_is_asked_comes_in_order_and_once(steady, asking, questions, at_once, known):
    """Any list, at any pace, some of it known before: each different question goes out once more than it stumbles."""
    endpoint = Endpoint(steady.base_url, at_once=at_once)
    steady.requests.clear()
    with Answers(":memory:") as answers:
        ask_all(asking(endpoint, *questions[:known]), endpoint, answers)
        replies = ask_all(asking(endpoint, *questions), endpoint, answers)
    assert [reply.text for reply in replies] == [str(question) for question in questions]
    assert steady.count == sum(2 if question % 10 == 0 else 1 for question in set(questions))


@pytest.fixture(scope="module")
def steady():
    """Every tenth question gets a 500 first; the larger come later."""

    def script(asked):
        number = int(asked.question)
        if number % 10 == 0 and asked.time == 1:
            return Answer(b"", status=500)
        return Answer(chat(asked.question), delay_s=number * 1e-4)

    with Loopback(script) as server:
        yield server


def test_a_call_of_another_sample_is_asked_anew(serve, answers, asking):
    """Samples are answers of their own to one request."""
    server = serve(lambda asked: Answer(chat(f"time {asked.time}")))
    endpoint = Endpoint(server.base_url, at_once=1)
    (call,) = asking(endpoint, "?")
    calls = [type(call)(call.url, call.body, sample) for sample in range(3)]
    assert [reply.text for reply in ask_all(calls, endpoint, answers)] == ["time 1", "time 2", "time 3"]


FAULTS = {
    "500": Answer(refusal("oh"), status=500),
    "503": Answer(b"busy", status=503),
    "429": Answer(refusal("slow"), status=429, headers={"retry-after-ms": "5"}),
    "429 s": Answer(b"", status=429, headers={"Retry-After": "0"}),
    "429 date": Answer(b"", status=429, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
    "408": Answer(b"", status=408),
    "half a JSON": Answer(b'{"choices": [{"mess'),
    "HTML": Answer(b"<html>hello</html>"),
    "no UTF-8": Answer(b'{"choices": "\xff"}'),
    "an error of status 200": Answer({"error": {"code": 502, "message": "upstream"}}),
    "cut": Answer(chat("never seen whole"), fault="cut"),
    "cut at once": Answer(fault="drop"),
    "hangs": Answer(fault="hang"),
    "10 MB": Answer(chat("x" * (10 << 20))),
    "no HTTP": Answer(b"220 mail.example ESMTP\r\n", fault="bare"),
    "compressed": Answer(chat("x"), headers={"Content-Encoding": "gzip"}),
    "a tool": Answer(chat(None, "tool_calls") | {"choices": [{"message": {"tool_calls": [{}]}}]}),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_what_comes_to_nothing_is_tried_again(fault, serve, answers, asking):
    """Each fault once, then the answer; nothing of the fault is kept."""
    server = serve(lambda asked: fault if asked.time == 1 and asked.question == "1" else _echo(asked))
    patience = 2.0 if fault is FAULTS["hangs"] else 60.0  # longer than a busy machine takes to answer the others
    endpoint = Endpoint(server.base_url, timeout_s=patience)
    replies = ask_all(asking(endpoint, 0, 1, 2), endpoint, answers)
    assert [reply.text for reply in replies] == ["said 0", "said 1", "said 2"]
    assert server.count == 4
    assert len(answers) == 3


@pytest.mark.parametrize("name", ["500", "half a JSON", "HTML", "cut", "10 MB"])
def test_a_row_that_always_fails_is_a_failed_row(name, serve, answers, asking):
    """With its reason and its tries; the others are answered, and the next run asks for that one alone."""
    server = serve(lambda asked: FAULTS[name] if asked.question == "1" else _echo(asked))
    endpoint = Endpoint(server.base_url, tries=3)
    replies = ask_all(asking(endpoint, 0, 1, 2), endpoint, answers)
    assert isinstance(replies[1], Failed)
    assert replies[1].tries == 3
    assert "after 3 tries" in replies[1].reason
    assert "\n" not in replies[1].reason
    assert (len(answers), server.count) == (2, 5)
    ask_all(asking(endpoint, 0, 1, 2), endpoint, answers)
    assert server.count == 8


def test_a_row_that_is_refused_is_not_tried_again(serve, answers, asking):
    """A context that is too long fails its row at once, in the server's words."""
    words = "This model's maximum context length is 8192 tokens"
    server = serve(lambda asked: Answer(refusal(words), status=400) if asked.question == "1" else _echo(asked))
    endpoint = Endpoint(server.base_url)
    replies = ask_all(asking(endpoint, 0, 1), endpoint, answers)
    assert replies[1] == Failed(f'400: "{words}"', 1)
    assert server.count == 2


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(refusal("Incorrect API key provided: s3cret-s3cret"), status=401), "put a valid key into .*A_KEY"),
        (Answer(refusal("no"), status=403), "put a valid key into .*A_KEY"),
        (Answer(refusal("The model `m` does not exist"), status=404), "knows no model 'm'.*check both"),
        (Answer(refusal("quota", "insufficient_quota"), status=429), "nothing left.*top it up"),
        (Answer(b"", status=402), "nothing left"),
        (
            Answer(b"", status=308, headers={"Location": "https://other/v1?s3cret-s3cret"}),
            "has moved .*write that into base_url",
        ),
        (Answer(b"", status=429, headers={"Retry-After": "7200"}), "asks to wait 120 minutes"),
    ],
)
def test_what_holds_for_all_calls_ends_all_at_once(answer, words, serve, answers, asking, monkeypatch):
    """One line that says what to do, after as many requests as were under way; the key is never in it."""
    monkeypatch.setenv("A_KEY", "s3cret-s3cret")
    server = serve(lambda asked: answer)
    endpoint = Endpoint(server.base_url, key_env="A_KEY", at_once=4)
    with pytest.raises(EndpointRefused, match=words) as caught:
        ask_all(asking(endpoint, *range(300)), endpoint, answers)
    assert "\n" not in str(caught.value)
    assert "s3cret-s3cret" not in repr(caught.value)
    assert server.count <= 8
    assert server.keys == {"Bearer s3cret-s3cret"}


def test_a_key_that_is_not_set_is_told(serve, answers, asking, monkeypatch):
    """Before anything is sent; one that no header can hold as well, without showing it."""
    server = serve(_echo)
    endpoint = Endpoint(server.base_url, key_env="A_KEY")
    for value in (None, "", " \n"):
        monkeypatch.delenv("A_KEY", raising=False) if value is None else monkeypatch.setenv("A_KEY", value)
        with pytest.raises(EndpointRefused, match="A_KEY, which is not set: export A_KEY=…"):
            ask_all(asking(endpoint, 1), endpoint, answers)
    monkeypatch.setenv("A_KEY", "s3c\r\nret")
    with pytest.raises(EndpointRefused, match="holds no key") as caught:
        ask_all(asking(endpoint, 1), endpoint, answers)
    assert "s3c" not in str(caught.value)
    assert server.count == 0


def test_the_key_is_nowhere(serve, answers, asking, monkeypatch, tmp_path):
    """A server that echoes it in an answer and in refusals: it reaches no file, no reply, no reason."""
    monkeypatch.setenv("A_KEY", "s3cret-s3cret")
    script = {0: Answer(chat("your key is s3cret-s3cret")), 1: Answer(refusal("s3cret-s3cret is bad"), status=400)}
    server = serve(lambda asked: script[int(asked.question)])
    endpoint = Endpoint(server.base_url, key_env="A_KEY")
    replies = ask_all(asking(endpoint, 0, 1), endpoint, answers)
    assert replies[0].text == "your key is [key]"
    assert "s3cret-s3cret" not in repr((replies, endpoint, answers))
    assert not [path for path in tmp_path.rglob("*") if b"s3cret-s3cret" in path.read_bytes()]


def test_a_word_for_a_key_is_no_secret(serve, answers, asking, monkeypatch):
    """Local servers are given any word; answers that hold it stay as they are."""
    monkeypatch.setenv("A_KEY", "none")
    endpoint = Endpoint(serve(lambda asked: Answer(chat("There is none."))).base_url, key_env="A_KEY")
    assert ask_all(asking(endpoint, 0), endpoint, answers)[0].text == "There is none."


def test_an_address_where_nobody_answers_is_told(answers, asking):
    """Refused connections, after some tries, in one line."""
    endpoint = Endpoint("http://127.0.0.1:9/v1", tries=3)
    with pytest.raises(EndpointRefused, match="answers nobody .*no connection .*3 tries.*base_url"):
        ask_all(asking(endpoint, *range(20)), endpoint, answers)


def test_429_for_ever_ends(serve, answers, asking):
    """After the tries of one call, not of a thousand; the pace is down to few at once by then."""
    server = serve(lambda asked: Answer(refusal("slow down"), status=429))
    endpoint = Endpoint(server.base_url, tries=4, at_once=16)
    with pytest.raises(EndpointRefused, match="answers nobody .*429.*slow down.*kept"):
        ask_all(asking(endpoint, *range(1000)), endpoint, answers)
    assert server.count < 200


def test_an_endpoint_that_is_broken_for_all_ends(serve, answers, asking):
    """HTML for whatever is asked: not each of a thousand rows is tried to its end."""
    server = serve(lambda asked: FAULTS["HTML"])
    endpoint = Endpoint(server.base_url, tries=3, at_once=8)
    with pytest.raises(EndpointRefused, match="answers nobody .*no whole JSON"):
        ask_all(asking(endpoint, *range(1000)), endpoint, answers)
    assert server.count < 100


def test_what_is_asked_to_wait_waits(serve, answers, asking, monkeypatch):
    """Nothing at all is sent to an address before the time that it gave is over."""
    times: list[float] = []

    def script(asked):
        times.append(time.monotonic())
        return Answer(b"", status=429, headers={"Retry-After-Ms": "200"}) if asked.number == 1 else _echo(asked)

    server = serve(script)
    endpoint = Endpoint(server.base_url, at_once=1)
    assert len(ask_all(asking(endpoint, *range(5)), endpoint, answers)) == 5
    assert times[1] - times[0] >= 0.19


def test_the_pace_adapts(serve, answers, asking):
    """A server that takes four at once: the client comes down to about that, and all rows are answered."""
    server = serve(lambda asked: Answer(b"", status=429) if server.at_once >= 4 else Answer(chat("yes"), delay_s=0.003))
    endpoint, told = Endpoint(server.base_url, at_once=64, tries=30), []
    replies = ask_all(asking(endpoint, *range(300)), endpoint, answers, told=told.append)
    assert all(reply.text == "yes" for reply in replies)
    assert min(each.at_once for each in told if each.at_once) <= 8
    assert told[-1].requests == server.count < 1200


def test_works_inside_a_running_loop(serve, answers, asking):
    """As in a notebook."""
    endpoint = Endpoint(serve(_echo).base_url)

    async def cell():
        return ask_all(asking(endpoint, 1), endpoint, answers)

    assert asyncio.run(cell())[0].text == "said 1"


def test_a_call_that_goes_elsewhere_is_refused(serve, answers, asking):
    """The key of an address is sent to no other."""
    here, there = Endpoint(serve(_echo).base_url), Endpoint("http://127.0.0.1:9/v1")
    with pytest.raises(ContestError, match="does not go to"):
        ask_all(asking(there, 1), here, answers)


def test_one_may_stop_in_the_middle(serve, answers, asking):
    """What has come by then is kept, what is under way is dropped, and nothing of it stays behind."""
    server = serve(lambda asked: Answer(chat("yes"), fault="hang" if asked.number > 20 else ""))
    endpoint = Endpoint(server.base_url, at_once=4)
    each = ask_each(asking(endpoint, *range(100)), endpoint, answers)
    assert [next(each).text for _ in range(10)] == ["yes"] * 10
    each.close()
    assert len(answers) >= 10
    assert not [thread for thread in threading.enumerate() if thread.name == "concours-endpoint"]
    assert answers._file.rows("SELECT count(*) FROM flights") == [(0,)]


KILLED = """
import sys
from concours.entrants.endpoints.calls import Call, chat
from concours.entrants.endpoints.client import ask_all
from concours.entrants.endpoints.endpoint import Endpoint
from concours.entrants.endpoints.kept import Answers
endpoint = Endpoint(sys.argv[1], at_once=8)
calls = [Call(endpoint.chats, chat("m", [{"role": "user", "content": str(i)}])) for i in range(200)]
with Answers(sys.argv[2]) as answers:
    ask_all(calls, endpoint, answers, told=lambda told: print(told.done, flush=True))
print("done")
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_what_was_answered_is_not_asked_again_after_a_kill(how, serve, tmp_path):
    """Killed in mid-run and started again: only what was under way is asked twice, and nobody waits for the dead."""
    server = serve(lambda asked: Answer(chat(asked.question), delay_s=0.02))
    command = [sys.executable, "-c", KILLED, server.base_url, str(tmp_path / "a.sqlite")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as run:
        while int(run.stdout.readline()) < 60:
            pass
        run.send_signal(how)
        run.wait(30)
    assert run.returncode in (-how, 1, 130)
    with Answers(tmp_path / "a.sqlite") as answers:
        before = len(answers)
    assert before >= 60
    began = time.monotonic()
    out = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment, check=True, timeout=60)
    assert out.stdout.splitlines()[-1] == "done"
    assert time.monotonic() - began < 15
    assert len(server.requests) == 200
    assert server.count <= 208


def test_waits_are_what_servers_ask_for():
    """Seconds, milliseconds and dates; the latest; nothing else."""
    date, now = "Wed, 21 Oct 2015 07:28:30 GMT", "Wed, 21 Oct 2015 07:28:00 GMT"
    cases = [
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "2"}, 2.0),
        ({"retry-after": date, "date": now}, 30.0),
        ({"retry-after": now, "date": date}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ]
    for headers, seconds in cases:
        assert waits.asked_for(headers) == seconds, headers
    for _ in range(50):
        assert 2.0 <= waits.spread(2.0) <= 2.2


def test_backing_off_grows_and_has_an_end(monkeypatch):
    """Half to all of half a second, a second, two, …, a minute."""
    monkeypatch.setattr(waits, "FIRST_S", 0.5)
    for tries, most in ((1, 0.5), (2, 1.0), (5, 8.0), (9, 60.0), (99, 60.0)):
        assert all(most / 2 <= waits.back_off(tries) <= most for _ in range(20))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://host/v1", "give http://"),
        ("host/v1", "give http://"),
        ("http://", "give http://"),
        ("http://host:99999/v1", "no URL"),
        ("http://user:s3cret-s3cret@host/v1", "more than host, port and path"),
        ("http://host/v1?key=s3cret-s3cret", "more than host, port and path"),
        ("http://host/v1/chat/completions/", "leave /chat/completions out"),
        ("http://host/v 1", "blanks or letters"),
        (5, "no URL"),
    ],
)
def test_what_is_no_address_is_refused(url, words):
    """Where it is written, and without showing a key."""
    with pytest.raises(ContestError, match=words) as caught:
        Endpoint(url)
    assert "s3cret-s3cret" not in str(caught.value)


def test_what_no_endpoint_can_have_is_refused():
    """Nothing at once, no time, no try."""
    for name, value in [("at_once", 0), ("tries", 0), ("tries", True), ("timeout_s", 0), ("timeout_s", float("nan"))]:
        with pytest.raises(ContestError, match=name):
            Endpoint("http://h/v1", **{name: value})
    assert Endpoint("http://h/v1/").chats == "http://h/v1/chat/completions"
