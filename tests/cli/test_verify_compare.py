"""What `concours verify` and `concours compare` print, and how they end."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from concours import Contest, Entrant, Split, Task
from concours.cli.app import main


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[str, Path]:
    """Two contests of one task, in which somebody's own file took part, and one of another."""
    place = tmp_path_factory.mktemp("runs")
    (place / "own.py").write_text("from sklearn.naive_bayes import GaussianNB\nclass Own(GaussianNB): ...\n")
    for name, depth, data in (("one", 1, "iris"), ("two", 3, "iris"), ("wine", 3, "wine")):
        task = Task(kind="tabular-classification", data=f"sklearn:{data}", split=Split(test=0.4, folds=2))
        tree = Entrant("tree", "sklearn.tree:DecisionTreeClassifier", {"max_depth": depth})
        own = Entrant("own", "own.py:Own")
        contest = Contest(task=task, entrants=[tree, own], lineup="none", cooperate=(), engine="inline")
        contest.with_options(out=place / name, folder=place).run()
    return {name: place / name for name in ("one", "two", "wine")}


@pytest.fixture
def concours(monkeypatch, capfd, tmp_path):
    """Runs a command in this process: its exit code, and what it prints."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "80")

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["concours", *map(str, words)])
        capfd.readouterr()
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        return code, *capfd.readouterr()

    return run


def test_verify(runs, concours, tmp_path):
    """A receipt that holds ends with 0 and one line that says so; one that does not with 1, the fault and the cure."""
    code, out, _ = concours("verify", runs["one"])
    assert (code, "The receipt HOLDS: " in out, "✗" in out) == (0, True, False)
    damaged = Path(shutil.copytree(runs["one"], tmp_path / "damaged"))
    (damaged / "result.json").write_text((damaged / "result.json").read_text().replace('"default": "', '"default": "x'))
    code, out, _ = concours("verify", damaged)
    assert code == 1
    assert all(words in out for words in ("✗ result", "→ run the contest again", "The receipt does NOT hold: "))
    assert all(len(line) <= 80 for line in out.splitlines() if not line.startswith("The receipt"))
    code, out, _ = concours("verify", damaged, "--json")
    assert (code, json.loads(out)["holds"], json.loads(out)["rerun"]) == (1, False, [])
    (damaged / "result.json").unlink()
    (damaged / "candidates.json").unlink()
    code, out, _ = concours("verify", damaged)
    assert (code, "So far it holds" in out) == (0, True)


def test_rerun_asks_for_trust(runs, concours, monkeypatch):
    """Jobs that run somebody's file need `--trust`; the outcome of each job is told."""
    from concours.engine.inline import InlineExecutor
    from concours.engine.runners import RUNNERS
    from concours.runs import session

    monkeypatch.setattr(session, "executor_for", lambda name, out, *_, **__: InlineExecutor(out.store, RUNNERS))
    code, _, error = concours("verify", runs["one"], "--rerun", "own")
    assert (code, "own.py:Own; read it, then add --trust" in error) == (2, True)
    code, out, _ = concours("verify", runs["one"], "--rerun", "own", "--rerun", "evaluate", "--trust")
    assert (code, out.count("the same"), "run again." in out) == (0, out.count("own: ") + 2, True)
    code, _, error = concours("verify", runs["one"], "--rerun", "ownn")
    assert (code, "did you mean 'own'? choices: all, dummy, tree, own, " in error) == (2, True)


def test_compare(runs, concours):
    """One task side by side, several by ranks, both as JSON; at 80 columns nothing is wider."""
    code, out, _ = concours("compare", runs["one"], runs["two"], runs["wine"])
    assert code == 0
    assert all(
        words in out for words in ("tree: max_depth 1 → 3", "B better", "the same predictions", "2 tasks", "mean")
    )
    assert max(map(len, out.splitlines())) <= 80
    value = json.loads(concours("compare", runs["one"], runs["two"], "--json")[1])
    assert [line["name"] for line in value["pairs"][0]["lines"]].count("tree") == 1
    assert value["across"] is None


def test_compare_refuses(runs, concours, tmp_path):
    """Bad input ends with 2 and one line."""
    for words in ((runs["one"],), (runs["one"], runs["one"]), (runs["one"], tmp_path), (runs["one"], "nothing")):
        code, out, error = concours("compare", *words)
        assert (code, out, error.count("\n")) == (2, "", 1), error
        assert error.startswith("concours: ")
