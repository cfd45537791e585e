"""Clips as a contest: from the command line, with scenes kept together."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
from PIL import Image

CONTEST = """
[task]
kind = "video-classification"
data = "clips"
file_name = "{scene}_{n}"
target = "folder"
id = "file"
on_bad_row = "skip"
split = { test = 0.4, folds = 2, group = "scene" }

[compete]
lineup = "none"

[cooperate]
strategies = ["average"]

[[entrant]]
recipe = "logistic"
prepare = "frame-motion"

[[entrant]]
recipe = "extra-trees"
params = { n_estimators = 20 }
"""


def test_a_contest_from_the_command_line(concours, tmp_path, monkeypatch):
    """Protects what a person types and looks at: new, run, report, predict, score, verify; frames are drawn side by side."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for row in range(40):
        folder = Path("clips", ("left", "right")[row % 2], f"{'abcdefgh'[row // 5]}_{row}")
        folder.mkdir(parents=True)
        for number in range(4):
            frame = rng.integers(0, 60, (8, 10, 3)).astype(np.uint8)
            frame[3:6, (2 * number) if row % 2 else (6 - 2 * number) :][:, :3] += 150
            Image.fromarray(frame).save(folder / f"{number}.png")
    Path("clips/left/a_0/2.png").write_bytes(b"no picture")
    code, out, said = concours("new clips -o found.toml")
    assert code == 0, said
    text = Path("found.toml").read_text()
    assert 'kind = "video-classification"' in text
    assert 'group = "part1"' in text
    Path("c.toml").write_text(CONTEST)
    code, out, said = concours("run c.toml --out run --engine inline")
    assert code == 0, said
    assert "1 clip left out as broken; first: left/a_0" in said
    result = json.loads(Path("run/result.json").read_text())
    board = {line["name"]: line for line in result["standings"]}
    assert board["logistic"]["metrics"]["accuracy"] > 0.9 > board["dummy"]["metrics"]["accuracy"]
    code, _, said = concours("report run")
    assert code == 0, said
    assert "data:image/png" in Path("run/report.html").read_text()
    Path("clips/left/a_0/2.png").unlink()
    code, _, said = concours("predict run clips -o p.csv")
    assert code == 0, said
    rows = list(csv.DictReader(Path("p.csv").read_text().splitlines()))
    assert len(rows) == 40
    assert np.mean([row["prediction"] == row["file"].split("/")[0] for row in rows]) > 0.9
    code, out, said = concours("verify run")
    assert code == 0, said
    assert "HOLDS" in out
