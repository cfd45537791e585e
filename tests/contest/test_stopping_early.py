"""Language models that are asked until their ranks are settled: fewer rows are paid for, and those alone count."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

import concours as product
from concours.core.errors import ContestError
from concours.runs.report import write_report
from concours.runs.verify import verify
from concours.testing.endpoints import Answer, Asked, Loopback, chat

pytest.importorskip("httptools")

TRAIN, TEST = 30, 400
OFTEN = {"large": 1.0, "small": 0.6, "twin": 0.6, "poor": 0.2}


def says(asked: Asked) -> Answer:
    """A model is right as often as it is, whatever is asked when."""
    number, model = int(re.findall(r"number (\d+)", asked.question)[-1]), asked.body["model"]
    luck = int(hashlib.sha256(f"{model} {number}".encode()).hexdigest(), 16) % 1000 / 1000
    return Answer(chat(f"It is {number + 1 + (luck >= OFTEN[model])}.", tokens=(20, 5)))


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with Loopback(says) as found:
        yield found


def contest(server: Loopback, folder: Path, *names: str, **more: Any) -> product.Contest:
    for name, begin, rows in (("train", 0, TRAIN), ("test", TRAIN, TEST)):
        lines = [
            {"question": f"What follows number {n}?", "passage": f"p{n // 4}", "answer": n + 1}
            for n in range(begin, begin + rows)
        ]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    split = more.pop("split", product.Split(folds=3))
    task = product.Task(
        kind="question-answering",
        data=str(folder / "train.jsonl"),
        test=str(folder / "test.jsonl"),
        metrics=("numeric_match",),
        split=split,
        options={"question": "question", "answer": "answer", "extract": "last-number"},
    )
    how = {"base_url": server.base_url, "price": {"input": 1.0, "output": 1.0}, "max_tokens": 5}
    given: dict[str, Any] = {"lineup": "none", "cooperate": ("average",), "engine": "inline", "out": folder / "run"}
    entrants = [product.Entrant(name, f"openai:{name}", how) for name in names]
    return product.Contest(task=task, entrants=entrants, **(given | more))


def test_it_stops_when_all_ranks_are_certain(server: Loopback, tmp_path: Path, notices: Any) -> None:
    """Each is asked about the training part and the rows of the last look, once; the board is of these alone."""
    made = contest(server, tmp_path, "large", "small", "poor", stop="ranks separate")
    result = made.run(listener=notices)
    looked = result.looked
    assert looked is not None
    rows = looked.part.rows
    assert looked.settled
    assert 50 <= rows < TEST
    assert server.count == 3 * (TRAIN + rows)
    assert result.setup.problem.test.rows == rows
    assert f"{rows} to judge by" in result.headline
    assert [result.standings[name].rank for name in ("large", "small", "poor")] == sorted(
        result.standings[name].rank for name in ("large", "small", "poor")
    )
    assert result.standings["large"].calls.rows == TRAIN + rows
    assert any(f"{rows} of {TEST} rows judge" in warning for warning in result.warnings)
    assert any("are asked about, until all ranks are certain" in notice.text for notice in notices.heard)
    value = json.loads((result.folder.path / "result.json").read_text())
    assert value["task"]["rows_test"] == rows
    again = product.Result.load(result.folder.path)
    assert (again.looked, again.setup.problem.digest) == (looked, result.setup.problem.digest)
    assert verify(result.folder.path).holds
    page = write_report(again, engine="inline", trust=lambda sentence: True).read_text()
    assert f"{rows} of {TEST} rows judge" in page
    count = server.count
    assert made.run().digest == result.digest
    assert server.count == count


def test_equals_are_asked_about_all_and_the_best_may_be_certain_before(server: Loopback, tmp_path: Path) -> None:
    """Two that are alike are never separate, but one can be better than both."""
    names = ("large", "small", "twin")
    best = contest(server, tmp_path, *names, stop="best separates").run()
    assert best.looked is not None
    assert best.looked.settled
    assert best.standings["large"].rank_worst <= 2  # the alliance, made afterwards, may be as good
    assert best.looked.part.rows < TEST
    all_of_it = contest(server, tmp_path, *names, stop="ranks separate", out=tmp_path / "all").run()
    assert all_of_it.looked is not None
    assert (all_of_it.looked.part.rows, all_of_it.looked.settled) == (TEST, False)


def test_intervals_allow_for_the_looks(server: Loopback, tmp_path: Path) -> None:
    """On the same rows, what was looked at as it came is less sure than what was looked at once."""
    early = contest(server, tmp_path, "small", "twin", stop="ranks separate", cooperate=()).run()
    once = contest(server, tmp_path, "small", "twin", cooperate=(), out=tmp_path / "once").run()
    assert early.setup.problem.test.rows == once.setup.problem.test.rows == TEST
    for name in ("small", "twin"):
        wide, narrow = early.standings[name], once.standings[name]
        assert wide.score == narrow.score
        assert wide.ci[0] < narrow.ci[0] < narrow.ci[1] < wide.ci[1]


def test_where_the_money_ends_the_last_whole_look_counts(server: Loopback, tmp_path: Path) -> None:
    """What was asked of some alone counts nowhere; with more money the same contest goes on from there."""
    made = contest(server, tmp_path, "small", "twin", stop="ranks separate", max_requests=2 * (TRAIN + 100))
    result = made.run()
    assert result.looked is not None
    assert result.looked.part.rows == 75
    assert not result.looked.settled
    assert "requests" in result.looked.cut_short
    assert result.standings["small"].score is not None
    spent = server.count
    assert spent <= 2 * (TRAIN + 100)
    assert verify(result.folder.path).holds
    more = made.with_options(max_requests=2 * (TRAIN + 180)).run()
    assert more.looked is not None
    assert more.looked.part.rows == 169
    assert server.count <= 2 * (TRAIN + 180)


def test_passages_are_asked_about_as_a_whole(server: Loopback, tmp_path: Path) -> None:
    """No group lies on both sides of a portion."""
    split = product.Split(folds=3, group="passage")
    result = contest(server, tmp_path, "large", "poor", stop="ranks separate", split=split).run()
    assert result.looked is not None
    assert result.looked.part.groups is not None
    assert result.looked.part.rows % 2 == 0
    assert result.looked.settled


@pytest.mark.parametrize(
    ("names", "more", "words"),
    [
        (("large",), {}, "two entrants that are asked in words"),
        (("large", "small"), {"stop": "soon"}, "must be one of best separates, ranks separate"),
    ],
)
def test_where_it_has_no_meaning_it_is_refused(
    names: tuple[str, ...], more: dict[str, Any], words: str, server: Loopback, tmp_path: Path
) -> None:
    """Before anything is asked."""
    with pytest.raises(ContestError, match=words):
        contest(server, tmp_path, *names, **({"stop": "ranks separate"} | more)).run()
    assert server.count == 0
