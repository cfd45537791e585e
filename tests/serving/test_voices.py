"""Members of an alliance that others run: asked at the same time, each once, within a deadline."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from concours import Contest, Entrant, Result, Split, Task
from concours.core.errors import ConcoursError
from concours.runs.predict import asked_of_models
from concours.serving.crew import crewed
from concours.serving.model import Served
from concours.testing.endpoints import Answer, Asked, Loopback, chat, refusal

pytest.importorskip("httptools")


def script(asked: Asked) -> Answer:
    """Answers after a while; of `two` much later where a question is hard, and not at all where it is wrong."""
    two = asked.body["model"] == "two"
    if two and "wrong" in asked.question:
        return Answer(refusal("no"), status=400)
    return Answer(chat("4"), delay_s=5.0 if two and "hard" in asked.question else 0.2)


@pytest.fixture(scope="module")
def address() -> Iterator[Loopback]:
    with Loopback(script) as server:
        yield server


@pytest.fixture(scope="module")
def alliance(tmp_path_factory: pytest.TempPathFactory, address: Loopback) -> Served:
    """Of two models at an address."""
    out: Path = tmp_path_factory.mktemp("voices") / "run"
    rows = [{"question": f"What is {n} and {n}?", "answer": str(2 * n)} for n in range(12)]
    options = {"question": "question", "answer": "answer"}
    task = Task(kind="question-answering", data=rows, options=options, split=Split(test=0.3, folds=2))
    entrants = tuple(Entrant(name, f"openai:{name}", {"base_url": address.base_url}) for name in ("one", "two"))
    Contest(task=task, entrants=entrants, lineup="none", engine="inline", out=out, cooperate=("majority",)).run()
    result = Result.load(out)
    name = next(c.entrant.name for c in result.candidates.values() if c.entrant.joint)
    return Served.of(result, name, frozenset(asked_of_models(result, [name])))


def asked(served: Served, question: str) -> Any:
    return served.read(pa.table({"question": [question]}), print)


def test_they_are_asked_at_the_same_time(alliance: Served, address: Loopback) -> None:
    """Each once; the answer is that of one after the other."""
    together, note = crewed(alliance, 1)
    assert note.endswith("its 2 members are asked at the same time")
    address.most_at_once, before = 0, address.count
    known = alliance.predict(asked(alliance, "What is 20 and 20?"))
    assert (address.most_at_once, address.count - before) == (1, 2)
    said = together.predict(asked(alliance, "What is 20 and 20, again?"))
    assert (address.most_at_once, address.count - before) == (2, 4)
    assert said.equals(known)


def test_a_deadline_takes_who_has_answered(alliance: Served) -> None:
    """And says who; where none has, the first who does is waited for."""
    together, _ = crewed(alliance, 1)
    for seconds, question in ((1.5, "a hard one"), (1e-9, "another hard one")):
        said, lacks = together.predict_within(asked(alliance, question), seconds)
        assert lacks == "1 of 2 members answered in time: one"
        assert said.equals(together.predict(asked(alliance, "What is 2 and 2?")))


def test_what_a_member_refuses_is_said_as_of_one_after_the_other(alliance: Served, address: Loopback) -> None:
    """In the same words, and nobody is asked twice for it."""
    together, _ = crewed(alliance, 1)
    with pytest.raises(ConcoursError) as known:
        alliance.predict(asked(alliance, "a wrong one"))
    before = address.count
    with pytest.raises(ConcoursError) as found:
        together.predict(asked(alliance, "a wrong one"))
    assert str(found.value) == str(known.value)
    assert address.count - before <= 2
