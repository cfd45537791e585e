"""`concours advise`: what it says of data, and how limits change whom it names."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer

from concours.api.advising import advise
from concours.cli.advise import _gib
from concours.core.errors import ContestError


@pytest.fixture
def fruit(tmp_path, monkeypatch):
    """Two classes, a few labels of which are wrong, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    size, weight = rng.normal(size=600), rng.normal(size=600)
    kind = np.where(size + weight > 0, "pear", "apple")
    kind[:30] = np.where(kind[:30] == "pear", "apple", "pear")
    pd.DataFrame({"size": size, "weight": weight, "kind": kind}).to_csv("fruit.csv", index=False)
    return "fruit.csv"


def test_doubts_and_an_order(fruit):
    """Wrong labels are found by row; everybody who is installed is named once; a leak would be told."""
    found = advise(fruit, target="kind")
    assert found.kind == "tabular-classification"
    assert found.facts.noise == pytest.approx(0.05, abs=0.03)
    assert found.doubts
    assert all({one.given, one.likely} == {"apple", "pear"} for one in found.doubts)
    assert sum(int(one.row.removeprefix("row ")) <= 30 for one in found.doubts) >= 4
    names = [one.name for one in (*found.lineup.run, *found.lineup.leave_out)]
    assert len(names) == len(set(names))
    assert not found.lineup.leave_out


def test_rows_are_called_as_the_file_numbers_them(fruit):
    """From 1, and those that are left out count; what columns are for is said."""
    frame = pd.read_csv(fruit)
    frame.loc[0, "kind"] = None
    frame.loc[4, ["size", "weight", "kind"]] = [9.0, 9.0, "apple"]
    frame.to_csv("gaps.csv", index=False)
    found = advise("gaps.csv", target="kind")
    assert next(one.row for one in found.doubts if one.given == "apple") == "row 5"
    assert any("1 row without the target 'kind' left out; first: row 1" in text for text in found.warnings)
    assert found.choices == {"target": "kind (named by --target)"}


def test_interactions_have_no_classes(tmp_path, monkeypatch):
    """Lists of items are no labels that could be doubted; who suits is named."""
    monkeypatch.chdir(tmp_path)
    rows = [(user, item, 3) for user in range(30) for item in range(user % 5, 12, 2)]
    pd.DataFrame(rows, columns=["user", "item", "rating"]).to_csv("log.csv", index=False)
    found = advise("log.csv")
    assert (found.kind, found.facts.classes, found.doubts) == ("recommendation", 0, ())
    assert found.choices["id"].startswith("user (")
    assert found.lineup.run


def test_several_targets_are_named_one_by_one(concours, fruit):
    """As `concours new` takes them."""
    code, out, _ = concours("advise", fruit, "--target", "kind", "--target", "weight")
    assert (code, out.splitlines()[0]) == (0, "fruit: multi-output; 420 rows to learn from, 1 input")
    assert "target   kind, weight (" in out


@pytest.mark.parametrize(("size", "gib"), [("500M", 0.48828125), ("4 GiB", 4.0), ("2.5", 2.5), ("1t", 1024.0)])
def test_sizes_are_read_as_people_write_them(size, gib):
    """By their letter; a number alone is of GiB; others are refused with an example."""
    assert _gib(size) == gib
    with pytest.raises(typer.BadParameter, match="a size like 500M or 4G"):
        _gib(f"{size} of it")


def test_lines_fit_the_terminal(concours, fruit, monkeypatch):
    """At 80 columns nothing is broken by the terminal, and a reason that several share stands once."""
    monkeypatch.setenv("COLUMNS", "80")
    _, out, _ = concours("advise", fruit, "--target", "kind", "--memory", "500M")
    assert max(map(len, out.splitlines())) <= 80
    assert "\n  3–8      lightgbm-random, " in out
    assert out.count("networks load a library") == 1
    assert "\n  forest, extra-trees, dnn" in out


def test_limits_leave_some_out(fruit):
    """Each with its reason; a limit that is none is refused."""
    left = {one.name for one in advise(fruit, target="kind", latency_ms=1.0).lineup.leave_out}
    assert {"knn", "svm"} <= left
    left = {one.name for one in advise(fruit, target="kind", memory_gb=1.0).lineup.leave_out}
    assert "dnn" in left
    with pytest.raises(ContestError, match="--memory must be above 0, got 0"):
        advise(fruit, memory_gb=0.0)


def test_the_command_says_it(concours, fruit):
    """As text and as JSON."""
    code, out, err = concours("advise", fruit, "--target", "kind", "--latency", "1")
    assert (code, err) == (0, "")
    for line in ("fruit: tabular-classification", "Run, in this order:", "Leave out:", "The record is of"):
        assert line in out
    code, out, _ = concours("advise", fruit, "--target", "kind", "--json")
    assert json.loads(out)["facts"]["form"] == "table:classes"


def test_new_goes_by_it(concours, fruit, monkeypatch):
    """Whom to run first is a comment; where a rule leaves somebody out, the others stand in the file with reasons."""
    concours("new", fruit, "--target", "kind", "-o", "usual.toml")
    assert 'lineup = "full"' in Path("usual.toml").read_text()
    assert "first by the record of" in Path("usual.toml").read_text()
    monkeypatch.setattr("concours.api.new.available_memory", lambda: 1 << 30)
    concours("new", fruit, "--target", "kind", "-o", "small.toml")
    text = Path("small.toml").read_text()
    assert 'lineup = "none"' in text
    assert "[[entrant]]" in text
    assert "networks load a library" in text


@pytest.mark.parametrize("command", ["advise", "new"])
def test_a_contest_is_no_data(concours, fruit, command):
    """Whoever names the contest is told what its data is, and nothing is written."""
    contest = Path("fruit contest.toml")
    contest.write_text(f'[task]\nkind = "tabular-classification"\ndata = "{fruit}"\n')
    before = sorted(Path().iterdir())
    code, _, error = concours(command, str(contest))
    assert (code, error.count("\n")) == (2, 1)
    assert "fruit contest.toml is a contest, not data; name its data, 'fruit.csv', or hold it: concours run '" in error
    assert sorted(Path().iterdir()) == before
