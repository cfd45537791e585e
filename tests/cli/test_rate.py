"""`concours rate`, `pair` and `audit`: what they print, write, and refuse."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

NAMES = [f"a-model-with-quite-a-long-name-{code}" for code in range(5)]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A folder with battles, and some that cannot be used."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    left = rng.integers(0, 5, 900)
    right = (left + rng.integers(1, 5, 900)) % 5
    won = rng.random(900) < 1 / (1 + np.exp((left - right) / 3))
    frame = pd.DataFrame({"model_a": np.array(NAMES)[left], "model_b": np.array(NAMES)[right]})
    frame["winner"] = np.where(won, "model_a", "model_b")
    frame["voter"] = rng.integers(0, 30, 900)
    frame["length"] = rng.normal(size=900)
    newcomer = pd.DataFrame(
        {"model_a": ["new"] * 6, "model_b": [NAMES[0]] * 6, "winner": ["model_a"] * 6, "voter": 0, "length": 0}
    )
    pd.concat([frame, newcomer]).to_csv("battles.csv", index=False)
    frame.assign(winner="tie").to_csv("ties.csv", index=False)
    frame.assign(winner="nobody").to_csv("wrong.csv", index=False)
    Path("empty.csv").write_text("")
    return tmp_path


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("options", ["", " --online elo", " --cluster voter --control length --bootstrap 0"])
def test_board(concours, monkeypatch, width, options):
    """The board fits the terminal, has every model in one line, and marks the one that never lost."""
    monkeypatch.setenv("COLUMNS", str(width))
    code, out, err = concours("rate battles.csv" + options)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert all(len(line) <= width for line in lines)
    assert sum(name[:20] in line and "●" in line for name in NAMES for line in lines[:9]) >= 5
    assert "new*" in out and "never lost" in out


def test_json_and_page(concours):
    """`--json -` prints JSON alone; a file is written beside the board; the page is one file."""
    code, out, _ = concours("rate battles.csv --json -")
    value = json.loads(out)
    assert code == 0 and value["schema"] == 1
    code, out, _ = concours("rate battles.csv --json board.json --html board.html")
    assert json.loads(Path("board.json").read_text()) == value
    page = Path("board.html").read_text()
    assert "board.html" in out and "<script" not in page and "new" in page
    code, out, _ = concours("pair battles.csv --next 3 --json -")
    assert len(json.loads(out)["pairs"]) == 3
    code, out, _ = concours("audit battles.csv --json -")
    assert json.loads(out)["voters"]["count"] == 30


def test_pair_and_audit(concours, monkeypatch):
    """Both fit 80 columns and say what they are asked."""
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = concours("pair battles.csv --for top:3 --next 4")
    assert code == 0 and "propensity" in out and max(map(len, out.splitlines())) <= 80
    code, out, _ = concours("audit battles.csv")
    assert code == 0 and max(map(len, out.splitlines())) <= 80
    assert all(title in out for title in ("Voters", "Sides", "Models that play alike", "First place"))


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("rate absent.csv", "absent.csv does not exist"),
        ("rate empty.csv", "empty.csv is empty"),
        ("rate ties.csv", "there are only ties, 900"),
        ("rate wrong.csv", "'winner' is 'nobody' in row 1; expected model_a"),
        ("rate battles.csv --anchor nobody=1000", "no model is called 'nobody'"),
        ("rate battles.csv --anchor new=x", "NAME=1000 was expected, got 'new=x'"),
        ("rate battles.csv --anchor new", "anchor: "),
        ("rate battles.csv --ties half-half", "did you mean 'half'?"),
        ("rate battles.csv --by kind", "no column 'kind'"),
        ("rate battles.csv --cluster voter,propmt", "no column 'propmt'"),
        ("rate battles.csv --left model_a", "name both --left and --right"),
        ("pair battles.csv --for top:9", "wants a K from 2 to 6"),
        ("audit battles.csv --voter judge", "no column 'judge'"),
    ],
)
def test_refused(concours, command, message):
    """Exit code 2 and one clear line."""
    code, out, err = concours(command)
    assert (code, out) == (2, "")
    assert message in err and len(err.strip().splitlines()) == 1


def test_names_do_not_command_the_terminal(concours):
    """Neither escape sequences nor markup in names and columns are obeyed."""
    frame = pd.read_csv("battles.csv").replace(NAMES[1], "\x1b[31mred\a").replace(NAMES[2], "[/dim]")
    frame.rename(columns={"voter": "[/x]"}).to_csv("odd.csv", index=False)
    for command in ("rate odd.csv --cluster [/x]", "audit odd.csv --voter [/x]", "pair odd.csv --next 40"):
        code, out, _ = concours(command)
        assert code == 0
        assert "\x1b[31mred" not in out and "\a" not in out
        assert "[/dim]" in out or command.startswith("audit")
