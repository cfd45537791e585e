"""Tasks of lm-evaluation-harness: a YAML file with templates, and the rows that it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from concours.api.imports import lm_eval_samples
from concours.api.imports.imported import Imported, Notes, Way
from concours.api.imports.lm_eval_questions import metric_list, questions_of
from concours.api.imports.lm_eval_rules import generation, rule
from concours.api.imports.questions import FILE, Questions, task
from concours.api.imports.task_data import rows_for
from concours.api.imports.templates import as_prompt
from concours.api.imports.yaml_files import Code, mapping_of
from concours.core.errors import DataError

_MOST: Final = 50
"""Files of a task that include one another, at most."""
_TEMPLATES: Final = ("doc_to_text", "doc_to_target", "doc_to_choice")
_CODE: Final = (*_TEMPLATES, "process_docs", "custom_dataset", "description", "class")
"""Keys that decide what is asked, and what is right: code in them is not passed by."""
_READ: Final = {
    *_CODE, "task", "tag", "task_alias", "group", "metadata", "dataset_path", "dataset_name", "dataset_kwargs",
    "training_split", "validation_split", "test_split", "fewshot_split", "output_type", "generation_kwargs",
    "filter_list", "metric_list", "num_fewshot", "include",
}  # fmt: skip
_WHY: Final = {
    "repeats": "questions are asked once; `samples` in the params of an entrant asks them more often",
    "fewshot_config": "shots are drawn from the questions of other folds, none of which is asked with itself",
    "should_decontaminate": "no training texts are compared",
    "doc_to_decontamination_query": "no training texts are compared",
    "target_delimiter": "a shot is a message, and its answer another",
    "fewshot_delimiter": "a shot is a message, and its answer another",
    "process_results": "the metrics below compare answers",
}
_NOTHING: Final = (None, False, 1)
"""Values of other keys that ask for nothing: `repeats: 1`, for example."""
_METRICS: Final = {"exact_match", "f1", "acc"}
"""Those with a like here."""


def read(path: Path, into: str) -> Imported:
    """A task, or the samples of runs: a file `samples_….jsonl`, or a folder with such files.

    Args:
        into: the folder of the contest's files, as seen from the contest.

    Raises:
        DataError: it is damaged, no task, or one whose questions or answers are made by code, which is never run.
    """
    if path.is_dir() or path.suffix == ".jsonl":
        return lm_eval_samples.read(path, into)
    notes = Notes()
    config = _config(path, [])
    _require_task(config, path)
    docs, where = rows_for(config, path)
    asked, prompt = questions_of(config, docs, path.name, notes)
    asked = _read_by_rule(asked, config, path, where, notes)
    settings, rows = task(asked, f"{into}/{FILE}")
    for key in [key for key in config if key not in _READ and config[key] not in _NOTHING]:
        notes.leave(key, _WHY.get(key, "nothing here is like it"))
    for metric in _metrics(config):
        if metric not in _METRICS:
            notes.leave(f"metric {metric}", "see `metrics` in the contest for what is measured instead")
    if asked.choices:
        notes.leave("log-likelihoods of choices", "models are shown the choices, and asked for the letter of one")
    if config.get("num_fewshot"):
        notes.leave("solutions in shots", "a shot ends with the right answer alone, as the contest has it")
    params = {
        "prompt": prompt,
        **_description(config, path),
        **_shots(config, path),
        **generation(config.get("generation_kwargs"), path.name, notes),
    }
    return Imported(settings=settings, files={f"{into}/{FILE}": rows}, ways=[Way("", params)], left=notes.left)


def _config(path: Path, known: list[Path]) -> dict[str, Any]:
    """A file, over those that it includes; all that are read are added to those that are known."""
    known.append(path)
    if len(known) > _MOST:
        raise DataError(f"{path.name}: more than {_MOST} files include one another, or they do so in a circle")
    config = mapping_of(path)
    given = config.pop("include", [])
    whole: dict[str, Any] = {}
    for name in given if isinstance(given, list) else [given]:
        if not isinstance(name, str):
            raise DataError(f"{path.name}: include must be the name of a file")
        whole |= _config(path.parent / name, known)
    return whole | config


def _require_task(config: Mapping[str, Any], path: Path) -> None:
    if isinstance(config.get("task"), list):
        raise DataError(f"{path.name} is a group of tasks: import one of them")
    for key in _CODE:
        if isinstance(config.get(key), Code):
            raise DataError(
                f"{path.name}: {key} is code (!function {config[key].name}), which is never run here: write it as a "
                "template, or import what a run has logged: lm-eval:samples_….jsonl"
            )
    for key in ("class", "use_prompt"):
        if config.get(key) is not None:
            raise DataError(f"{path.name}: {key} names code of the harness: import what a run has logged: "
                            "lm-eval:samples_….jsonl")  # fmt: skip
    if config.get("output_type", "generate_until") not in ("generate_until", "multiple_choice"):
        raise DataError(
            f"{path.name}: output_type {config['output_type']!r} scores given texts, and asks nothing; expected "
            "generate_until or multiple_choice"
        )
    for key in ("doc_to_text", "doc_to_target"):
        if key not in config:
            raise DataError(f"{path.name}: {key} is missing")


def _read_by_rule(asked: Questions, config: Mapping[str, Any], path: Path, where: str, notes: Notes) -> Questions:
    """The questions, with the rule that finds an answer, and reasons."""
    why = {"answer": f"doc_to_target of {path.name}", "data": f"{len(asked.rows):,} questions: {where}"}
    found, because = ("", "") if asked.choices else rule(config.get("filter_list"), asked.numbers, path.name, notes)
    return replace(asked, rule=found, why={**why, **({"extract": because} if because else {})})


def _shots(config: Mapping[str, Any], path: Path) -> dict[str, Any]:
    count = config.get("num_fewshot") or 0
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= 1000:
        raise DataError(f"{path.name}: num_fewshot must be a whole number from 0 to 1000, got {count!r}")
    return {"shots": count} if count else {}


def _description(config: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """What is said before: a system text, where it is the same for all rows."""
    given = config.get("description")
    if given is None or given == "":
        return {}
    if not isinstance(given, str):
        raise DataError(f"{path.name}: description must be a text")
    if (plain := as_prompt(given, ())) is not None:
        return {"system": given.strip()} if plain.strip() else {}
    raise DataError(f"{path.name}: description is filled from each row: put it at the beginning of doc_to_text")


def _metrics(config: Mapping[str, Any]) -> list[str]:
    named = [each.get("metric") for each in metric_list(config, "metric_list")]
    return [each.name if isinstance(each, Code) else str(each) for each in named]
