"""Choices made by log-probabilities in whole contests: of models behind an address, and of one in a folder."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import concours as product
from concours.core.errors import ConcoursError
from concours.testing.endpoints import Answer, Asked, Loopback, chat

pytest.importorskip("httptools")

RIGHT = "lake"


def rows(count: int = 24) -> list[dict[str, Any]]:
    """One of three words is right, at changing places; some rows have four choices."""
    found = []
    for number in range(count):
        options = ["sun", "hill", *(["wind"] if number % 4 == 0 else [])]
        options.insert(number % 3, RIGHT)
        found.append({"question": f"Where is fish {number}?", "options": options, "label": "ABCD"[number % 3]})
    return found


@pytest.fixture(autouse=True)
def answers_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test knows what another was answered."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def contest(out: Path, recipe: str, **how: Any) -> Any:
    task = product.Task(
        kind="multiple-choice",
        data=rows(),
        options={"question": "question", "choices": "options", "answer": "label"},
        split=product.Split(test=0.25, folds=2),
    )
    entrant = product.Entrant("one", recipe, how)
    return product.Contest(task=task, entrants=[entrant], lineup="none", engine="inline", cooperate=(), out=out)


def shown(question: str) -> dict[str, str]:
    """The choices of a prompt by their letters."""
    lines = (line.split(". ") for line in question.splitlines() if line[1:2] == ".")
    return dict(lines)


def of_letters(asked: Asked, told: Callable[[dict[str, str]], dict[str, float]]) -> Answer:
    """A chat with the probabilities of some tokens."""
    numbers = told(shown(asked.question))
    top = [{"token": token, "logprob": math.log(number)} for token, number in numbers.items()]
    document = chat(max(numbers, key=lambda token: numbers[token]), finish="length")
    document["choices"][0]["logprobs"] = {"content": [{**top[0], "top_logprobs": top}]}
    return Answer(document)


def echoed(asked: Asked) -> Answer:
    """A completion that gives back what it was sent, word by word; the right word is the likeliest."""
    words, tokens = asked.body["prompt"].split(" "), list[str]()
    for place, word in enumerate([*words, "and"]):
        tokens.append(word if place == 0 else f" {word}")
    numbers: list[float | None] = [None, *(-1.0 if RIGHT in token else -2.0 for token in tokens[1:])]
    choice = {
        "index": 0,
        "text": "".join(tokens),
        "finish_reason": "length",
        "logprobs": {"tokens": tokens, "token_logprobs": numbers, "top_logprobs": None},
    }
    return Answer({"choices": [choice], "usage": {"prompt_tokens": len(words), "completion_tokens": 1}})


def test_letters_are_asked_in_every_rotation(tmp_path: Path) -> None:
    """Each choice stands once at each letter, and what is told of it is averaged."""

    def script(asked: Asked) -> Answer:
        return of_letters(asked, lambda of: {letter: 0.6 if text == RIGHT else 0.1 for letter, text in of.items()})

    with Loopback(script) as server:
        result = contest(tmp_path / "run", "openai:one", base_url=server.base_url, by="letter").run()
        assert server.count == 18 * 3 + 6 * 4
    line = result.standings["one"]
    assert line.score == 1.0
    assert (line.calls.rows, line.calls.requests, line.calls.cut, line.calls.unparsed) == (24, 78, 0, 0)


def test_who_names_one_letter_whatever_is_asked_is_not_above_chance(tmp_path: Path) -> None:
    """In the words and by the letters: rotated, it holds all choices for equally probable."""
    with Loopback(lambda asked: of_letters(asked, lambda of: {"A": 0.9, " B": 0.05})) as server:
        for number, how in enumerate(({"by": "letter"}, {"rotate": True})):
            line = contest(tmp_path / str(number), "openai:one", base_url=server.base_url, **how).run()
            assert line.standings["one"].score == pytest.approx(line.standings["even"].score)


def test_texts_of_choices_are_scored_where_the_address_echoes(tmp_path: Path) -> None:
    """Only what stands behind the question counts, and no template is put around it."""
    with Loopback(echoed) as server:
        result = contest(tmp_path / "run", "openai:one", base_url=server.base_url, by="sum").run()
        bodies = [asked for asked, _ in server.requests]
    assert set(bodies) == {"/v1/completions"}
    assert result.standings["one"].score == 1.0
    assert result.standings["one"].calls.requests == 18 * 3 + 6 * 4


def test_pmi_asks_what_is_probable_without_a_question_once(tmp_path: Path) -> None:
    """The same choice behind the same words is one request, however many rows have it."""
    with Loopback(echoed) as server:
        contest(tmp_path / "run", "openai:one", base_url=server.base_url, by="pmi").run()
        assert server.count == 18 * 3 + 6 * 4 + 4


def test_an_echo_is_checked(tmp_path: Path) -> None:
    """A server that takes no notice of `echo` is found out by the first request, and told in one line."""

    def script(asked: Asked) -> Answer:
        return Answer({"choices": [{"index": 0, "text": " yes", "finish_reason": "length", "logprobs": None}]})

    with Loopback(script) as server:
        line = contest(tmp_path / "run", "openai:one", base_url=server.base_url, by="bytes").run().standings["one"]
        assert server.count == 1
    assert line.status == "failed"
    assert "does not give back what it is sent (echo)" in line.reason
    assert 'by = "letter"' in line.reason


def test_an_address_without_probabilities_is_told(tmp_path: Path) -> None:
    """And what can be asked of it instead."""
    with Loopback(lambda asked: Answer(chat("A"))) as server:
        line = contest(tmp_path / "run", "openai:one", base_url=server.base_url, by="letter").run().standings["one"]
        assert server.count == 1
    assert "top_logprobs" in line.reason
    assert "rotate = true" in line.reason


def test_examples_of_texts_are_texts(tmp_path: Path) -> None:
    """What is shown before a question goes on as the choices do."""
    texts: list[str] = []

    def script(asked: Asked) -> Answer:
        texts.append(asked.body["prompt"])
        return echoed(asked)

    with Loopback(script) as server:
        contest(tmp_path / "run", "openai:one", base_url=server.base_url, by="characters", shots=1).run()
    assert all(text.count(f"Answer: {RIGHT}\n\nQuestion: Where") == 1 for text in texts)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"by": "sum", "rotate": True}, "rotate: by = 'sum' shows no letters"),
        ({"by": "letter", "samples": 3}, "samples: by = 'letter'"),
        ({"by": "guess"}, "one of said, letter, sum, characters, bytes, pmi"),
        ({"by": "pmi", "prompt": "{question}"}, 'entrant one: by = "pmi" compares'),
    ],
)
def test_what_is_declared_wrongly_is_told_before_anything(how: dict[str, Any], words: str, tmp_path: Path) -> None:
    """At the door."""
    with Loopback(echoed) as server:
        with pytest.raises(ConcoursError, match=words):
            contest(tmp_path / "run", "openai:one", base_url=server.base_url, **how).run()
        assert server.count == 0


def test_answers_without_choices_are_not_chosen(tmp_path: Path) -> None:
    """`by` is for choices."""
    task = product.Task(
        kind="question-answering",
        data=[{"question": f"{n}?", "answer": n} for n in range(20)],
        options={"question": "question", "answer": "answer"},
    )
    entrant = product.Entrant("one", "openai:one", {"base_url": "http://127.0.0.1:9/v1", "by": "sum"})
    made = product.Contest(task=task, entrants=[entrant], lineup="none", engine="inline", out=tmp_path / "run")
    with pytest.raises(ConcoursError, match="entrant one: by and rotate say how one of several choices is made"):
        made.run()


@pytest.mark.parametrize("how", [{"by": "sum"}, {"by": "letter"}, {"max_tokens": 4, "shots": 1}])
def test_a_model_in_a_folder_stands_on_the_board(
    how: dict[str, Any], tiny: Path, tmp_path: Path, concours: Any
) -> None:
    """With tokens and seconds, without money; and it answers new rows, without being asked anything twice."""
    result = contest(tmp_path / "run", f"transformers:{tiny}", **how).run()
    line = result.standings["one"]
    assert line.status == "ok", line.reason
    assert line.calls.tokens_in > 0
    assert line.calls.money is None
    assert line.calls.rows == 24
    again = contest(tmp_path / "again", f"transformers:{tiny}", **how, batch=3).run()
    assert again.standings["one"].score == line.score
    assert str(tiny.parent) not in (tmp_path / "run" / "setup.json").read_text()
    assert not [file for file in (tmp_path / "run" / "store").rglob("*") if file.stat().st_size > 50_000]
    row = '{"question": "Where is fish 0?", "choices": ["lake", "sun"]}'
    code, out, err = concours("ask", str(tmp_path / "run"), row, "--with", "one")
    assert code == 0, err
    assert out.strip() in ("A", "B", "")
