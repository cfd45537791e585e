"""What questions can tell is said before anybody is asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import concours as product


@pytest.mark.parametrize(
    ("metric", "rows", "words"),
    [
        (
            "numeric_match",
            24,
            "the 24 questions that judge tell two models apart four times in five if they differ by about 19",
        ),
        ("exact_match", 1200, "if they differ by about 2.7 points of 100"),
    ],
)
def test_a_contest_of_questions_says_which_difference_it_tells(
    metric: str, rows: int, words: str, tmp_path: Path, notices: Any
) -> None:
    """By Miller's formula; how many three points would take, where these are more than there are."""
    lines = [{"question": f"What follows {n}?", "answer": n + 1} for n in range(rows + 12)]
    data, test = tmp_path / "data.jsonl", tmp_path / "test.jsonl"
    data.write_text("".join(json.dumps(line) + "\n" for line in lines[:12]))
    test.write_text("".join(json.dumps(line) + "\n" for line in lines[12:]))
    task = product.Task(kind="question-answering", data=str(data), test=str(test), metrics=(metric,))
    product.Contest(task=task, lineup="none", engine="inline", out=tmp_path / "run").run(listener=notices)
    (told,) = [notice.text for notice in notices.heard if "that judge" in notice.text]
    assert words in told
    assert ("3 points would take 969 questions" in told) == (rows < 969)
