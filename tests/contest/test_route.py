"""Routes in a contest: on the board, in predictions, in credit and in the receipt, and whom they ask."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

import concours as product
from concours.contest.savings import traded
from concours.core.entrant import Entrant
from concours.core.errors import ContestError
from concours.core.job import Job
from concours.engine.prediction import Predictor
from concours.engine.routers import fit_router, get_router, put_router
from concours.engine.rows import first_division, get_rows
from concours.engine.runners import RUNNERS
from concours.report.lines import Report
from concours.report.page import render_report
from concours.report.sections.trades import trades_section
from concours.runs.ask import ask
from concours.runs.gc import collect
from concours.runs.predict import predict
from concours.runs.result import Result
from concours.runs.verify import verify
from concours.stores.blobs import get_array, put_array, put_texts
from concours.stores.memory import MemoryStore
from concours.stores.values import get_values
from concours.tasks.outputs.table import output_valued
from concours.testing.endpoints import Answer, Asked, Loopback, chat
from concours.testing.toys import toy_output

pytest.importorskip("httptools")

PRICES = {"small": {"input": 0.1, "output": 0.5}, "big": {"input": 2.0, "output": 10.0}}
MONEY = {name: (20 * price["input"] + 5 * price["output"]) / 1e6 for name, price in PRICES.items()}
TOP = {"name": "top", "how": "average", "of": ["route", "small"]}
OVER = {"name": "over", "how": "route", "of": ["small", "route"], "costs": {"small": 1, "route": 9}}


def films(rows: int = 120) -> pd.DataFrame:
    """A word says which class it is, and another whether a small model knows it."""
    random = np.random.default_rng(0)
    lines = [(("comedy", "tragedy")[row % 2], row, bool(random.integers(2))) for row in range(rows)]
    texts = [f"{kind} number {row} was {'lovely' if good else 'awful'}" for kind, row, good in lines]
    return pd.DataFrame({"text": texts, "label": ["good" if good else "bad" for *_, good in lines]})


def said(asked: Asked) -> str:
    """`big` knows; `small` knows comedies, and errs on two tragedies of three."""
    kind, _, rest = asked.question.rpartition("number ")
    good = "lovely" in rest
    wrong = asked.body["model"] == "small" and "tragedy" in kind and int(rest.split()[0]) % 3
    return "good" if good != bool(wrong) else "bad"


@pytest.fixture(scope="module")
def server() -> Iterator[Loopback]:
    with Loopback(lambda asked: Answer(chat(said(asked), tokens=(20, 5)))) as found:
        yield found


@pytest.fixture(scope="module", autouse=True)
def answers_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test of others knows what was answered here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


def contest(server: Loopback, out: Path, *strategies: Any, test: float = 0.4, folds: int = 3, **more: Any) -> Any:
    entrants = [
        product.Entrant(name, f"openai:{name}", {"base_url": server.base_url, "price": price})
        for name, price in PRICES.items()
    ]
    task = product.Task(
        kind="text-classification",
        data=films(),
        target="label",
        text=("text",),
        metrics=("accuracy",),
        split=product.Split(test=test, folds=folds),
    )
    given = {"lineup": "none", "engine": "inline", "cooperate": strategies or ("route",), "entrants": entrants}
    return product.Contest(task=task, out=out, **(given | more))


@pytest.fixture(scope="module")
def result(server: Loopback, tmp_path_factory: pytest.TempPathFactory) -> Result:
    found: Result = contest(server, tmp_path_factory.mktemp("route") / "run", "route", TOP, OVER).run()
    return found


def test_it_stands_on_the_board_and_saves(result: Result) -> None:
    """About as many rows go to the dear one as need it, at as much of its money, and nothing is lost."""
    alliance, line = result.alliances["route"], result.standings["route"]
    assert line.score == 1.0
    assert alliance.weights == alliance.asked
    assert alliance.asked["big"] == pytest.approx(0.5, abs=0.12)
    assert line.row_money == pytest.approx(sum(MONEY[name] * share for name, share in alliance.asked.items()))
    assert line.row_money < 0.7 * MONEY["big"]
    kept = json.loads((result.folder.path / "result.json").read_text())["alliances"]["route"]
    assert kept["asked"] == dict(alliance.asked)
    assert Result.load(result.folder.path).alliances == result.alliances


def test_the_whole_curve_stands_with_it(result: Result) -> None:
    """From the cheapest alone to the dearest alone, by rows that no router learned from."""
    curve = result.alliances["route"].curve
    assert [point[0] for point in curve] == sorted(point[0] for point in curve)
    assert curve[0] == pytest.approx([0.0, MONEY["small"], result.standings["small"].cv_score.score])
    assert curve[-1] == pytest.approx([1.0, MONEY["big"], result.standings["big"].cv_score.score])
    assert max(score for share, _, score in curve if share < 0.6) > 0.95
    kept = json.loads((result.folder.path / "result.json").read_text())["alliances"]["route"]
    assert kept["curve"] == [list(point) for point in curve]
    assert kept["chosen"][0] == pytest.approx(result.alliances["route"].asked["big"])
    assert kept["chosen"][1] == pytest.approx(result.standings["route"].row_money)


def test_the_report_shows_the_curve(result: Result) -> None:
    """With a sentence of what was chosen, and a table."""
    value = json.loads((result.folder.path / "result.json").read_text())
    section = trades_section(Report(value))
    big = result.alliances["route"].asked["big"]
    assert f"route asks its dearest member about {100 * big:.1f}% of the rows" in section.text[-1]
    assert len(section.figures[0].table.rows) == sum(len(result.alliances[name].curve) for name in ("route", "over"))
    assert "What sending fewer rows to the dearest costs" in render_report(value)


def test_a_question_goes_to_one_member(server: Loopback, result: Result) -> None:
    """The server sees one request, of the model that is asked."""
    for number, (kind, who) in enumerate((("comedy", "small"), ("tragedy", "big"))):
        before = server.count
        found = ask(result, f"{kind} number {1000 + number} was awful", model="route")
        assert (found.text, set(found.asked)) == ("bad", {who})
        assert found.money == pytest.approx(MONEY[who])
        assert server.count == before + 1


def test_predicting_asks_no_member_about_the_rows_of_another(tmp_path: Path, result: Result) -> None:
    """Of new rows in a file, each model gets its own."""
    asked = Counter[str]()

    def script(request: Asked) -> Answer:
        asked[request.body["model"]] += 1
        return Answer(chat(said(request), tokens=(20, 5)))

    with Loopback(script) as other:
        made = contest(other, tmp_path / "run").run()
        asked.clear()
        rows = films(400).iloc[200:].drop(columns="label")
        told = predict(made, rows, model="route")
    tragic = rows["text"].str.startswith("tragedy").sum()
    assert asked.total() == len(rows) == len(told)
    assert asked["big"] == pytest.approx(tragic, abs=15)


@pytest.mark.parametrize("name", ["route", "top", "over"])
def test_new_rows_are_predicted_as_the_board_says(result: Result, name: str) -> None:
    """By who is asked, of the same rows, wherever the route stands in the tower."""
    store = result.folder.store
    x = get_rows(store, result.setup.problem.test.x)
    known = {c.entrant.digest: c for c in result.candidates.values()}
    told = Predictor(store, output_valued(result.setup.problem.output), known, x).predict(result.candidates[name])
    assert np.allclose(told, get_array(store, result.candidates[name].test), rtol=0, atol=1e-12)


def test_the_board_has_what_would_have_been_asked(result: Result) -> None:
    """The rows of a fold by their own router and handicaps, as stored predictions masked by these say."""
    store, problem, own = result.folder.store, result.setup.problem, result.candidates["route"]
    joint, known = own.entrant.joint, {c.entrant.digest: c for c in result.candidates.values()}
    parts = [get_array(store, known[parent].oof) for parent in joint.parents]
    x, folds = get_rows(store, problem.train.x), first_division(store, problem.folds)
    found = np.empty(parts[0].shape)
    for fold, weights in enumerate(joint.fold_weights):
        router = get_router(store, joint.artifacts["fold_models"][fold])
        for row in np.flatnonzero(folds == fold):
            (whom,) = router.whom(x[row : row + 1], weights, joint.artifacts["fold_handicaps"][fold])
            found[row] = parts[whom][row]
    assert (parts[0].argmax(axis=1) != parts[1].argmax(axis=1)).sum() > 10
    assert np.array_equal(get_array(store, own.oof).argmax(axis=1), found.argmax(axis=1))  # beside calibration


def test_credit_is_that_of_routes_among_some_members(result: Result) -> None:
    """The value of all is that of the board, parts add up to the gain, and shares are passed down."""
    credit, line = result.credit["route"], result.standings["route"]
    assert credit.value == pytest.approx(line.score)
    assert sum(part.shapley for part in credit.members.values()) == pytest.approx(credit.gain)
    assert set(credit.members) == set(PRICES)
    assert set(result.credit["top"].singles) == set(PRICES)


def test_the_receipt_holds_and_nothing_is_run_or_asked_again(server: Loopback, result: Result) -> None:
    """Also where a route stands in an alliance, and an alliance in a route; what it needs is not swept away."""
    before = server.count
    assert verify(result.folder.path, again=["route", "top", "over"], engine="inline").holds
    assert contest(server, result.folder.path, "route", TOP, OVER).run().digest == result.digest
    assert server.count == before
    collect(result.folder.path)
    assert ask(result, "comedy number 3000 was lovely", model="over").text == "good"


def test_without_a_test_part(server: Loopback, tmp_path: Path) -> None:
    """Out-of-fold answers are told, and credit goes by the routers of the folds."""
    result = contest(server, tmp_path / "run", test=0.0).run()
    credit = result.credit["route"]
    assert credit.part == "oof"
    assert sum(part.shapley for part in credit.members.values()) == pytest.approx(credit.gain)
    assert verify(tmp_path / "run").holds


def test_where_nothing_is_saved_one_member_answers_and_it_is_said(server: Loopback, tmp_path: Path) -> None:
    """The good one, if it is the cheap one; its router is asked nothing."""
    odd = {"name": "odd", "how": "route", "of": ["small", "big"], "costs": {"small": 9, "big": 1}}
    result = contest(server, tmp_path / "run", odd).run()
    assert result.alliances["odd"].weights["big"] == 1
    assert "odd asks big about everything: no other way to send rows costs less" in " ".join(result.warnings)
    assert result.candidates["odd"].entrant.joint.needs.objects == ()


@pytest.mark.parametrize(("chosen", "said"), [((0.2, 3.0, 0.8), "about 20% of the rows"), ((1.0, 9.0, 0.9), "")])
def test_a_note_tells_what_is_traded_and_nothing_where_nothing_is(
    chosen: tuple[float, float, float], said: str
) -> None:
    """Of who answers everything the note would call the dearest whom others cost more than."""
    kept = {"curve": [(0.0, 1.0, 0.7), (1.0, 9.0, 0.9)], "chosen": chosen}
    found = traded(cast(Entrant, SimpleNamespace(joint=SimpleNamespace(artifacts=kept))), "accuracy")
    assert said in found
    assert bool(said) == bool(found)


def test_it_wants_three_folds(server: Loopback, tmp_path: Path) -> None:
    """A router, rows to choose the trade by, and rows to score both."""
    result = contest(server, tmp_path / "run", folds=2).run()
    assert "no alliance route: it learns from 3 folds or more, there are 2; set folds in split" in result.warnings


def test_pictures_have_no_route(tmp_path: Path) -> None:
    """Said before anything is fitted."""
    task = product.Task(kind="image-classification", data="sklearn:digits", split=product.Split(test=0.3, folds=3))
    held = product.Contest(task=task, lineup="none", engine="inline", out=tmp_path / "r", cooperate=["route"])
    with pytest.raises(ContestError, match="'route' does not suit pictures"):
        held.run()


def test_rows_of_a_table_are_routed(tmp_path: Path) -> None:
    """A column tells on which rows the cheap model errs; these are the ones that the dear one is asked about."""
    random, rows = np.random.default_rng(0), 900
    plain, (a, b) = random.integers(2, size=rows).astype(bool), random.normal(size=(2, rows))
    sort, label = np.where(plain, "plain", "crossed"), np.where(plain, a > 0, (a > 0) != (b > 0)).astype(str)
    held = product.Contest(
        task=product.Task(
            kind="tabular-classification",
            data=pd.DataFrame({"sort": sort, "a": a, "b": b, "label": label}),
            target="label",
            metrics=("accuracy",),
            split=product.Split(test=0.4, folds=3),
        ),
        entrants=[product.Entrant(name, name) for name in ("logistic", "forest")],
        lineup="none",
        engine="inline",
        out=tmp_path / "r",
        cooperate=[
            {
                "name": "signpost",
                "how": "route",
                "of": ["logistic", "forest"],
                "costs": {"logistic": 1, "forest": 20},
                "budget": 9.0,
            }
        ],
    )
    result = held.run()
    asked = result.alliances["signpost"].asked
    assert asked["forest"] < 0.45
    assert result.standings["signpost"].score > result.standings["logistic"].score + 0.12
    store = result.folder.store
    router = get_router(store, result.candidates["signpost"].entrant.joint.artifacts["model"])
    expected = router.expected(get_rows(store, result.setup.problem.train.x))
    crossed = get_rows(store, result.setup.problem.train.x)["sort"].to_numpy() == "crossed"
    cheap = list(asked).index("logistic")
    assert expected[~crossed, cheap].mean() > expected[crossed, cheap].mean() + 0.3
    told = predict(result, pd.DataFrame({"sort": sort, "a": a, "b": b}), model="signpost")
    assert (np.asarray(told) == label).mean() > 0.9


def test_answers_in_words_are_routed(tmp_path: Path) -> None:
    """What is predicted need not be numbers: each row has the answer of the one that was asked."""
    rows = [
        {"question": f"{('add', 'times')[i % 2]} {i} and 3", "answer": str((i + 3, i * 3)[i % 2])} for i in range(90)
    ]
    (tmp_path / "sums.jsonl").write_text("\n".join(map(json.dumps, rows)))

    def script(asked: Asked) -> Answer:
        words = asked.question.split()
        number = int(words[1])
        right = number + 3 if words[0] == "add" else number * 3
        return Answer(chat(str(right + (asked.body["model"] == "small" and words[0] == "times")), tokens=(20, 5)))

    with Loopback(script) as other:
        made = contest(other, tmp_path / "run")
        task = product.Task(
            kind="question-answering",
            data=str(tmp_path / "sums.jsonl"),
            split=product.Split(test=0.3, folds=3),
            options={"question": "question", "answer": "answer"},
        )
        result = made.with_options(task=task).run()
        assert ask(result, "times 500 and 3", model="route").text == "1500"
    assert result.standings["route"].score == 1.0
    assert result.alliances["route"].asked["small"] > 0.2
    store = result.folder.store
    assert len(get_values(store, result.candidates["route"].test)) == result.setup.problem.test.rows
    assert sum(p.shapley for p in result.credit["route"].members.values()) == pytest.approx(result.credit["route"].gain)


def test_other_targets_in_a_fold_change_nothing_for_its_rows() -> None:
    """Neither the router of its rows nor the trade, which hang on the other folds alone."""
    random = np.random.default_rng(0)
    y, folds = random.integers(3, size=240), np.arange(240) % 4
    told = [random.dirichlet(np.ones(3), size=240) + k * np.eye(3)[y] for k in (0.2, 0.6, 1.5)]
    members = {f"oof{i}": p / p.sum(axis=1, keepdims=True) for i, p in enumerate(told)}
    texts = [f"{'easy' if p[row, y[row]] > 1 else 'hard'} {row % 7}" for row, p in enumerate([told[0]] * 240)]

    def yielded(runner: str, targets: np.ndarray, fold: int | None) -> Any:
        import pyarrow as pa

        store = MemoryStore()
        arrays = {**members, "y": targets, "folds": folds}
        inputs = {name: put_array(store, array) for name, array in arrays.items()}
        inputs["x"] = put_texts(store, pa.chunked_array([texts]))
        told = {"metrics": ["log_loss"], "output": toy_output(3).told, "reads": "words"}
        params = {**told, "costs": [1.0, 4.0, 16.0], "budget": None}
        done = RUNNERS[runner].runner(Job(runner=runner, inputs=inputs, params={**params, "without_fold": fold}), store)
        return done.values, done.outputs

    other = np.where(folds == 0, (y + 1) % 3, y)
    for runner in ("route", "router"):
        assert yielded(runner, y, 0) == yielded(runner, other, 0)
        assert yielded(runner, y, None) != yielded(runner, other, None)


def test_a_router_is_kept_as_it_was() -> None:
    """The same rows, the same bytes; what is read expects what was kept."""
    store, texts = MemoryStore(), np.asarray([f"row {i} {'a' * (i % 5)}" for i in range(50)], dtype=object)
    scores = np.random.default_rng(0).random((50, 2))
    router = fit_router(texts, scores, reads="words")
    kept = put_router(store, router)
    assert put_router(store, fit_router(texts, scores, reads="words")) == kept
    assert np.array_equal(get_router(store, kept).expected(texts), router.expected(texts))
