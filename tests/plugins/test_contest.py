"""A contest with a plugin's row in every table, from the command line and in workers; and what is said without it."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_wine

from concours import Contest
from concours.core.errors import ContestError
from concours.tasks.task import Split, Task

CONTEST = """
[task]
kind = "pond-classification"
data = "sklearn:wine"
split = { test = 0.3, folds = 3 }

[compete]
lineup = "none"
format = "lengths"
options = { times = 2 }

[cooperate]
strategies = ["average", "top-two"]

[[entrant]]
recipe = "centroid"

[[entrant]]
name = "bayes"
recipe = "sklearn.naive_bayes:GaussianNB"

[[entrant]]
name = "tree"
recipe = "sklearn.tree:DecisionTreeClassifier"
params = { max_depth = 2 }
"""

EAGER = """
from dataclasses import replace
from concours.tasks.kinds import KINDS


def find(source, *options):
    return {"data": (str(source), "whatever it is")}


ROW = replace(KINDS.own["tabular-classification"], name="eager", finder="eager:find", sure=True)
"""

SLIM = """
from dataclasses import replace
from concours.tasks.kinds import KINDS

ROW = replace(KINDS.own["tabular-classification"], name="slim", lineups={"fast": ("logistic", "knn")}, mixed={})
"""

BAYES = """
from concours.entrants.zoo import ModelSpec

ROW = {"table:classes": ModelSpec(recipe="sklearn.naive_bayes:GaussianNB")}
"""


@pytest.fixture(scope="module")
def ran(pond, tmp_path_factory):
    """The folder where the contest was run, by two workers; nobody was asked anything."""
    place = tmp_path_factory.mktemp("ran")
    place.joinpath("pond.toml").write_text(CONTEST)
    done = pond.concours("run", "pond.toml", "--workers", "2", cwd=place)
    assert done.returncode == 0, done.stdout + done.stderr
    return place


@pytest.fixture
def result(ran):
    return json.loads(ran.joinpath("runs/pond/result.json").read_text())


def test_the_board_has_what_plugins_bring(ran, result):
    """The plugin's kind measures by the plugin's metric, its entrant is fitted, its format leaves what it found."""
    lines = {line["name"]: line for line in result["standings"]}
    assert result["task"]["kind"] == "pond-classification"
    assert {"centroid", "top-two", "average"} <= set(lines)
    assert all(line["status"] == "ok" and line["score"] is not None for line in lines.values())
    assert result["format"] == {"name": "lengths", "lengths": {name: 2 * len(name) for name in lines}}
    assert result["versions"]["pond-of-concours"] == "1.0"


def test_the_metric_is_the_plugins(ran, result):
    """Twice the probability that the true class lacks: of the dummy, what the shares of the classes make of it."""
    line = next(line for line in result["standings"] if line["name"] == "dummy")
    shares = np.bincount(load_wine().target) / len(load_wine().target)
    assert line["score"] == pytest.approx(2 * (1 - (shares**2).sum()), abs=0.02)


def test_the_joint_takes_the_two_best(ran, result):
    """Whom the plugin's runner named: those of the least cross-validation score, half and half."""
    singles = [line for line in result["standings"] if line["role"] == "single"]
    best = sorted(singles, key=lambda line: line["cv_score"]["score"])[:2]
    assert result["alliances"]["top-two"]["weights"] == {line["name"]: 0.5 for line in best}


def test_the_runner_ran_in_a_worker(ran):
    """Its job is in the journal, done by a process that is not the command's, which has ended since."""
    text = ran.joinpath("runs/pond/journal.jsonl").read_text()
    (done,) = [line for line in text.splitlines() if '"order":' in line]
    assert '"warmth":2.0' in done.replace(" ", "")
    assert ran.joinpath("runs/pond/setup.json").read_text().count("pond-of-concours") == 5


def test_the_report_has_the_section(ran):
    """After our own."""
    page = ran.joinpath("runs/pond/report.html").read_text()
    assert "Lengths of names" in page
    assert "centroid: 16" in page


def test_other_commands_take_the_folder(pond, ran, tmp_path):
    """A second run recalls all of it, the receipt holds, and the joint predicts new rows."""
    rows = load_wine(as_frame=True).data.iloc[::20]
    rows.to_csv(tmp_path / "new.csv", index=False)
    folder = str(ran / "runs/pond")
    assert "HOLDS" in pond.concours("verify", folder, cwd=tmp_path).stdout
    done = pond.concours("predict", folder, "new.csv", "-o", "told.csv", "--with", "top-two", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = tmp_path.joinpath("told.csv").read_text().split()[1:]
    assert np.mean([name == f"class_{y}" for name, y in zip(told, load_wine().target[::20], strict=True)]) > 0.8


def test_without_the_plugin_one_line_says_what_is_lacking(ran, concours):
    """Not that the folder is damaged, which it is not."""
    code, _, err = concours("show", str(ran / "runs/pond"))
    assert code == 2
    assert err.endswith(
        "was made with kinds.pond-classification of the plugin pond-of-concours, which is not installed here; install "
        "it, if you trust it\n"
    )
    code, _, err = concours("run", str(ran / "pond.toml"))
    assert code == 2
    assert err == (
        "concours: compete.format: 'lengths' is not known; known: leaderboard, halving, asha, tournament, arena, "
        "pairs, population, adversarial, federation, matches\n"
    )


def test_doctor_says_who_brings_what(pond, tmp_path):
    """A line a row, with its distribution; what is broken is told with the reason, and what stands in no table too."""
    broken = tmp_path / "site"
    shutil.copytree(pond.folder, broken)
    lists = next(broken.glob("*.dist-info/entry_points.txt"))
    lists.write_text(
        lists.read_text() + "joins.gone = pond.gone:ROW\njoin.typo = pond.rows:TOP_TWO\nbare = pond.rows:X\n"
    )
    lines = type(pond)(broken).concours("doctor", cwd=tmp_path).stdout.splitlines()
    by_name = {line.split()[1]: " ".join(line.split()) for line in lines if len(line.split()) > 2}
    assert by_name["joins.top-two"] == "ok joins.top-two pond.rows:TOP_TWO of plugin pond-of-concours 1.0"
    assert by_name["joins.gone"].startswith(
        "broken joins.gone plugin pond-of-concours 1.0: joins.gone cannot be loaded from pond.gone:ROW: "
        "ModuleNotFoundError: No module named 'pond.gone'"
    )
    assert "there is no table 'join'; did you mean 'joins'?" in by_name["join.typo"]
    assert "the name of an entry point is table.name" in by_name["bare"]


@pytest.mark.parametrize(
    ("recipe", "asks"),
    [
        ("centroid", False),
        ("pond.models:Centroid", False),
        ("pond.models:Unlisted", True),
        ("pond.runners:order", True),
    ],
)
def test_what_is_asked_is_what_no_row_names(pond, tmp_path, recipe, asks):
    """Installing a plugin agrees to the classes that its entrants are made of, and to nothing that lies beside them."""
    text = CONTEST.split("[[entrant]]")[0] + f'[[entrant]]\nrecipe = "{recipe}"\n'
    Path(tmp_path, "ask.toml").write_text(text)
    seen = (
        "from concours import Contest\n"
        "print(sorted(Contest.from_file('ask.toml').asked()))\n"
        "import sys; print('pond.runners' in sys.modules)"
    )
    done = pond.python("-c", seen, cwd=tmp_path)
    assert done.stdout == f"{[recipe] if asks else []}\nFalse\n", done.stderr


def test_a_broken_plugin_breaks_no_contest_that_does_not_name_it(site, concours, tmp_path, monkeypatch):
    """Its section alone says in the report that it could not be made."""
    monkeypatch.chdir(tmp_path)
    site.write(broken="raise RuntimeError('too old')")
    site.install("broken", {f"{table}.broken": "broken:ROW" for table in ("joins", "metrics", "entrants", "sections")})
    text = CONTEST.replace("pond-classification", "tabular-classification").replace('"top-two"', '"greedy"')
    text = text.replace('format = "lengths"\noptions = { times = 2 }\n', "").replace('"centroid"', '"logistic"')
    tmp_path.joinpath("plain.toml").write_text(text)
    code, _, err = concours("run plain.toml --engine inline")
    assert code == 0, err
    page = tmp_path.joinpath("runs/plain/report.html").read_text()
    assert "This section of a plugin could not be made: plugin broken 1.0: sections.broken cannot be loaded" in page
    tmp_path.joinpath("named.toml").write_text(text.replace('"greedy"', '"broken"'))
    code, _, err = concours("run named.toml --engine inline")
    assert code == 2
    assert err == (
        "concours: plugin broken 1.0: joins.broken cannot be loaded from broken:ROW: RuntimeError: too old; repair the "
        "plugin or uninstall it\n"
    )


def test_a_name_that_a_plugin_brings_stays_free(pond, tmp_path):
    """It takes no name from a contest that does not use it; from one that does, it takes it."""
    text = CONTEST.replace('name = "tree"', 'name = "top-two"')
    tmp_path.joinpath("free.toml").write_text(text.replace(', "top-two"]', "]"))
    tmp_path.joinpath("taken.toml").write_text(text)
    ask = (
        "from concours import Contest\nfor name in ('free', 'taken'): print(Contest.from_file(f'{name}.toml').asked())"
    )
    done = pond.python("-c", ask, cwd=tmp_path)
    assert done.stdout == "frozenset()\n"
    assert "entrant.name: 'top-two' is the name of a strategy; choose another" in done.stderr


def test_new_asks_a_plugins_kind_where_it_is_named(site, concours, tmp_path, monkeypatch):
    """A broken one does not stop `new`, and one that is sure of everything does not decide what is written."""
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text("a,b\n" + "".join(f"{row},{'xy'[row % 2]}\n" for row in range(60)))
    site.write(broken="1 / 0", eager=EAGER)
    site.install("broken", {"kinds.broken": "broken:ROW"})
    site.install("eager", {"kinds.eager": "eager:ROW"})
    assert concours("new", "t.csv", "--target", "b", "-o", "own.toml")[0] == 0
    assert tomllib.loads(Path("own.toml").read_text())["task"]["kind"] == "tabular-classification"
    assert concours("new", "t.csv", "--kind", "eager", "-o", "named.toml")[0] == 0
    assert tomllib.loads(Path("named.toml").read_text())["task"]["kind"] == "eager"


def test_a_line_up_that_a_kind_has_not_is_refused(site):
    """By default the one that there is competes, however long the budget."""
    site.write(slim=SLIM)
    site.install("slim", {"kinds.slim": "slim:ROW"})
    contest = Contest(task=Task(kind="slim", data="t.csv", target="b"), seconds=60)
    assert [one.entrant.name for one in contest._resolved_first()] == ["dummy", "logistic", "knn"]
    with pytest.raises(ContestError, match="^lineup: a task of kind slim has no line-up 'full'; it has fast$"):
        contest.with_options(lineup="full").asked()


def test_the_receipt_names_who_brings_the_entrants_of_a_line_up(site, tmp_path):
    """Of a plugin's kind, whose line-up names what another plugin brings."""
    site.write(slim=SLIM.replace("knn", "bayes"), bayes=BAYES)
    site.install("slim", {"kinds.slim": "slim:ROW"})
    site.install("bayes", {"entrants.bayes": "bayes:ROW"})
    task = Task(kind="slim", data="sklearn:wine", split=Split(test=0.3, folds=2))
    result = Contest(task=task, cooperate=(), engine="inline", out=tmp_path / "run").run()
    assert dict(result.setup.plugins) == {"kinds.slim": "slim", "entrants.bayes": "bayes"}
