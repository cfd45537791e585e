"""`concours new`: what it writes is a contest that runs as it is, with a comment on each choice."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from concours import Contest
from concours.api.new import draft
from concours.contest.config import read_contest
from concours.contest.contest_text import Setting, toml_of
from concours.engine.ingest import ingest
from concours.stores.memory import MemoryStore

DATA = Path(os.environ.get("CONCOURS_DATA", "../shared/data")).resolve()
RNG = np.random.default_rng(0)
ROWS = 120
FRAME = pd.DataFrame({"a": RNG.normal(size=ROWS), "b": RNG.integers(0, 9, ROWS), "class": ["x", "y"] * (ROWS // 2)})


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    """Commands run in a folder of their own."""
    monkeypatch.chdir(tmp_path)


def ingested(path: Path):
    """The problem of a contest file: all that a run checks before it fits."""
    read_contest(path)
    contest = Contest.from_file(path)
    return ingest(contest.task, MemoryStore(), seed=contest.seed, folder=contest.folder).problem


def test_table(concours):
    """A file becomes a contest beside it, a summary and the next command; every key has its reason above it."""
    FRAME.to_csv("t.csv", index=False)
    code, out, err = concours("new", "t.csv")
    assert (code, err) == (0, "")
    assert "tabular-classification" in out
    assert out.rstrip().endswith("concours run contest.toml")
    text = Path("contest.toml").read_text()
    task = tomllib.loads(text)["task"]
    assert (task["data"], task["target"], task["split"]) == ("t.csv", "class", {"test": 0.3})
    assert "# its name says so\ntarget" in text
    assert ingested(Path("contest.toml")).kind == "tabular-classification"


def test_not_overwritten(concours):
    """A contest that is there stays, unless --force."""
    FRAME.to_csv("t.csv", index=False)
    Path("contest.toml").write_text("mine")
    code, _, err = concours("new", "t.csv")
    assert (code, Path("contest.toml").read_text()) == (2, "mine")
    assert "--force" in err
    assert concours("new", "t.csv", "--force")[0] == 0
    assert Path("contest.toml").read_text() != "mine"


def test_json(concours):
    """--json prints the findings and the settings, and nothing else."""
    FRAME.to_csv("t.csv", index=False)
    _, out, _ = concours("new", "t.csv", "--json", "-o", "c.toml")
    found = json.loads(out)
    assert found["contest"] == "c.toml"
    assert found["findings"]["classes"] == {"x": 60, "y": 60}
    assert {"table": "task", "key": "target", "value": "class", "why": "its name says so"} in found["settings"]


def test_paths_begin_at_the_contest(concours):
    """The contest may lie in another folder than the data and the reader."""
    Path("data").mkdir()
    Path("contests").mkdir()
    FRAME.to_csv("data/train.csv", index=False)
    FRAME.assign(a=FRAME["a"] + 1).to_csv("data/test.csv", index=False)
    assert concours("new", "data", "-o", "contests/c.toml")[0] == 0
    task = tomllib.loads(Path("contests/c.toml").read_text())["task"]
    assert (task["data"], task["test"]) == ("../data/train.csv", "../data/test.csv")
    assert ingested(Path("contests/c.toml")).test.rows == ROWS


def test_troubles_are_said(concours):
    """Leaks, imbalance, constants, rare classes and gaps are warned of, duplicates where no id tells rows apart."""
    rare = np.r_[np.ones(12), np.zeros(ROWS - 12)].astype(int)
    frame = pd.DataFrame(
        {
            "row": range(ROWS), "a": RNG.permutation(np.arange(ROWS) // 2), "same": "s", "told": rare * 2.5,
            "gaps": np.where(np.arange(ROWS) % 3, np.nan, 1.0) * RNG.normal(size=ROWS), "y": rare,
        }
    )  # fmt: skip
    frame["gaps"] = frame["gaps"].iloc[0]
    frame.loc[: ROWS // 2 + 5, "gaps"] = None
    frame.loc[ROWS - 4 :, "gaps"] = 3.5
    frame.to_csv("t.csv", index=False)
    _, out, _ = concours("new", "t.csv")
    for words in ("told alone predicts the target almost perfectly", "imbalance: 1 is 10%", "rare classes",
                  "constant columns, left out: same", "mostly missing: gaps"):  # fmt: skip
        assert words in out
    text = Path("contest.toml").read_text()
    task = tomllib.loads(text)["task"]
    assert (task["id"], task["drop"], task["positive"]) == ("row", ["same", "told"], "1")
    assert '# if told is known when predictions are made, write: drop = ["same"]' in text
    assert "average_precision" in task["metrics"]
    assert 'group = "duplicates"' not in text
    frame.drop(columns="row").to_csv("t.csv", index=False)
    assert "repeat the inputs" in concours("new", "t.csv", "--force")[1]
    assert ingested(Path("contest.toml")).output.labels == ("0", "1")


def test_absent_packages(concours, monkeypatch):
    """Entrants that cannot take part here are named, with the command that brings them."""
    FRAME.to_csv("t.csv", index=False)
    monkeypatch.setattr("concours.api.new.installed", lambda package: package != "catboost")
    _, out, _ = concours("new", "t.csv")
    assert "not installed: catboost" in out
    assert "pip install 'concours[boost]'" in out


def test_groups_and_time(concours):
    """What is written into the split is accepted by the run."""
    FRAME.assign(patient=np.arange(ROWS) % 40).to_csv("g.csv", index=False)
    FRAME.assign(date=pd.date_range("2020-01-01", periods=ROWS)).to_csv("d.csv", index=False)
    for name, key, column in (("g", "group", "patient"), ("d", "time", "date")):
        assert concours("new", f"{name}.csv", "-o", f"{name}.toml")[0] == 0
        assert tomllib.loads(Path(f"{name}.toml").read_text())["task"]["split"][key] == column
        ingested(Path(f"{name}.toml"))


def test_several_files_and_labels(concours):
    """Two files of one form are one table with its source; labels of a test part that differ in form are mapped."""
    for folder in ("alike", "parts"):
        Path(folder).mkdir()
    FRAME.to_csv("alike/red.csv", index=False)
    FRAME.to_csv("alike/white.csv", index=False)
    concours("new", "alike", "-o", "a.toml")
    assert tomllib.loads(Path("a.toml").read_text())["task"]["source"] == "source"
    assert ingested(Path("a.toml")).train.rows > ROWS
    FRAME.to_csv("parts/my_train.csv", index=False)
    FRAME.assign(**{"class": FRAME["class"] + "."}).to_csv("parts/my_test.csv", index=False)
    concours("new", "parts", "-o", "p.toml")
    assert tomllib.loads(Path("p.toml").read_text())["task"]["labels"] == {"x.": "x", "y.": "y"}
    assert ingested(Path("p.toml")).output.labels == ("x", "y")


def test_texts_and_pictures(concours):
    """A folder of pictures a class, a file of texts a class, and labels beside sentences."""
    for label in ("cat", "dog"):
        Path("pets", label).mkdir(parents=True)
        for i in range(20):
            Image.fromarray(RNG.integers(0, 255, (8, 8), dtype=np.uint8)).save(f"pets/{label}/{i}.png")
    Path("said").mkdir()
    for label in ("pos", "neg"):
        Path(f"said/all.{label}").write_text("".join(f"it was {label} for the {i}th time\n" for i in range(30)))
    pd.DataFrame(
        {"kind": ["ham", "spam"] * 30, "msg": [f"this is message number {i} of them" for i in range(60)]}
    ).to_csv("sms.tsv", sep="\t", index=False)
    for source, kind in (("pets", "image"), ("said", "text"), ("sms.tsv", "text")):
        code, _, err = concours("new", source, "--force")
        assert code == 0, err
        assert ingested(Path("contest.toml")).kind == f"{kind}-classification"


@pytest.mark.parametrize("name", ["iris", "diabetes", "digits"])
def test_named_sets(name, concours):
    """Sets that scikit-learn brings, which have their targets apart."""
    assert concours("new", f"sklearn:{name}")[0] == 0
    ingested(Path("contest.toml"))


DAYS = pd.DataFrame(
    {"day": pd.date_range("2026-01-01", periods=90).astype(str), "sold": np.arange(90) % 7, "rain": np.arange(90) % 5}
)


def test_what_a_person_says_counts_where_a_kind_knows_the_source(concours, monkeypatch):
    """Target, header and bad rows go to the kind, and into the contest; its line-up is told as it is."""
    DAYS.to_csv("s.csv", index=False)
    said = Path("s.csv").read_text()
    Path("s.csv").write_text(f"a title\n{said}2026-03-05,1,2,3,4\n")
    monkeypatch.setattr("concours.api.new.installed", lambda package: package != "scikit-learn")
    monkeypatch.setattr("concours.api.new.installed", lambda package: package != "torch")
    words = ("--kind", "forecasting", "--target", "sold", "--header", "2", "--on-bad-row", "skip")
    code, out, err = concours("new", "s.csv", *words)
    assert (code, err) == (0, "")
    task = tomllib.loads(Path("contest.toml").read_text())["task"]
    assert (task["target"], task["header"], task["on_bad_row"]) == ("sold", 2, "skip")
    assert "full has theta, ets, arima too" in out
    assert "not installed: dlinear" in out
    assert ingested(Path("contest.toml")).kind == "forecasting"


def test_of_two_languages_the_other_is_said(concours):
    """The target names one of them."""
    pd.DataFrame({"en": ["a", "b"], "de": ["c", "d"]}).to_csv("t.csv", index=False)
    assert concours("new", "t.csv", "--target", "en")[0] == 0
    task = tomllib.loads(Path("contest.toml").read_text())["task"]
    assert (task["text"], task["target"]) == ("de", "en")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("days.csv", "--kind", "forecasting", "--target", "nope"), "has no column of numbers 'nope'"),
        (("days.csv", "--kind", "forecasting", "--target", "day"), "has no column of numbers 'day'"),
        (("uneven.csv", "--kind", "forecasting"), "--on-bad-row skip"),
        (("nowhere.csv", "--kind", "forecasting"), "nowhere.csv does not exist"),
        (("t.csv", "--kind", "forecasting"), "t.csv holds nothing for a task of kind forecasting"),
        (("talk.csv", "--target", "fr"), "talk.csv holds texts in en and de, and none in 'fr'"),
        (("talk", "--header", "1"), "--header: talk holds texts, a line each"),
        (("nowhere.csv",), "nowhere.csv does not exist"),
        (("bare",), "holds no table, text or picture"),
        (("t.csv", "--target", "clas"), "did you mean 'class'"),
        (("noise.csv",), "say it by --target COLUMN, for example"),
        (("bytes.csv",), "no text"),
        (("sklearn:iriss",), "'iris'"),
        (("sklearn:iris", "--target", "a"), "brings its labels"),
    ],
)
def test_errors(words, said, concours):
    """One clear line, and no file."""
    FRAME.to_csv("t.csv", index=False)
    pd.DataFrame(RNG.normal(size=(30, 3)), columns=list("abc")).to_csv("noise.csv", index=False)
    Path("bytes.csv").write_bytes(RNG.bytes(500))
    Path("bare").mkdir()
    DAYS.to_csv("days.csv", index=False)
    Path("uneven.csv").write_text(Path("days.csv").read_text() + "2026-04-01,1,2,3,4\n")
    Path("talk.csv").write_text("en,de\na,b\n")
    Path("talk").mkdir()
    for language in ("en", "de"):
        Path(f"talk/a.{language}").write_text("a\n")
    code, out, err = concours("new", *words)
    assert (code, out) == (2, "")
    assert said in err
    assert err.startswith("concours: ")
    assert len(err.strip().splitlines()) == 1
    assert not Path("contest.toml").exists()


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@given(values=st.lists(NAMES, min_size=1, max_size=4), why=NAMES, mapping=st.dictionaries(NAMES, NAMES, max_size=3))
def test_any_text_survives(values, why, mapping):
    """Whatever names, labels and reasons hold, quotes, line ends and all, the file means what was meant."""
    text = toml_of([Setting("task", "a", values, why, hints=(why,)), Setting("task", "b", mapping, why)], [why], [why])
    assert tomllib.loads(text) == {"task": {"a": values, "b": mapping}}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(
    names=st.lists(NAMES.map(str.strip).filter(len), min_size=3, max_size=3, unique_by=str.casefold),
    seed=st.integers(0, 99),
)
def test_any_column_survives(names, seed, tmp_path):
    """Columns of any name, an identifier, a constant, labels of any form: the file is read and the data splits."""
    rng = np.random.default_rng(seed)
    first, second, target = names
    columns = {first: range(ROWS), second: rng.normal(size=ROWS), target: rng.choice([f"{n}!" for n in names], ROWS)}
    frame = pd.DataFrame(columns)
    frame.to_parquet(tmp_path / "t.parquet", index=False)
    path = tmp_path / "contest.toml"
    path.write_text(draft(str(tmp_path / "t.parquet"), target=target, out=path).text, encoding="utf-8")
    assert ingested(path).train.rows > 0


ASKED = {"tab-abalone": "8", "tab-horse-colic": "23"}
SETS = {
    "tab-adult": ("tabular-classification", "class"),
    "tab-bank-marketing": ("tabular-classification", "y"),
    "tab-german-credit": ("tabular-classification", "credit_risk"),
    "tab-letter": ("tabular-classification", "lettr"),
    "tab-mammography": ("tabular-classification", "6"),
    "tab-soybean": ("tabular-classification", "Class"),
    "tab-spambase": ("tabular-classification", "type"),
    "tab-titanic": ("tabular-classification", "Survived"),
    "tab-wine-quality": ("tabular-regression", "11"),
    "tab-abalone": ("tabular-regression", "8"),
    "tab-diamonds": ("tabular-regression", "price"),
    "tab-horse-colic": ("tabular-classification", "23"),
    "sms-spam": ("text-classification", "label"),
    "ag-news-7600": ("text-classification", "0"),
    "sentence-polarity": ("text-classification", None),
}


@pytest.mark.parametrize("name", SETS)
def test_real_data(name, tmp_path):
    """Kind and target of open sets are found, or asked for with the right one among the guesses; the file is valid."""
    if not (DATA / name).exists():
        pytest.skip(f"no {name} in the data folder")
    folder, path = str(DATA / name), tmp_path / "contest.toml"
    if name in ASKED:
        with pytest.raises(Exception, match=rf"--target COLUMN, for example .*\b{ASKED[name]} \("):
            draft(folder, out=path)
    made = draft(folder, target=ASKED.get(name), out=path)
    path.write_text(made.text, encoding="utf-8")
    contest = read_contest(path)
    assert (contest["task"].kind, contest["task"].target) == SETS[name]
    if made.findings.rows < 2000 or name == "tab-adult":
        ingested(path)
