"""Contests from Python and from files: one code path, one result, in the form that others read."""

from __future__ import annotations

import html
import io
import json
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from sklearn.datasets import load_iris

from concours import Contest, Entrant, Result, Split, Task
from concours.api.looking import look
from concours.cli.board import print_result
from concours.core.errors import ContestError, DataError, RunFolderError
from concours.report.lines import Report
from concours.report.page import render_report
from concours.runs.gc import collect
from concours.runs.predict import predict, read_rows
from concours.runs.report import write_report

IRIS = load_iris(as_frame=True)
TREE = Entrant("tree", "sklearn.tree:DecisionTreeClassifier", {"max_depth": 3})
BAYES = Entrant("bayes", "sklearn.naive_bayes:GaussianNB")


def iris(out: Path, **options) -> Contest:
    task = Task(kind="tabular-classification", data="sklearn:iris", split=Split(test=0.3, folds=3))
    return Contest(
        **{"task": task, "entrants": [TREE, BAYES], "lineup": "none", "engine": "inline", "out": out} | options
    )


@pytest.fixture(scope="module")
def result(tmp_path_factory) -> Result:
    """A small finished contest."""
    return iris(tmp_path_factory.mktemp("iris") / "run").run()


def test_rows_of_unequal_weight_are_told_in_the_result_and_in_its_report(tmp_path):
    """Kish's effective number, under the name that the report reads."""
    weights = np.where(np.arange(150) % 3 == 0, 4.0, 1.0)
    task = Task(
        kind="tabular-classification",
        data=IRIS.data,
        target=IRIS.target,
        weight=weights,
        split=Split(test=0.3, folds=3),
    )
    held = Contest(task=task, entrants=[TREE], lineup="none", engine="inline", out=tmp_path / "run").run()
    value = json.loads((held.folder.path / "result.json").read_text())
    told = value["task"]["rows_effective"]
    assert told.keys() == {"train", "test"}
    assert 0.5 * 45 < told["test"] < 45
    assert f"those that judge tell as much as {told['test']:,.0f} of equal weight" in Report(value=value).weighing


def test_as_how_many_observations_rows_count_is_told_on_the_board_and_in_the_report(tmp_path):
    """Of rows that keep together by a column, and of stretches of time; and that more of these would tell more."""
    frame = pd.DataFrame(IRIS.data).assign(kind=IRIS.target, day=np.arange(150), plot=np.arange(150) // 10)
    said = {}
    for name, split in {"plot": Split(test=0.4, folds=3, group="plot"), "day": Split(test=0.4, time="day")}.items():
        task = Task(
            kind="tabular-classification", data=frame.sample(frac=1, random_state=0), target="kind", split=split
        )
        held = Contest(task=task, entrants=[TREE, BAYES], lineup="none", engine="inline", out=tmp_path / name).run()
        told = json.loads((held.folder.path / "result.json").read_text())["task"]["observations"]["test"]
        out = io.StringIO()
        print_result(held, Console(file=out, width=200))
        said[name] = f"count the 60 rows that judge as {told['count']} observations: one for each {told['of']}"
        assert said[name] in out.getvalue()
        page = html.unescape(render_report(held.to_json()))
        assert f"Intervals and ranks {said[name]}." in page
        assert f"More test observations than these {told['count']} would narrow this down." in page
    assert said["plot"] == "count the 60 rows that judge as 6 observations: one for each value of 'plot'"
    assert said["day"].endswith("one for each block of time")


def test_result_json_has_the_names_that_others_read(result):
    """The keys of result.json are a promise."""
    value = json.loads((result.folder.path / "result.json").read_text())
    assert {
        "schema", "task", "greater_is_better", "standings", "alliances", "default", "lineup", "seed", "versions", "digest",
    } <= value.keys()  # fmt: skip
    assert value["schema"] == 4
    assert {"name", "kind", "digest", "rows", "classes", "metrics"} <= value["task"].keys()
    assert value["task"]["rows"] == 150
    assert value["task"]["classes"] == ["setosa", "versicolor", "virginica"]
    assert value["greater_is_better"] is False
    for line in value["standings"]:
        assert line.keys() == {
            "rank", "rank_best", "rank_worst", "name", "role", "cv_score", "score", "ci", "metrics", "intervals",
            "ranks", "corrected", "unsure", "tier", "fit_seconds",
            "predict_seconds", "status", "reason", "note",
        }  # fmt: skip
        assert line["rank_best"] <= line["rank"] <= line["rank_worst"]
        assert line["ci"][0] <= line["score"] <= line["ci"][1]
    assert [line["score"] for line in value["standings"]] == sorted(line["score"] for line in value["standings"])
    assert {line["role"] for line in value["standings"]} == {"baseline", "single", "alliance"}
    assert value["alliances"]["greedy"]["strategy"] == "greedy"
    for alliance in value["alliances"].values():
        assert np.isclose(sum(alliance["weights"].values()), 1)
        assert set(alliance["weights"]) <= {"tree", "bayes"}
    assert [entrant["name"] for entrant in value["lineup"]] == ["dummy", "tree", "bayes"]


def test_credit_of_the_members_of_alliances(result):
    """It adds up to what an alliance gains, is kept in result.json the worthiest first, and comes back frozen."""
    value = json.loads((result.folder.path / "result.json").read_text())["credit"]
    assert {"average", "vote"} <= value.keys() <= result.alliances.keys()
    for name, credit in result.credit.items():
        parts = [part.shapley for part in credit.members.values()]
        assert np.isclose(sum(parts), credit.gain)
        assert parts == sorted(parts, reverse=True)
        assert np.isclose(sum(part.share for part in credit.members.values()), 1)
        assert set(credit.members) == set(result.alliances[name].weights)
        assert (credit.part, credit.exact, len(credit.interactions)) == ("test", True, 1)
        assert list(value[name]["members"]) == list(credit.members)
        assert value[name].keys() == {
            "value", "prior", "gain_stderr", "best", "ahead", "ahead_stderr", "part", "exact", "members", "interactions",
        }  # fmt: skip
    assert np.isclose(-result.credit["vote"].value, result.standings["vote"].score), "a vote is not calibrated"
    assert Result.load(result.folder.path).credit == result.credit


def test_default_is_the_best_by_selection_score(result):
    """The star goes by out-of-fold predictions, wherever that stands on the board."""
    best = min((line for line in result.standings if line.cv_score), key=lambda line: line.cv_score.score)
    assert result.default == best.entrant.name


def test_scores_are_those_of_the_predictions(result):
    """What the board shows is what scikit-learn computes from the stored predictions of the test part."""
    from sklearn.metrics import accuracy_score, log_loss

    from concours.stores.blobs import get_array

    store, test = result.folder.store, result.setup.problem.test
    y = get_array(store, test.y)
    for line in result.standings:
        p = get_array(store, result.candidates[line.entrant.name].test)
        assert np.isclose(line.score, log_loss(y, p, labels=[0, 1, 2]))
        assert np.isclose(line.metrics["accuracy"], accuracy_score(y, p.argmax(1)))


def test_the_model_on_the_board_is_the_one_that_predicts(result):
    """Predicting the test rows again gives the predictions that were evaluated, for every line of the board."""
    from concours.stores.blobs import get_array, get_table

    store, test = result.folder.store, result.setup.problem.test
    rows = get_table(store, test.x).to_pandas()
    for name, candidate in result.candidates.items():
        assert np.allclose(predict(result, rows, model=name, proba=True), get_array(store, candidate.test), atol=1e-12)
    labels = predict(result, rows)
    assert set(labels) <= {"setosa", "versicolor", "virginica"}


def test_a_bag_is_the_average_of_the_models_of_the_folds(tmp_path):
    """With `final = bag` nothing is fitted on the whole training part, and what is evaluated is what predicts."""
    from concours.stores.blobs import get_array, get_table

    result = iris(tmp_path / "bag", final="bag").run()
    test = result.setup.problem.test
    rows = get_table(result.folder.store, test.x).to_pandas()
    for name, candidate in result.candidates.items():
        assert len(candidate.models) == (0 if candidate.entrant.joint else 3)
        assert np.allclose(
            predict(result, rows, model=name, proba=True), get_array(result.folder.store, candidate.test)
        )


def test_saved_results_come_back(result):
    """A result read from its folder is the result: the same board, digest and predictions."""
    again = Result.load(result.folder.path)
    assert again.to_json() == json.loads(json.dumps(result.to_json()))
    assert again.digest == result.digest
    frame = pd.DataFrame(np.full((2, 4), 2.0), columns=read_rows(result, _frame()).x.columns)
    assert (predict(again, frame) == predict(result, frame)).all()


def _frame() -> pd.DataFrame:
    from sklearn.datasets import load_iris

    return load_iris(as_frame=True).data


def test_file_and_python_are_one_path(tmp_path, result):
    """The same contest from a file has the same digest."""
    (tmp_path / "c.toml").write_text(
        '[task]\nkind = "tabular-classification"\ndata = "sklearn:iris"\nsplit = { test = 0.3, folds = 3 }\n'
        '[compete]\nlineup = "none"\n'
        '[[entrant]]\nname = "tree"\nrecipe = "sklearn.tree:DecisionTreeClassifier"\nparams = { max_depth = 3 }\n'
        '[[entrant]]\nname = "bayes"\nrecipe = "sklearn.naive_bayes:GaussianNB"\n'
    )
    again = Contest.from_file(tmp_path / "c.toml").with_options(engine="inline", out=tmp_path / "run").run()
    assert again.digest == result.digest


def test_without_a_test_part(tmp_path):
    """With test = 0 the board goes by the cross-validation score and says so; of the default less is told, as it was chosen."""
    task = Task(kind="tabular-classification", data="sklearn:iris", split=Split(test=0, folds=3))
    result = iris(tmp_path / "run", task=task).run()
    assert result.setup.problem.test is None
    for line in result.standings:
        assert np.isclose(line.score, line.cv_score.score)
        assert (line.corrected is not None) is (line.entrant.name == result.default)
    star = result.standings[result.default]
    assert star.score <= star.corrected < star.ci[1]
    assert f"expect {star.corrected:.4f} on new ones" in repr(result.standings)
    assert len(predict(result, _frame())) == 150


def test_a_choice_that_could_not_be_made_again_is_said(tmp_path, monkeypatch):
    """The default then has the interval of one that was alone, and a warning says so."""

    def broken(*args, **options):
        raise ValueError("no rows today")

    monkeypatch.setattr("concours.engine.runners.choice.chosen_anew", broken)
    task = Task(kind="tabular-classification", data="sklearn:iris", split=Split(test=0, folds=3))
    result = iris(tmp_path / "run", task=task, cooperate=[]).run()
    (warning,) = (text for text in result.warnings if "having been chosen" in text)
    assert warning.startswith(f"the interval of {result.default} does not allow for its having been chosen")
    assert "no rows today" in warning
    assert result.standings[result.default].corrected is None


def test_who_searched_is_told_with_less(tmp_path):
    """Without a test part the best of the trials is flattered by them, on whichever place it stands."""
    search = {"max_depth": [1, 9], "min_samples_leaf": [1, 40], "trials": 6}
    noisy = Entrant("noisy", "sklearn.tree:DecisionTreeClassifier", search=search)
    task = Task(kind="tabular-classification", data="sklearn:iris", split=Split(test=0, folds=3))
    result = iris(tmp_path / "run", task=task, entrants=[noisy, BAYES], cooperate=[]).run()
    line = result.standings["noisy"]
    assert line.score <= line.corrected <= line.ci[1]
    assert Result.load(result.folder.path).standings["noisy"] == line


def test_a_test_part_of_its_own(tmp_path):
    """A test file judges; its columns may stand in another order."""
    frame = _frame().assign(y=np.repeat(["a", "b", "c"], 50))
    train, test = frame.iloc[::2], frame.iloc[1::2, ::-1]
    result = iris(
        tmp_path / "run",
        task=Task(kind="tabular-classification", data=train, target="y", test=test, split=Split(folds=3)),
    ).run()
    assert result.to_json()["task"]["rows_test"] == 75


def test_regression_and_text_columns(tmp_path):
    """A table with words, gaps and dates, and a number to predict."""
    rng = np.random.default_rng(0)
    n = 120
    frame = pd.DataFrame(
        {
            "size": np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n)),
            "colour": rng.choice(["red", "green", None], size=n),
            "note": [f"word{i % 50} text" for i in range(n)],
            "day": pd.date_range("2024-01-01", periods=n),
        }
    )
    target = frame["size"].fillna(0) * 3 + (frame["colour"] == "red") + rng.normal(size=n) * 0.1
    result = Contest(
        task=Task(kind="tabular-regression", data=frame, target=target.to_numpy(), split=Split(folds=3)),
        entrants=[Entrant("ridge", "ridge"), Entrant("tree", "sklearn.tree:DecisionTreeRegressor")],
        engine="inline", out=tmp_path / "run",
    ).run()  # fmt: skip
    assert result.standings["ridge"].score < result.standings["dummy"].score
    assert predict(result, frame.head(5)).shape == (5,)
    assert "vote" not in result.alliances
    with pytest.raises(DataError, match="predicts a number"):
        predict(result, frame, proba=True)


def test_nothing_could_be_fitted(tmp_path, monkeypatch):
    """When every entrant fails there is a board that says why, no default, and a clear refusal to predict."""
    (tmp_path / "bad.py").write_text(
        "class Bad:\n    def fit(self, X, y):\n        raise ValueError('no luck')\n    def predict(self, X): ...\n"
    )
    entrants = [Entrant("bad", "bad.py:Bad"), Entrant("dummy", "bad.py:Bad")]
    result = iris(tmp_path / "run", entrants=entrants, folder=tmp_path).run()
    assert result.default is None
    assert {(line.status, line.reason[:20]) for line in result.standings} == {("failed", "ValueError: no luck ")}
    assert "no luck" in write_report(result).read_text()


def test_alliances_take_two(tmp_path):
    """With one entrant there is nothing to join, and the result says so."""
    result = iris(tmp_path / "run", entrants=[TREE]).run()
    assert result.alliances == {}
    assert "no alliance: it takes two fitted entrants, there are 1" in result.warnings


def test_a_line_up_is_added_to_those_named(tmp_path):
    """`lineup = fast` adds the kind's own; a name that is taken is not added twice."""
    contest = iris(tmp_path, entrants=[Entrant("svm", "sklearn.svm:SVC")], lineup="fast")
    from concours.tasks.kinds import KINDS

    form = KINDS["tabular-classification"].form
    names = [r.entrant.name for r in contest._resolved(1.0, form)]
    assert names[:3] == ["dummy", "svm", "logistic"]
    assert sorted(names[2:]) == sorted(name for name in form.lineups["fast"] if name != "svm")
    with pytest.raises(ContestError, match="must be one of fast, full, none"):
        iris(tmp_path, lineup="slow").run()


def test_look_at_a_contest_that_runs(tmp_path, result):
    """Looking needs no lock, and shows by cross-validation score what has been done so far."""
    iris(tmp_path / "run").run()
    for name in ("result.json", "candidates.json"):
        (tmp_path / "run" / name).unlink()
    journal = tmp_path / "run" / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    cut = next(i for i, line in enumerate(lines) if b'"score"' in line) + 1
    journal.write_bytes(b"".join(lines[:cut]))
    shown = look(tmp_path / "run")
    assert not shown.complete
    statuses = {line.entrant.name: line.status for line in shown.standings}
    assert sorted(statuses.values()) == ["ok", "running", "running"]
    assert journal.read_bytes() == b"".join(lines[:cut])
    with pytest.raises(RunFolderError, match="has not come to its end"):
        Result.load(tmp_path / "run")


def test_looking_again_after_the_end(result):
    """Looking at a finished contest reads its result."""
    assert look(result.folder.path).to_json() == json.loads((result.folder.path / "result.json").read_text())


def test_gc_removes_what_nothing_refers_to(tmp_path):
    """Objects of killed jobs and half-written files go; a rerun afterwards runs nothing and ends the same."""
    first = iris(tmp_path / "run").run()
    store = first.folder.store
    import io

    stray = store.put(io.BytesIO(b"nobody's"))
    (store.tmp / "half").write_bytes(b"x" * 1000)
    before = first.folder.size()
    freed = collect(tmp_path / "run")
    assert (freed.objects, freed.bytes >= 1000, stray in store) == (1, True, False)
    assert freed.left < before
    ended = []
    again = iris(tmp_path / "run").run(
        listener=lambda notice: ended.append(notice) if notice.topic == "ended" else None
    )
    assert (ended, again.digest) == ([], first.digest)
    assert json.dumps(again.to_json()) == json.dumps(first.to_json()), "what is recalled is what was found"
    assert len(predict(again, _frame())) == 150


@pytest.mark.parametrize("name", ["", " ", " bayes", "bayes\t", "two\nlines", "be\x07ll"])
def test_a_name_is_one_line_of_letters(tmp_path, name):
    """Boards, files and columns have names in one line; what would tear them is said before anything is fitted."""
    entrant = Entrant(name, "sklearn.naive_bayes:GaussianNB")
    with pytest.raises(ContestError, match=r"entrant.name: .* on one line"):
        iris(tmp_path / "run", entrants=[entrant]).run()


def test_the_folder_of_a_contest_is_a_path_or_a_text(tmp_path):
    """Files of recipes begin there."""
    (tmp_path / "own.py").write_text("from sklearn.naive_bayes import GaussianNB\nclass Own(GaussianNB):\n    pass\n")
    contest = iris(tmp_path / "run", entrants=[Entrant("own", "own.py:Own")], folder=str(tmp_path))
    assert contest.named() == {"own.py"}
    assert contest == iris(tmp_path / "run", entrants=[Entrant("own", "own.py:Own")], folder=tmp_path)


def test_gc_keeps_what_counts_the_rows(tmp_path):
    """Groups and weights belong to the data: a model that is fitted again for new rows needs them after gc too."""
    frame = _frame().assign(target=np.repeat(["a", "b", "c"], 50))
    frame = frame.assign(visit=np.arange(150) // 2, people=1.0 + np.arange(150) % 4)
    (tmp_path / "own.py").write_text("from sklearn.naive_bayes import GaussianNB\nclass Own(GaussianNB):\n    pass\n")
    task = Task(
        kind="tabular-classification",
        data=frame,
        target="target",
        weight="people",
        split=Split(test=0.3, folds=2, group="visit"),
    )
    entrants = [Entrant("own", "own.py:Own")]
    first = Contest(task=task, entrants=entrants, engine="inline", out=tmp_path / "run", folder=tmp_path).run()
    rows = frame.drop(columns=["target", "visit", "people"])
    before = predict(first, rows, model="own", proba=True)
    assert collect(tmp_path / "run").objects == 0
    assert np.array_equal(predict(Result.load(tmp_path / "run"), rows, model="own", proba=True), before)


@pytest.mark.parametrize("given", ["object", "file"])
def test_a_part_of_an_object_weighs_classes_by_their_labels(tmp_path, given):
    """However the labels are written, the same classes weigh the same; a file's object is no other than Python's."""
    scores = []
    for labels in ([1, 2, 3], ["a", "b", "c"], ["007", "1.0", "TRUE"]):
        text = (
            "from sklearn.linear_model import LogisticRegression\nfrom sklearn.pipeline import make_pipeline\n"
            "from sklearn.preprocessing import StandardScaler\n"
            f"model = make_pipeline(StandardScaler(), LogisticRegression(class_weight={{{labels[1]!r}: 9.0}}))\n"
        )
        (tmp_path / "weighed.py").write_text(text)
        held: dict = {}
        exec(text, held)
        frame = _frame().assign(target=np.asarray(labels)[np.arange(150) // 50])
        scores.append(
            Contest(
                task=Task(kind="tabular-classification", data=frame, target="target", split=Split(test=0.3, folds=2)),
                entrants=[Entrant("weighed", held["model"] if given == "object" else "weighed.py:model")],
                engine="inline",
                out=tmp_path / str(labels[0]),
                folder=tmp_path,
            )
            .run()
            .standings["weighed"]
            .score
        )
    assert scores[0] is not None
    assert scores == [scores[0]] * 3


def test_time_limit(tmp_path):
    """When the time is up, what has not ended is out of time, and more time goes on from there."""
    (tmp_path / "slow.py").write_text(
        "import time\nfrom sklearn.naive_bayes import GaussianNB\n"
        "class Slow(GaussianNB):\n    def fit(self, X, y):\n        time.sleep(0.8)\n        return super().fit(X, y)\n"
    )
    entrants = [BAYES, Entrant("slow", "slow.py:Slow")]
    began = time.monotonic()
    short = iris(tmp_path / "run", entrants=entrants, folder=tmp_path, seconds=1.2).run()
    assert time.monotonic() - began < 20
    assert short.standings["slow"].status == "out_of_time"
    assert "time" in short.standings["slow"].reason
    whole = iris(tmp_path / "run", entrants=entrants, folder=tmp_path).run()
    assert whole.standings["slow"].status == "ok"


def test_models_that_no_format_holds_are_fitted_again(tmp_path):
    """An estimator of a user's own is not pickled: its recipe is kept, and predicting fits it again to the same bytes."""
    (tmp_path / "own.py").write_text(
        "import numpy as np\n"
        "class Own:\n"
        "    def fit(self, X, y):\n        self.p = np.bincount(y, minlength=3) / len(y); self.f = lambda x: x; return self\n"
        "    def predict(self, X):\n        return np.full(len(X), self.p.argmax())\n"
        "    def predict_proba(self, X):\n        return np.tile(self.p, (len(X), 1))\n"
    )
    result = iris(tmp_path / "run", entrants=[Entrant("own", "own.py:Own"), BAYES], folder=tmp_path).run()
    (tmp_path / "own.py").unlink()
    again = Result.load(tmp_path / "run")
    assert np.allclose(predict(again, _frame(), model="own", proba=True), 1 / 3, atol=0.02)
    assert result.candidates["own"].models


def test_nothing_is_written_outside_the_run_folder(tmp_path, monkeypatch):
    """A contest leaves one folder."""
    monkeypatch.chdir(tmp_path)
    iris(tmp_path / "run").run()
    assert os.listdir(tmp_path) == ["run"]


def test_rows_that_judge_and_were_fitted_on_are_told(tmp_path):
    """The same rows in both parts flatter; the result says how many there are."""
    frame = _frame().assign(y=np.repeat(["a", "b", "c"], 50)).drop_duplicates(list(_frame().columns))
    task = Task(kind="tabular-classification", data=frame, target="y", test=frame.iloc[:30], split=Split(folds=3))
    result = iris(tmp_path / "run", task=task, cooperate=[]).run()
    assert (
        "30 of 30 rows that judge have the inputs of a row that is fitted on: scores flatter there" in result.warnings
    )
    apart = iris(
        tmp_path / "apart",
        task=Task(kind="tabular-classification", data=frame, target="y", split=Split(folds=3)),
        cooperate=[],
    )
    assert apart.run().warnings == ()


def test_preparation_of_a_users_own_file(tmp_path):
    """A class of one's own gets the data as it is, or, if it asks, as the kind prepares it."""
    (tmp_path / "own.py").write_text(
        "import pandas as pd\nfrom sklearn.naive_bayes import GaussianNB\n"
        "class Raw(GaussianNB):\n    def fit(self, X, y):\n        assert isinstance(X, pd.DataFrame)\n        return super().fit(X, y)\n"
        "class Ready(GaussianNB):\n    def fit(self, X, y):\n        assert X.dtype == 'float32'\n        return super().fit(X, y)\n"
    )
    entrants = [Entrant("raw", "own.py:Raw"), Entrant("ready", "own.py:Ready", prepare="auto")]
    result = iris(tmp_path / "run", entrants=entrants, folder=tmp_path, cooperate=[]).run()
    assert {line.status for line in result.standings} == {"ok"}


def test_a_board_in_python(result):
    """Lines by name, by place, and in order; a result in one line."""
    assert result.standings["tree"].entrant.name == "tree"
    assert result.standings[0] is result.standings.lines[0]
    assert result.standings[:2] == result.standings.lines[:2]
    assert repr(result).startswith("<Result of 'iris': 7 on the board, default")


@pytest.mark.parametrize("text", ["[]", '{"problem": 3}'])
def test_a_damaged_file_of_the_folder(tmp_path, text):
    """A file of another form is named as damaged, with the cure, and the cure works."""
    iris(tmp_path / "run").run()
    (tmp_path / "run" / "setup.json").write_text(text)
    with pytest.raises(RunFolderError, match="is damaged .* run the contest again"):
        Result.load(tmp_path / "run")
    iris(tmp_path / "run").run()
    assert Result.load(tmp_path / "run").default
