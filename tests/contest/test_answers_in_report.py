"""What language models answered, side by side in the report of a contest: whole, escaped, and by entrant."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import pytest

import concours as product
from concours.runs.report import write_report
from concours.testing.endpoints import Answer, Asked, Loopback, chat

pytest.importorskip("httptools")

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)> \u202eturned | **bold** `code`"
ROWS = 60
LONG = 3_000_000


def luck(asked: Asked) -> float:
    return int(hashlib.sha256(asked.content + bytes([asked.time])).hexdigest(), 16) % 1000 / 1000


def says(asked: Asked) -> Answer:
    """`large` knows; `small` is right in two of three times; `wild` says what nobody should have to read."""
    number, model = int(re.findall(r"number (\d+)", asked.question)[-1]), asked.body["model"]
    if model == "wild" and number % 5 == 0:
        return Answer(chat(f"{HOSTILE} nothing", tokens=(20, 30)))
    if model == "wild" and number % 7 == 0:
        return Answer(chat("x" * LONG, "length"))
    if model == "wild" and number % 11 == 0:
        return Answer(chat(None, "content_filter"))
    wrong = model == "small" and luck(asked) > 0.66
    return Answer(chat(f"It is {number + 1 + wrong}.", tokens=(20, 4 + wrong)))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[product.Result, dict[str, Any], str]:
    """A contest, what was found of it, and its page."""
    folder = tmp_path_factory.mktemp("answers")
    lines = [
        {"id": f"q{n}", "question": f"What follows number {n}?", "topic": "even" if n % 2 else "odd", "answer": n + 1}
        for n in range(ROWS)
    ]
    (folder / "questions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.MonkeyPatch.context() as patch, Loopback(says) as server:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        how = {"base_url": server.base_url, "price": {"input": 1.0, "output": 2.0}}
        contest = product.Contest(
            task=product.Task(
                kind="question-answering",
                data=str(folder / "questions.jsonl"),
                id="id",
                metrics=("numeric_match",),
                split=product.Split(test=0.5, folds=3),
                options={"question": "question", "answer": "answer", "extract": "last-number"},
            ),
            entrants=[
                product.Entrant("large", "openai:large", how),
                product.Entrant("small", "openai:small", {**how, "samples": 4}),
                product.Entrant("wild", "openai:wild", how),
            ],
            lineup="none",
            cooperate=("average",),
            engine="inline",
            out=folder / "run",
        )
        result = contest.run()
    page = write_report(result, engine="inline").read_text()
    return result, json.loads((folder / "run" / "insights.json").read_text()), page


def test_all_stand_beside_one_another(told: Any) -> None:
    """Whoever is on the board has an answer to each question that is shown, and is told right by the metric."""
    result, insights, page = told
    found = insights["answers"]
    assert insights["missing"] == {}
    assert set(found["names"]) == {line.entrant.name for line in result.standings}
    assert found["by"] == "numeric_match"
    assert len(found["apart"]) == 10
    means = dict(zip(found["names"], found["by_category"]["whole"], strict=True))
    assert means == pytest.approx({line.entrant.name: line.score for line in result.standings}, abs=1e-3)
    assert 'id="answers"' in page
    assert "Asked more than once" in page
    assert {part["column"] for part in found["by_category"]["parts"]} >= {"topic"}


def test_each_sample_is_read_by_the_rule_of_the_task(told: Any) -> None:
    """What is right of four samples is counted one by one, not of their vote."""
    result, insights, _ = told
    (one,) = insights["answers"]["by_samples"].values()
    small = result.standings["small"]
    assert one["samples"] == 4
    assert one["left_out"] == 0
    assert one["steps"][0]["one"][0] < one["steps"][-1]["one"][0]
    assert one["steps"][-1]["majority"][0] == pytest.approx(small.score, abs=0.2)
    assert 0 < one["of_samples"] <= one["stderr"]


def test_failures_have_examples_and_nothing_is_cut_in_silence(told: Any) -> None:
    """Cut off, refused and unparsed answers of the rows that judge are counted as the board's rows are."""
    _, insights, page = told
    found = insights["answers"]
    vain = {found["names"][int(place)]: one for place, one in found["in_vain"].items()}
    assert set(vain) == {"large", "small", "wild"}
    assert sum(vain["large"]["counts"].values()) == 0
    assert vain["wild"]["counts"]["cut"] > 0
    cut = [one for one in vain["wild"]["examples"] if one["status"] == "cut"]
    assert cut[0]["said"]["left_out"] == LONG - 2000
    assert f"[{LONG - 2000:,} characters are left out here]" in page


def test_what_models_say_is_text_and_nothing_else(told: Any) -> None:
    """No tag, no turned line, no request; and what is large stays out of `result.json`."""
    result, insights, page = told
    assert "<script>" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "\u202e" not in page
    assert "\\u202eturned" in page
    assert "alert(1)" not in (result.folder.path / "result.json").read_text()
    assert len(json.dumps(insights)) < 500_000
    text = write_report(result, format="md", engine="inline").read_text()
    assert "\u202e" not in text
    assert "**row " in text


def test_looking_again_finds_the_same_without_asking(told: Any) -> None:
    """The server is gone; what is known is kept."""
    result, insights, _ = told
    write_report(product.Result.load(result.folder.path), engine="inline", trust=lambda sentence: True)
    assert json.loads((result.folder.path / "insights.json").read_text())["answers"] == insights["answers"]
