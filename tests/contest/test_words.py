"""Summaries and pairs of texts as contests: from the command line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np

THINGS = ("sun", "rain", "wind", "snow", "hill", "lake", "road", "tree")


def board_of(run: str) -> dict[str, dict[str, float]]:
    return {line["name"]: line["metrics"] for line in json.loads(Path(run, "result.json").read_text())["standings"]}


def test_summaries_from_the_command_line(concours, tmp_path, monkeypatch):
    """Protects what a person types and looks at: new, run, report, predict, score, verify."""
    monkeypatch.chdir(tmp_path)
    rng, rows = np.random.default_rng(0), []
    for _ in range(60):
        one, other, third = rng.permutation(THINGS)[:3].tolist()
        found = f"We found that the {one} is at the {other}."
        told = [f"Nobody had known of the {third}.", f"The {other} is far from the {third}.", "It took many days."]
        told.insert(int(rng.integers(1, 4)), found)
        rows.append({"document": told, "summary": [found, f"The {one} is at the {other}."]})
    Path("d.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    code, _, said = concours("new d.jsonl -o c.toml")
    assert code == 0, said
    text = Path("c.toml").read_text()
    assert 'kind = "summarization"' in text
    Path("c.toml").write_text(
        text.replace('lineup = "fast"', 'lineup = "none"\n').replace("budget = { seconds = 120 }", "")
        + '\n[[entrant]]\nrecipe = "ridge"\n\n[[entrant]]\nrecipe = "textrank"\n\n[cooperate]\nstrategies = ["greedy"]\n'
    )
    code, out, said = concours("run c.toml --out run --engine inline")
    assert code == 0, said
    assert "summarization: a summary; 48 rows to learn from, 12 to judge" in out
    board = board_of("run")
    assert board["ridge"]["rouge1"] > 90 > board["textrank"]["rouge1"]
    assert board["greedy"]["rouge1"] > board["lead"]["rouge1"]
    code, _, said = concours("report run")
    assert code == 0, said
    code, _, said = concours("predict run d.jsonl -o p.csv")
    assert code == 0, said
    told = [row["prediction"] for row in csv.DictReader(Path("p.csv").read_text().splitlines())]
    assert np.mean([text in row["document"] for text, row in zip(told, rows, strict=True)]) == 1
    code, out, said = concours("verify run")
    assert code == 0, said
    assert "HOLDS" in out


def test_pairs_from_the_command_line(concours, tmp_path, monkeypatch):
    """The same for pairs of texts; pairs that share a text are on one side, which is said."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    with Path("p.csv").open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["text1", "text2", "label"])
        for row in range(60):
            one, other, third = rng.permutation(THINGS)[:3].tolist()
            first = f"the {one} of day {row} is near the {other}"
            lines.writerow([first, f"near the {other} of day {row} there is the {one}", "same"])
            lines.writerow([first, f"nobody has seen the {third} since day {row}", "other"])
    code, _, said = concours("new p.csv -o c.toml")
    assert code == 0, said
    text = Path("c.toml").read_text()
    assert 'kind = "text-pairs"' in text
    Path("c.toml").write_text(
        text.replace('lineup = "fast"', 'lineup = "none"\n').replace("budget = { seconds = 120 }", "")
        + '\n[[entrant]]\nrecipe = "logistic"\n\n[[entrant]]\nrecipe = "boosting"\n\n[cooperate]\nstrategies = ["average"]\n'
    )
    code, out, said = concours("run c.toml --out run --engine inline")
    assert code == 0, said
    assert "2 classes; 96 rows to learn from, 24 to judge" in out
    assert "pairs that share a text keep together: 60 groups" in said
    board = board_of("run")
    assert board["logistic"]["accuracy"] > 0.9 > board["dummy"]["accuracy"]
    code, _, said = concours("report run")
    assert code == 0, said
    code, _, said = concours("predict run p.csv -o said.csv")
    assert code == 0, said
    assert len(Path("said.csv").read_text().splitlines()) == 121
    code, out, said = concours("verify run")
    assert code == 0, said
    assert "HOLDS" in out
