"""Sounds as a contest: from the command line, with speakers held out."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
from scipy.io import wavfile

CONTEST = """
[task]
kind = "audio-classification"
data = "tones"
file_name = "{pitch}_{speaker}_{number}"
target = "pitch"
id = "file"
on_bad_row = "skip"
split = { test = 0.4, folds = 2, group = "speaker" }

[compete]
lineup = "none"

[cooperate]
strategies = ["average"]

[[entrant]]
recipe = "logistic"

[[entrant]]
recipe = "forest"
params = { n_estimators = 20 }
"""


def test_a_contest_from_the_command_line(concours, tmp_path, monkeypatch):
    """Protects what a person types and looks at: new, run, report, predict, score, verify; no speaker is in both parts."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    Path("tones").mkdir()
    for row in range(50):
        time = np.arange(int(rng.integers(800, 1600))) / 8000
        wave = 4000 * (np.sin(2 * np.pi * (300 + 300 * (row % 2)) * time) + rng.normal(size=len(time)))
        wavfile.write(
            f"tones/{row % 2}_{'abcde'[row // 2 % 5]}_{row}.wav", 8000, wave.clip(-32768, 32767).astype(np.int16)
        )
    Path("tones/0_a_99.wav").write_bytes(b"no sound")
    code, out, said = concours("new tones -o found.toml")
    assert code == 0, said
    text = Path("found.toml").read_text()
    assert 'kind = "audio-classification"' in text
    assert 'group = "part2"' in text
    Path("c.toml").write_text(CONTEST)
    code, out, said = concours("run c.toml --out run --engine inline")
    assert code == 0, said
    assert "1 sound left out as broken; first: 0_a_99.wav" in said
    assert "2 classes; 30 rows to learn from, 20 to judge" in out
    result = json.loads(Path("run/result.json").read_text())
    board = {line["name"]: line for line in result["standings"]}
    assert board["logistic"]["metrics"]["accuracy"] > 0.9 > board["dummy"]["metrics"]["accuracy"]
    code, _, said = concours("report run")
    assert code == 0, said
    insights = json.loads(Path("run/insights.json").read_text())
    assert not {"card", "diagnose"} & insights["missing"].keys()
    assert insights["diagnose"]["groups"]["column"] == "speaker"
    Path("tones/0_a_99.wav").unlink()
    code, _, said = concours("predict run tones -o p.csv")
    assert code == 0, said
    rows = list(csv.DictReader(Path("p.csv").read_text().splitlines()))
    assert len(rows) == 50
    assert np.mean([row["prediction"] == row["file"][0] for row in rows]) > 0.9
    code, out, said = concours("verify run")
    assert code == 0, said
    assert "HOLDS" in out
