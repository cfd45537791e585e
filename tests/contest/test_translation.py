"""Whole contests of translation, from files as people have them to a joint model that is verified."""

from __future__ import annotations

import csv
import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest

from concours.tasks import samples

REAL = Path(os.environ.get("CONCOURS_DATA", "../shared/data")) / "multi30k-en-de"

CONTEST = """
[task]
kind = "translation"
data = "corpus"
text = "en"
target = "eo"
metrics = ["chrf"]

[task.split]
folds = 3

[compete]
lineup = "none"

[cooperate]
strategies = ["average", "greedy"]

[[entrant]]
recipe = "word-table"

[[entrant]]
name = "words"
recipe = "word-table"
params = { longest = 1 }

[[entrant]]
recipe = "nearest"
"""


def corpus(folder: Path) -> None:
    """Invented pairs in a folder as corpora have it, a file a language."""
    folder.mkdir()
    for part, rows in (("train", 90), ("test", 30)):
        x, y = samples.pairs(np.random.default_rng(rows), rows)
        for language, texts in (("en", x.tolist()), ("eo", y.to_pylist())):
            (folder / f"{part}.{language}.gz").write_bytes(gzip.compress("".join(f"{t}\n" for t in texts).encode()))


def test_a_contest_from_new_to_verify(tmp_path, monkeypatch, concours):
    """What is found is what was meant; members join by minimum Bayes risk; credit, files of predictions and the receipt
    hold as for any other kind.
    """
    monkeypatch.chdir(tmp_path)
    corpus(tmp_path / "corpus")
    code, out, err = concours("new", "corpus", "-o", "new.toml")
    assert code == 0, err
    text = Path("new.toml").read_text()
    assert all(part in text for part in ('kind = "translation"', 'text = "en"', 'target = "eo"', '"corpus"'))
    Path("contest.toml").write_text(CONTEST)
    code, out, err = concours("run", "contest.toml", "--engine", "inline")
    assert code == 0, err
    assert "90 rows to learn from, 30 to judge by" in out
    result = json.loads(Path("runs/contest/result.json").read_text())
    board = {line["name"]: line for line in result["standings"]}
    assert set(board) == {"copy", "word-table", "words", "nearest", "average", "greedy"}
    assert (
        board["word-table"]["metrics"]["chrf"] > board["nearest"]["metrics"]["chrf"] > board["copy"]["metrics"]["chrf"]
    )
    low, high = board["greedy"]["intervals"]["chrf"]
    assert low < board["greedy"]["metrics"]["chrf"] < high

    Path("new.en").write_bytes(gzip.decompress(Path("corpus/test.en.gz").read_bytes()))
    code, out, err = concours("predict", "runs/contest", "new.en", "-o", "said.csv")
    assert code == 0, err
    rows = list(csv.DictReader(Path("said.csv").read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 30
    assert all(row["prediction"] for row in rows)
    code, out, err = concours("score", "contest.toml", "said.csv", "--json")
    assert code == 0, err
    assert json.loads(out)["metrics"]["chrf"]["score"] == pytest.approx(board[result["default"]]["metrics"]["chrf"])
    code, out, err = concours("report", "runs/contest")
    assert code == 0, err
    page = Path("runs/contest/report.html").read_text(encoding="utf-8")
    assert "chrf" in page
    assert page.index("Which word comes from which") < page.index('class="links"')
    assert all(words in page for words in ("chrf", "<dd>a text</dd>", "characters of the target"))
    assert "mistakes" in json.loads(Path("runs/contest/insights.json").read_text())["diagnose"]
    code, out, err = concours("verify", "runs/contest")
    assert code == 0, err
    assert "HOLDS" in out


@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_dir(), reason="needs multi30k-en-de (CONCOURS_DATA)")
def test_captions_are_translated(tmp_path, monkeypatch, concours):
    """Of real captions a table of words learns more from some hundred pairs than others by heart; the test part is a
    file of its own.
    """
    for part, rows in (("train", 600), ("test_2016_flickr", 100)):
        for language in ("en", "de"):
            lines = gzip.decompress((REAL / f"{part}.{language}.gz").read_bytes()).decode().splitlines()[:rows]
            (tmp_path / f"{part}.{language}").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    text = CONTEST.replace('"corpus"', '"train"\ntest = "test_2016_flickr"').replace('"eo"', '"de"')
    Path("contest.toml").write_text(text)
    code, _, err = concours("run", "contest.toml", "--engine", "inline")
    assert code == 0, err
    board = {line["name"]: line for line in json.loads(Path("runs/contest/result.json").read_text())["standings"]}
    assert board["word-table"]["metrics"]["chrf"] > 34
    assert board["word-table"]["metrics"]["chrf"] > board["nearest"]["metrics"]["chrf"] + 5
    assert board["greedy"]["metrics"]["chrf"] > board["word-table"]["metrics"]["chrf"] - 1
