"""Configurations of promptfoo as contests."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from concours.api.imports.imported import Imported
from concours.api.imports.promptfoo import read
from concours.core.errors import DataError
from concours.tasks.extraction import extracted

sys.path.insert(0, str(Path(__file__).parent))

import samples_of_formats as made

pytest.importorskip("yaml")


def keys(imported: Imported) -> dict[str, Any]:
    return {setting.key: setting.value for setting in imported.settings}


def left(imported: Imported) -> dict[str, str]:
    return {one.what: one.why for one in imported.left}


def config(folder: Path, text: str) -> Imported:
    (folder / "c.yaml").write_text(text)
    return read(folder / "c.yaml", "c")


def about(asserts: str, count: int = 5) -> str:
    """Tests about numbers, of which `{n}` is one in what they assert."""
    each = (
        f"  - vars: {{ q: 'What is {n}?', right: '{n}' }}\n    assert: {asserts.replace('{n}', str(n))}\n"
        for n in range(count)
    )
    return f"prompts: ['{{{{q}}}}']\nproviders: openai:small\ntests:\n{''.join(each)}"


def test_prompts_providers_and_tests(tmp_path: Path) -> None:
    """Prompts are ways to ask, providers models, vars columns, and what is asserted is right."""
    found = read(made.promptfoo(tmp_path), "c")
    assert [(way.label, dict(way.params)) for way in found.ways] == [
        ("prompt 1", {"prompt": "What is the capital of {country}?"}),
        ("chat", {"prompt": "The capital of {country}? One word.", "system": "You know capitals."}),
    ]
    assert found.models == [
        {"name": "small", "recipe": "openai:small",
         "params": {"base_url": "https://api.openai.com/v1", "key_env": "OPENAI_API_KEY"}},
        {"name": "the large one", "recipe": "openai:large",
         "params": {"base_url": "http://127.0.0.1:9/v1", "key_env": "OPENAI_API_KEY", "temperature": 0.2,
                    "max_tokens": 20, "price": {"input": 2.0, "output": 2.0}}},
    ]  # fmt: skip
    assert found.files["c/questions.jsonl"][1] == {"country": "Italy", "answer": "Rome"}
    assert left(found).keys() == {
        "prompts file://made.py:prompt", "config.apiKey", "provider anthropic:messages:somebody", "assert latency",
    }  # fmt: skip


def test_what_is_contained_is_looked_for_by_one_rule(tmp_path: Path) -> None:
    """The last of all right answers that is said, whatever the case of its letters, and no part of a word."""
    rule = keys(read(made.promptfoo(tmp_path), "c"))["extract"]
    assert extracted(rule, "Not Rome, no: it is PARIS, in comparison.") == "PARIS"
    assert extracted(rule, "N'Djamena.") == "N'Djamena"
    assert extracted(rule, "I do not know.") is None


@pytest.mark.parametrize(
    ("asserts", "rule", "answer"),
    [
        ("[{type: equals, value: 'v{n}'}]", "whole", "v1"),
        ("[{type: contains, value: '{n}'}]", "last-number", "1"),
        ("[{type: equals, value: '{{right}}'}]", "whole", "1"),
        ("[{type: contains-any, value: ['a{n}', 'b{n}']}, {type: cost, threshold: 1}]", None, ["a1", "b1"]),
        ("[{type: regex, value: 'is (\\w+)'}, {type: equals, value: v{n}}]", "regex:is (\\w+)", "v1"),
        ("[{type: is-json, value: {properties: {town: {}}}}, {type: contains, value: v{n}}]", "json:town", "v1"),
        ("[{type: assert-set, assert: [{type: equals, value: v{n}}]}]", "whole", "v1"),
    ],
)
def test_what_is_asserted(asserts: str, rule: str | None, answer: Any, tmp_path: Path) -> None:
    """One rule for all, and an answer each."""
    found = config(tmp_path, about(asserts))
    assert rule is None or keys(found)["extract"] == rule
    assert found.files["c/questions.jsonl"][1]["answer"] == answer


def test_a_column_that_gives_the_answer_away_is_dropped(tmp_path: Path) -> None:
    """Where it is what tests assert, and no prompt names it."""
    assert keys(config(tmp_path, about("[{type: equals, value: '{{right}}'}]")))["drop"] == ["right"]


def test_tests_in_a_table(tmp_path: Path) -> None:
    """Columns are values, but for those of what is expected."""
    rows = [f"{n},What is {n}?,{n},n{n},icontains: {n}" for n in range(6)]
    (tmp_path / "t.csv").write_text("\n".join(["n,q,__expected,__description,__expected2", *rows, ""]))
    found = config(tmp_path, "prompts: ['{{q}}']\nproviders: [openai:gpt]\ntests: file://t.csv")
    assert found.files["c/questions.jsonl"][5] == {"n": "5", "q": "What is 5?", "answer": "5"}
    assert left(found).keys() == {"column __description", "assert icontains"}


def test_files_without_a_scheme(tmp_path: Path) -> None:
    """Of tests any, of prompts what ends as a file does; a text may end so too, and has blanks."""
    (tmp_path / "p.txt").write_text("Ask {{q}}\n---\nTell me {{q}}")
    rows = [{"vars": {"q": f"q{n}"}, "assert": [{"type": "equals", "value": n}]} for n in range(5)]
    (tmp_path / "t.json").write_text(json.dumps(rows))
    found = config(tmp_path, "prompts: [p.txt, 'What is in {{q}}.txt']\nproviders: []\ntests: t.json")
    assert [way.params["prompt"] for way in found.ways] == ["Ask {q}", "Tell me {q}", "What is in {q}.txt"]
    assert [way.label for way in found.ways] == ["p 1", "p 2", "prompt 3"]


def test_an_answer_in_a_file_is_not_its_name(tmp_path: Path) -> None:
    """What asserts a file is not carried over."""
    with pytest.raises(DataError, match="0 of 5 tests"):
        config(tmp_path, about("[{type: equals, value: 'file://right.txt'}]"))


def test_lists_of_values_are_a_test_each(tmp_path: Path) -> None:
    """All with all, as there; too many are refused."""
    text = "prompts: ['{{a}}{{b}}']\nproviders: []\ntests: [{vars: {a: [x, y, z], b: [1, 2]}, assert: [{type: equals, value: '{{a}}'}]}]"
    assert len(config(tmp_path, text).files["c/questions.jsonl"]) == 6
    many = json.dumps(list(range(200)))
    with pytest.raises(DataError, match="come to more than 10,000"):
        config(tmp_path, text.replace("[x, y, z]", many).replace("[1, 2]", many))


def test_a_prompt_that_is_more_than_names_becomes_a_column(tmp_path: Path) -> None:
    """Filled for each test."""
    text = about("[{type: equals, value: v{n}}]").replace(
        "'{{q}}'", "'{% if right == \"2\" %}Hm. {% endif %}{{q|upper}}'"
    )
    found = config(tmp_path, text)
    assert [row["asked"] for row in found.files["c/questions.jsonl"]][1:3] == ["WHAT IS 1?", "Hm. WHAT IS 2?"]
    assert found.ways[0].params == {"prompt": "{asked}"}


def test_words_are_read_as_there(tmp_path: Path) -> None:
    """`no` is a text, as in YAML 1.2, and `12:30` no number."""
    values = ["no", "yes", "on", "12:30", "2024-05-01", "010"]
    each = "".join(
        f"  - {{vars: {{q: q{n}}}, assert: [{{type: equals, value: {one}}}]}}\n" for n, one in enumerate(values)
    )
    found = config(tmp_path, f"prompts: ['{{{{q}}}}']\nproviders: []\ntests:\n{each}")
    assert [row["answer"] for row in found.files["c/questions.jsonl"]] == values


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1", "neither prompts nor tests"),
        ("prompts: ['{{q}}']", "tests: there are none"),
        ("prompts: [3]\ntests: [{vars: {q: x}}]", "prompts: expected texts"),
        ("prompts: [file://p.py]\ntests: [{vars: {q: x}}]", "prompts: none of them"),
        ("prompts: [file://../../secret.txt]\ntests: [{vars: {q: x}}]", "lies outside of the folder"),
        ("prompts: [file:///etc/hostname]\ntests: [{vars: {q: x}}]", "lies outside of the folder"),
        ("prompts: ['{{q}}']\ntests: [{vars: {q: 'file:///etc/hostname'}}]", "lies outside of the folder"),
        ("prompts: ['{{q}}']\ntests: [{vars: {q: 'file://gone.txt'}}]", "gone.txt: there is no such file"),
        ("prompts: ['{{q}}']\ntests: [{vars: {q: 'file://make.py'}}]", "q is made by a program"),
        ("prompts: ['{{q}}']\ntests: [{vars: [1]}]", "vars must be a mapping"),
        ("prompts: ['{{q}}']\ntests: [{vars: {q: x}, assert: [1]}]", "assert must be a list"),
        ("prompts: ['{{q}}']\ntests: [{assert: []}]", "they have no vars"),
        ("prompts: ['{{q}}']\nproviders: [{id: 'openai:x', config: {temperature: hot}}]\ntests: [{vars: {q: x}}]", "temperature"),
        ("prompts: ['{{q}}']\nproviders: [3]\ntests: [{vars: {q: x}}]", "providers: expected names"),
        ("prompts: ['{{q}}']\ntests: [{vars: {q: x}, assert: [{type: llm-rubric, value: kind}]}]", "0 of 1 tests"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_contest_is_one_clear_line(text: str, words: str, tmp_path: Path) -> None:
    """With what, where and what was expected; nothing outside of the folder is read."""
    with pytest.raises(DataError, match=words) as refused:
        config(tmp_path, text)
    assert "\n" not in str(refused.value)


def test_a_link_that_leads_out_is_not_followed(tmp_path: Path) -> None:
    """Nor by a detour."""
    (tmp_path / "in").mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "in" / "p.txt").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(DataError, match="lies outside"):
        config(tmp_path / "in", "prompts: [file://p.txt]\ntests: [{vars: {q: x}}]")
