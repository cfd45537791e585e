"""Language models behind an address in a contest: asked once a row, on the board with what they take, joined, asked anew."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import concours as product
from concours.core.errors import ConcoursError
from concours.core.state import state_file
from concours.runs.ask import ask
from concours.runs.verify import verify
from concours.testing.endpoints import Answer, Asked, Loopback, chat, refusal

pytest.importorskip("httptools")

GOOD, BAD = ("lovely", "superb"), ("awful", "dull")
WEAK = 4
"""Of so many rows a small model gets one wrong."""


def films(rows: int = 60) -> pd.DataFrame:
    """A word says which class it is."""
    words = [(GOOD, BAD)[row % 2][row // 2 % 2] for row in range(rows)]
    texts = [f"film {row} was {word}" for row, word in enumerate(words)]
    return pd.DataFrame({"text": texts, "label": ["good" if word in GOOD else "bad" for word in words]})


def said(asked: Asked) -> str:
    """`big` knows; `small` errs on every fourth film; `mute` says nothing of use."""
    model, number = asked.body["model"], int(asked.question.split("film ")[-1].split()[0])
    good = any(word in asked.question.rsplit("film", 1)[1] for word in GOOD)
    if model == "mute":
        return "I would rather not."
    if model == "small" and number % WEAK == 0:
        good = not good
    return f"It is **{'good' if good else 'bad'}**."


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback(lambda asked: Answer(chat(said(asked), tokens=(20, 5)))) as found:
        yield found


@pytest.fixture(autouse=True)
def answers_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test knows what another was answered."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def contest(server: Loopback, out: Path, *names: str, how: dict[str, Any] | None = None, **more: Any) -> Any:
    price = {"small": {"input": 0.1, "output": 0.5}, "big": {"input": 2.0, "output": 10.0}}
    entrants = [
        product.Entrant(
            name,
            f"openai:{name}",
            {"base_url": server.base_url, **({"price": price[name]} if name in price else {}), **(how or {})},
        )
        for name in names
    ]
    task = product.Task(
        kind="text-classification",
        data=films(),
        target="label",
        text=("text",),
        metrics=("accuracy",),
        split=product.Split(test=0.4, folds=3),
    )
    given = {
        "lineup": "none",
        "engine": "inline",
        "cooperate": ("average", "cascade"),
        "out": out,
        "entrants": entrants,
    }
    return product.Contest(task=task, **(given | more))


def test_it_is_asked_once_a_row_and_stands_with_what_it_takes(server: Loopback, tmp_path: Path) -> None:
    """Not once a fold; tokens, money and requests are those of all rows."""
    result = contest(server, tmp_path / "run", "small", "big").run()
    assert server.count == 2 * 60
    big, small = result.standings["big"], result.standings["small"]
    assert big.score == 1.0
    assert small.score is not None
    assert small.score < 1.0
    assert (big.calls.rows, big.calls.requests, big.calls.kept) == (60, 60, 0)
    assert (big.calls.tokens_in, big.calls.tokens_out) == (1200, 300)
    assert big.calls.money == pytest.approx(60 * (20 * 2.0 + 5 * 10.0) / 1e6)
    assert big.row_money == pytest.approx((20 * 2.0 + 5 * 10.0) / 1e6)
    assert result.standings["average"].row_money == pytest.approx(big.row_money + small.row_money)
    assert big.cv_score.score == 1.0
    again = product.Result.load(result.folder.path)
    assert again.standings["big"].calls == big.calls
    assert "money / 1,000 rows" in str(result.standings)


def test_nothing_is_asked_twice(server: Loopback, tmp_path: Path) -> None:
    """By a resume, by another contest, or with other strategies: what was answered is kept."""
    first = contest(server, tmp_path / "one", "small", "big").run()
    count = server.count
    second = contest(server, tmp_path / "two", "small", "big", cooperate=("vote",)).run()
    assert server.count == count
    assert second.standings["big"].score == first.standings["big"].score
    assert second.standings["big"].calls == first.standings["big"].calls


def test_what_was_asked_can_be_checked_without_asking_again(server: Loopback, tmp_path: Path) -> None:
    """The job yields the same bytes, from what was answered."""
    contest(server, tmp_path / "run", "small", "big").run()
    count = server.count
    assert verify(tmp_path / "run", again=["small"], engine="inline", trust=lambda sentence: True).holds
    assert server.count == count


def test_a_new_question_is_answered_with_what_it_cost(server: Loopback, tmp_path: Path, concours: Any) -> None:
    """By the default, by anyone, and by an alliance, which asks those alone that it needs."""
    result = contest(server, tmp_path / "run", "small", "big").run()
    found = ask(result, "film 99 was superb", model="big")
    assert (found.text, found.model) == ("good", "big")
    assert found.money == pytest.approx((20 * 2.0 + 5 * 10.0) / 1e6)
    assert set(ask(result, "film 98 was dull", model="average").asked) == {"small", "big"}
    code, out, err = concours("ask", str(tmp_path / "run"), "film 97 was awful", "--with", "big")
    assert (code, out) == (0, "bad\n"), err
    assert "big: 20 tokens in, 5 out" in err
    code, out, _ = concours("ask", str(tmp_path / "run"), "film 97 was awful", "--with", "big", "--json")
    assert json.loads(out)["asked"]["big"]["kept"] == 1


def test_examples_are_those_of_other_folds(server: Loopback, tmp_path: Path) -> None:
    """Each question is asked after so many others with their answers, which never are itself."""
    seen: list[list[dict[str, str]]] = []

    def script(asked: Asked) -> Answer:
        seen.append(asked.body["messages"])
        return Answer(chat(said(asked)))

    with Loopback(script) as other:
        contest(other, tmp_path / "run", "big", how={"shots": 2, "system": "Judge films."}).run()
    assert {len(messages) for messages in seen} == {1 + 4 + 1}
    for messages in seen:
        *shown, question = (message["content"] for message in messages if message["role"] == "user")
        assert question not in shown
        assert [message["content"] for message in messages if message["role"] == "assistant"] == [
            "good" if any(word in text for word in GOOD) else "bad" for text in shown
        ]


def test_what_cannot_be_read_is_counted_and_not_wrong_in_silence(server: Loopback, tmp_path: Path) -> None:
    """A board says how many answers came to nothing."""
    result = contest(server, tmp_path / "run", "mute", "big").run()
    assert result.standings["mute"].calls.unparsed == 60
    assert "mute: of 60 answers 60 unparsed" in str(result.standings)


def test_a_prompt_without_columns_is_said_behind_the_question(server: Loopback, tmp_path: Path, notices: Any) -> None:
    """A wish alone is what people type; that it stands there is told."""
    contest(server, tmp_path / "run", "big", how={"prompt": "Think in {{steps}}."}).run(listener=notices)
    asked = {json.loads(content)["messages"][-1]["content"] for _, content in server.requests}
    assert "film 0 was lovely\n\nThink in {steps}.\n\nAnswer with one of these alone: bad, good" in asked
    told = [notice.text for notice in notices.heard if notice.topic == "reading"]
    assert "big: its prompt names no column, so it is said behind the question" in told


def test_samples_are_shares(tmp_path: Path) -> None:
    """What is said twice in three times is what the model holds for most probable."""
    texts = iter(range(10_000))
    with Loopback(lambda asked: Answer(chat("good" if next(texts) % 3 else "bad"))) as server:
        result = contest(server, tmp_path / "run", "small", how={"samples": 3, "at_once": 1}).run()
        assert server.count == 3 * 60
    assert result.standings["small"].calls.requests == 180


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"key_env": "CONCOURS_NO_SUCH_KEY"}, "CONCOURS_NO_SUCH_KEY"),
        ({"base_url": "http://127.0.0.1:9/v1", "tries": 1}, "127.0.0.1:9"),
    ],
)
def test_what_cannot_be_asked_fails_alone_and_says_why(
    how: dict[str, Any], words: str, server: Loopback, tmp_path: Path
) -> None:
    """One line, and all others go on."""
    made = contest(server, tmp_path / "run", "small", how=how)
    result = made.with_options(
        entrants=[*made.entrants, product.Entrant("bayes", "sklearn.naive_bayes:MultinomialNB")]
    ).run()
    line = result.standings["small"]
    assert line.status == "failed"
    assert words in line.reason
    assert "\n" not in line.reason
    assert result.standings["bayes"].score is not None


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"samples": 0}, "samples: 1 at least"),
        ({"temperture": 1.0}, "takes no parameter 'temperture'.*temperature"),
        ({"base_url": "ftp://x"}, "base_url"),
        ({"most_failed": 1.5}, "most_failed"),
        ({"price": {"input": -1}}, "price"),
        ({"key_env": "KEY sha256:0"}, "key_env"),
        ({"chosen": "best"}, "chosen"),
        ({"prompt": "{text"}, "entrant small: .*alone"),
        ({"prompt": "{tekst}"}, "entrant small: .*'tekst'.*text"),
    ],
)
def test_what_is_declared_wrongly_is_told_before_anything(
    how: dict[str, Any], words: str, server: Loopback, tmp_path: Path
) -> None:
    """At the door, not after an hour."""
    with pytest.raises(ConcoursError, match=words):
        contest(server, tmp_path / "run", "small", how=how).run()
    assert server.count == 0


def test_failed_rows_fail_the_entrant_beyond_their_share(tmp_path: Path) -> None:
    """Missing is not wrong: a board of half the rows would lie; a small share may be declared, and is counted."""

    def script(asked: Asked) -> Answer:
        number = int(asked.question.split("film ")[-1].split()[0])
        return Answer(refusal("too long"), status=400) if number == 7 else Answer(chat(said(asked)))

    with Loopback(script) as server:
        strict = contest(server, tmp_path / "strict", "big").run()
        loose = contest(server, tmp_path / "loose", "big", how={"most_failed": 0.1}).run()
    assert "1 of " in strict.standings["big"].reason
    assert "too long" in strict.standings["big"].reason
    assert 'the first of them "film 7 ' in strict.standings["big"].reason
    assert loose.standings["big"].calls.failed == 1


def test_no_key_is_written_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not into the folder, not into the answers."""
    monkeypatch.setenv("A_KEY", "sk-very-secret-7431")
    with Loopback(lambda asked: Answer(chat(said(asked)))) as server:
        contest(server, tmp_path / "run", "small", how={"key_env": "A_KEY"}).run()
        assert server.keys == {"Bearer sk-very-secret-7431"}
    files = [path for path in (*tmp_path.rglob("*"), state_file("answers.sqlite")) if path.is_file()]
    assert len(files) > 5
    assert not [path for path in files if b"sk-very-secret-7431" in path.read_bytes()]


def test_whoever_wrote_a_contest_cannot_send_rows_anywhere_unasked(
    server: Loopback, tmp_path: Path, concours: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address, and the key that is sent there, are asked about as code is."""
    monkeypatch.chdir(tmp_path)
    films().to_csv("films.csv", index=False)
    Path("contest.toml").write_text(
        f"""
[task]
kind = "text-classification"
data = "films.csv"
target = "label"

[compete]
lineup = "none"

[[entrant]]
name = "small"
recipe = "openai:small"
params = {{ base_url = "{server.base_url}", key_env = "HOME" }}
"""
    )
    code, _, err = concours("run contest.toml --engine inline")
    assert code == 2
    assert server.base_url in err
    assert "HOME" in err
    assert server.count == 0


@pytest.mark.parametrize("recipe", ["openai:", "openai:small at http://else.where sha256:0", "openai:a,b"])
def test_a_model_that_could_mislead_who_is_asked_is_refused(recipe: str, server: Loopback, tmp_path: Path) -> None:
    """What is asked about names the address that rows go to, and nothing else."""
    made = contest(server, tmp_path / "run", "small")
    entrant = product.Entrant("small", recipe, {"base_url": server.base_url})
    with pytest.raises(ConcoursError, match="names no model"):
        made.with_options(entrants=[entrant]).run()
    assert server.count == 0


def test_answers_are_for_one_person_alone(server: Loopback, tmp_path: Path) -> None:
    """They hold what was asked."""
    contest(server, tmp_path / "run", "small").run()
    file = state_file("answers.sqlite")
    assert file.stat().st_mode & 0o077 == 0


def test_other_pace_and_prices_ask_nothing_anew(server: Loopback, tmp_path: Path) -> None:
    """Examples hang on the contest alone, so that all models see the same."""
    contest(server, tmp_path / "one", "small", how={"shots": 2}).run()
    count = server.count
    how = {"shots": 2, "at_once": 2, "price": {"input": 9, "output": 9}}
    contest(server, tmp_path / "two", "small", how=how).run()
    assert server.count == count


def test_an_alliance_of_one_without_a_price_has_none(server: Loopback, tmp_path: Path) -> None:
    """Unknown is not nothing."""
    made = contest(server, tmp_path / "run", "small", "big", cooperate=("average",))
    free = product.Entrant("free", "openai:big", {"base_url": server.base_url, "prompt": "{text}?"})
    result = made.with_options(entrants=[*made.entrants, free]).run()
    assert result.standings["average"].row_money is None


def test_one_question_with_choices(tmp_path: Path, concours: Any) -> None:
    """All that is asked is given, as a row."""
    rows = [{"question": f"Is {n} even?", "options": ["yes", "no", "perhaps"], "label": "AB"[n % 2]} for n in range(40)]

    def script(asked: Asked) -> Answer:
        assert "options" not in asked.question
        assert "A. yes" in asked.question
        return Answer(chat(f"({'AB'[int(asked.question.split()[2]) % 2]})"))

    with Loopback(script) as server:
        task = product.Task(
            kind="multiple-choice",
            data=rows,
            options={"question": "question", "choices": "options", "answer": "label"},
            split=product.Split(test=0.25, folds=2),
        )
        entrant = product.Entrant("one", "openai:one", {"base_url": server.base_url})
        product.Contest(
            task=task, entrants=[entrant], lineup="none", engine="inline", cooperate=(), out=tmp_path / "run"
        ).run()
        row = json.dumps({"question": "Is 7 even?", "choices": ["yes", "no"]})
        code, out, err = concours("ask", str(tmp_path / "run"), row, "--with", "one")
        assert (code, out) == (0, "B\n"), err
        code, _, err = concours("ask", str(tmp_path / "run"), "Is 7 even?")
        assert code == 2
        assert '"choices"' in err


def test_limits_hold_over_sessions_and_a_higher_one_goes_on(server: Loopback, tmp_path: Path) -> None:
    """What was answered is kept, and not asked again; the line says what was spent and what to do."""
    made = contest(server, tmp_path / "run", "big", max_requests=25)
    line = made.run().standings["big"]
    assert line.status == "failed"
    assert "25 requests have been sent, and --max-requests is 25" in line.reason
    assert server.count == 25
    assert made.with_options(max_requests=200).run().standings["big"].score == 1.0
    assert server.count == 60


def test_no_money_above_the_limit_is_spent(server: Loopback, tmp_path: Path) -> None:
    """An answer counts at its worst until it has come."""
    price = {"input": 2.0, "output": 10.0}
    most = 0.008
    line = contest(server, tmp_path / "run", "big", how={"max_tokens": 500}, max_cost=most).run().standings["big"]
    assert line.status == "failed"
    assert "--max-cost" in line.reason
    spent = server.count * (20 * price["input"] + 5 * price["output"]) / 1e6
    assert 0 < server.count < 60
    assert spent <= most


def test_what_it_takes_is_told_before_anything_is_asked(server: Loopback, tmp_path: Path, notices: Any) -> None:
    """How many requests and tokens, and about what money."""
    contest(server, tmp_path / "run", "small", "big").run(listener=notices)
    told = [notice.text for notice in notices.heard if notice.topic == "reading"]
    asked = [text for text in told if "requests" in text]
    assert [text.partition(" ")[0] for text in asked] == ["small", "big", "in"]
    assert "big is asked: 60 requests, about" in asked[1]
    assert "30,720 out: about 0.3" in asked[1]
    first = next(place for place, notice in enumerate(notices.heard) if notice.topic == "planned")
    assert all(notices.heard.index(notice) < first for notice in notices.heard if notice.topic == "reading")


def test_prompts_can_be_searched(tmp_path: Path, notices: Any) -> None:
    """By the training part alone; the test part is asked about with the one that is chosen, which is found before."""

    def picky(asked: Asked) -> Answer:
        """It knows only where it is asked politely."""
        good = any(word in asked.question for word in GOOD)
        return Answer(chat("good" if good == ("please" in asked.question) else "bad"))

    prompts = ["Is it good? {text}", "Is it good, please? {text}"]
    with Loopback(picky) as server:
        entrant = product.Entrant(
            "asked", "openai:m", {"base_url": server.base_url}, search={"prompt": {"values": prompts}, "trials": 4}
        )
        result = contest(server, tmp_path / "run", entrants=[entrant], cooperate=()).run(listener=notices)
        line = result.standings["asked"]
        assert line.score == 1.0
        assert result.candidates["asked"].entrant.params["prompt"] == prompts[1]
        assert "the best of" in line.note
        told = [notice.text for notice in notices.heard if notice.topic == "reading"]
        assert any("asked is asked: 132 requests" in text for text in told), told
        asked = [json.loads(body)["messages"][-1]["content"] for _, body in server.requests]
        assert len(asked) == server.count
        tested = {text.split("? ")[1] for text in asked if text.startswith("Is it good,")}
        others = {text.split("? ")[1] for text in asked if text.startswith("Is it good? ")}
        assert len(tested) == 60
        assert len(others) == 36


def test_models_that_know_no_chats_complete_texts(tmp_path: Path) -> None:
    """Messages are one text, with examples before; an answer ends at an empty line, unless somebody says otherwise."""

    def completes(asked: Asked) -> Answer:
        assert asked.path == "/v1/completions"
        text = asked.body["prompt"]
        good = any(word in text.rsplit("film", 1)[1] for word in GOOD)
        choice = {"index": 0, "text": " good" if good else " bad", "finish_reason": "stop"}
        return Answer({"choices": [choice], "usage": {"prompt_tokens": 9, "completion_tokens": 1}})

    with Loopback(completes) as server:
        how = {"route": "completions", "shots": 1, "prompt": "Review: {text}"}
        result = contest(server, tmp_path / "run", "big", how=how, cooperate=()).run()
        assert result.standings["big"].score == 1.0
        body = json.loads(next(iter(server.requests))[1])
    assert re.fullmatch(
        r"Review: film \d+ was \w+\nAnswer: (good|bad)\n\nReview: film \d+ was \w+\nAnswer:", body["prompt"]
    )
    assert body["stop"] == ["\n\n"]


def test_an_object_can_be_asked_for(server: Loopback, tmp_path: Path) -> None:
    """As the address is told; completions of a text know no such form."""
    contest(server, tmp_path / "run", "big", how={"json": True}, cooperate=()).run()
    assert json.loads(next(iter(server.requests))[1])["response_format"] == {"type": "json_object"}
    with pytest.raises(ConcoursError, match="only chats can be asked"):
        contest(server, tmp_path / "no", "big", how={"json": True, "route": "completions"}, cooperate=()).run()
