"""Pictures that are drawn as a contest: from the command line, with descriptions."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
from PIL import Image

CONTEST = """
[task]
kind = "image-generation"
data = "bars"
on_bad_row = "skip"
split = { test = 0.4, folds = 2 }

[compete]
lineup = "none"

[cooperate]
strategies = ["greedy", "stack"]

[[entrant]]
recipe = "pca-gaussian"

[[entrant]]
name = "by-heart"
recipe = "./heart.py:ByHeart"
"""
HEART = """
import numpy as np
from sklearn.base import BaseEstimator


class ByHeart(BaseEstimator):
    def fit(self, X, y):
        self.known_ = {text: picture for text, picture in zip(X, y)}
        self.any_ = y[0]
        return self

    def predict(self, X):
        return np.stack([self.known_.get(text, self.any_) for text in X])
"""


def test_a_contest_from_the_command_line(concours, tmp_path, monkeypatch):
    """Protects what a person types and looks at: new, run, report, predict, score, verify; and that copies are told."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    Path("bars").mkdir()
    rows = []
    for row in range(80):
        where, picture = ("above", "below")[row % 2], random.integers(0, 60, (6, 6)).astype(np.uint8)
        picture[3 * (row % 2) : 3 * (row % 2) + 2] = random.integers(150, 255)
        Image.fromarray(picture).save(f"bars/{row:02}.png")
        rows.append({"file": f"{row:02}.png", "caption": f"bright {where} the middle, {row % 40}"})
    with Path("bars/captions.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["file", "caption"])
        writer.writeheader()
        writer.writerows([*rows, {"file": "99.png", "caption": "not there"}])
    code, _, said = concours("new bars -o found.toml --on-bad-row skip")
    assert code == 0, said
    assert 'kind = "image-generation"' in Path("found.toml").read_text()
    Path("heart.py").write_text(HEART)
    Path("c.toml").write_text(CONTEST)
    code, out, said = concours("run c.toml --out run --engine inline --trust")
    assert code == 0, said
    assert "1 row without a picture left out" in said
    assert "reference network" in said and "real pictures from real ones" in said
    told = " ".join(out.split())
    assert "pictures of 6 × 6 pixels, grey; 48 rows to learn from, 32 to judge" in told
    assert "32 drawn pictures from as many real ones" in told
    assert "Training pictures to the pixel:" in told and "by-heart 32" in told
    result = json.loads(Path("run/result.json").read_text())
    board = {line["name"]: line["metrics"] for line in result["standings"]}
    assert 2 * board["pca-gaussian"]["frechet"] < board["independent-pixels"]["frechet"]
    found = json.loads(Path("run/insights.json").read_text())
    copies = {one["name"]: one["copying"][0] for one in found["drawn"]["models"]}
    assert copies["by-heart"] == 1 > copies["pca-gaussian"]
    assert len(found["sheets"]["sheets"]) == 1 + len(copies)
    code, _, said = concours("predict run 6 -o drawn --with pca-gaussian")
    assert code == 0, said
    names = [row["file"] for row in csv.DictReader(Path("drawn/captions.csv").read_text().splitlines())]
    assert len(names) == 6
    with Image.open(f"drawn/{names[0]}") as picture:
        assert picture.size == (6, 6)
    code, _, said = concours("predict run 6 -o drawn --with pca-gaussian")
    assert code != 0 and "is there already" in said
    code, out, said = concours("verify run")
    assert code == 0, said
    assert "HOLDS" in out
