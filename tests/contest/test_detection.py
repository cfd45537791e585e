"""Object detection as a contest: on invented pictures, from the command line and by the suite of kinds."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from concours.tasks.samples import boxed
from concours.testing.kinds import check_kind

CONTEST = """
[task]
kind = "object-detection"
data = "shapes"
metrics = ["map", "ap50", "f1"]

[task.split]
folds = 2

[compete]
lineup = "none"

[cooperate]
strategies = ["average", "greedy"]

[[entrant]]
name = "windows"
recipe = "windows"
params = { shapes = 1 }

[[entrant]]
name = "blobs"
recipe = "blobs"
params = { rounds = 5 }
"""


def test_the_kind_holds_its_laws():
    """Protects detection end to end: reading, board, alliances, joins, files of predictions, the receipt."""
    check_kind("object-detection")


def test_a_contest_from_the_command_line(concours, tmp_path, monkeypatch):
    """Protects what a person types and looks at: new, run, board, report, predict, score, verify."""
    monkeypatch.chdir(tmp_path)
    boxed(tmp_path, 5)
    code, _, said = concours("new shapes -o found.toml")
    assert code == 0, said
    assert 'kind = "object-detection"' in Path("found.toml").read_text()
    Path("c.toml").write_text(CONTEST)
    code, out, said = concours("run c.toml --out run --engine inline")
    assert code == 0, said
    assert "boxes of 2 classes; 60 rows to learn from, 30 to judge" in out
    result = json.loads(Path("run/result.json").read_text())
    board = {line["name"]: line for line in result["standings"]}
    assert {"dummy", "windows", "blobs", "average", "greedy"} <= set(board)
    for line in board.values():
        low, high = line["ci"]
        assert 0 <= low <= line["metrics"]["map"] <= high <= 1
    assert board["blobs"]["metrics"]["ap50"] > 0.8 > board["dummy"]["metrics"]["ap50"]
    assert max(board[name]["metrics"]["map"] for name in ("average", "greedy")) > 0.6
    code, _, said = concours("report run")
    assert code == 0, said
    page = Path("run/report.html").read_text()
    assert "disc" in page
    code, _, said = concours("predict run shapes -o p.csv")
    assert code == 0, said
    rows = list(csv.DictReader(io.StringIO(Path("p.csv").read_text())))
    assert len(rows) == 90
    label, score, *sides = json.loads(rows[0]["prediction"])[0]
    assert label in ("disc", "square")
    assert all(0 <= number <= 1 for number in (score, *sides))
    with Path("test.csv").open("w") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows[60:])
    code, out, said = concours("score c.toml test.csv --json")
    assert code == 0, said
    best = board[result["default"]]["metrics"]
    for metric, told in json.loads(out)["metrics"].items():
        assert told["score"] == pytest.approx(best[metric], rel=1e-6)
    code, out, said = concours("verify run")
    assert code == 0, said
    assert "HOLDS" in out


FOLDERS = """
[task]
kind = "object-detection"
data = "shapes"

[task.split]
folds = 2

[compete]
lineup = "none"

[cooperate]
strategies = ["average"]

[[entrant]]
name = "as it is"
recipe = "detector:small"
seen = "none"

[[entrant]]
name = "tuned"
recipe = "pretrained"
params = { begin = "small", epochs = 1 }
"""


def test_detectors_of_a_folder_stand_on_the_board(concours, tmp_path, monkeypatch):
    """Protects a detector of Hugging Face as it is and fine-tuned, and that one of other classes is refused."""
    transformers = pytest.importorskip("transformers")
    monkeypatch.chdir(tmp_path)
    boxed(tmp_path, 3)
    named = {"id2label": {0: "disc", 1: "person", 2: "square"}, "label2id": {"disc": 0, "person": 1, "square": 2}}
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    config = transformers.YolosConfig(**sizes, image_size=[24, 24], patch_size=8, num_detection_tokens=4, **named)
    transformers.YolosForObjectDetection(config).save_pretrained("small")
    Path("small/preprocessor_config.json").write_text('{"size": {"height": 24, "width": 24}, "image_mean": [0.5]}')
    Path("c.toml").write_text(
        FOLDERS.replace('"detector:small"', '"detector:small"\nparams = { classes = ["a", "b"] }')
    )
    code, _, said = concours("run c.toml --out run --engine inline")
    assert (code, "entrant as it is: the detector small has 3 outputs, and 2 names" in said) == (2, True), said
    Path("c.toml").write_text(FOLDERS)
    code, _, said = concours("run c.toml --out run --engine inline")
    assert code == 0, said
    board = {line["name"]: line for line in json.loads(Path("run/result.json").read_text())["standings"]}
    assert {"as it is", "tuned", "average"} <= set(board)
    code, _, said = concours("predict run shapes --with tuned -o p.csv")
    assert code == 0, said
