"""`concours score`: the numbers are right, and every wrong file of predictions is told in one line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

CONTEST = """
[task]
kind = "tabular-classification"
data = "train.csv"
test = "test.csv"
target = "y"
id = "name"
metrics = ["log_loss", "accuracy", "f1", "roc_auc"]
split = { folds = 2 }
"""
TRUE = ["no", "yes", "yes", "no", "yes", "no"]
NAMES = ["r3", "r1", "r6", "r2", "r5", "r4"]
P = np.array([0.2, 0.9, 0.4, 0.6, 0.7, 0.1])
GOOD = pd.DataFrame({"id": NAMES, "prediction": np.where(P > 0.5, "yes", "no"), "p_no": 1 - P, "p_yes": P})


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A folder of its own with a task whose test part is a file."""
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"t{i},{i},{'yes' if i % 2 else 'no'}\n" for i in range(12))
    Path("train.csv").write_text("name,a,y\n" + rows)
    test = (f"{name},{i},{label}\n" for i, (name, label) in enumerate(zip(NAMES, TRUE, strict=True)))
    Path("test.csv").write_text("name,a,y\n" + "".join(test))
    Path("contest.toml").write_text(CONTEST)
    metrics = ('["log_loss", "accuracy", "f1", "roc_auc"]', '["rmse", "mae"]')
    number = CONTEST.replace("classification", "regression").replace('"y"', '"a"').replace(*metrics)
    Path("number.toml").write_text(number.replace('id = "name"', 'drop = ["name"]'))
    return tmp_path


def write(frame: pd.DataFrame, file: str) -> None:
    match Path(file).suffix:
        case ".parquet":
            frame.to_parquet(file, index=False)
        case ".jsonl":
            frame.to_json(file, orient="records", lines=True)
        case _:
            frame.to_csv(file, index=False)


@pytest.mark.parametrize("file", ["p.csv", "p.parquet", "p.jsonl", "p.csv.gz"])
def test_scores_are_right(file, concours):
    """Whatever the form and the order of the rows, scores are scikit-learn's, each in its interval."""
    write(GOOD.sample(frac=1, random_state=0), file)
    code, out, err = concours(f"score contest.toml {file} --json")
    assert code == 0, err
    found = json.loads(out)
    y = np.array(TRUE) == "yes"
    expected = {
        "log_loss": sk.log_loss(y, P),
        "accuracy": np.mean(y == (P > 0.5)),
        "f1": sk.f1_score(y, P > 0.5),
        "roc_auc": sk.roc_auc_score(y, P),
    }
    assert found["rows"] == 6
    for name, value in expected.items():
        assert np.isclose(found["metrics"][name]["score"], value), name
        low, high = found["metrics"][name]["ci"]
        assert low <= value <= high


def test_predictions_are_read_as_data_are(concours):
    """Semicolons, decimal commas, a byte order mark and another encoding score as the plain file does."""
    write(GOOD, "p.csv")
    plain = concours("score contest.toml p.csv --json")
    for encoding in ("utf-8-sig", "utf-16"):
        GOOD.assign(note="für").to_csv("other.csv", sep=";", decimal=",", encoding=encoding, index=False)
        assert concours("score contest.toml other.csv --json") == plain


def test_for_people(concours):
    """The table has every metric with its interval and direction."""
    write(GOOD, "p.csv")
    code, out, err = concours("score contest.toml p.csv")
    assert code == 0, err
    assert "6 rows" in out
    assert "lower is better" in out
    assert all(name in out for name in ("log_loss", "accuracy", "f1", "roc_auc"))


def test_labels_alone(concours):
    """Metrics of labels work from labels; the others say what they need."""
    write(GOOD[["id", "prediction"]], "p.csv")
    code, out, err = concours("score contest.toml p.csv --json")
    assert code == 0, err
    found = json.loads(out)
    assert list(found["metrics"]) == ["accuracy", "f1"]
    assert "p_no, p_yes" in found["not_scored"]["log_loss"]


def test_probabilities_alone(concours):
    """From probabilities the most probable class is the label; ids may be called as in the task."""
    write(GOOD[["id", "p_yes", "p_no"]].rename(columns={"id": "name"}), "p.csv")
    code, out, err = concours("score contest.toml p.csv --json")
    assert code == 0, err
    assert np.isclose(json.loads(out)["metrics"]["accuracy"]["score"], 4 / 6)


def test_in_order_without_ids(concours):
    """As many rows as the test part has need no ids."""
    write(GOOD.drop(columns="id"), "p.csv")
    assert concours("score contest.toml p.csv")[0] == 0


def test_values(concours):
    """A regression is scored by its numbers."""
    write(pd.DataFrame({"prediction": np.arange(6.0) + 0.5}), "p.csv")
    code, out, err = concours("score number.toml p.csv --json")
    assert code == 0, err
    assert np.isclose(json.loads(out)["metrics"]["mae"]["score"], 0.5)


def test_what_predict_writes_is_scored(concours):
    """Predictions of a split task, of all its rows, are scored as they are: on the test part, as on the board."""
    text = CONTEST.replace('test = "test.csv"\n', "").replace("folds = 2", "folds = 2, test = 0.5")
    Path("own.toml").write_text(text + '[[entrant]]\nname = "tree"\nrecipe = "sklearn.tree:DecisionTreeClassifier"\n')
    code, _, err = concours("run own.toml --engine inline --out out")
    assert code == 0, err
    assert concours("predict out train.csv -o p.csv --proba --with tree")[0] == 0
    code, out, err = concours("score own.toml p.csv --json")
    assert code == 0, err
    board = {line["name"]: line for line in json.loads(Path("out/result.json").read_text())["standings"]}
    found = json.loads(out)["metrics"]
    assert np.isclose(found["log_loss"]["score"], board["tree"]["score"])
    assert np.allclose(found["log_loss"]["ci"], board["tree"]["ci"])


@dataclass(frozen=True)
class Case:
    """A wrong file: how it differs from a good one, and words that must be in the one line that is said."""

    name: str
    frame: pd.DataFrame | str
    words: tuple[str, ...]
    contest: str = "contest.toml"


def changed(row: int, **values: object) -> pd.DataFrame:
    frame = GOOD.astype(object).copy()
    for column, value in values.items():
        frame.loc[row, column] = value
    return frame


CASES = [
    Case("missing ids", GOOD.iloc[:4], ("2 of the 6 ids of the test part are missing", "first 'r5'", "--rows")),
    Case("other ids", GOOD.assign(id=[f"x{i}" for i in range(6)]), ("6 of the 6 ids", "the first id there is 'x0'")),
    Case("ids twice", pd.concat([GOOD, GOOD.iloc[2:3]]), ("1 ids come more than once", "'r6'")),
    Case("NaN", changed(1, p_yes=np.nan), ("p_yes is missing, NaN or infinite in 1 rows", "id 'r1'")),
    Case("infinite", changed(1, p_yes=np.inf), ("p_yes is missing, NaN or infinite in 1 rows", "'r1'")),
    Case("no label", changed(3, prediction=None), ("prediction is missing", "'r2'")),
    Case("unknown class", changed(1, prediction="Yess"), ("1 predictions are no class", "'Yess'", "did you mean 'yes'")),
    Case("sum", changed(2, p_yes=0.9), ("do not sum to one", "'r6'", "1.5")),
    Case("below nothing", changed(2, p_yes=-0.4, p_no=1.4), ("p_no is 1.4", "'r6'")),
    Case("words for probabilities", changed(2, p_yes="high"), ("p_yes must hold numbers", "'high'")),
    Case("lacking class", GOOD.drop(columns="p_no"), ("column 'p_no' is missing",)),
    Case("class too many", GOOD.assign(p_may=0.0), ("'p_may' is of no class", "p_no, p_yes")),
    Case("nothing predicted", GOOD[["id"]], ("'prediction'", "p_no, p_yes", "its columns are 'id'")),
    Case("number of rows", GOOD.drop(columns="id").iloc[:5], ("5 rows", "no column 'id'", "the 6 rows")),
    Case("empty", "", ("p.csv is empty",)),
    Case("no rows", "id,prediction\n", ("p.csv has a header but no rows",)),
    Case("column twice", "id,prediction,prediction\nr1,no,no\n", ("two columns are called 'prediction'",)),
    Case("ragged", "id,prediction\nr1,no\nr2\n", ("line 3 has 1 cell where the first has 2",)),
    Case("NaN among values", pd.DataFrame({"prediction": [1, 2, np.nan, 4, 5, 6]}), ("missing, NaN or infinite in 1 rows", "line 4"), "number.toml"),
    Case("infinite value", pd.DataFrame({"prediction": [1, 2, -np.inf, 4, 5, 6]}), ("missing, NaN or infinite in 1 rows", "line 4"), "number.toml"),
    Case("word for a value", pd.DataFrame({"prediction": [1, 2, "x", 4, 5, 6]}), ("must hold numbers", "'x'"), "number.toml"),
    Case("values not there", pd.DataFrame({"predicted": range(6)}), ("'prediction'", "'predicted'"), "number.toml"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_wrong_files(case, concours):
    """One line says what is wrong with a file and where; exit code 2."""
    if isinstance(case.frame, str):
        Path("p.csv").write_text(case.frame)
    else:
        write(case.frame, "p.csv")
    code, out, err = concours(f"score {case.contest} p.csv")
    assert (code, out) == (2, "")
    assert len(err.strip().splitlines()) == 1
    assert all(word in err for word in case.words), err


def test_only_labels_for_a_metric_of_probabilities(concours):
    """Where no metric can be computed, the first says what it needs."""
    Path("loss.toml").write_text(CONTEST.replace('["log_loss", "accuracy", "f1", "roc_auc"]', '["log_loss"]'))
    write(GOOD[["id", "prediction"]], "p.csv")
    code, _, err = concours("score loss.toml p.csv")
    assert code == 2
    assert "log_loss needs probabilities" in err


def test_nothing_to_score_by(concours):
    """A contest without a test part has no truth; a missing file is named."""
    Path("none.toml").write_text(CONTEST.replace('test = "test.csv"\n', "").replace("folds = 2", "folds = 2, test = 0"))
    write(GOOD, "p.csv")
    code, _, err = concours("score none.toml p.csv")
    assert (code, "no test part" in err) == (2, True)
    code, _, err = concours("score contest.toml q.csv")
    assert (code, "q.csv does not exist" in err) == (2, True)
