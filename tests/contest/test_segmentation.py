"""Segmentation as a contest: from the command line, with pictures of one thing kept together."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
from PIL import Image

CONTEST = """
[task]
kind = "segmentation"
data = "cells"
file_name = "{slide}_{n}"
labels = { 0 = "nothing", 200 = "cell" }
id = "file"
on_bad_row = "skip"
split = { test = 0.3, folds = 2, group = "slide" }

[compete]
lineup = "none"

[cooperate]
strategies = ["average"]

[[entrant]]
recipe = "colours"

[[entrant]]
recipe = "threshold"
"""


def test_a_contest_from_the_command_line(concours, tmp_path, monkeypatch):
    """Protects what a person types and looks at: new, run, report, predict, score, verify."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for folder in ("images", "masks"):
        Path("cells", folder).mkdir(parents=True)
    for row in range(40):
        picture = rng.integers(0, 60, (10, 12, 3)).astype(np.uint8)
        mask = np.zeros((10, 12), dtype=np.uint8)
        mask[row % 5 : row % 5 + 4, 2:8] = 200
        picture[mask > 0] += 140
        name = f"{'abcdefgh'[row // 5]}_{row}.png"
        Image.fromarray(picture).save(Path("cells/images", name))
        Image.fromarray(mask).save(Path("cells/masks", name))
    Image.fromarray(np.zeros((3, 3), dtype=np.uint8)).save(Path("cells/masks/a_0.png"))
    code, out, said = concours("new cells -o found.toml")
    assert code == 0, said
    text = Path("found.toml").read_text()
    assert 'kind = "segmentation"' in text
    assert 'group = "part1"' in text
    Path("c.toml").write_text(CONTEST)
    code, out, said = concours("run c.toml --out run --engine inline")
    assert code == 0, said
    assert "1 picture left out for their masks; first: masks/a_0.png" in said
    assert "masks of 2 labels" in out
    result = json.loads(Path("run/result.json").read_text())
    board = {line["name"]: line for line in result["standings"]}
    assert board["colours"]["metrics"]["mean_iou"] > 0.9 > board["dummy"]["metrics"]["mean_iou"]
    code, _, said = concours("report run")
    assert code == 0, said
    page = Path("run/report.html").read_text()
    assert "Objects by size" in page or "objects" in Path("run/insights.json").read_text()
    code, _, said = concours("predict run cells/images -o p.csv")
    assert code == 0, said
    rows = list(csv.DictReader(Path("p.csv").read_text().splitlines()))
    assert len(rows) == 40
    assert sum(length for _, length in json.loads(rows[1]["prediction"])) == 120
    code, out, said = concours("verify run")
    assert code == 0, said
    assert "HOLDS" in out
