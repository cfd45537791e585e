"""Entrants that are not fitted, in a contest: models from elsewhere and predictions that are there, beside fitted ones."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from concours import Contest, Entrant, Split, Task
from concours.api.score import score_predictions
from concours.cli.board import next_commands, print_result
from concours.core.errors import ConcoursError, DataError, NothingFitted, RecipeError, TrustError
from concours.report.markdown import render_markdown
from concours.report.page import render_report
from concours.runs.compare import compare
from concours.runs.gc import collect
from concours.runs.predict import predict
from concours.runs.report import write_report
from concours.runs.result import Result
from concours.runs.verify import verify
from concours.stores.blobs import get_array

TREE = Entrant("tree", "sklearn.tree:DecisionTreeClassifier", {"max_depth": 3, "random_state": 0})
LINE = Entrant("line", "sklearn.linear_model:LogisticRegression", prepare="auto")
NAMES = np.array(["red", "white", "rosy"])

RULES = """
import numpy as np

class Rules:
    '''Knows what it knows from elsewhere.'''

    classes_ = ["white", "rosy", "red"]

    def __init__(self, sharpness=1.0):
        self.sharpness = sharpness

    def predict_proba(self, X):
        z = np.stack([-X["alcohol"] + 12.4, 2.0 - X["flavanoids"], X["proline"] / 500 - 1.6], axis=1)
        e = np.exp(self.sharpness * z.to_numpy() if hasattr(z, "to_numpy") else self.sharpness * z)
        return e / e.sum(axis=1, keepdims=True)
"""


@dataclass(frozen=True, kw_only=True)
class Wine:
    """A task in a folder, 118 rows; 60 others lie outside, and another system was fitted on those.

    Attributes:
        rows: of the task, with an id and the label.
        other: what the other system says of them, (rows,) by column.
        weights: of the other system, as `x @ weights[:-1] + weights[-1]`, and its classes.
    """

    folder: Path
    rows: pd.DataFrame
    other: pd.DataFrame
    weights: np.ndarray
    classes: list[str]

    @property
    def task(self) -> Task:
        split = Split(test=0.3, folds=3)
        metrics = ("log_loss", "accuracy")
        return Task(
            kind="tabular-classification", data="wine.csv", target="wine", id="row", metrics=metrics, split=split
        )

    def contest(self, *entrants: Entrant, **options: Any) -> Contest:
        known = {"task": self.task, "lineup": "none", "engine": "inline", "folder": self.folder}
        return Contest(entrants=entrants, **{**known, "out": self.folder / "run", **options})


@pytest.fixture(scope="module")
def wine(tmp_path_factory: pytest.TempPathFactory) -> Wine:
    """Another system's predictions of all rows, and a file that knows the labels."""
    folder = tmp_path_factory.mktemp("wine")
    x, codes = load_wine(return_X_y=True, as_frame=True)
    order, y = np.random.default_rng(0).permutation(len(x)), NAMES[codes]
    outside, inside = order[:60], np.sort(order[60:])
    mean, scale = x.iloc[outside].mean(), x.iloc[outside].std()
    model = LogisticRegression().fit((x.iloc[outside] - mean) / scale, y[outside])
    slopes = (model.coef_ / scale.to_numpy()).T
    weights = np.vstack([slopes, model.intercept_ - mean.to_numpy() @ slopes])
    rows = x.iloc[inside].reset_index(drop=True)
    p = model.predict_proba((rows - mean) / scale)
    ids = [f"w{i}" for i in range(len(rows))]
    rows.insert(0, "row", ids)
    rows["wine"] = y[inside]
    other = pd.DataFrame({"row": ids, **{f"p_{c}": 0.9 * p[:, k] + 0.1 / 3 for k, c in enumerate(model.classes_)}})
    leak = pd.get_dummies(rows["wine"]).add_prefix("p_") * 0.97 + 0.01
    rows.to_csv(folder / "wine.csv", index=False)
    other.sample(frac=1, random_state=1).to_csv(folder / "other.csv", index=False)
    leak.assign(row=ids).to_csv(folder / "leak.csv", index=False)
    (folder / "rules.py").write_text(RULES)
    return Wine(folder=folder, rows=rows, other=other, weights=weights, classes=list(model.classes_))


OTHER = Entrant("other", "recorded:other.csv", seen="out-of-fold")
LEAK = Entrant("leak", "recorded:leak.csv", seen="train")
WHO = Entrant("who", "recorded:other.csv")
RULED = Entrant("rules", "./rules.py:Rules", {"sharpness": 1.5}, frozen=True, seen="none")


@pytest.fixture(scope="module")
def result(wine: Wine) -> Result:
    return wine.contest(TREE, LINE, RULED, OTHER, LEAK, WHO).run()


def lines(result: Result) -> dict[str, Any]:
    return {line.entrant.name: line for line in result.standings}


def labels_of(wine: Wine, result: Result, part: str) -> tuple[np.ndarray, np.ndarray]:
    """The rows of a part by their positions, and their labels."""
    problem = result.setup.problem
    at = get_array(result.folder.store, (problem.test if part == "test" else problem.train).ids)
    return at, wine.rows["wine"].to_numpy()[at]


def test_all_stand_on_one_board(result: Result) -> None:
    """All are ranked by the test part; a cross-validation score has only who has not seen the rows."""
    told = lines(result)
    assert {name: line.status for name, line in told.items() if line.entrant.role == "single"} == {
        "tree": "ok", "line": "ok", "rules": "ok", "other": "ok", "leak": "test_only", "who": "test_only",
    }  # fmt: skip
    assert all(line.rank is not None and line.score is not None and line.ci for line in told.values())
    assert {name for name, line in told.items() if line.cv_score is None} == {"leak", "who"}
    assert told["leak"].rank == 1
    assert "has seen the rows of the training part" in told["leak"].reason
    assert "nobody says" in told["who"].reason
    assert all(told[name].fit_seconds is None for name in ("rules", "other", "leak", "who"))


def test_who_has_seen_the_rows_has_no_weight_and_is_no_default(result: Result) -> None:
    """However good it looks: weights, credit and the default are among those that were honest."""
    members = {name for alliance in result.alliances.values() for name in alliance.weights}
    assert members <= {"tree", "line", "rules", "other"}
    assert set(result.alliances["average"].weights) == {"tree", "line", "rules", "other"}
    assert set(result.credit["average"].members) == {"tree", "line", "rules", "other"}
    assert result.default not in ("leak", "who")


def test_scores_are_those_of_the_file(wine: Wine, result: Result) -> None:
    """By hand, on the rows of each part; and as `concours score` has them."""
    told, columns = lines(result), [f"p_{name}" for name in wine.classes]
    for part in ("train", "test"):
        at, y = labels_of(wine, result, part)
        expected = log_loss(y, wine.other[columns].to_numpy()[at], labels=wine.classes)
        found = told["other"].cv_score.score if part == "train" else told["other"].score
        assert found == pytest.approx(expected, abs=1e-12)
    scored = score_predictions(wine.contest(), wine.folder / "other.csv")
    assert {score.metric: score.score for score in scored.scores} == pytest.approx(dict(told["other"].metrics))


def test_what_a_file_of_code_knows_is_asked_as_it_is(wine: Wine, result: Result) -> None:
    """Columns come in the order of its own classes; new rows are predicted as those of the test part were."""
    space: dict[str, Any] = {}
    exec(RULES, space)
    by_hand = space["Rules"](1.5).predict_proba(wine.rows)[:, [2, 1, 0]]
    assert result.setup.problem.labels == ("red", "rosy", "white")
    found = predict(result, wine.rows, model="rules", proba=True)
    assert np.allclose(found, by_hand, rtol=0, atol=1e-12)
    at, _ = labels_of(wine, result, "test")
    assert np.array_equal(get_array(result.folder.store, result.candidates["rules"].test), found[at])


def test_somebody_elses_code_is_asked_about(wine: Wine, result: Result, tmp_path: Path) -> None:
    """A frozen model of a file runs that file; in a folder that was not made here only after a question."""
    shutil.copytree(result.folder.path, tmp_path / "copy")
    with pytest.raises(TrustError, match="rules runs code from rules.py:Rules"):
        predict(Result.load(tmp_path / "copy"), wine.rows, model="rules")
    found = predict(Result.load(tmp_path / "copy"), wine.rows, model="rules", trust=lambda question: True)
    assert list(found) == list(predict(result, wine.rows, model="rules"))


def test_each_is_asked_once_a_row(wine: Wine, tmp_path: Path, listener: Any) -> None:
    """One job for all folds; and for the test part alone where the other rows would tell nothing."""
    heard, blind = listener(), Entrant("blind", "./rules.py:Rules", frozen=True)
    contest = wine.contest(TREE, RULED, blind, OTHER, out=tmp_path / "run", cooperate=["average"])
    first = contest.run(listener=heard)
    assert heard.ended("ask_frozen") == {"rules": 1, "blind": 1}
    asked = {job.label: set(job.outputs) for job in heard.jobs("ended") if job.runner == "ask_frozen"}
    assert asked == {"rules: ask": {"oof", "test", "model"}, "blind: ask": {"test", "model"}}
    assert heard.ended("fit") == {"dummy": 3, "tree": 3}
    again = listener()
    assert contest.run(listener=again).digest == first.digest
    assert not again.jobs("ended")


def test_the_receipt_holds(result: Result, tmp_path: Path) -> None:
    """Before garbage is collected and after; a replay says the same, and two runs are compared."""
    assert verify(result.folder.path).holds
    assert collect(result.folder.path).objects == 0
    assert verify(result.folder.path).holds
    again = Result.load(result.folder.path)
    assert again.digest == result.digest
    assert again.to_json() == result.to_json()
    assert [line.status for line in again.standings] == [line.status for line in result.standings]


def test_another_run_is_compared(wine: Wine, result: Result, tmp_path: Path) -> None:
    """What is declared of an entrant is part of it, and told."""
    second = wine.contest(TREE, LINE, RULED, OTHER, LEAK, Entrant("who", "recorded:other.csv", seen="none"),
                          out=tmp_path / "run").run()  # fmt: skip
    assert second.digest != result.digest
    text = repr(compare([result.folder.path, second.folder.path]))
    assert "seen unknown → " in text


def test_predictions_in_a_file_answer_for_no_new_rows(wine: Wine, result: Result) -> None:
    """One line says so, of an alliance too; the default is the best of those that can be asked, and that is said."""
    with pytest.raises(DataError, match="other cannot predict new rows: its predictions are in a file"):
        predict(result, wine.rows, model="other")
    with pytest.raises(DataError, match="average cannot predict new rows: the predictions of other, which it joins"):
        predict(result, wine.rows, model="average")
    assert len(predict(result, wine.rows)) == len(wine.rows)


def test_the_default_can_be_asked(wine: Wine, tmp_path: Path) -> None:
    """Where predictions in a file are the best, the best model is the default, with a word everywhere."""
    best = Entrant("best", "recorded:leak.csv", seen="none")
    result = wine.contest(TREE, LINE, best, out=tmp_path / "run", cooperate=["average"]).run()
    scores = {name: line.cv_score.score for name, line in lines(result).items()}
    assert min(scores, key=scores.__getitem__) == "best"
    assert result.default == min(("tree", "line"), key=scores.__getitem__)
    assert any("the best by cross-validation is best, which cannot be asked" in text for text in result.warnings)
    words = "best by cross-validation{} of those that can predict new rows"
    assert words.format(" (out-of-fold)") in str(result)
    assert words.format("") in render_markdown(result.to_json())


@pytest.mark.parametrize("seen", ["none", "unknown"])
def test_a_board_of_files_alone(wine: Wine, tmp_path: Path, seen: Any) -> None:
    """Nobody can be asked: the best is the default, if any may be, and predicting says what is wrong."""
    entrants = [Entrant(name, f"recorded:{name}.csv", seen=seen) for name in ("other", "leak")]
    result = wine.contest(*entrants, out=tmp_path / "run", cooperate=[]).run()
    told = lines(result)
    assert all(told[name].rank for name in ("other", "leak", "dummy"))
    if seen == "none":
        assert result.default == "leak"
        with pytest.raises(DataError, match="leak cannot predict new rows"):
            predict(result, wine.rows)
    else:
        assert result.default is None
        with pytest.raises(NothingFitted, match="no entrant has a cross-validation score"):
            predict(result, wine.rows)
    assert verify(result.folder.path).holds
    assert "concours predict" not in write_report(result).read_text()
    next_commands(result, out := Console(record=True, width=200))
    said = out.export_text()
    assert "concours show" in said
    assert "concours predict" not in said


def test_boards_and_reports_mark_who_counts_by_the_test_part_alone(result: Result) -> None:
    """In the place of the score that is missing, with the reason below; also in eighty columns."""
    out = Console(width=80, file=None, record=True, force_terminal=False)
    with out.capture() as captured:
        print_result(result, out)
    board = captured.get()
    assert max(map(len, board.splitlines())) <= 80
    value = json.loads(json.dumps(result.to_json()))
    for text in (board, str(result), render_markdown(value), render_report(value)):
        assert "test only" in text
        assert "nobody says which rows" in " ".join(text.split())
    assert "nothing was fitted on here or" in " ".join(board.split())
    kept = {line["name"]: line for line in value["standings"]}
    assert (kept["leak"]["status"], kept["leak"]["cv_score"]) == ("test_only", None)
    assert {entrant["name"]: entrant.get("seen") for entrant in value["lineup"]}["other"] == "out-of-fold"


def test_a_part_alone(wine: Wine, tmp_path: Path) -> None:
    """A file of the test part stands by it; one of the training part has a cross-validation score, and no place."""
    at = wine.contest(TREE, out=tmp_path / "split", cooperate=[]).run()
    test, _ = labels_of(wine, at, "test")
    wine.other.iloc[test].to_csv(wine.folder / "judged.csv", index=False)
    wine.other.drop(index=test).to_csv(wine.folder / "taught.csv", index=False)
    entrants = [Entrant(name, f"recorded:{name}.csv", seen="none") for name in ("judged", "taught")]
    result = wine.contest(TREE, LINE, *entrants, out=tmp_path / "run").run()
    told = lines(result)
    assert (told["judged"].status, told["judged"].cv_score) == ("test_only", None)
    assert told["judged"].reason == "its file has no predictions of the training part"
    assert (told["taught"].status, told["taught"].rank, told["taught"].score) == ("cv_only", None, None)
    assert told["taught"].cv_score is not None
    assert result.standings.lines[-1].entrant.name == "taught"
    assert set(result.alliances["average"].weights) == {"tree", "line"}
    assert verify(result.folder.path).holds
    assert "cross-validation only" in write_report(result).read_text()


def test_killed_and_resumed(wine: Wine, tmp_path: Path) -> None:
    """After three, seven and ten jobs more: the result is the same, and nothing is asked twice."""
    entrants = [TREE, LINE, RULED, OTHER, LEAK]
    whole = wine.contest(*entrants, out=tmp_path / "whole").run()
    asked, left, contest = list[str](), [0], wine.contest(*entrants, out=tmp_path / "run")

    def listener(notice: Any) -> None:
        if notice.topic == "ended":
            asked.extend([notice.job.label] if notice.job.runner == "ask_frozen" else [])
            left[0] -= 1
            if not left[0]:
                raise KeyboardInterrupt

    for left[0] in (3, 7, 10):
        with pytest.raises(KeyboardInterrupt):
            contest.run(listener=listener)
    assert contest.run(listener=listener).digest == whole.digest
    assert asked == ["rules: ask"]
    assert verify(tmp_path / "run").holds


def test_a_changed_file_is_another_entrant(wine: Wine, tmp_path: Path) -> None:
    """What is in it counts, not what it is called, nor where it lies."""
    folders = [tmp_path / name for name in ("one", "two")]
    for folder, share in zip(folders, (1.0, 0.5), strict=True):
        folder.mkdir()
        p = wine.other.drop(columns="row") * share + (1 - share) / 3
        p.assign(row=wine.other["row"]).to_csv(folder / "p.csv", index=False)
    entrants = [Entrant(f.name, f"recorded:{f / 'p.csv'}", seen="none") for f in folders]
    result = wine.contest(*entrants, out=tmp_path / "run", cooperate=["average"]).run()
    told = lines(result)
    assert told["one"].entrant.digest != told["two"].entrant.digest
    assert told["one"].score < told["two"].score
    assert set(result.alliances["average"].weights) == {"one", "two"}
    assert str(tmp_path) not in json.dumps(result.to_json()["lineup"])


def test_a_knockout_lets_them_pass(wine: Wine, tmp_path: Path) -> None:
    """There is nothing to fit on growing shares of the rows; they stand on the board."""
    contest = wine.contest(
        TREE, LINE, RULED, OTHER, LEAK, out=tmp_path / "run", format="halving", options={"finalists": 1}
    )
    told = lines(contest.run())
    assert [told[name].status for name in ("rules", "other", "leak")] == ["ok", "ok", "test_only"]


@pytest.mark.parametrize("format", ["arena", "tournament"])
def test_duels_are_among_those_that_are_compared_by_both_parts(wine: Wine, tmp_path: Path, format: str) -> None:
    """Who counts by the test part alone stands on the board, and is in no duel."""
    result = wine.contest(TREE, OTHER, LEAK, out=tmp_path / "run", format=format, cooperate=[]).run()
    assert lines(result)["leak"].rank == 1
    assert "leak" not in json.dumps(result.format)
    assert "other" in json.dumps(result.format)


def test_within_a_budget(wine: Wine, tmp_path: Path) -> None:
    """They begin at once, and nobody waits for fits that there are not."""
    contest = wine.contest(TREE, RULED, OTHER, LEAK, out=tmp_path / "run", seconds=60, cooperate=[], task=wine.task)
    told = lines(contest.run())
    assert [told[name].status for name in ("rules", "other", "leak")] == ["ok", "ok", "test_only"]


NUMBERS = "x,y\n" + "".join(f"{i},{3 * i + i % 3}\n" for i in range(40))


def test_numbers_by_position(tmp_path: Path) -> None:
    """Without ids a row is found by its place in the data; there is no test part, so out-of-fold rows judge."""
    (tmp_path / "n.csv").write_text(NUMBERS)
    (tmp_path / "p.csv").write_text("prediction\n" + "".join(f"{3 * i + 1}\n" for i in range(40)))
    task = Task(kind="tabular-regression", data="n.csv", target="y", split=Split(test=0.0, folds=4))
    entrant = Entrant("three", "recorded:p.csv", seen="out-of-fold")
    contest = Contest(task=task, entrants=[entrant], lineup="none", engine="inline", folder=tmp_path, cooperate=[],
                      out=tmp_path / "run")  # fmt: skip
    result = contest.run()
    assert lines(result)["three"].score == pytest.approx(np.sqrt(np.mean([(i % 3 - 1) ** 2 for i in range(40)])))
    with pytest.raises(ConcoursError, match="the task has no test part"):
        contest.with_options(entrants=[Entrant("three", "recorded:p.csv")], out=tmp_path / "other").run()


@pytest.mark.parametrize(
    ("entrant", "said"),
    [
        (Entrant("e", "recorded:nowhere.csv"), "there is no file"),
        (Entrant("e", "recorded:other.csv", {"a": 1}), "recorded: takes no parameter 'a'"),
        (Entrant("e", "recorded:other.csv", prepare="matrix"), "prepare is for what is fitted"),
        (Entrant("e", "recorded:other.csv", search={"a": [1, 2]}), "search is for what is fitted"),
        (Entrant("e", "logistic", seen="none"), "seen = 'none' cannot be said of what is fitted"),
        (Entrant("e", "logistic", frozen=True), "'logistic' is fitted"),
        (Entrant("e", "./rules.py:Rules", frozen=True, seen="out-of-fold"), "seen = 'out-of-fold' cannot be said"),
        (Entrant("e", "./rules.py:Rules", {"wit": 1}, frozen=True), "takes no parameter 'wit'"),
        (Entrant("e", "./rules.py:RULES", frozen=True), "has no class RULES"),
    ],
)
def test_wrong_declarations(wine: Wine, tmp_path: Path, entrant: Entrant, said: str) -> None:
    """Each is told before anything is run, in one line with the entrant's name."""
    with pytest.raises(ConcoursError, match="entrant e: ") as told:
        wine.contest(entrant, out=tmp_path / "run").run()
    assert said in str(told.value)
    assert "\n" not in str(told.value)


def test_an_object_is_not_frozen() -> None:
    """What it was fitted to cannot be written down; the message says what can be done."""
    with pytest.raises(RecipeError, match="export it as ONNX"):
        Entrant("e", LogisticRegression(), frozen=True)  # type: ignore[arg-type]


def test_what_is_not_declared_is_in_no_digest() -> None:
    """A fitted entrant is the value that it always was; what is declared makes another."""
    digests = {e.digest for e in (LINE, Entrant("e", LINE.recipe, prepare="auto"))}
    assert len(digests) == 1
    assert len({Entrant("e", "recorded:p.csv", seen=seen).digest for seen in (None, "none", "train", "unknown")}) == 4
    for entrant in (RULED, OTHER, WHO, LINE):
        assert Entrant.from_json(entrant.to_json()) == entrant
    assert not {"frozen", "seen"} & LINE.to_json().keys()


def onnx_model(wine: Wine, path: Path, *, before: float = 0.0) -> None:
    """The other system as an ONNX file; `before` is added to what it gives."""
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    from onnx import TensorProto, helper, numpy_helper

    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "W"], ["z"]),
            helper.make_node("Add", ["z", "b"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["p"], axis=1),
        ],
        "wine",
        [helper.make_tensor_value_info("x", TensorProto.DOUBLE, [None, 13])],
        [helper.make_tensor_value_info("p", TensorProto.DOUBLE, [None, 3])],
        [numpy_helper.from_array(wine.weights[:-1].copy(), "W"), numpy_helper.from_array(wine.weights[-1].copy(), "b")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), path)


def test_an_onnx_model_and_predictions_of_others_beside_fitted_ones(wine: Wine, tmp_path: Path) -> None:
    """The model was fitted on rows outside the task: it has a score, is joined, and predicts new rows."""
    onnx_model(wine, wine.folder / "outside.onnx")
    outside = Entrant("outside", "onnx:outside.onnx", seen="none")
    seen = Entrant("seen", "onnx:outside.onnx", seen="train")
    result = wine.contest(TREE, LINE, outside, OTHER, seen, out=tmp_path / "run").run()
    told, (at, y) = lines(result), labels_of(wine, result, "train")
    x = wine.rows.drop(columns=["row", "wine"]).to_numpy()
    z = x @ wine.weights[:-1] + wine.weights[-1]
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    assert told["outside"].cv_score.score == pytest.approx(log_loss(y, p[at], labels=wine.classes), abs=1e-9)
    assert np.allclose(predict(result, wine.rows, model="outside", proba=True), p, rtol=0, atol=1e-12)
    assert np.allclose(predict(result, wine.rows, model="seen", proba=True), p, rtol=0, atol=1e-12)
    assert told["seen"].status == "test_only"
    assert told["seen"].score == told["outside"].score
    assert set(result.alliances["average"].weights) == {"tree", "line", "outside", "other"}
    assert all("seen" not in alliance.weights for alliance in result.alliances.values())
    shutil.copytree(result.folder.path, tmp_path / "copy")  # no code: nothing to ask about
    assert len(predict(Result.load(tmp_path / "copy"), wine.rows, model="outside")) == len(wine.rows)
    report = verify(result.folder.path, again=["outside"], engine="inline")
    assert report.holds
    assert [again.label for again in report.reruns] == ["outside: check", "outside: ask", "outside: score"]
