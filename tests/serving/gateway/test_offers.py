"""The file of offers: what it may say, and the one line that tells what is wrong in it."""

from __future__ import annotations

import copy
import socket
import sys
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.cli.app import main
from concours.core.entrant import Entrant
from concours.core.errors import ContentRefused, ContestError, DataError
from concours.core.problem import Goal
from concours.core.standings import Estimate, Standing, Standings
from concours.serving.gateway.offers import Canary, Key, Limits, Offer, Offers, Price, Quality, Settings, money, plain
from concours.serving.gateway.qualities import measured

GOOD = {
    "gateway": {"exploration": 0.1},
    "offer": [
        {
            "name": "a",
            "model": "m",
            "task": "qa",
            "protocol": "openai",
            "url": "http://127.0.0.1:1/v1",
            "price": {"input": 0.15, "output": 0.6},
            "limits": {"requests": 10},
            "quality": {"score": 0.9, "error": 0.01},
        },
        {"name": "b", "model": "m", "task": "digits", "protocol": "oip", "url": "https://h/x"},
    ],
    "key": [{"name": "ada", "key_env": "ADA", "budget": 10, "scopes": ["qa", "b"]}],
}

WRONG = [
    ("offer", [], "there is no [[offer]]"),
    ("key", [], "there is no [[key]]"),
    ("offer.0.name", "b", "offer b stands there twice"),
    ("offer.0.name", "qa", "offer qa: requests ask by this word"),
    ("offer.0.name", "best", "offer best: requests ask by this word"),
    ("offer.0.name", "a b", "expected letters, digits"),
    ("offer.0.name", "", "expected letters, digits"),
    ("offer.0.name", "x" * 101, "expected letters, digits"),
    ("offer.0.task", "fast", "is an aim of requests"),
    ("offer.0.task", 3, "offer[0].task: expected a text, got a number"),
    ("offer.0.model", "", "expected the name that the endpoint"),
    ("offer.0.protocol", "grpc", "expected one of openai, oip"),
    ("offer.0.url", None, "offer[0].url is missing"),
    ("offer.0.url", "", "expected http://HOST"),
    ("offer.0.url", "ftp://x", "expected http://HOST"),
    ("offer.0.url", "http://me:secret@h/v1", "a key belongs into the environment"),
    ("offer.0.url", "http://h/v1?key=secret", "a key belongs into the environment"),
    ("offer.0.url", "http://h:99999/", "url is none"),
    ("offer.0.price.input", -1, "offer[0].price: input = -1: expected a price from 0"),
    ("offer.0.price.input", "free", "offer[0].price.input: expected a number, got a text"),
    ("offer.0.price.input", 1e-7, "at most six decimals"),
    ("offer.0.price.token", 1, "offer[0].price.token is not known"),
    ("offer.0.limits.concurrent", 0, "concurrent = 0: expected a number above 0"),
    ("offer.0.limits.seconds", -1, "seconds = -1: expected a number above 0"),
    ("offer.0.quality.error", None, "expected run = the folder of a run, or score and error"),
    ("offer.0.quality.error", -0.1, "expected an error of 0 or more"),
    ("offer.0.quality.score", 7, "score = 7: expected a share from 0 to 1"),
    ("offer.0.quality", {"score": 7, "error": 1, "metric": "r2"}, "score = 7: rows is missing"),
    ("offer.0.quality.run", "run", "score is given beside run"),
    ("offer.0.quality.line", "x", "line is given without run"),
    ("offer.0.seconds", 0, "seconds = 0"),
    ("key.0.budget", -1, "budget = -1: expected money from 0"),
    ("key.0.hash", "sha256:1", "expected a digest"),
    ("key.0.key_env", None, "expected one of hash"),
    ("key.0.requests", 0, "requests = 0: expected 1 or more"),
    ("key.0.scopes", ["c"], "key ada: no offer has the name or the task 'c'"),
    ("key.0.scopes", "qa", "expected a list, got a text"),
    ("gateway.exploration", 2, "exploration = 2: expected a share"),
    ("gateway.alike", -1, "alike = -1: expected 0 or more"),
    ("gateway.canary", 1, "gateway.canary is not known"),
    ("offers", [], "offers is not known; did you mean 'offer'? known: offer, key, gateway"),
    ("keys", [], "keys is not known; did you mean 'key'?"),
    ("offer.0.protocol", "opneai", "got 'opneai'; did you mean 'openai'?"),
    ("offer.0.limits.requests", 1.5, "expected a whole number, got the number 1.5"),
    ("offer.0.canary", {"share": 0.1}, "offer[0].canary.run is missing"),
    ("offer.0.canary", "runs/x", "offer[0].canary: expected an object, got a text"),
    ("offer.0.canary", {"run": "x", "sahre": 0.1}, "offer[0].canary.sahre is not known; did you mean 'share'?"),
    *(
        ("offer.0.canary", {"run": "x", name: share}, f"offer[0].canary: {name} = {share:g}: expected a share above 0")
        for name in ("share", "differs")
        for share in (0, -0.1, 0.51, 1, 2)
    ),
    ("key.0.name", "canaries", "so the gateway's own account is called"),
]


def changed(where, value):
    """The good file with one value changed, or left out."""
    found = copy.deepcopy(GOOD)
    *path, last = (int(step) if step.isdigit() else step for step in where.split("."))
    inner = found
    for step in path:
        inner = inner[step]
    if value is None:
        inner.pop(last, None) if isinstance(inner, dict) else inner.pop(last)
    else:
        inner[last] = value
    return found


@pytest.mark.parametrize(("where", "value", "told"), WRONG, ids=[f"{where}={value}"[:40] for where, value, _ in WRONG])
def test_wrong_files(where, value, told):
    """One line says where, what was expected, and shows no secret."""
    with pytest.raises(ContentRefused) as error:
        plain(changed(where, value))
    assert told in str(error.value)
    assert "\n" not in str(error.value)
    assert "secret" not in str(error.value)


def test_a_file(tmp_path):
    """TOML is read to the same values; what is wrong in it names the file."""
    file = tmp_path / "offers.toml"
    file.write_text(
        "[[offer]]\nname = 'a'\nmodel = 'm'\ntask = 'qa'\nprotocol = 'openai'\nurl = 'http://h/v1'\n"
        "price = { input = 0.15 }\n[[key]]\nname = 'ada'\nkey_env = 'ADA'\n"
    )
    assert Offers.read(file).offer[0].price == Price(input=0.15)
    file.write_text("[[offer]]\nname = 'a'\n")
    with pytest.raises(ContestError, match=r"offers.toml: key is missing"):
        Offers.read(file)
    file.write_text("[offer]\nname = 'a'\n")
    with pytest.raises(ContestError, match=r"offers.toml: \[offer\] stands there once: write \[\[offer\]\]"):
        Offers.read(file)
    with pytest.raises(DataError, match="does not exist"):
        Offers.read(tmp_path / "none.toml")


NUMBERS = ["price.input", "price.row", "limits.seconds", "seconds", "quality.score", "quality.error", "canary.share"]


@pytest.mark.parametrize("where", NUMBERS)
@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "-1", "1e400", "'many'", "[]"])
def test_odd_numbers(tmp_path, where, value):
    """Each is told in one line, with the file, the place, what is there, and what was expected."""
    file = tmp_path / "offers.toml"
    beside = {"quality": "quality.score = 0.5\nquality.error = 0.1\n", "canary": "canary.run = 'x'\n"}
    lines = "".join(line for line in beside.get(where.partition(".")[0], "").splitlines(True) if where not in line)
    file.write_text(
        "[[offer]]\nname = 'a'\nmodel = 'm'\ntask = 'qa'\nprotocol = 'openai'\nurl = 'http://h/v1'\n"
        f"{lines}{where} = {value}\n[[key]]\nname = 'ada'\nkey_env = 'ADA'\n"
    )
    with pytest.raises(ContestError, match=rf"^offers.toml: offer( 1|\[0\])\.?.*{where.split('.')[-1]}.*") as error:
        Offers.read(file)
    assert "\n" not in str(error.value)
    assert any(word in str(error.value) for word in ("expected", "must be a finite number"))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(st.sampled_from(["name", "url", "price", "input", "quality", "score"]), inner, max_size=3)
        ),
        max_leaves=4,
    ),
    st.sampled_from([where for where, *_ in WRONG]),
)
@settings(max_examples=60)
def test_any_value_anywhere_is_taken_or_told(value, where):
    """Whatever stands at a key, the file is read or refused in one line."""
    told = ""
    try:
        plain(changed(where, value))
    except ContentRefused as error:
        told = str(error)
    assert "\n" not in told


def test_keys_from_the_environment(monkeypatch):
    """A variable that is not set, or holds no key, is named; the value is not."""
    found = plain(GOOD)
    monkeypatch.delenv("ADA", raising=False)
    with pytest.raises(ContestError, match="ADA, which is to hold its key, is not set"):
        _ = found.key[0].digest
    monkeypatch.setenv("ADA", "two words")
    with pytest.raises(ContestError, match="ADA holds no key") as error:
        _ = plain(GOOD).key[0].digest
    assert "two words" not in str(error.value)


@given(st.integers(0, 10**9), st.integers(0, 10**5), st.integers(0, 10**6), st.integers(0, 10**6))
def test_prices_are_exact(price, rows, into, out):
    """Money is counted in whole trillionths: no rounding, whatever is added."""
    found = Price(request=0.1, row=0.001, input=price / 10**6 if price <= 10**5 else 0, output=0.000001)
    rate = price if price <= 10**5 else 0
    assert found.of(rows=rows, tokens_in=into, tokens_out=out) == 10**11 + rows * 10**9 + into * rate + out


@pytest.mark.parametrize(
    ("units", "told"),
    [(0, "0.00"), (10**12, "1.00"), (1, "0.000000000001"), (25 * 10**10, "0.25"), (1234567 * 10**12, "1234567.00")],
)
def test_money(units, told):
    """All decimals that there are, two at least."""
    assert money(units) == told


def test_quality_of_numbers():
    """A share has the noise of a coin; rows say it otherwise, and a standard error is never more than the noise."""
    offer = plain(GOOD).offer[0]
    found = measured(offer, Path())
    assert (found.belief.mean, found.belief.sd, found.metric) == (0.9, 0.01, "accuracy")
    assert found.belief.noise == pytest.approx(0.3)
    rows = measured(
        plain(changed("offer.0.quality", {"score": 5, "error": 0.1, "rows": 400, "metric": "r"})).offer[0], Path()
    )
    assert rows.belief.noise == pytest.approx(2.0)
    assert measured(plain(GOOD).offer[1], Path()) is None


def board():
    """What is read of a run: a line with both metrics on a test part of 60 rows, and one with a cross-validation alone."""
    goals = (Goal(name="log_loss", greater_is_better=False), Goal(name="accuracy", greater_is_better=True))
    tested = Standing(
        entrant=Entrant("logistic", "logistic"),
        metrics={"log_loss": 0.5, "accuracy": 0.9},
        intervals={"log_loss": (0.4, 0.6), "accuracy": (0.8, 0.95)},
        cv_score=Estimate(score=0.7, stderr=0.1),
    )
    unjudged = Standing(entrant=Entrant("bayes", "naive-bayes"), cv_score=Estimate(score=0.7, stderr=0.1))
    problem = SimpleNamespace(metrics=goals, test=SimpleNamespace(rows=60), train=SimpleNamespace(rows=100))
    return SimpleNamespace(
        setup=SimpleNamespace(problem=problem), standings=Standings((tested, unjudged)), default="logistic"
    )


def test_quality_of_a_board(monkeypatch):
    """A line of a run's board: its score on the test part, the error of its interval, and the sign of its metric."""
    from concours.runs.result import Result

    monkeypatch.setattr(Result, "load", lambda path: board())

    def of(**quality):
        return measured(plain(changed("offer.0.quality", {"run": "run", **quality})).offer[0], Path())

    first, named, other = of(), of(metric="accuracy", line="logistic"), of(line="bayes")
    assert (first.belief.mean, first.metric, first.sign) == (-0.5, "log_loss", -1.0)
    assert first.belief.sd == pytest.approx(0.1 / 1.96, rel=1e-3)
    assert first.belief.noise == pytest.approx(first.belief.sd * 60**0.5)
    assert (named.belief.mean, named.metric, named.sign) == (0.9, "accuracy", 1.0)
    assert (other.belief.mean, other.belief.sd, other.belief.noise) == (-0.7, 0.1, 1.0)
    for wrong, told in (
        ({"line": "logistc"}, "did you mean 'logistic'"),
        ({"metric": "f1"}, "no metric 'f1'"),
        ({"line": "bayes", "metric": "accuracy"}, "has no score of accuracy"),
    ):
        with pytest.raises(ContestError, match=told):
            of(**wrong)


TEXT = """
[[offer]]
name = "a"
model = "m"
task = "qa"
protocol = "openai"
url = "http://127.0.0.1:9/v1"
[[key]]
name = "ada"
key_env = "ADA"
"""


@pytest.mark.parametrize(
    ("text", "ada", "told"),
    [
        (None, "k", "offers.toml does not exist"),
        ("[[offer]", "k", "offers.toml is not TOML"),
        (TEXT.replace('"openai"', '"grpc"'), "k", "offers.toml: offer[0].protocol: expected one of openai, oip"),
        (TEXT, "", "key ada: the environment variable ADA, which is to hold its key, is not set"),
        (TEXT + '[gateway]\ndatabase = "mysql://me:secret@h/d"', "k", "mysql://me:***@h/d is no URL of a database"),
        (TEXT + '[gateway]\nadmin_env = "NONE_SUCH"', "k", "gateway: the environment variable NONE_SUCH"),
        (TEXT.replace('task = "qa"', 'task = "qa"\nquality = { run = "none" }'), "k", "none does not exist"),
        (TEXT.replace('task = "qa"', 'task = "qa"\ncanary = { run = "none" }'), "k", "offer a, canary: "),
        (TEXT.replace('task = "qa"', 'task = "qa"\ncanary = { run = "none" }'), "k", "none does not exist"),
        (TEXT.replace("[[key]]", "[[keys]]"), "k", "offers.toml: keys is not known; did you mean 'key'?"),
        (TEXT.replace('task = "qa"', 'task = "qa"\nseconds = nan'), "k", "seconds must be a finite number, got nan"),
        (TEXT, "k", "Address already in use"),
    ],
)
def test_the_program_refuses(tmp_path, monkeypatch, capfd, text, ada, told):
    """One line on standard error and exit code 2, before anything answers; no secret in it."""
    file = tmp_path / "offers.toml"
    if text is not None:
        file.write_text(text)
    monkeypatch.setenv("ADA", ada)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr(sys, "argv", ["concours", "gateway", str(file), "--port", str(taken.getsockname()[1])])
        with pytest.raises(SystemExit) as end:
            main()
    said = capfd.readouterr().err
    assert (end.value.code, said.count("\n"), told in said, "secret" in said) == (2, 1, True, False), said


def test_the_page_names_all_keys():
    """What the file may say stands in its page."""
    page = (Path(__file__).parents[3] / "docs" / "gateway.md").read_text(encoding="utf-8")
    names = {field.name for kind in (Settings, Offer, Price, Limits, Quality, Canary, Key) for field in fields(kind)}
    assert [name for name in sorted(names) if f"`{name}`" not in page] == []
