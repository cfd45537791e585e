"""What a person sees who gives bad input: one line that says what, where, what was expected and what to do; exit code 2."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from concours.cli.app import main

GOOD = """
[task]
kind = "tabular-classification"
data = "data.csv"
target = "y"
split = { test = 0.25, folds = 2 }
[[entrant]]
name = "tree"
recipe = "sklearn.tree:DecisionTreeClassifier"
"""
ROWS = "a,b,y\n" + "".join(f"{i},{i % 3},{'yes' if i % 2 else 'no'}\n" for i in range(24))


@dataclass(frozen=True)
class Case:
    """One piece of bad input: changes to a good contest, the command, and words that must be in the message."""

    name: str
    words: tuple[str, ...]
    replace: tuple[str, str] = ("", "")
    files: dict[str, str] = field(default_factory=dict)
    command: str = "run contest.toml --engine inline --out out"
    code: int = 2


def rows(text: str) -> dict[str, str]:
    return {"data.csv": text}


def recipe(text: str) -> tuple[str, str]:
    return ("sklearn.tree:DecisionTreeClassifier", text)


CASES = [
    Case("contest missing", ("nothere.toml", "does not exist"), command="run nothere.toml"),
    Case("contest is a folder", ("is a folder",), command="run ."),
    Case("contest not TOML", ("contest.toml", "not TOML", "line 2"), files={"contest.toml": "[task]\nkind = \n"}),
    Case("contest empty", ("no [task]",), files={"contest.toml": ""}),
    Case("contest not text", ("not TOML",), files={"contest.toml": "\udcff\udcfe"}),
    Case("unknown section", ("competitions", "unknown key", "'compete'"), ("[task]", "[competitions]\n[task]")),
    Case("unknown key", ("task.targt", "unknown key", "did you mean 'target'"), ("target =", "targt =")),
    Case("unknown nested key", ("task.split.fold", "unknown key", "'folds'"), ("folds", "fold")),
    Case("unknown entrant key", ("entrant 1 (tree).recpe", "'recipe'"), ("recipe =", "recpe =")),
    Case(
        "epsilon out of range",
        ("compete.options.epsilon", "a share of the inputs' range, above 0 and at most 1", "got 1.5"),
        ("[[entrant]]", "[compete]\nformat = 'adversarial'\noptions = { epsilon = 1.5 }\n[[entrant]]"),
    ),
    Case(
        "unknown attack",
        ("compete.options.attacks", "a list of one or several of fgsm, pgd, square", "['pdg']"),
        ("[[entrant]]", "[compete]\nformat = 'adversarial'\noptions = { attacks = ['pdg'] }\n[[entrant]]"),
    ),
    Case(
        "attacks on words",
        ("compete.format", "column 'b' holds no numbers", "task.drop"),
        ("[[entrant]]", "[compete]\nformat = 'adversarial'\n[[entrant]]"),
        rows("a,b,y\n" + "".join(f"{i},{'hill' if i % 3 else 'dale'},{'yes' if i % 2 else 'no'}\n" for i in range(24))),
    ),
    Case(
        "attacks on gaps",
        ("compete.format", "column 'b' has missing values", "task.drop"),
        ("[[entrant]]", "[compete]\nformat = 'adversarial'\n[[entrant]]"),
        rows("a,b,y\n" + "".join(f"{i},{i if i % 3 else ''},{'yes' if i % 2 else 'no'}\n" for i in range(24))),
    ),
    Case(
        "generators for a table",
        ("compete.format", "generators draw pictures, and a row here is a table"),
        ("[[entrant]]", "[compete]\nformat = 'adversarial'\noptions = { game = 'generators' }\n[[entrant]]"),
    ),
    Case("wrong type", ("task.split.folds", "whole number", "'two'"), ("folds = 2", "folds = 'two'")),
    Case("share out of range", ("task.split.test", "share", "1.5"), ("test = 0.25", "test = 1.5")),
    Case("no kind", ("task.kind is missing",), ('kind = "tabular-classification"', "")),
    Case("unknown kind", ("unknown kind", "did you mean 'tabular-classification'"), ("tabular-class", "tabula-class")),
    Case("unknown metric", ("unknown metric 'acuracy'", "'accuracy'"), ("target =", 'metrics = ["acuracy"]\ntarget =')),
    Case("unsuiting metric", ("'rmse'", "does not suit"), ("target =", 'metrics = ["rmse"]\ntarget =')),
    Case("unknown strategy", ("'greedi'", "'greedy'"), ("[[entrant]]", '[cooperate]\nstrategies = ["greedi"]\n[[entrant]]')),
    Case("unknown recipe", ("entrant tree", "unknown recipe 'forst'", "'forest'"), recipe("forst")),
    Case("unsuiting recipe", ("'cnn' does not suit",), recipe("cnn")),
    Case("recipe file missing", ("entrant tree", "mine.py", "does not exist"), recipe("./mine.py:Model")),
    Case("recipe file without class", ("write ./mine.py:ClassName",), recipe("./mine.py"), {"mine.py": ""}),
    Case("recipe file broken", ("mine.py", "does not parse", "line 1"), recipe("./mine.py:M"), {"mine.py": "def (:"}),
    Case("recipe file lacks class", ("no class Modle", "'Model'"), recipe("./mine.py:Modle"), {"mine.py": "class Model: ..."}),
    Case("recipe no estimator", ("no method 'fit'",), recipe("./mine.py:Model"), {"mine.py": "class Model: ..."}),
    Case("recipe module missing", ("no module sklearn.tre",), recipe("sklearn.tre:DecisionTreeClassifier")),
    Case("recipe class missing", ("no class DecisionTree", "DecisionTreeClassifier"), recipe("sklearn.tree:DecisionTree")),
    Case("unknown parameter", ("no parameter 'max_dept'", "'max_depth'"), recipe('sklearn.tree:DecisionTreeClassifier"\nparams = { max_dept = 3 }\n#')),
    Case("two of one name", ("'tree'", "two entrants"), ("[[entrant]]", '[[entrant]]\nname = "tree"\nrecipe = "forest"\n[[entrant]]')),
    Case("name of a strategy", ("'greedy'", "strategy"), ('"tree"', '"greedy"')),
    Case("data missing", ("dat.csv", "does not exist", "'data.csv'"), ("data.csv", "dat.csv")),
    Case("data empty", ("data.csv is empty",), files=rows("")),
    Case("data header only", ("no rows",), files=rows("a,b,y\n")),
    Case("data ragged", ("data.csv", "line 4 has 2 cells", "first has 3"), files=rows("a,b,y\n1,2,no\n2,3,yes\n4,5\n" + ROWS[6:])),
    Case("data not text", ("data.csv", "no text"), files=rows("\udc89PNG\r\n\x1a\n\0\0\0\r\x01\x02\x03\udcff\udcfe,1,2\n")),
    Case("double columns", ("two columns are called 'a'",), files=rows(ROWS.replace("a,b,y", "a,a,y", 1))),
    Case("no target", ("task.target is missing", "a, b, y"), ('target = "y"', "")),
    Case("unknown target", ("no column 'Y'", "did you mean 'y'"), ('target = "y"', 'target = "Y"'), rows(ROWS)),
    Case("target only column", ("no column besides the target",), files=rows("y\n" + "a\nb\n" * 10)),
    Case("unknown drop", ("task.drop", "'c'"), ("target =", 'drop = ["c"]\ntarget =')),
    Case("constant target", ("target is 'yes'", "nothing to learn"), files=rows(ROWS.replace(",no", ",yes"))),
    Case("missing target", ("target 'y' is missing in 1 of 25 rows", "first in row 25"), files=rows(ROWS + "1,2,\n")),
    Case("regression of words", ("must be numbers", "'no'"), ("classification", "regression")),
    Case("identifier as target", ("24 different values",), ('target = "y"', 'target = "a"')),
    Case("too many folds", ("too few for 20 folds",), ("folds = 2", "folds = 20")),
    Case("unknown data set", ("'digit'", "did you mean 'digits'"), ("data.csv", "sklearn:digit")),
    Case("unsuiting data set", ("sklearn:diabetes does not suit",), ("data.csv", "sklearn:diabetes")),
    Case("test file missing", ("t.csv", "does not exist"), ("target =", 'test = "t.csv"\ntarget =')),
    Case("test file lacks column", ("t.csv", "'b' is missing"), ("target =", 'test = "t.csv"\ntarget ='), {"t.csv": "a,y\n1,no\n"}),
    Case("test file has new label", ("t.csv", "maybe", "known: no, yes"), ("target =", 'test = "t.csv"\ntarget ='), {"t.csv": "a,b,y\n1,2,maybe\n"}),
    Case("form of a column", ("task.columns.a", "'numbr'", "'number'"), ("target =", 'columns = { a = "numbr" }\ntarget =')),
    Case("form of no column", ("task.columns", "no column 'aa'", "'a'"), ("target =", 'columns = { aa = "number" }\ntarget =')),
    Case("missing is a text", ("task.missing", "a list of texts"), ("target =", 'missing = "-"\ntarget =')),
    Case("out holds other things", ("holds other things", "note.txt", "--out"), files={"out/note.txt": "mine"}),
    Case("out is a file", ("out",), files={"out": "a file"}),
    Case("show nothing", ("nowhere does not exist",), command="show nowhere"),
    Case("show no run", ("not the folder of a run",), command="show ."),
    Case("gc no run", ("not the folder of a run",), command="gc ."),
    Case("predict no run", ("nowhere",), command="predict nowhere data.csv -o p.csv"),
    Case("user code without trust", ("mine.py", "--trust"), recipe("./mine.py:M"), {"mine.py": "class M: ..."}),
    Case("unknown option", ("--sed",), command="run contest.toml --sed 3"),
]  # fmt: skip


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A folder of its own, and no memory of what was trusted before."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / ".state"))
    return tmp_path


def lay_out(case: Case) -> None:
    files = {"contest.toml": GOOD.replace(*case.replace) if case.replace[0] else GOOD, "data.csv": ROWS} | case.files
    for name, text in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(text.encode("utf-8", "surrogateescape"))


def concours(monkeypatch, capfd, command: str) -> tuple[int, str, str]:
    """Exit code, standard output, standard error of a command."""
    monkeypatch.setattr("sys.argv", ["concours", *command.split()])
    try:
        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    return code, *capfd.readouterr()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input(case, monkeypatch, capfd):
    """Bad input is told in one line that names it, without a traceback, and with exit code 2."""
    lay_out(case)
    trust = " --trust" if "mine.py" in case.replace[1] and case.name != "user code without trust" else ""
    code, out, err = concours(monkeypatch, capfd, case.command + trust)
    assert code == case.code, err
    assert "Traceback" not in err + out
    last = err.strip().splitlines()[-1]
    assert all(word in (err if "option" in case.name else last) for word in case.words), err


def test_debug_shows_the_traceback(monkeypatch, capfd):
    """Whoever asks for it sees where an error came from."""
    code, _, err = concours(monkeypatch, capfd, "--debug run nothere.toml")
    assert code == 2
    assert "Traceback" in err


def test_a_class_with_one_row_is_a_warning(monkeypatch, capfd):
    """A class that cannot be split is kept where it can be learned from, and the contest goes on."""
    lay_out(Case("", (), files=rows(ROWS + "7,7,maybe\n")))
    code, _, err = concours(monkeypatch, capfd, "run contest.toml --engine inline --out out")
    assert code == 0, err
    assert "one row only (maybe)" in err
    assert json.loads(Path("out/result.json").read_text())["task"]["classes"] == ["maybe", "no", "yes"]


def test_an_output_folder_of_another_task(monkeypatch, capfd):
    """A folder's results are never mixed with those of other data, another split or another seed."""
    lay_out(Case("", ()))
    assert concours(monkeypatch, capfd, "run contest.toml --engine inline --out out")[0] == 0
    before = Path("out/result.json").read_bytes()
    code, _, err = concours(monkeypatch, capfd, "run contest.toml --engine inline --out out --seed 1")
    assert (code, "another" in err, "--out" in err) == (2, True, True)
    Path("data.csv").write_text(ROWS.replace("5,2,yes", "5,2,no"))
    code, _, err = concours(monkeypatch, capfd, "run contest.toml --engine inline --out out")
    assert (code, "another task" in err) == (2, True)
    assert Path("out/result.json").read_bytes() == before


def test_a_second_writer(monkeypatch, capfd):
    """Two runs never write to one folder; the second is told, the first is not disturbed."""
    lay_out(Case("", ()))
    Path("out").mkdir()
    lock = os.open("out/lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    code, _, err = concours(monkeypatch, capfd, "run contest.toml --engine inline --out out")
    os.close(lock)
    assert code == 2
    assert "another command is writing to out" in err


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a small finished contest, with rows to predict beside it."""
    from concours import Contest, Entrant, Split, Task

    folder = tmp_path_factory.mktemp("finished")
    (folder / "data.csv").write_text(ROWS)
    task = Task(kind="tabular-classification", data="data.csv", target="y", split=Split(folds=2))
    Contest(task=task, entrants=[Entrant("tree", "sklearn.tree:DecisionTreeClassifier")], lineup="none", engine="inline",
            folder=folder, out=folder / "run").run()  # fmt: skip
    return folder


@pytest.mark.parametrize(
    ("arguments", "text", "words"),
    [
        ("", "a\n1\n", ("rows.csv", "column 'b' is missing", "known: a")),
        ("--with forest", "a,b\n1,2\n", ("no model 'forest'", "tree")),
    ],
)
def test_bad_rows_to_predict(finished, arguments, text, words, monkeypatch, capfd):
    """Rows that do not suit the model are named before anything is written."""
    Path("rows.csv").write_text(text)
    code, _, err = concours(monkeypatch, capfd, f"predict {finished / 'run'} rows.csv -o p.csv {arguments}")
    assert code == 2
    assert all(word in err for word in words), err
    assert not Path("p.csv").exists()


def test_cells_that_do_not_fit_are_told(finished, monkeypatch, capfd):
    """A word where models were fitted on numbers is a gap, and the column, the cell and the file are named."""
    Path("rows.csv").write_text("a,b\n1,x\n2,3\n")
    code, _, err = concours(monkeypatch, capfd, f"predict {finished / 'run'} rows.csv -o p.csv")
    assert code == 0
    assert "warning: rows.csv: column 'b' was read as numbers, and 1 of 2 cells do not fit" in err
    assert "'x' (1)" in err
    assert len(Path("p.csv").read_text().split()) == 3


def test_pictures_of_another_size(monkeypatch, capfd):
    """Pictures are predicted only in the size that models were fitted on."""
    from concours import Contest, Entrant, Split, Task

    rng = np.random.default_rng(0)
    task = Task(
        kind="image-classification", data=rng.random((40, 4, 4)), target=np.arange(40) % 2, split=Split(folds=2)
    )
    Contest(
        task=task,
        entrants=[Entrant("tree", "sklearn.tree:DecisionTreeClassifier")],
        lineup="none",
        engine="inline",
        out="run",
    ).run()
    np.save("rows.npy", rng.random((3, 5, 5)))
    code, _, err = concours(monkeypatch, capfd, "predict run rows.npy -o p.csv")
    assert (code, "(4, 4)" in err, "(3, 5, 5)" in err) == (2, True, True)
