"""Logs of Inspect and folders of MT-Bench as contests."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from concours.api.imports import files, inspect_logs, mtbench
from concours.api.imports.imported import Imported
from concours.core.errors import DataError

sys.path.insert(0, str(Path(__file__).parent))

import samples_of_formats as made


def keys(imported: Imported) -> dict[str, Any]:
    return {setting.key: setting.value for setting in imported.settings}


def left(imported: Imported) -> dict[str, str]:
    return {one.what: one.why for one in imported.left}


@pytest.mark.parametrize("write", [made.inspect_json, made.inspect_eval], ids=["json", "eval"])
def test_a_log(write: Any, tmp_path: Path) -> None:
    """Questions, targets and what the model said; how it was asked and scored is told as not carried over."""
    found = inspect_logs.read(write(tmp_path), "c")
    rows = sorted(found.files["c/questions.jsonl"], key=lambda row: int(str(row["id"])))
    assert rows[2] == {"id": "2", "question": "What follows 2?", "answer": "3"}
    said = {str(row["id"]): row["response"] for row in found.files["c/openai-small.jsonl"]}
    assert said["2"] == "Well.\nANSWER: 3"
    assert (keys(found)["extract"], keys(found)["id"]) == ("after:ANSWER:", "id")
    assert [table.keys["name"] for table in found.recorded] == ["openai/small"]
    assert left(found).keys() == {"solver system_message", "scorer match"}


def test_several_logs_of_one_task(tmp_path: Path) -> None:
    """Two models that answered the same questions compete."""
    made.inspect_json(tmp_path / "logs", "one.json")
    made.inspect_json(tmp_path / "logs", "two.json", model="openai/large", wrong=9)
    found = inspect_logs.read(tmp_path / "logs", "c")
    assert [table.keys["name"] for table in found.recorded] == ["openai/small", "openai/large"]
    made.inspect_json(tmp_path / "logs", "three.json", model="openai/other", samples=9)
    with pytest.raises(DataError, match="have not the same questions"):
        inspect_logs.read(tmp_path / "logs", "c")


def test_choices_parts_and_attachments(tmp_path: Path) -> None:
    """Letters are right; a text may lie in parts, or elsewhere in the sample; an error is an empty answer, and told."""
    parts = [{"type": "reasoning", "reasoning": "Hm."}, {"type": "text", "text": "attachment://abc"}]
    found = inspect_logs.read(
        made.inspect_json(
            tmp_path,
            choices=["one", "two"],
            target="B",
            output={"choices": [{"message": {"role": "assistant", "content": parts}}]},
            attachments={"abc": "ANSWER: B"},
            error={"message": "out of time"},
        ),
        "c",
    )
    assert keys(found)["kind"] == "multiple-choice"
    assert found.files["c/questions.jsonl"][0]["choices"] == ["one", "two"]
    assert found.files["c/openai-small.jsonl"][0]["response"] == "ANSWER: B"
    assert "16 times" in left(found)["answers of openai/small to samples that ended in an error"]


def test_epochs(tmp_path: Path) -> None:
    """The first answer to each question; further ones are told."""
    log = made.log()
    log["samples"] += [{**sample, "epoch": 2} for sample in log["samples"]]
    (tmp_path / "log.json").write_text(json.dumps(log))
    found = inspect_logs.read(tmp_path / "log.json", "c")
    assert len(found.files["c/openai-small.jsonl"]) == 16
    assert "further epochs" in left(found)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"eval": 3}, "eval: expected an object"),
        ({"eval": {"task": "t"}}, "eval.model is missing"),
        ({"samples": [3]}, r"samples\[0\]: expected an object"),
        ({"samples": [{"id": 1, "input": 3, "target": "x"}]}, r"samples\[0\].input: expected"),
        ({"samples": []}, "has no samples"),
        ({"samples": made.log()["samples"] * 2}, "comes twice"),
        ({"samples": made.log()["samples"][:3]}, "4 at least"),
    ],
)
def test_a_log_of_another_form(change: dict[str, Any], words: str, tmp_path: Path) -> None:
    """One line, with the place."""
    (tmp_path / "log.json").write_text(json.dumps({**made.log(), **change}))
    with pytest.raises(DataError, match=words) as refused:
        inspect_logs.read(tmp_path / "log.json", "c")
    assert "\n" not in str(refused.value)


def test_an_archive_never_reaches_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that lead elsewhere are names alone; what would unpack to too much is refused, and so is another packing."""
    (below := tmp_path / "one" / "two" / "three").mkdir(parents=True)
    path = made.inspect_eval(below)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../out.json", "{}")
        archive.writestr("samples/../../../out2.json", json.dumps(made.log()["samples"][0] | {"id": 99}))
    before = sorted(tmp_path.rglob("*"))
    assert len(inspect_logs.read(path, "c").files["c/questions.jsonl"]) == 17
    assert sorted(tmp_path.rglob("*")) == before
    monkeypatch.setattr(files, "MOST", 1000)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", b" " * 2000 + b"{}")
    with pytest.raises(DataError, match="header.json in log.eval has 2,002 bytes"):
        inspect_logs.read(path, "c")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("header.json", "{}")
    with pytest.raises(DataError, match="save the log as .json"):
        inspect_logs.read(path, "c")


def test_mtbench(tmp_path: Path) -> None:
    """First turns are questions and answers; a verdict is a battle for each order, as the judge saw them."""
    found = mtbench.read(made.mtbench(tmp_path), "c")
    assert found.files["c/questions.jsonl"][0] == {
        "id": "81", "question": "Write a line about pear 81.", "category": "writing",
    }  # fmt: skip
    assert found.files["c/beta.jsonl"][1] == {"id": "82", "response": "beta 82"}
    battles = found.files["c/battles.jsonl"]
    assert [(row["model_a"], row["model_b"], row["winner"]) for row in battles[:7]] == [
        ("alpha", "beta", "model_a"), ("beta", "alpha", "model_b"),
        ("alpha", "beta", "model_a"), ("beta", "alpha", "model_a"),
        ("alpha", "beta", "model_a"), ("beta", "alpha", "tie"),
        ("alpha", "beta", "model_a"),
    ]  # fmt: skip
    assert (battles[0]["judge"], battles[0]["question"]) == ("gpt-4, pair-v2", "81")
    assert left(found).keys() == {"turns beyond the first", "verdicts 'error'", "scores on a scale"}
    assert keys(found)["metrics"] == ["win_rate"]
    assert keys(found)["judge"]["recipe"] == "recorded:c/verdicts.jsonl"
    assert found.files["c/verdicts.jsonl"][1] == {
        "question": "81", "model_a": "beta", "model_b": "alpha", "winner": "model_b",
    }  # fmt: skip
    assert found.after == ["concours rate c/battles.jsonl --cluster question"]


def test_reference_answers(tmp_path: Path) -> None:
    """They are carried over where all questions have one, and told where only some have."""
    folder = made.mtbench(tmp_path)
    said = [{"question_id": key, "choices": [{"turns": [f"right {key}"]}]} for key in range(81, 89)]
    made.lines(folder / "reference_answer" / "gpt-4.jsonl", said)
    found = mtbench.read(folder, "c")
    assert (keys(found)["answer"], found.files["c/questions.jsonl"][0]["answer"]) == ("answer", "right 81")
    made.lines(folder / "reference_answer" / "gpt-4.jsonl", said[:3])
    found = mtbench.read(folder, "c")
    assert "answer" not in keys(found)
    assert left(found)["reference answers"].startswith("3 of 8 questions have one")


def test_an_answer_to_no_question(tmp_path: Path) -> None:
    """It is told with its line; a model that has not answered all stands aside, which is told too."""
    folder = made.mtbench(tmp_path)
    made.lines(folder / "model_answer" / "gamma.jsonl", [{"question_id": 81, "choices": [{"turns": ["x"]}]}])
    assert left(mtbench.read(folder, "c"))["answers of gamma"].startswith("7 of 8 questions have none")
    made.lines(folder / "model_answer" / "gamma.jsonl", [{"question_id": 9, "choices": []}])
    with pytest.raises(DataError, match="gamma.jsonl, line 1: question '9' is not in question.jsonl"):
        mtbench.read(folder, "c")


def test_scores_judge_where_there_are_no_pairs(tmp_path: Path) -> None:
    """One of an answer, of the first turn; what is none is told."""
    folder = made.mtbench(tmp_path)
    (folder / "model_judgment" / "gpt-4_pair.jsonl").unlink()
    told = [(81, "alpha", 9, 1), (81, "alpha", 8, 1), (82, "beta", 3, 1), (82, "beta", 3, 2), (83, "beta", -1, 1)]
    scores = [{"question_id": key, "model": model, "judge": "gpt-4", "score": score, "turn": turn}
              for key, model, score, turn in told]  # fmt: skip
    made.lines(folder / "model_judgment" / "gpt-4_single.jsonl", scores)
    found = mtbench.read(folder, "c")
    assert keys(found)["metrics"] == ["judge_score"]
    assert found.files["c/verdicts.jsonl"] == [
        {"question": "81", "model": "alpha", "grade": "9"},
        {"question": "82", "model": "beta", "grade": "3"},
    ]
    assert {"further scores of one answer", "scores of turns beyond the first", "scores of -1"} <= left(found).keys()


@pytest.mark.parametrize("name", ["battles", "Verdicts", "questions"])
def test_a_model_called_as_a_file_of_the_contest(name: str, tmp_path: Path) -> None:
    """Its answers lie in a file of their own, and no other is written over."""
    folder = made.mtbench(tmp_path)
    (folder / "model_answer" / "alpha.jsonl").rename(folder / "model_answer" / f"{name}.jsonl")
    found = mtbench.read(folder, "c")
    (recipe,) = (table.keys["recipe"] for table in found.recorded if table.keys["name"] == name)
    assert recipe == f"recorded:c/{name}-2.jsonl"
    assert "response" in found.files[f"c/{name}-2.jsonl"][0]
    assert {"c/questions.jsonl", "c/battles.jsonl", "c/verdicts.jsonl"} < found.files.keys()
