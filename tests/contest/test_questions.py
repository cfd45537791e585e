"""Whole contests of questions from the command line: short answers and choices, fitted and recorded."""

from __future__ import annotations

import csv
import gzip
import json
import os
from pathlib import Path

import pytest

from concours import Contest
from concours.api.score import score_predictions
from concours.core.entrant import Entrant
from concours.tasks.task import Task
from concours.testing import check_entrant

DATA = Path(os.environ.get("CONCOURS_DATA", "../shared/data")).resolve()
REAL = DATA / "llm-gsm8k"
CHOSEN = DATA / "llm-multiple-choice"

RECORDED = """
[[entrant]]
name = "{name}"
recipe = "recorded:{name}.jsonl"
seen = "none"
"""
SUMS = """
[task]
kind = "question-answering"
data = "sums.jsonl"
question = "question"
answer = "final"
extract = "last-number"
id = "id"
metrics = ["numeric_match", "exact_match", "f1_tokens"]
split = { test = 0.4, folds = 3 }

[compete]
lineup = "none"

[cooperate]
strategies = ["average", "greedy"]

[[entrant]]
recipe = "nearest"

[[entrant]]
recipe = "logistic"
"""
CHOICES = """
[task]
kind = "multiple-choice"
data = "near.jsonl"
question = "question"
choices = "options"
answer = "label"
metrics = ["choice_accuracy", "choice_log_loss"]
split = { test = 0.4, folds = 2, group = "passage" }

[compete]
lineup = "none"

[cooperate]
strategies = ["average", "greedy"]

[[entrant]]
recipe = "overlap"

[[entrant]]
recipe = "nearest"
"""


def lines(file: str, rows: list) -> None:
    Path(file).write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")


def board(run: str) -> dict:
    return {line["name"]: line for line in json.loads(Path(run, "result.json").read_text())["standings"]}


def ran(concours, *words):
    code, out, err = concours(*words)
    assert code == 0, err
    return out


def test_short_answers_from_new_to_verify(tmp_path, monkeypatch, concours):
    """What is found is what was meant; recorded responses are answers by the rule; files and the receipt hold."""
    monkeypatch.chdir(tmp_path)
    rows = [
        {"id": n, "question": f"What is {n % 7} + {n % 5}, said slowly?", "final": n % 7 + n % 5, "solution": "so"}
        for n in range(60)
    ]
    lines("sums.jsonl", rows)
    said = ran(concours, "new", "sums.jsonl", "-o", "new.toml")
    assert "question-answering" in said
    text = Path("new.toml").read_text()
    for key in (
        'question = "question"',
        'answer = "final"',
        'extract = "last-number"',
        'id = "id"',
        'drop = ["solution"]',
    ):
        assert key in text
    assert 'metrics = ["numeric_match", "exact_match"]' in text
    for name, off in (("good", 9), ("fair", 3), ("poor", 2)):
        recorded = [
            {
                "id": row["id"],
                "response": f"<think>100</think> That is {row['final'] + (row['id'] % off == 0)}.00 (see page 3)",
            }
            for row in rows
        ]
        lines(f"{name}.jsonl", [*recorded[:-1], {**recorded[-1], "response": "I do not know"}])
    Path("sums.toml").write_text(SUMS + "".join(RECORDED.format(name=name) for name in ("good", "fair", "poor")))
    out = ran(concours, "run", "sums.toml", "--engine", "inline")
    assert "question-answering: a short answer; 36 rows to learn from, 24 to judge by" in out
    found = board("runs/sums")
    assert set(found) == {"dummy", "nearest", "logistic", "good", "fair", "poor", "average", "greedy"}
    right = {name: found[name]["metrics"]["numeric_match"] for name in found}
    assert right["good"] > right["fair"] > right["poor"] > right["dummy"]
    assert right["greedy"] >= right["poor"]
    html = ran(concours, "report", "runs/sums") and Path("runs/sums/report.html").read_text(encoding="utf-8")
    assert "numeric match" in html
    assert "What they answered" in html
    lines("new.jsonl", [{"question": "What is 3 + 3, said slowly?"}, {"question": "What is 1 + 4?"}])
    ran(concours, "predict", "runs/sums", "new.jsonl", "--with", "nearest", "-o", "said.csv")
    assert next(csv.DictReader(Path("said.csv").read_text().splitlines()))["prediction"] == "6"
    scored = json.loads(ran(concours, "score", "sums.toml", "good.jsonl", "--json"))
    assert scored["metrics"]["numeric_match"]["score"] == pytest.approx(right["good"])
    assert "HOLDS" in ran(concours, "verify", "runs/sums")


def test_choices_from_new_to_verify(tmp_path, monkeypatch, concours):
    """Rows of two to five choices, with passages; distributions are joined, written, scored and verified."""
    monkeypatch.chdir(tmp_path)
    words = ["sun", "rain", "wind", "snow", "hill", "lake", "road"]
    rows = []
    for n in range(60):
        some = [words[(n + k) % 7] for k in range(2 + n % 4)]
        place = n % len(some)
        rows.append(
            {
                "passage": f"The {some[place]} is near. Place {n // 3}.",
                "question": f"Is it the {some[place]} that is near, or what?",
                "options": some,
                "label": "ABCDE"[place],
                "label_index": place,
            }
        )
    for row in rows:
        row["passage"] = rows[rows.index(row) // 3 * 3]["passage"]
    lines("near.jsonl", rows)
    ran(concours, "new", "near.jsonl", "-o", "new.toml")
    text = Path("new.toml").read_text()
    for key in ('kind = "multiple-choice"', 'choices = "options"', 'answer = "label"', 'drop = ["label_index"]'):
        assert key in text
    assert 'group = "passage"' in text
    lines("letters.jsonl", [{"response": f"So the answer is ({row['label']})."} for row in rows])
    Path("near.toml").write_text(CHOICES + RECORDED.format(name="letters"))
    out = ran(concours, "run", "near.toml", "--engine", "inline")
    assert "multiple-choice: one of up to 5 choices" in out
    found = board("runs/near")
    assert set(found) == {"even", "overlap", "nearest", "letters", "average", "greedy"}
    assert found["letters"]["metrics"]["choice_accuracy"] == 1
    assert found["overlap"]["metrics"]["choice_accuracy"] > found["even"]["metrics"]["choice_accuracy"] + 0.3
    ran(concours, "report", "runs/near")
    html = Path("runs/near/report.html").read_text(encoding="utf-8")
    assert "choice accuracy" in html
    assert "<dd>a number</dd>" not in html
    more = [{"question": "Is it the sun that is near?", "passage": "", "options": [*words, "sea", "moon"]}]
    lines("more.jsonl", more)
    ran(concours, "predict", "runs/near", "more.jsonl", "--with", "overlap", "-o", "said.csv")
    (said,) = csv.DictReader(Path("said.csv").read_text().splitlines())
    assert said["prediction"] == "A"
    assert sum(float(said[f"p_{letter}"]) for letter in "ABCDEFGHI") == pytest.approx(1)
    assert "HOLDS" in ran(concours, "verify", "runs/near")


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ('question = "ask"', "task.question: sums.jsonl has no column 'ask' for the questions"),
        ('extract = "number"', "task.extract: unknown rule 'number'"),
        ('choices = "a"', "task.choices: unknown key"),
        ("question = 3", "task.question must be a text, or a list of texts, got 3"),
        (
            'options = { question = "a" }',
            "task.options: a task of kind question-answering has its keys beside the others",
        ),
    ],
)
def test_keys_of_the_kind_are_checked(tmp_path, monkeypatch, concours, keys, said):
    """They stand in [task] beside the others, and a wrong one is one clear line."""
    monkeypatch.chdir(tmp_path)
    lines("sums.jsonl", [{"question": f"What is {n}?", "answer": n} for n in range(20)])
    Path("c.toml").write_text(f'[task]\nkind = "question-answering"\ndata = "sums.jsonl"\n{keys}\n')
    code, _, err = concours("run", "c.toml", "--engine", "inline")
    assert code != 0
    assert said in err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("question-answering", "dummy"),
        ("question-answering", "nearest"),
        ("question-answering", "logistic"),
        ("multiple-choice", "even"),
        ("multiple-choice", "nearest"),
        ("multiple-choice", "overlap"),
    ],
)
def test_entrants_keep_the_laws(kind, name):
    """They are fitted, kept and read again, and say the same."""
    check_entrant(Entrant(name=name, recipe=name), kind=kind)


@pytest.mark.skipif(not REAL.is_dir(), reason="needs llm-gsm8k (CONCOURS_DATA)")
def test_recorded_answers_of_six_large_models(tmp_path, monkeypatch, concours):
    """Their accuracies are those that comparing numbers anew gives (README of the data), on all 1,319 questions.

    A rule that reads what they said finds the same, but for four tails of the one of which the README takes the first
    number behind `####`.
    """
    monkeypatch.chdir(tmp_path)
    known = {"6b_finetuning": 21.68, "6b_verification": 39.04, "175b_finetuning": 34.72, "175b_verification": 56.25}
    known |= {"Mixtral-8x7B-Instruct-v0.1": 63.91, "gpt-4-1106-preview": 88.86}
    solutions, questions = (
        [json.loads(line) for line in gzip.decompress((REAL / f"{name}.jsonl.gz").read_bytes()).splitlines()]
        for name in ("solutions", "questions")
    )
    lines("sums.jsonl", [{key: row[key] for key in ("id", "question", "final")} for row in questions])
    for name in known:
        own = [row for row in solutions if row["model"].endswith(name)]
        lines(f"{name}.jsonl", [{"id": row["id"], "response": row["solution"]} for row in own])
        final = [{"id": row["id"], "prediction": "" if row["final"] is None else str(row["final"])} for row in own]
        lines(f"final-{name}.jsonl", final)
    text = SUMS.replace('metrics = ["numeric_match", "exact_match", "f1_tokens"]', 'metrics = ["numeric_match"]')
    text = text.replace('[[entrant]]\nrecipe = "logistic"\n', "")
    Path("sums.toml").write_text(text + "".join(RECORDED.format(name=name) for name in known))
    ran(concours, "run", "sums.toml", "--engine", "inline")
    result = json.loads(Path("runs/sums/result.json").read_text())
    rows, judging = result["task"]["rows_train"], result["task"]["rows_test"]
    for name, percent in known.items():
        line = board("runs/sums")[name]
        right = rows * line["cv_score"]["score"] + judging * line["metrics"]["numeric_match"]
        assert abs(100 * right / (rows + judging) - percent) < (0.35 if name.startswith("Mixtral") else 0.02)
    assert board("runs/sums")["gpt-4-1106-preview"]["rank"] == 1
    sums = Task(
        kind="question-answering",
        data=[{**row, "final": str(row["final"])} for row in questions[:20]],
        test=questions,
        options={"question": "question", "answer": "final", "extract": "last-number"},
        id="id",
        drop=("answer",),
        metrics=("numeric_match",),
    )
    for name, percent in known.items():
        (score,) = score_predictions(Contest(task=sums), Path(f"final-{name}.jsonl")).scores
        assert 100 * score.score == pytest.approx(percent, abs=0.005)


@pytest.mark.skipif(not CHOSEN.is_dir(), reason="needs llm-multiple-choice (CONCOURS_DATA)")
def test_real_choices_are_found(tmp_path, monkeypatch, concours):
    """In English and Chinese; of a text that comes twice either is right; chance is the accuracy of the baseline."""
    monkeypatch.chdir(tmp_path)
    for name in ("aqua-rat", "logiqa-zh"):
        Path(f"{name}.jsonl.gz").write_bytes((CHOSEN / f"{name}.jsonl.gz").read_bytes())
        ran(concours, "new", f"{name}.jsonl.gz", "-o", f"{name}.toml")
        text = Path(f"{name}.toml").read_text()
        assert 'drop = ["label_index", "options_raw", "solution"]' in text
        assert 'choices = "options"' in text
    ran(concours, "run", "aqua-rat.toml", "--engine", "inline")
    assert board("runs/aqua-rat")["even"]["metrics"]["choice_accuracy"] == pytest.approx(0.2, abs=0.02)
