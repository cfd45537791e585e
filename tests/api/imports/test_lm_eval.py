"""Tasks of lm-evaluation-harness, and what its runs have logged, as contests."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jinja2 import Environment

from concours.api.imports.imported import Imported
from concours.api.imports.lm_eval import read
from concours.api.imports.lm_eval_rules import first
from concours.api.imports.templates import as_prompt
from concours.core.errors import DataError
from concours.entrants.endpoints.prompts import Prompt
from concours.tasks.extraction import extracted

sys.path.insert(0, str(Path(__file__).parent))

import samples_of_formats as made

pytest.importorskip("yaml")


@pytest.fixture(autouse=True)
def no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What this machine has of a hub is nothing to these tests."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))


def keys(imported: Imported) -> dict[str, Any]:
    return {setting.key: setting.value for setting in imported.settings}


def left(imported: Imported) -> dict[str, str]:
    return {one.what: one.why for one in imported.left}


def questions(imported: Imported) -> Any:
    return imported.files["c/questions.jsonl"]


def test_a_task_with_templates(tmp_path: Path) -> None:
    """All that has a like here is carried over, and the rest is told with its reason."""
    found = read(made.lm_eval(tmp_path), "c")
    assert keys(found) == {
        "kind": "question-answering",
        "data": "c/questions.jsonl",
        "question": "question",
        "answer": "target",
        "extract": "last-number",
        "drop": ["answer"],
        "metrics": ["numeric_match", "exact_match"],
        "split": {"test": 0.3},
    }
    assert found.ways[0].params == {
        "prompt": "Question: {question}\nAnswer:",
        "system": "Work it out.",
        "shots": 2,
        "stop": ["Question:", "</s>"],
        "max_tokens": 256,
        "temperature": 0.0,
    }
    assert questions(found)[1]["target"] == "6"
    assert left(found).keys() == {"repeats", "metric bleu", "filter strict-match", "solutions in shots"}
    assert "extract = " in left(found)["filter strict-match"]


def test_a_file_goes_over_those_that_it_includes(tmp_path: Path) -> None:
    """The nearest says."""
    found = read(made.lm_eval(tmp_path, description='"Be brief."'), "c")
    assert found.ways[0].params["system"] == "Be brief."


def test_files_that_include_one_another(tmp_path: Path) -> None:
    """A circle ends with a word."""
    (tmp_path / "a.yaml").write_text("include: b.yaml")
    (tmp_path / "b.yaml").write_text("include: a.yaml")
    with pytest.raises(DataError, match="in a circle"):
        read(tmp_path / "a.yaml", "c")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("doc_to_text: !function utils.ask\ndoc_to_target: x", r"doc_to_text is code \(!function utils.ask\)"),
        ("process_docs: !function utils.f\ndoc_to_text: q\ndoc_to_target: x", "process_docs is code"),
        ("class: !function t.T", "class is code"),
        ("doc_to_text: q", "doc_to_target is missing"),
        ("output_type: loglikelihood_rolling\ndoc_to_text: q\ndoc_to_target: q", "scores given texts"),
        ("doc_to_text: '{{q'\ndoc_to_target: q", "doc_to_text"),
        ("doc_to_text: '{{gone}}'\ndoc_to_target: q", "doc_to_text of row 1: 'gone' is undefined"),
        ("doc_to_text: q\ndoc_to_target: q\nnum_fewshot: many", "num_fewshot must be"),
        ("doc_to_text: q\ndoc_to_target: q\nmetric_list: 3", "metric_list must be"),
        ("doc_to_text: q\ndoc_to_target: q\nfilter_list: [3]", "filter_list must be"),
        ("doc_to_text: q\ndoc_to_target: q\ngeneration_kwargs: {until: 3}", "until must be"),
        ("doc_to_text: q\ndoc_to_target: q\ngeneration_kwargs: {temperature: hot}", "temperature must be"),
        ("doc_to_text: q\ndoc_to_target: q\nfilter_list: [{filter: [{function: regex, regex_pattern: '('}]}]", "is no regular"),
        ("doc_to_text: q\ndoc_to_target: x", "0 of 5 rows have a question and an answer"),
        ("output_type: multiple_choice\ndoc_to_text: q\ndoc_to_target: q", "doc_to_choice is missing"),
        ("description: 'About {{q}}'\ndoc_to_text: q\ndoc_to_target: q", "description is filled"),
        ("include: [gone.yaml]", "gone.yaml does not exist"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_contest_is_one_clear_line(text: str, words: str, tmp_path: Path) -> None:
    """With what, where and what was expected; code is named and never run."""
    (tmp_path / "utils.py").write_text("raise SystemExit('it was run')")
    path = made.task(tmp_path, text, [{"q": f"What is {n}?", "x": ""} for n in range(5)])
    with pytest.raises(DataError, match=words) as refused:
        read(path, "c")
    assert "\n" not in str(refused.value)


def test_rows_that_are_not_here(tmp_path: Path) -> None:
    """It says which file to bring, and where to; nothing is fetched."""
    path = made.task(tmp_path, "doc_to_text: q\ndoc_to_target: q", [{"q": 1}])
    (tmp_path / "task.jsonl").unlink()
    with pytest.raises(DataError, match=r"rows of somebody/task are not on this machine.*split 'test' as task.jsonl"):
        read(path, "c")


def test_rows_in_the_cache_of_a_hub(tmp_path: Path) -> None:
    """As the library keeps what it has prepared, and as the hub's own cache keeps files."""
    path = made.task(tmp_path, "doc_to_text: question\ndoc_to_target: '{{n}}'", [{"q": 1}])
    (tmp_path / "task.jsonl").unlink()
    table = pa.Table.from_pylist(made.pears(12))
    snapshot = tmp_path / "hub/hub/datasets--somebody--task/snapshots/abc/data/test-00000-of-00001.parquet"
    snapshot.parent.mkdir(parents=True)
    pa.parquet.write_table(table, snapshot)
    assert len(questions(read(path, "c"))) == 12
    prepared = tmp_path / "hub/datasets/somebody___task/default/0.0.0/abc/task-test.arrow"
    prepared.parent.mkdir(parents=True)
    with pa.OSFile(str(prepared), "wb") as file, pa.ipc.new_stream(file, table.schema) as stream:
        stream.write_table(table.slice(0, 9))
    assert len(questions(read(path, "c"))) == 9


def test_a_question_that_is_more_than_columns_is_filled(tmp_path: Path) -> None:
    """Row by row, in a sandbox."""
    text = "doc_to_text: '{% if n > 2 %}Hard: {% endif %}{{q | upper}}'\ndoc_to_target: '{{[n, n + 1]}}'"
    found = read(made.task(tmp_path, text, [{"q": f"what is {n}?", "n": n} for n in range(6)]), "c")
    assert [row["question"] for row in questions(found)][2:4] == ["WHAT IS 2?", "Hard: WHAT IS 3?"]
    assert questions(found)[2]["answer"] == ["2", "3"]
    assert found.ways[0].params["prompt"] == "{question}"


@pytest.mark.parametrize(
    ("text", "dropped"),
    [
        ("doc_to_target: '{{options.label.index(key)}}'\ndoc_to_choice: '{{options.text}}'", {"key"}),
        ("doc_to_target: right\ndoc_to_choice: '{{[first, right, last]}}'", {"first", "last", "right"}),
        ("doc_to_target: 1\ndoc_to_choice: '{{[first, right, last]}}'", {"first", "last", "right"}),
        ("doc_to_target: place\ndoc_to_choice: [x, y, z]", {"place"}),
        ("doc_to_target: place\ndoc_to_choice: {x: one, y: two}", {"place"}),
    ],
)
def test_choices(text: str, dropped: set[str], tmp_path: Path) -> None:
    """By templates, columns or the same for all; right is a place or a text; what they are read from is dropped."""
    rows = [
        {"q": f"Which is {n}?", "options": {"label": ["1", "2"], "text": ["no", "yes"]}, "key": "2", "first": "a", "right": "b",
         "last": "c", "place": 1}
        for n in range(6)
    ]  # fmt: skip
    found = read(made.task(tmp_path, f"output_type: multiple_choice\ndoc_to_text: q\n{text}", rows), "c")
    assert (keys(found)["kind"], keys(found)["extract"]) == ("multiple-choice", "letter")
    assert {row[keys(found)["answer"]] for row in questions(found)} == {"B"}
    assert found.ways[0].params["prompt"] == "{q}\n{choices}\n\nAnswer with the letter of the right choice alone."
    assert set(keys(found)["drop"]) == dropped
    assert "log-likelihoods of choices" in left(found)


def test_choices_that_a_question_shows_itself_are_not_shown_again(tmp_path: Path) -> None:
    """As where they are called A to D."""
    text = "output_type: multiple_choice\ndoc_to_text: '{{q}} A. {{c[0]}} B. {{c[1]}} Answer:'\ndoc_to_target: k\ndoc_to_choice: [A, B]"
    found = read(made.task(tmp_path, text, [{"q": f"{n}?", "c": ["x", "y"], "k": n % 2} for n in range(6)]), "c")
    assert found.ways[0].params["prompt"] == "{question}"


def test_rows_without_an_answer_are_told(tmp_path: Path) -> None:
    """None is left out in silence."""
    rows = [{"q": f"What is {n}?", "a": "" if n in (2, 4) else n} for n in range(8)]
    found = read(made.task(tmp_path, "doc_to_text: q\ndoc_to_target: '{{a}}'", rows), "c")
    assert len(questions(found)) == 6
    assert left(found)["2 of 8 rows, no answer"] == "of rows from 1: 3, 5"


def test_samples_of_runs(tmp_path: Path) -> None:
    """Two models answered the same rows: each has a file, by the name of its folder."""
    made.samples(tmp_path, "org__small")
    made.samples(tmp_path, "org__large", wrong=9)
    found = read(tmp_path, "c")
    assert [table.keys["name"] for table in found.recorded] == ["org/large", "org/small"]
    assert {table.keys["seen"] for table in found.recorded} == {"none"}
    assert questions(found)[3] == {"id": "3", "question": made.pears()[3]["question"], "answer": "10"}
    assert found.files["c/org-small.jsonl"][3] == {"id": "3", "response": made.pears()[3]["answer"]}
    assert "lines of further filters" in left(found)


def test_samples_with_log_likelihoods(tmp_path: Path) -> None:
    """The most probable choice, and how probable each is among them."""
    found = read(made.chosen_samples(tmp_path), "c")
    assert keys(found)["kind"] == "multiple-choice"
    assert questions(found)[1] == {"id": "1", "question": "Which is 1?", "choices": ["x", "y", "z"], "answer": "B"}
    row = next(rows for name, rows in found.files.items() if name != "c/questions.jsonl")[0]
    assert row["prediction"] == "B"
    assert float(str(row["p_A"])) / float(str(row["p_B"])) == pytest.approx(2.718281828**-1)


def test_samples_of_other_rows_are_refused(tmp_path: Path) -> None:
    """What is compared was asked the same."""
    made.samples(tmp_path, "one")
    path = made.samples(tmp_path, "two")
    path.write_text("\n".join(path.read_text().splitlines()[:-4]))
    with pytest.raises(DataError, match="was asked other rows than one"):
        read(tmp_path, "c")


WORDS = st.text(st.sampled_from("ab1 {}%#\n\"'é"), max_size=12)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(WORDS, st.sampled_from(["{{q}}", "{{ n }}"])), max_size=5), WORDS, WORDS)
def test_a_prompt_says_what_its_template_says(parts: list[str], q: str, n: str) -> None:
    """Law: filled with a row of texts both come to the same; what is more than names is no prompt."""
    template = "".join(parts)
    prompt = as_prompt(template, {"q", "n"})
    if prompt is None or not re.search(r"\{\{ ?[qn] ?\}\}", template):
        return
    said = Environment(keep_trailing_newline=True).from_string(template).render(q=q, n=n)
    assert Prompt(prompt).filled({"q": q, "n": n}) == said


PATTERNS = ["a", "a+b?", "(a+)b", "(?i)A", "(?i)(A|1)", "x|1", "(x|1)b", r"#### (\-?[0-9]+)", "^a", "b$", r"(?:a|b)1"]


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(PATTERNS), st.text(st.sampled_from("ab1x# -\n"), max_size=20))
def test_the_last_of_a_first_is_the_first(pattern: str, said: str) -> None:
    """Law: the rule finds what the harness finds: the first match, where it takes the first."""
    found = re.findall(pattern, said)
    expected = found[0].strip() if found else ""
    assert (extracted(f"regex:{first(pattern)}", said) or "") == expected


def test_what_was_logged_as_json_lines_stays_whole(tmp_path: Path) -> None:
    """A line end within a text is no end of a line."""
    path = made.samples(tmp_path)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[0]["resps"] = [["one\u2028two\x0bthree"]]
    path.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows), encoding="utf-8")
    assert read(path, "c").files["c/org-small.jsonl"][0]["response"] == "one\u2028two\x0bthree"
