"""Mixtures and debates in a contest: a line each, with what they cost; asked once, within limits, and of new rows."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import concours as product
from concours.core.errors import ContestError
from concours.runs.ask import ask
from concours.runs.verify import verify
from concours.testing.endpoints import Answer, Asked, Loopback, chat

pytest.importorskip("httptools")

ROWS, TESTED = 40, 10
GOOD = {"large": 80, "small": 60}


def questions() -> pd.DataFrame:
    pairs = [(row % 7 + 2, row % 5 + 3) for row in range(ROWS)]
    return pd.DataFrame(
        {
            "question": [f"What is {one} times {other}, case {row}?" for row, (one, other) in enumerate(pairs)],
            "answer": [one * other for one, other in pairs],
        }
    )


def says(asked: Asked) -> Answer:
    """Alone each is right so often; who reads others takes the right answer if somebody has it."""
    model, said = asked.body["model"], asked.question
    one, other, case = map(int, re.search(r"What is (\d+) times (\d+), case (\d+)", said).groups())  # type: ignore[union-attr]
    luck = int(hashlib.sha256(f"{model} {case}".encode()).hexdigest(), 16) % 100
    heard = [int(text) for text in re.findall(r"\[answer \d+\]\n(\d+)", said)]
    right = one * other
    if right in heard or luck < GOOD[model]:
        return Answer(chat(f"It is {right}.", tokens=(20, 5)))
    return Answer(chat(f"It is {right + 1 + luck % 2}.", tokens=(20, 5)))


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback(says) as found:
        yield found


@pytest.fixture(autouse=True)
def answers_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test knows what another was answered."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def contest(server: Loopback, out: Path, *ways: Any, **more: Any) -> Any:
    entrants = [
        product.Entrant(
            name, f"openai:{name}", {"base_url": server.base_url, "price": {"input": price, "output": price}}
        )
        for name, price in (("small", 1.0), ("large", 10.0))
    ]
    task = product.Task(
        kind="question-answering",
        data=questions(),
        metrics=("numeric_match",),
        split=product.Split(test=TESTED / ROWS, folds=3),
        options={"question": "question", "answer": "answer", "extract": "last-number"},
    )
    given = {"lineup": "none", "engine": "inline", "cooperate": ways, "out": out, "entrants": entrants}
    return product.Contest(task=task, **(given | more))


@pytest.mark.parametrize("way", ["mixture", "debate"])
def test_it_stands_on_the_board_with_its_own_cost(server: Loopback, tmp_path: Path, way: str) -> None:
    """Beside what members take; of new questions it asks as it did, and says what that took."""
    result = contest(server, tmp_path / "run", way).run()
    line, members = result.standings[way], [result.standings[name] for name in ("small", "large")]
    assert line.score >= max(member.score for member in members)
    assert line.cv_score.score > max(member.cv_score.score for member in members)
    assert line.calls.rows == ROWS
    assert server.count == 2 * ROWS + line.calls.requests
    assert line.row_money == pytest.approx(sum(m.row_money for m in members) + line.calls.money / ROWS)
    assert any("is not found out, since all would have to be asked anew" in text for text in result.warnings)
    count = server.count
    found = ask(result, "What is 8 times 9, case 777?", model=way)
    assert found.text == "72"
    assert server.count - count == sum(calls.requests for calls in found.asked.values())
    assert found.asked.keys() == {"small", "large"}


def test_who_joins_a_talk_pays_for_it(server: Loopback, tmp_path: Path) -> None:
    """What a talk asks of its own is counted where it is a member, once in whichever ways it is reached; and who is in it has no share."""
    mean = {"name": "mean", "how": "average", "of": ["mixture", "small"]}
    twice = {"name": "twice", "how": "average", "of": ["mean", "mixture"]}
    result = contest(server, tmp_path / "run", "mixture", mean, twice).run()
    assert result.credit["mean"].singles == {"small": None, "large": None}
    for name in ("mean", "twice"):
        assert result.standings[name].row_money == pytest.approx(result.standings["mixture"].row_money)


def test_nothing_is_asked_twice(server: Loopback, tmp_path: Path) -> None:
    """Of another contest, nor where the same is done again to see whether it is so."""
    first = contest(server, tmp_path / "one", "mixture", "debate").run()
    count = server.count
    second = contest(server, tmp_path / "two", "debate", "mixture").run()
    assert server.count == count
    assert [second.standings[name].score for name in ("mixture", "debate")] == [
        first.standings[name].score for name in ("mixture", "debate")
    ]
    assert verify(tmp_path / "one", again=["mixture"], engine="inline", trust=lambda sentence: True).holds
    assert server.count == count


def test_where_what_may_be_spent_is_short_the_test_part_comes_first(server: Loopback, tmp_path: Path) -> None:
    """Then it stands by that alone, says why, and joins nothing; limits hold. With a higher one it goes on."""
    whole = contest(server, tmp_path / "whole", "debate").run()
    spent, own = server.count, whole.standings["debate"].calls.requests
    with Loopback(says) as other:
        result = contest(other, tmp_path / "run", "debate", max_requests=spent - own // 3).run()
        line = result.standings["debate"]
        assert line.status == "test_only"
        assert "--max-requests" in line.reason
        assert line.score == whole.standings["debate"].score
        assert other.count == spent - own // 3
        assert result.default != "debate"
        again = contest(other, tmp_path / "run", "debate").run()
        assert again.standings["debate"].cv_score == whole.standings["debate"].cv_score
        assert other.count == spent


def test_a_talk_that_failed_is_no_alliance(server: Loopback, tmp_path: Path) -> None:
    """Where not even the test part can be asked about its line says why, and nobody is said to be joined."""
    result = contest(server, tmp_path / "run", "debate", max_requests=2 * ROWS).run()
    assert result.standings["debate"].status == "failed"
    assert "--max-requests" in result.standings["debate"].reason
    assert result.alliances == {}


def test_it_is_told_before_how_much_a_talk_may_ask(server: Loopback, tmp_path: Path, notices: Any) -> None:
    """At most; of whom can be asked among its members."""
    table = {"name": "long", "how": "debate", "of": ["small", "large"], "rounds": 3}
    contest(server, tmp_path / "run", "mixture", table).run(listener=notices)
    told = [notice.text for notice in notices.heard if notice.topic == "reading"]
    assert f"mixture asks besides, where its members differ: {ROWS} requests at most" in told
    assert f"long asks besides, where its members differ: {ROWS * 2 * 3} requests at most" in told


def test_rounds_are_a_key_of_a_strategy(server: Loopback, tmp_path: Path) -> None:
    """For those ways alone; and files of predictions take part in a talk, but not alone."""
    table = {"name": "long", "how": "mixture", "of": ["small", "large"], "rounds": 3}
    result = contest(server, tmp_path / "run", table).run()
    assert result.candidates["long"].entrant.joint.artifacts["rounds"] == 3
    wrong = {"name": "mean", "how": "average", "of": ["small", "large"], "rounds": 3}
    with pytest.raises(ContestError, match="rounds are for 'mixture' or 'debate'"):
        contest(server, tmp_path / "wrong", wrong).run()
    fitted = contest(server, tmp_path / "fitted", "mixture", entrants=[], lineup="fast").run()
    assert any("nobody among those it joins is a language model" in text for text in fitted.warnings)
