"""`new`, `run` and `predict` read one file by one rule, and say what they read."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

ROWS = [f"{i * 7 % 40},{i * 13 % 17 / 4},{'tall' if i * 7 % 40 + i * 13 % 17 > 28 else 'flat'}" for i in range(40)]
RECIPE = '\n[compete]\nlineup = "none"\n\n[[entrant]]\nrecipe = "sklearn.naive_bayes:GaussianNB"\n'


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    """Commands run in a folder of their own."""
    monkeypatch.chdir(tmp_path)


def written(name: str, *lines: str) -> str:
    Path(name).write_text("\n".join(lines) + "\n")
    return name


def task_of(name: str) -> dict:
    return tomllib.loads(Path(name).read_text())["task"]


def only_bayes(name: str) -> None:
    text = Path(name).read_text()
    Path(name).write_text(text[: text.index("\n[compete]")] + RECIPE)


LEADS = {
    "plain": ([], None),
    "title": (["Survey of trees", ""], 3),
    "comments": (["# by the lab", "# in metres"], 3),
    "sep": (["sep=,"], 2),
}


@pytest.mark.parametrize("lead", LEADS)
def test_a_contest_from_first_to_last(lead, concours):
    """What `new` found of the header stands in the contest where it is not plain; `run` reads the same rows and says how
    many; `predict` reads new rows with the same lead or without it, and names a file without a header."""
    before, line = LEADS[lead]
    written("t.csv", *before, "width,2019,shape", *ROWS)
    code, out, err = concours("new", "t.csv", "--target", "shape", "-o", "c.toml")
    assert (code, err) == (0, "")
    assert out.startswith("t.csv: 40 rows, 3 columns\n")
    assert task_of("c.toml").get("header") == line
    only_bayes("c.toml")
    code, out, err = concours("run", "c.toml", "--engine", "inline", "--out", "out")
    assert code == 0, err
    assert "t.csv: 40 rows read; delimiter comma; header found" in err
    result = json.loads(Path("out/result.json").read_text())
    assert result["task"]["rows"] == 40
    assert result["reading"][0].startswith("t.csv: 40 rows read")
    assert "t.csv: 40 rows read" in Path("out/report.html").read_text()
    for lines in (["width,2019", "3,1.5", "35,2"], [*before, "2019,width", "1.5,3", "2,35"]):
        written("new.csv", *lines)
        assert concours("predict", "out", "new.csv", "-o", "p.csv")[0] == 0
        assert Path("p.csv").read_text().split()[1:] == ["flat", "tall"]
    written("bare.csv", "3,1.5", "35,2")
    code, _, err = concours("predict", "out", "bare.csv", "-o", "p.csv")
    assert code == 2
    assert "bare.csv: column 'width' is missing; no header was seen: its first line must have the names" in err


def test_a_header_that_is_not_seen(concours):
    """An error says that no header was seen, and the cure works, in `new` and in a contest."""
    written("t.csv", "1,1,shape", *ROWS)
    code, _, err = concours("new", "t.csv", "--target", "form", "-o", "c.toml")
    assert code == 2
    assert "t.csv has no column 'form'; no header was seen, and columns are called 0 to 2" in err
    assert "header = 1 in [task], --header 1 for `concours new`" in err
    written("u.csv", "1,2,shape", *ROWS)
    assert concours("new", "u.csv", "--target", "shape", "--header", "1", "-o", "u.toml")[0] == 0
    assert (task_of("u.toml")["header"], task_of("u.toml")["target"]) == (1, "shape")
    assert concours("new", "u.csv", "--target", "2", "--header", "false", "-o", "v.toml")[0] == 0
    assert (task_of("v.toml")["header"], task_of("v.toml")["target"]) == (False, "2")
    code, _, err = concours("new", "u.csv", "--header", "0", "-o", "w.toml")
    assert (code, "--header must be true, false, or the number of a line from 1, got '0'" in err) == (2, True)
    Path("x.toml").write_text(Path("u.toml").read_text().replace("header = 1", "header = 0"))
    code, _, err = concours("run", "x.toml", "--out", "x")
    assert (code, "task.header must be true, false, or the number of a line from 1, got 0" in err) == (2, True)


def test_rows_that_are_left_out(concours):
    """They are counted by `new` and by `run`; the option that an error names is written as the key."""
    written("t.csv", "width,load,shape", *ROWS, "5,6", "7,8,flat,9")
    code, _, err = concours("new", "t.csv", "-o", "c.toml")
    assert code == 2
    assert "line 42 has 2 cells where the first has 3; 2 rows are so, first in lines 42, 43" in err
    code, out, _ = concours("new", "t.csv", "--on-bad-row", "skip", "-o", "c.toml")
    assert (code, out.splitlines()[0]) == (0, "t.csv: 40 rows, 2 left out, 3 columns")
    assert task_of("c.toml")["on_bad_row"] == "skip"
    only_bayes("c.toml")
    code, _, err = concours("run", "c.toml", "--engine", "inline", "--out", "out")
    assert code == 0, err
    assert "t.csv: 40 rows read, 2 left out; " in err
    assert "2 rows were left out for their number of cells; first: row 41, 5,6" in err


@pytest.mark.parametrize("header", [True, False])
def test_a_test_file_is_read_as_the_data(header, concours):
    """Its names are those of the data, or, without these, its columns are told by their places."""
    names = ["1990,2000,shape"] if header else []
    written("train.csv", *names, *ROWS)
    written("test.csv", *names, *ROWS[:12])
    text = f"""
        [task]
        kind = "tabular-classification"
        data = "train.csv"
        test = "test.csv"
        target = {'"shape"' if header else 2}
    """
    Path("c.toml").write_text(text + RECIPE)
    code, _, err = concours("run", "c.toml", "--engine", "inline", "--out", "out")
    assert code == 0, err
    assert "test.csv: 12 rows read" in err
    assert json.loads(Path("out/result.json").read_text())["task"]["rows"] == 52
