"""Language modelling as a contest: from the command line, with the end of a text held out."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np

CONTEST = """
[task]
kind = "language-modelling"
data = "tale.txt"
split = { test = 0.2, folds = 2 }

[compete]
lineup = "none"

[cooperate]
strategies = ["average", "greedy", "stack"]

[[entrant]]
recipe = "ngram"

[[entrant]]
name = "short"
recipe = "ngram"
params = { order = 3 }
"""


def tale(sentences: int) -> str:
    """Sentences of a few words, drawn by chance."""
    rng = np.random.default_rng(0)
    parts = [["The cat", "The dog", "A bird"], ["saw", "heard", "followed"], ["the moon", "a mouse", "the river"]]
    return "".join(" ".join(str(rng.choice(part)) for part in parts) + ".\n" for _ in range(sentences))


def test_a_contest_from_the_command_line(concours, tmp_path, monkeypatch):
    """Protects what a person types and looks at: new, run, report, predict, score, continue, verify."""
    monkeypatch.chdir(tmp_path)
    Path("tale.txt").write_text(tale(700))
    code, _, said = concours("new tale.txt -o found.toml")
    assert code == 0, said
    text = Path("found.toml").read_text()
    assert 'kind = "language-modelling"' in text
    assert "split = { test = 0.1 }" in text
    Path("c.toml").write_text(CONTEST)
    code, out, said = concours("run c.toml --out run --engine inline")
    assert code == 0, said
    assert "1 document of" in said
    board = {line["name"]: line for line in json.loads(Path("run/result.json").read_text())["standings"]}
    bits = {name: line["metrics"]["bits_per_byte"] for name, line in board.items()}
    assert bits["ngram"] < 0.6 < 3 < bits["frequencies"]
    assert bits["stack"] <= bits["short"] + 1e-3
    assert all(line["metrics"]["bits_per_character"] == bits[name] for name, line in board.items())
    assert "credit for the members" not in out
    code, _, said = concours("report run")
    assert code == 0, said
    page = Path("run/report.html").read_text()
    assert "Where the bits go" in page
    assert "What it writes" in page
    Path("more.txt").write_text(tale(40))
    code, _, said = concours("predict run more.txt -o p.csv")
    assert code == 0, said
    rows = list(csv.DictReader(Path("p.csv").read_text().splitlines()))
    lists = [json.loads(row["prediction"]) for row in rows]
    assert np.allclose([sum(each) for each in lists], [float(row["bits"]) for row in rows], atol=1e-2)
    code, out, said = concours("continue run The --length 60 --seed 3")
    assert code == 0, said
    assert out.startswith("The ")
    assert {line.split()[0] for line in out.splitlines()[1:-1]} <= {"The", "A"}
    again = concours("continue run The --length 60 --seed 3")[1]
    other = concours("continue run The --length 60 --seed 4 --with short")[1]
    assert out == again != other
    code, out, said = concours("verify run")
    assert code == 0, said
    assert "HOLDS" in out


def test_models_of_other_tasks_write_nothing(concours, tmp_path, monkeypatch):
    """Protects the one line for who asks a model of a table to go on with a text."""
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text("a,b\n" + "".join(f"{number},{number % 2}\n" for number in range(60)))
    Path("c.toml").write_text(
        '[task]\nkind = "tabular-classification"\ndata = "t.csv"\ntarget = "b"\n[compete]\nlineup = "none"\n'
        '[[entrant]]\nrecipe = "logistic"\n[cooperate]\nstrategies = []\n'
    )
    assert concours("run c.toml --out run --engine inline")[0] == 0
    code, _, said = concours("continue run hello")
    assert code == 2
    assert "models of this task predict 2 classes, and go on with no text; see concours predict" in said
