"""Small evaluations in the formats of other programs, written for these tests."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

CAPITALS = {
    "France": "Paris",
    "Italy": "Rome",
    "Spain": "Madrid",
    "Japan": "Tokyo",
    "Peru": "Lima",
    "Chad": "N'Djamena",
}


def lines(path: Path, rows: list[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def pears(rows: int = 40) -> list[dict[str, Any]]:
    found = []
    for number in range(rows):
        one, other = number // 8 + 2, number % 8 + 2
        question = f"Ada packs {one} boxes of {other} pears each. How many pears are that?"
        found.append(
            {"question": question, "answer": f"{one} * {other} = {one * other}\n#### {one * other}", "n": number}
        )
    return found


LM_EVAL = {
    "_base_yaml": """
description: "Work it out.\\n"
generation_kwargs:
  until: ["Question:", "</s>"]
  do_sample: false
  max_gen_toks: 256
metric_list:
  - metric: exact_match
    regexes_to_ignore: [",", "(?s).*#### "]
  - metric: bleu
filter_list:
  - name: strict-match
    filter:
      - function: regex
        regex_pattern: "#### (\\\\-?[0-9\\\\.\\\\,]+)"
      - function: take_first
  - name: flexible-extract
    filter:
      - function: regex
        group_select: -1
        regex_pattern: "(-?[$0-9.,]{2,})|(-?[0-9]+)"
      - function: take_first
""",
    "pears.yaml": """
task: pears
include: _base_yaml
dataset_path: json
dataset_kwargs: { data_files: { test: pears.jsonl } }
test_split: test
doc_to_text: "Question: {{question}}\\nAnswer:"
doc_to_target: "{{answer}}"
num_fewshot: 2
repeats: 8
""",
}


def lm_eval(folder: Path, **more: str) -> Path:
    """A task with its rows; `more` are further lines."""
    for name, text in LM_EVAL.items():
        (folder / name).write_text(text + "\n".join(f"{key}: {value}" for key, value in more.items()), encoding="utf-8")
    lines(folder / "pears.jsonl", pears())
    return folder / "pears.yaml"


def task(folder: Path, text: str, rows: list[Any], name: str = "task") -> Path:
    """A task with rows beside it."""
    (folder / f"{name}.yaml").write_text(f"task: {name}\ndataset_path: somebody/{name}\ntest_split: test\n{text}")
    lines(folder / f"{name}.jsonl", rows)
    return folder / f"{name}.yaml"


def samples(folder: Path, model: str = "org__small", wrong: int = 5) -> Path:
    """What a run has logged: of each row a line for each of two filters."""
    rows = []
    for number, row in enumerate(pears(20)):
        said = row["answer"] if number % wrong else "I do not know."
        arguments = {"gen_args_0": {"arg_0": f"Question: {row['question']}\nAnswer:", "arg_1": {"until": ["\n"]}}}
        rows += [
            {"doc_id": number, "doc": row, "target": row["answer"], "arguments": arguments, "resps": [[said]],
             "filtered_resps": ["?"], "filter": name, "metrics": ["exact_match"]}
            for name in ("strict", "flexible")
        ]  # fmt: skip
    return lines(folder / model / "samples_pears_2026-01-02T03-04-05.678.jsonl", rows)


def chosen_samples(folder: Path) -> Path:
    rows = []
    for number in range(12):
        logs = [[["-2.5", "False"]], [["-1.5", "True"]], [["-4.0", "False"]]]
        calls = {f"gen_args_{n}": {"arg_0": f"Which is {number}?", "arg_1": f" {text}"} for n, text in enumerate("xyz")}
        rows.append({"doc_id": number, "doc": {"q": number}, "target": number % 3, "arguments": calls, "resps": logs})
    return lines(folder / "samples_which_2026-01-02T03-04-05.678.jsonl", rows)


PROMPTFOO = """
description: capitals
prompts:
  - "What is the capital of {{country}}?"
  - file://chat.json
  - file://made.py:prompt
providers:
  - openai:chat:small
  - id: openai:large
    label: the large one
    config: { apiBaseUrl: "http://127.0.0.1:9/v1", temperature: 0.2, max_tokens: 20, cost: 0.000002, apiKey: sk-secret-1 }
  - anthropic:messages:somebody
defaultTest:
  assert:
    - { type: latency, threshold: 2000 }
tests:
"""


def promptfoo(folder: Path, head: str = PROMPTFOO) -> Path:
    (folder / "chat.json").write_text(
        json.dumps(
            [
                {"role": "system", "content": "You know capitals."},
                {"role": "user", "content": "The capital of {{country}}? One word."},
            ]
        )
    )
    tests = "".join(
        f'  - vars: {{ country: {country} }}\n    assert: [{{ type: icontains, value: "{city}" }}]\n'
        for country, city in CAPITALS.items()
    )
    (folder / "promptfooconfig.yaml").write_text(head + tests)
    return folder / "promptfooconfig.yaml"


def log(model: str = "openai/small", *, wrong: int = 4, samples: int = 16, **more: Any) -> dict[str, Any]:
    """A log of Inspect."""
    found = []
    for number in range(samples):
        said = f"Well.\nANSWER: {number + 1 if number % wrong else 0}"
        found.append(
            {
                "id": number,
                "epoch": 1,
                "input": [
                    {"role": "system", "content": "Count."},
                    {"role": "user", "content": f"What follows {number}?"},
                ],
                "target": str(number + 1),
                "output": {"model": model, "choices": [{"message": {"role": "assistant", "content": said}}]},
                "scores": {},
                "events": [{"event": "model"}],
                **more,
            }
        )
    return {
        "version": 2,
        "status": "success",
        "eval": {"task": "counting", "model": model, "dataset": {"name": "counting"}, "config": {}},
        "plan": {"steps": [{"solver": "system_message"}, {"solver": "generate"}]},
        "results": {"scores": [{"name": "match", "scorer": "match"}]},
        "samples": found,
    }


def inspect_json(folder: Path, name: str = "log.json", **how: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(log(**how)))
    return folder / name


def inspect_eval(folder: Path, **how: Any) -> Path:
    content = log(**how)
    with zipfile.ZipFile(folder / "log.eval", "w", zipfile.ZIP_DEFLATED) as archive:
        for sample in content.pop("samples"):
            archive.writestr(f"samples/{sample['id']}_epoch_1.json", json.dumps(sample))
        archive.writestr("header.json", json.dumps(content))
    return folder / "log.eval"


def mtbench(folder: Path) -> Path:
    keys = range(81, 89)
    asked = [{"question_id": key, "category": "writing", "turns": [f"Write a line about pear {key}.", "A shorter one."]}
             for key in keys]  # fmt: skip
    lines(folder / "question.jsonl", asked)
    for model in ("alpha", "beta"):
        said = [{"question_id": key, "model_id": model, "choices": [{"index": 0, "turns": [f"{model} {key}", "Pear."]}]}
                for key in keys]  # fmt: skip
        lines(folder / "model_answer" / f"{model}.jsonl", said)
    pairs: list[Any] = [
        {"question_id": key, "model_1": "alpha", "model_2": "beta", "g1_winner": "model_1", "g2_winner": second,
         "judge": ["gpt-4", "pair-v2"], "turn": 1}
        for key, second in zip(keys, ["model_1", "model_2", "tie", "error"] * 2, strict=True)
    ]  # fmt: skip
    lines(folder / "model_judgment" / "gpt-4_pair.jsonl", pairs)
    scores = [{"question_id": 81, "model": "alpha", "judge": ["gpt-4", "single-v1"], "score": 9, "turn": 1}]
    lines(folder / "model_judgment" / "gpt-4_single.jsonl", scores)
    return folder
