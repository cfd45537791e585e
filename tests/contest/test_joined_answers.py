"""Answers in words that are joined by calls: cascades and selections on the board, in new questions, in credit."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import concours as product
from concours.core.errors import ContestError
from concours.core.job import Job
from concours.engine.prediction import Predictor
from concours.engine.rows import first_division, get_rows, take_rows
from concours.engine.runners import RUNNERS
from concours.engine.turns import Confidence, in_turn
from concours.engine.worded import as_one_text
from concours.report.lines import Report
from concours.report.page import render_report
from concours.report.sections.trades import trades_section
from concours.runs.ask import ask
from concours.runs.predict import predict
from concours.runs.result import Result
from concours.runs.verify import verify
from concours.stores.blobs import put_array, put_texts
from concours.stores.memory import MemoryStore
from concours.stores.values import get_values, put_values
from concours.tasks.outputs.answer import Answer as Answers
from concours.tasks.outputs.table import output_valued
from concours.testing.endpoints import Answer, Asked, Loopback, chat

pytest.importorskip("httptools")

PRICES = {"tiny": 0.1, "small": 0.2, "big": 4.0}
RIGHT = {"tiny": 0.6, "small": 0.7, "big": 0.97}
MONEY = {name: (20 * price + 5 * price) / 1e6 for name, price in PRICES.items()}
SPENDING = {"name": "spending", "how": "cascade", "of": list(PRICES), "budget": 0.6 * MONEY["big"]}
TOP = {"name": "top", "how": "majority", "of": ["cascade", "small"]}


def sums(rows: int, first: int = 0) -> list[dict[str, Any]]:
    return [
        {"id": i, "question": f"What is {i} and {i * 7 % 31}?", "answer": i + i * 7 % 31}
        for i in range(first, first + rows)
    ]


def said(asked: Asked) -> str:
    """Right by luck, which hangs on question and model alone; who errs says something of its own."""
    one, other = map(int, re.findall(r"\d+", asked.question)[-2:])
    luck = random.Random(f"{asked.body['model']} {one}")
    wrong = luck.random() > RIGHT[asked.body["model"]]
    return f"I think of {one}. It is {one + other + wrong * luck.randint(1, 40)}"


def script(asked: Asked) -> Answer:
    return Answer(chat(said(asked), tokens=(20, 5)))


@pytest.fixture(scope="module")
def server() -> Iterator[Loopback]:
    with Loopback(script) as found:
        yield found


@pytest.fixture(scope="module", autouse=True)
def answers_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test of others knows what was answered here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


def contest(server: Loopback, folder: Path, *strategies: Any, test: float = 0.4, folds: int = 4, **more: Any) -> Any:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sums.jsonl").write_text("\n".join(map(json.dumps, sums(300))))
    entrants = [
        product.Entrant(
            name, f"openai:{name}", {"base_url": server.base_url, "price": {"input": price, "output": price}}
        )
        for name, price in PRICES.items()
    ]
    task = product.Task(
        kind="question-answering",
        data=str(folder / "sums.jsonl"),
        metrics=("numeric_match",),
        split=product.Split(test=test, folds=folds),
        id="id",
        options={"question": "question", "answer": "answer", "extract": "last-number"},
    )
    given = {"lineup": "none", "engine": "inline", "cooperate": strategies, "entrants": entrants}
    return product.Contest(task=task, out=folder / "run", **(given | more))


STRATEGIES = ("cascade", "select", SPENDING, TOP)


@pytest.fixture(scope="module")
def result(server: Loopback, tmp_path_factory: pytest.TempPathFactory) -> Result:
    found: Result = contest(server, tmp_path_factory.mktemp("sums"), *STRATEGIES).run()
    return found


def test_a_cascade_stands_on_the_board_and_saves(result: Result) -> None:
    """The dear one is asked where the cheap ones differ; what it takes is the money of those who are asked."""
    alliance, line, big = result.alliances["cascade"], result.standings["cascade"], result.standings["big"]
    assert alliance.asked["small"] == 1.0
    assert 0.2 < alliance.asked["big"] < 0.8
    assert line.row_money == pytest.approx(sum(MONEY[name] * share for name, share in alliance.asked.items()))
    assert line.row_money < 0.85 * MONEY["big"]
    assert line.cv_score.score > big.cv_score.score - 2 * big.cv_score.stderr
    assert Result.load(result.folder.path).alliances == result.alliances


def test_who_only_is_heard_is_asked_too(result: Result) -> None:
    """The first has no agreement, so that it answers nothing, and yet is no idle member."""
    alliance = result.alliances["cascade"]
    assert alliance.asked["tiny"] == 1.0
    assert alliance.weights["tiny"] < 0.3
    assert result.candidates["cascade"].entrant.joint.needs.parents == tuple(
        result.candidates[name].entrant.digest for name in PRICES
    )


def test_a_budget_is_kept(result: Result) -> None:
    """On the rows by which it was chosen exactly, on others about."""
    spending = result.alliances["spending"]
    assert sum(MONEY[name] * share for name, share in spending.asked.items()) <= SPENDING["budget"] * (1 + 1e-9)
    assert result.standings["spending"].row_money > 0.7 * SPENDING["budget"]
    assert spending.chosen[1] == pytest.approx(result.standings["spending"].row_money)


def test_a_selection_is_of_all_answers(result: Result) -> None:
    """Shares of rows are its weights, and it costs what all members cost."""
    alliance = result.alliances["select"]
    assert sum(alliance.weights.values()) == pytest.approx(1)
    assert alliance.weights["big"] > 0.5
    assert result.standings["select"].row_money == pytest.approx(sum(MONEY.values()))
    assert result.standings["select"].cv_score.score >= result.standings["big"].cv_score.score - 0.01


def test_predicting_asks_about_the_rows_that_need_it_alone(tmp_path: Path) -> None:
    """Each model gets as many new questions as those before left to it, each once."""
    asked = Counter[str]()

    def counted(request: Asked) -> Answer:
        asked[request.body["model"]] += 1
        return script(request)

    with Loopback(counted) as other:
        made = contest(other, tmp_path, "cascade", "select").run()
        assert asked == dict.fromkeys(PRICES, 300)
        asked.clear()
        rows = sums(200, first=1000)
        (tmp_path / "new.jsonl").write_text("\n".join(json.dumps({k: r[k] for k in ("id", "question")}) for r in rows))
        told = predict(made, str(tmp_path / "new.jsonl"), model="cascade")
        assert len(told) == 200
        assert asked["tiny"] == asked["small"] == 200
        assert asked["big"] == pytest.approx(200 * made.alliances["cascade"].asked["big"], abs=30)
        before = asked.copy()
        predict(made, str(tmp_path / "new.jsonl"), model="select")
        assert asked == before | {"big": 200}


@pytest.mark.parametrize("name", ["cascade", "select", "spending", "top"])
def test_new_rows_are_predicted_as_the_board_says(result: Result, name: str) -> None:
    """By who is asked, of the same rows, wherever it stands in the tower."""
    store = result.folder.store
    x = get_rows(store, result.setup.problem.test.x)
    known = {c.entrant.digest: c for c in result.candidates.values()}
    told = Predictor(store, output_valued(result.setup.problem.output), known, x).predict(result.candidates[name])
    assert told.equals(get_values(store, result.candidates[name].test))


def test_a_fold_is_answered_by_what_was_found_on_the_others(result: Result) -> None:
    """By its own thresholds and scorers, as kept answers say that are asked one row at a time."""
    store, problem, own = result.folder.store, result.setup.problem, result.candidates["cascade"]
    joint, known = own.entrant.joint, {c.entrant.digest: c for c in result.candidates.values()}
    parts, output = [get_values(store, known[p].oof) for p in joint.parents], output_valued(problem.output)
    x, folds, kept = get_rows(store, problem.train.x), first_division(store, problem.folds), joint.artifacts
    found: list[Any] = [None] * len(folds)
    for row, fold in enumerate(folds):
        some = np.flatnonzero(kept["fold_asked"][fold])
        confidence = Confidence.of_some(output, kept["fold_scorers"][fold], some)
        asks = [lambda rows, p=parts[i], row=row: p.take(pa.array(rows + row)) for i in some]
        thresholds = [kept["fold_thresholds"][fold][i] for i in some]
        answers, _ = in_turn(asks, thresholds, 1, confidence, as_one_text(take_rows(x, np.array([row]))))
        found[row] = answers[0].as_py()
    assert get_values(store, own.oof).to_pylist() == found


def test_a_question_is_asked_of_those_who_are_needed(server: Loopback, result: Result) -> None:
    """What is told of it names them, and what they took."""
    for number in range(2000, 2012):
        before = server.count
        found = ask(result, f"What is {number} and 5?", model="cascade")
        assert set(found.asked) in ({"tiny", "small"}, set(PRICES), {"tiny"})
        assert server.count == before + len(found.asked)
        assert found.money == pytest.approx(sum(MONEY[name] for name in found.asked))


def test_credit_is_that_of_those_who_are_there(result: Result) -> None:
    """The value of all is that of the board, and parts add up to the gain."""
    for name in ("cascade", "select"):
        credit, line = result.credit[name], result.standings[name]
        assert credit.value == pytest.approx(line.score)
        assert sum(part.shapley for part in credit.members.values()) == pytest.approx(credit.gain)
        assert set(credit.members) == set(PRICES)
        assert max(credit.members, key=lambda member: credit.members[member].shapley) == "big"


def test_the_report_shows_what_is_traded(result: Result) -> None:
    """A cascade's line too."""
    value = json.loads((result.folder.path / "result.json").read_text())
    section = trades_section(Report(value))
    assert {row[0] for row in section.figures[0].table.rows} == {"cascade", "spending"}
    assert any(text.startswith("cascade asks its dearest member about") for text in section.text)
    assert "What sending fewer rows to the dearest costs" in render_report(value)


def test_the_receipt_holds_and_nothing_is_run_or_asked_again(server: Loopback, result: Result) -> None:
    """Also where a cascade stands in an alliance."""
    before = server.count
    assert verify(result.folder.path, again=["cascade", "select", "top"], engine="inline").holds
    assert contest(server, result.folder.path.parent, *STRATEGIES).run().digest == result.digest
    assert server.count == before


def test_without_a_test_part(server: Loopback, tmp_path: Path) -> None:
    """Out-of-fold answers are told, and credit goes by what was found for the folds."""
    result = contest(server, tmp_path, "cascade", "select", test=0.0).run()
    for name in ("cascade", "select"):
        credit = result.credit[name]
        assert credit.part == "oof"
        assert sum(part.shapley for part in credit.members.values()) == pytest.approx(credit.gain)
    assert verify(tmp_path / "run").holds


def test_it_wants_three_folds(server: Loopback, tmp_path: Path) -> None:
    """Rows to learn from whom to believe, rows to choose thresholds by, and rows to score both."""
    result = contest(server, tmp_path, "cascade", folds=2).run()
    assert "no alliance cascade: it learns from 3 folds or more, there are 2; set folds in split" in result.warnings


def test_a_budget_that_nobody_is_within(server: Loopback, tmp_path: Path) -> None:
    """Makes no alliance, and it is said why."""
    poor = {**SPENDING, "costs": {"tiny": 3, "small": 4, "big": 9}, "budget": 2}
    result = contest(server, tmp_path, poor).run()
    assert "a row may cost 2, and asking the cheapest costs 3" in " ".join(result.warnings)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"how": "select"}, "budget: 'select' asks everybody about everything; a budget is for 'cascade' or 'route'"),
        ({"budget": 0}, "budget must be a number above 0"),
        ({"budget": "much"}, "budget must be a number above 0"),
    ],
)
def test_budgets_that_are_wrong_are_refused(
    server: Loopback, change: dict[str, Any], message: str, tmp_path: Path
) -> None:
    """In one line that says where, before anything is asked."""
    with pytest.raises(ContestError) as raised:
        contest(server, tmp_path, {**SPENDING, **change}).run()
    assert message in str(raised.value)


def test_choices_are_joined_too(tmp_path: Path) -> None:
    """Of each question its own choices, told by letters: who agrees is believed."""
    words = ["sun", "rain", "wind", "snow", "hill", "lake", "tree", "moon"]
    random_ = random.Random(3)
    rows = [
        {
            "id": i,
            "question": f"Which of these is number {i}?",
            "options": random_.sample(words, 4),
            "label": "ABCD"[i % 4],
        }
        for i in range(240)
    ]
    (tmp_path / "seen.jsonl").write_text("\n".join(map(json.dumps, rows)))
    entrants = []
    for name, right in RIGHT.items():
        letters = [row["label"] if random_.random() < right else random_.choice("ABCD") for row in rows]
        said = [
            json.dumps({"id": row["id"], "response": f"({letter})"}) for row, letter in zip(rows, letters, strict=True)
        ]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(said))
        entrants.append(product.Entrant(name, f"recorded:{tmp_path / name}.jsonl", seen="none"))
    task = product.Task(
        kind="multiple-choice",
        data=str(tmp_path / "seen.jsonl"),
        metrics=("choice_accuracy",),
        split=product.Split(test=0.3, folds=4),
        id="id",
        options={"question": "question", "choices": "options", "answer": "label"},
    )
    thrift = {"name": "thrift", "how": "cascade", "of": list(RIGHT), "costs": {"tiny": 1, "small": 2, "big": 40}}
    result = product.Contest(
        task=task,
        entrants=entrants,
        lineup="none",
        engine="inline",
        cooperate=[thrift, "select"],
        out=tmp_path / "run",
    ).run()
    assert result.alliances["thrift"].asked["big"] < 0.9
    big = result.standings["big"].cv_score
    assert result.standings["thrift"].cv_score.score > big.score - 3 * big.stderr
    assert result.standings["select"].cv_score.score >= big.score - 0.02
    assert sum(p.shapley for p in result.credit["select"].members.values()) == pytest.approx(
        result.credit["select"].gain
    )
    assert verify(tmp_path / "run").holds


@pytest.mark.parametrize("runner", ["cascade", "scorers"])
def test_other_targets_in_a_fold_change_nothing_for_its_rows(runner: str) -> None:
    """Neither whom it is to be believed, nor from where on."""
    random_ = np.random.default_rng(0)
    y, folds = random_.integers(100, 120, size=240), np.arange(240) % 4
    told = [
        np.where(random_.random(240) < share, y, random_.integers(100, 120, size=240)) for share in (0.5, 0.6, 0.95)
    ]

    def yielded(targets: np.ndarray, fold: int | None) -> Any:
        store, output = MemoryStore(), Answers()
        inputs = {f"oof{i}": put_values(store, output.accepted(pa.array(map(str, p)), 240)) for i, p in enumerate(told)}
        inputs["y"] = put_values(store, pa.array([[str(v)] for v in targets]))
        inputs |= {"folds": put_array(store, folds), "x": put_texts(store, pa.chunked_array([["a row"] * 240]))}
        params = {"metrics": ["numeric_match"], "output": output.value.told, "costs": [1.0, 2.0, 20.0], "budget": None}
        job = Job(runner=runner, inputs=inputs, params={**params, "without_fold": fold})
        return RUNNERS[runner].runner(job, store).values

    other = np.where(folds == 0, y + 1, y)
    assert yielded(y, 0) == yielded(other, 0)
    assert yielded(y, None) != yielded(other, None)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="ends a group of processes")
def test_killed_and_gone_on_nothing_is_asked_twice(tmp_path: Path) -> None:
    """A command is killed while it asks, and again while it joins; the server counts."""
    (tmp_path / "sums.jsonl").write_text("\n".join(map(json.dumps, sums(300))))
    with Loopback(lambda asked: Answer(chat(said(asked), tokens=(20, 5)), delay_s=0.01)) as other:
        entrants = "".join(
            f'[[entrant]]\nname = "{name}"\nrecipe = "openai:{name}"\n'
            f'params = {{ base_url = "{other.base_url}", price = {{ input = {price}, output = {price} }} }}\n'
            for name, price in PRICES.items()
        )
        (tmp_path / "sums.toml").write_text(
            '[task]\nkind = "question-answering"\ndata = "sums.jsonl"\nextract = "last-number"\nid = "id"\n'
            'metrics = ["numeric_match"]\n[compete]\nlineup = "none"\n'
            f'[cooperate]\nstrategies = ["cascade", "select"]\n{entrants}'
        )
        command = [sys.executable, "-m", "concours", "run", "sums.toml", "--trust"]
        how: dict[str, Any] = {"cwd": tmp_path, "env": {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}}
        for enough in (200, 700, 900):
            with subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, **how) as process:
                while process.poll() is None and other.count < enough:
                    time.sleep(0.005)
                time.sleep(0.5 * (enough == 900))
                os.killpg(process.pid, signal.SIGKILL)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **how)
        again = sum(times - 1 for times in other.requests.values())
        assert len(other.requests) == 900
        assert again <= 2 * 64  # what was under way when it was killed, twice
    found = Result.load(tmp_path / "runs" / "sums")
    assert {"cascade", "select"} <= set(found.alliances)
