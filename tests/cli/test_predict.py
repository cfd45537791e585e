"""`concours predict`: files of every form, with ids, and in the form of a sample."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from concours.api.writing import check_form
from concours.cli.app import main
from concours.core.errors import DataError

CONTEST = """
[task]
kind = "tabular-classification"
data = "train.csv"
target = "state"
id = "key"
split = {{ folds = 2, test = 0.25 }}
{more}
[compete]
lineup = "none"

[cooperate]
strategies = []

[[entrant]]
name = "tree"
recipe = "sklearn.tree:DecisionTreeClassifier"
"""
KEYS = [f"{10**19 + row}" for row in range(40)]
LABELS = {"two": ["007", "TRUE"], "numbers": ["0", "1"], "three": ["a", "b", "1.0"]}


def rows(labels: list[str]) -> pd.DataFrame:
    """Forty rows whose label is the whole part of a number; keys of twenty digits."""
    place = np.arange(40) % len(labels)
    return pd.DataFrame({"key": KEYS, "x": place + 0.1, "state": [labels[code] for code in place]})


@pytest.fixture(scope="module", params=LABELS)
def made(request, tmp_path_factory):
    """A finished contest a set of labels: its folder, the labels in order, and the rows."""
    folder = tmp_path_factory.mktemp(request.param)
    labels = LABELS[request.param]
    frame = rows(labels)
    frame.to_csv(folder / "train.csv", index=False)
    frame.drop(columns="state").to_csv(folder / "new.csv", index=False)
    positive = f'positive = "{labels[-1]}"' if len(labels) == 2 else ""
    (folder / "contest.toml").write_text(CONTEST.format(more=positive))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr("sys.argv", ["concours", "run", "contest.toml", "--engine", "inline", "--out", "run"])
        with pytest.raises(SystemExit) as end:
            main()
        assert not end.value.code
    return folder, labels, frame


@pytest.fixture(autouse=True)
def in_its_folder(made, monkeypatch):
    """Commands run in the folder of the contest."""
    monkeypatch.chdir(made[0])


def words(file: str, **more: object) -> pd.DataFrame:
    """A file of text as it stands there."""
    return pd.read_csv(file, dtype=str, keep_default_na=False, **more)


@pytest.mark.parametrize(
    "ending", ["csv", "tsv", "csv.gz", "tsv.bz2", "csv.xz", "csv.zip", "parquet", "json", "jsonl", "jsonl.gz"]
)
def test_the_form_is_that_of_the_name(made, concours, ending):
    """Every form holds the same: the ids, the labels as the file writes them, and probabilities that sum to one."""
    _, labels, frame = made
    code, _, err = concours(f"predict run new.csv --with tree --proba -o out.{ending}")
    assert code == 0, err
    match ending.split(".")[0]:
        case "csv":
            found = words("out." + ending)
        case "tsv":
            found = words("out." + ending, sep="\t")
        case "parquet":
            found = pd.read_parquet("out.parquet")
        case "json":
            found = pd.DataFrame(json.loads(Path("out.json").read_text()))
        case _:
            found = pd.read_json("out." + ending, lines=True, dtype=False)
    assert found["key"].astype(str).tolist() == KEYS
    assert found["prediction"].tolist() == frame["state"].tolist()
    assert list(found.columns)[:2] == ["key", "prediction"]
    assert set(found.columns[2:]) == {f"p_{label}" for label in labels}
    assert np.allclose(found[found.columns[2:]].astype(float).sum(axis=1), 1)


def test_what_is_written_is_scored(made, concours):
    """The file as it is scores as the board: those of its rows that are the test part, and it says how many."""
    assert concours("predict run train.csv --with tree --proba -o all.csv")[0] == 0
    code, out, err = concours("score contest.toml all.csv")
    assert code == 0, err
    assert "10 of 40 rows are the test part; the others are not counted" in out
    code, out, _ = concours("score contest.toml all.csv --json")
    board = {line["name"]: line for line in json.loads(Path("run/result.json").read_text())["standings"]}
    assert json.loads(out)["metrics"]["log_loss"]["score"] == pytest.approx(board["tree"]["score"])


def test_the_rows_to_predict(made, concours):
    """The ids of the test part come as a file, without labels, and are what `score` wants, no more."""
    code, _, err = concours("score contest.toml --rows wanted.csv")
    assert code == 0, err
    wanted = words("wanted.csv")
    assert list(wanted.columns) == ["key"]
    assert len(wanted) == 10
    frame = made[2].rename(columns={"state": "prediction"})[["key", "prediction"]]
    frame[frame["key"].isin(wanted["key"])].to_csv("some.csv", index=False)
    code, out, err = concours("score contest.toml some.csv --json")
    assert code == 0, err
    assert json.loads(out)["metrics"]["accuracy"]["score"] == 1
    frame[~frame["key"].isin(wanted["key"][:1])].to_csv("fewer.csv", index=False)
    code, _, err = concours("score contest.toml fewer.csv")
    assert code == 2
    assert f"1 of the 10 ids of the test part are missing, first {wanted['key'][0]!r}" in err


def sample(frame: pd.DataFrame, seed: int, **columns: object) -> pd.DataFrame:
    """Some of the ids in another order, with cells."""
    chosen = frame[["key"]].sample(25, random_state=seed)
    return chosen.assign(**columns)


@pytest.mark.parametrize("seed", range(3))
def test_a_sample_of_labels(made, concours, seed):
    """Columns, their order, ids and their order are the sample's; a column of labels gets the labels, and it is said."""
    _, labels, frame = made
    like = sample(frame, seed, state=labels[0], Usage="Public")[["state", "key", "Usage"]]
    like.to_csv("like.csv", index=False)
    code, _, err = concours("predict run new.csv --with tree --like like.csv -o out.csv")
    assert code == 0, err
    found = words("out.csv")
    assert list(found.columns) == ["state", "key", "Usage"]
    assert found["key"].tolist() == like["key"].tolist()
    assert set(found["Usage"]) == {"Public"}
    assert found["state"].tolist() == frame.set_index("key")["state"][like["key"]].tolist()
    assert "like.csv: state is the label, as its cells are classes" in err
    assert "15 of the 40 rows of new.csv are not in like.csv, and are left out" in err


@pytest.mark.parametrize(("cell", "more"), [("0.5", ""), ("0.25", ""), ("first", " --proba")])
def test_a_sample_of_probabilities(made, concours, cell, more):
    """One column for two classes: fractions, or `--proba`, mean the probability of the positive one, and it is said."""
    _, labels, frame = made
    sample(frame, 0, state=labels[0] if cell == "first" else cell).to_csv("like.csv", index=False)
    code, _, err = concours(f"predict run new.csv --with tree --like like.csv -o out.csv{more}")
    if len(labels) > 2:
        assert (code == 2) == bool(more)
        return
    assert code == 0, err
    assert f"like.csv: state is the probability of {labels[-1]!r}" in err
    found = words("out.csv").set_index("key")["state"].astype(float)
    true = frame.set_index("key")["state"][found.index] == labels[-1]
    assert ((found > 0.5) == true).all()


@pytest.mark.parametrize("name", ["{}", "p_{}", "state_{}"])
def test_a_sample_with_a_column_a_class(made, concours, name):
    """Columns that are called after the classes, in any order and with anything before, get their probabilities."""
    _, labels, frame = made
    columns = [name.format(label) for label in reversed(labels)]
    sample(frame, 1, **dict.fromkeys(columns, 0.0)).to_csv("like.csv", index=False)
    code, _, err = concours("predict run new.csv --with tree --like like.csv -o out.csv")
    assert code == 0, err
    found = words("out.csv").set_index("key")
    assert list(found.columns) == columns
    best = found.astype(float).to_numpy().argmax(axis=1)
    true = frame.set_index("key")["state"][found.index].tolist()
    assert [list(reversed(labels))[place] for place in best] == true


def test_a_sample_without_ids(made, concours):
    """Where no column is in both, rows are taken in their order, which is said; another number of rows is refused."""
    _, labels, frame = made
    pd.DataFrame({"Row": range(40), "state": labels[0]}).to_csv("like.csv", index=False)
    code, _, err = concours("predict run new.csv --with tree --like like.csv -o out.csv")
    assert code == 0, err
    assert "no column of new.csv names its rows: they are taken in their order" in err
    assert words("out.csv")["state"].tolist() == frame["state"].tolist()
    pd.DataFrame({"state": [labels[0]] * 39}).to_csv("like.csv", index=False)
    code, _, err = concours("predict run new.csv --like like.csv -o out.csv")
    assert code == 2
    assert "like.csv has 39 rows and new.csv 40" in err


def test_ids_that_do_not_match(made, concours):
    """An id that no row has is named, with how many there are and what ids look like; so is one of two rows."""
    _, labels, frame = made
    like = sample(frame, 2, state=labels[0])
    like.assign(key=like["key"] + "x").to_csv("like.csv", index=False)
    code, _, err = concours("predict run new.csv --like like.csv -o out.csv")
    assert code == 2
    assert f"like.csv: 25 of its 25 ids are in no row of new.csv, first '{like['key'].iloc[0]}x'" in err
    like.to_csv("like.csv", index=False)
    pd.concat([frame, frame[:5]]).drop(columns="state").to_csv("twice.csv", index=False)
    code, _, err = concours("predict run twice.csv --like like.csv -o out.csv")
    assert code == 2
    assert "is the key of several rows" in err


def test_columns_that_say_nothing(made, concours):
    """Where it is not clear which column is to hold what, nothing is guessed."""
    frame = made[2]
    sample(frame, 2, one=0.5, two=0.5).to_csv("like.csv", index=False)
    code, _, err = concours("predict run new.csv --like like.csv -o out.csv")
    assert code == 2
    assert "which column is to hold the predictions is not clear; expected 'state'" in err
    assert "it has: key, one, two" in err


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("out.xlsx", "spreadsheets are not written; write out.csv"),
        ("out.txt", "no form of file ends so; expected one of .csv, .tsv, .json, .jsonl, .ndjson, .parquet"),
        ("out.parquet.gz", "no form of file ends so"),
        ("nowhere/out.csv", "the folder nowhere does not exist"),
        (".", "is a folder"),
    ],
)
def test_names_that_are_refused(name, said, tmp_path, monkeypatch):
    """What cannot be written is told before anything is predicted, with what to write."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=said):
        check_form(Path(name))


def test_numbers(tmp_path, monkeypatch, capfd):
    """A regression fills the sample's one column with its numbers."""
    monkeypatch.chdir(tmp_path)
    frame = rows(["1", "2"]).assign(state=lambda f: f["x"] * 2)
    frame.to_csv("train.csv", index=False)
    sample(frame, 0, state=0).to_csv("like.csv", index=False)
    text = CONTEST.format(more="").replace("classification", "regression").replace("Classifier", "Regressor")
    Path("contest.toml").write_text(text)
    for command in (
        "run contest.toml --engine inline --out run",
        "predict run train.csv --with tree --like like.csv -o out.csv",
    ):
        monkeypatch.setattr("sys.argv", ["concours", *command.split()])
        with pytest.raises(SystemExit) as end:
            main()
        assert not end.value.code, capfd.readouterr()
    found = words("out.csv").set_index("key")["state"].astype(float)
    assert np.allclose(found, frame.set_index("key")["state"][found.index])
