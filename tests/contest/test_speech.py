"""Recordings of speech as a contest: from the command line, with speakers held out."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from concours.tasks.samples import spoken

pytest.importorskip("jiwer")

CONTEST = """
[task]
kind = "speech-recognition"
data = "spoken.jsonl"
target = "text"
id = "file"
on_bad_row = "skip"
split = { test = 0.4, folds = 2, group = "speaker" }

[compete]
lineup = "none"

[cooperate]
strategies = ["average", "majority"]

[[entrant]]
recipe = "pauses"

[[entrant]]
recipe = "gru"
params = { epochs = 2, width = 16, depth = 1 }
"""


def test_a_contest_from_the_command_line(concours, tmp_path, monkeypatch):
    """Protects what a person types and looks at: new, run, report, predict, score, verify; no speaker is in both parts."""
    monkeypatch.chdir(tmp_path)
    spoken(tmp_path, 0)
    lines = Path("spoken.jsonl").read_text().splitlines()
    lines[3] = json.dumps({**json.loads(lines[3]), "text": " "})
    Path("spoken.jsonl").write_text("\n".join(lines) + "\n")
    code, out, said = concours("new spoken.jsonl -o found.toml")
    assert code == 0, said
    text = Path("found.toml").read_text()
    assert 'kind = "speech-recognition"' in text
    assert 'target = "text"' in text
    assert 'group = "speaker"' in text
    Path("c.toml").write_text(CONTEST)
    code, out, said = concours("run c.toml --out run --engine inline")
    assert code == 0, said
    assert "1 rows with an empty text were left out; first: words/003.wav (row 4)" in said
    result = json.loads(Path("run/result.json").read_text())
    board = {line["name"]: line for line in result["standings"]}
    assert board["pauses"]["metrics"]["wer"] < 0.1 < board["typical"]["metrics"]["wer"]
    assert {"average", "majority"} <= set(board)
    code, _, said = concours("report run")
    assert code == 0, said
    code, _, said = concours("predict run words -o p.csv")
    assert code == 0, said
    rows = {
        row["file"].rpartition("/")[2]: row["prediction"]
        for row in csv.DictReader(Path("p.csv").read_text().splitlines())
    }
    right = {Path(json.loads(line)["path"]).name: json.loads(line)["text"] for line in lines}
    assert sum(rows[name] == text for name, text in right.items()) > 50
    code, out, said = concours("verify run")
    assert code == 0, said
    assert "HOLDS" in out
