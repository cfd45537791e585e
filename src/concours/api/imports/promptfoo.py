"""Configurations of promptfoo: prompts, providers and tests, with what is asserted of answers."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from concours.api.imports.imported import Imported, Notes, Row, Way
from concours.api.imports.promptfoo_asserts import Rights, rights_of
from concours.api.imports.promptfoo_prompts import Prompt, prompts_of
from concours.api.imports.promptfoo_providers import providers_of
from concours.api.imports.promptfoo_tests import rows_of_tests, tests_of
from concours.api.imports.questions import FILE, Questions, fault, free, kept, question_in, task, telling
from concours.api.imports.templates import filled
from concours.api.imports.yaml_files import mapping_of
from concours.core.errors import DataError

_READ: Final = {"prompts", "providers", "targets", "tests", "defaultTest", "description"}
_UNKNOWN: Final = "nothing that is asserted says which answer is right"


def read(path: Path, into: str) -> Imported:
    """A configuration.

    Args:
        into: the folder of the contest's files, as seen from the contest.

    Raises:
        DataError: it is damaged or no configuration, or no test says which answer is right.
    """
    config, notes = mapping_of(path), Notes()
    if not config.keys() & {"prompts", "tests"}:
        raise DataError(f"{path.name} has neither prompts nor tests: expected a configuration of promptfoo")
    for key in [key for key in config if key not in _READ and not key.startswith("$")]:
        notes.leave(key, "nothing here is like it")
    prompts = prompts_of(config.get("prompts"), path.parent, notes)
    models = providers_of(config.get("providers", config.get("targets")), path.parent, notes)
    tests = tests_of(config, path.parent, notes)
    rows = rows_of_tests(tests, notes)
    rights = rights_of(tests, notes)
    ways = [_way(prompt, rows, [test.vars for test in tests], len(prompts) > 1) for prompt in prompts]
    named = [name for name in rows[0] if any(f"{{{name}}}" in str(way.params["prompt"]) for way in ways)]
    asked = _questions(rows, named, {name for test in tests for name in test.vars}, rights, notes)
    settings, table = task(asked, f"{into}/{FILE}")
    return Imported(
        settings=settings, files={f"{into}/{FILE}": table}, ways=_named(ways), models=_apart(models), left=notes.left
    )


def _way(prompt: Prompt, rows: Sequence[dict[str, Any]], values: Sequence[Mapping[str, Any]], several: bool) -> Way:
    """How a prompt asks; one that does more than naming columns is filled for each row, and becomes a column."""
    label = prompt.label if several else ""
    texts = [name for name in rows[0] if all(isinstance(row[name], str) for row in rows)]
    if (params := prompt.ways(texts)) is not None:
        return Way(label, params)
    whole = f"{prompt.system}\n\n{prompt.template}" if prompt.system else prompt.template
    column = free("asked", set(rows[0]))
    missing = {name: "" for row in values for name in row}  # what a test leaves out is empty
    made = filled({column: (whole, "text")}, [{**missing, **row} for row in values], f"prompt {prompt.label}")
    for row, one in zip(rows, made, strict=True):
        row[column] = one[column]
    return Way(label, {"prompt": f"{{{column}}}"})


def _questions(
    rows: Sequence[Row], named: Sequence[str], given: Container[str], rights: Rights, notes: Notes
) -> Questions:
    """Questions are the values that prompts name; where they name none as it is, what they become."""
    question = question_in(rows, [name for name in named if name in given] or named)
    faults = [fault(row[question], some, _UNKNOWN) for row, some in zip(rows, rights.answers, strict=True)]
    left = kept(rows, faults, notes, "tests")
    answers = [rights.answers[place] for place in left]
    others = [name for name in rows[0] if name not in named]
    same = {name for name in others if all(rows[place][name] in rights.answers[place] for place in left)}
    return Questions(
        rows=[rows[place] for place in left],
        question=question,
        answers=answers,
        drop=telling(others, same),
        rule=rights.rule,
        why={"answer": "what tests assert", "extract": rights.why},
    )


def _named(ways: Sequence[Way]) -> list[Way]:
    """Ways with labels that differ."""
    labels = [way.label for way in ways]
    return [
        Way(f"{way.label} ({n})" if labels.count(way.label) > 1 else way.label, way.params)
        for n, way in enumerate(ways, 1)
    ]


def _apart(models: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Models with names that differ."""
    names = [model["name"] for model in models]
    return [{**model, "name": f"{model['name']} ({n})"} if names.count(model["name"]) > 1 else model
            for n, model in enumerate(models, 1)]  # fmt: skip
