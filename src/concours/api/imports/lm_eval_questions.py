"""Of a task of lm-evaluation-harness: from rows and templates to questions, right answers, choices and a prompt."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from concours.api.imports.imported import Notes, Row
from concours.api.imports.questions import Questions, fault, free, kept, letters, question_in, telling, texts
from concours.api.imports.task_data import Docs
from concours.api.imports.templates import as_prompt, columns_in, filled, named_in
from concours.core.errors import DataError
from concours.core.written import written
from concours.tasks.choices import letter_of, place_of
from concours.tasks.extraction import wish_of

_END = re.compile(r"\n\s*(?:Answer|A)\s*:\s*$")
"""The end of a question that is to be gone on with, and not answered by a letter."""


def questions_of(config: Mapping[str, Any], docs: Docs, where: str, notes: Notes) -> tuple[Questions, str]:
    """The questions of a task, and the prompt by which they are asked.

    Args:
        where: what the task is called in messages.

    Raises:
        DataError: a template does not suit the rows, or too few rows have a question and an answer.
    """
    chosen = config.get("output_type") == "multiple_choice"
    if chosen and "doc_to_choice" not in config:
        raise DataError(f"{where}: doc_to_choice is missing, and its output_type is multiple_choice")
    shown, ways = texts(docs, notes), _templates(config, docs[0], chosen, where)
    made = filled(ways, docs, where, [] if chosen else _ignored(config, where))
    prompt, question = _prompt(str(config["doc_to_text"]), shown, docs, made)
    rights, choices = _values("doc_to_target", config, docs, made), None
    if chosen:
        choices = [_choices(each) for each in _values("doc_to_choice", config, docs, made)]
        answers = [_letters(right, row) for right, row in zip(rights, choices, strict=True)]
    else:
        answers = [_answers(right) for right in rights]
    faults = [
        _fault(row[question], some, None if choices is None else choices[place])
        for place, (row, some) in enumerate(zip(shown, answers, strict=True))
    ]
    left = kept(docs, faults, notes, "rows")
    asked = Questions(
        rows=[shown[place] for place in left],
        question=question,
        answers=[answers[place] for place in left],
        choices=[choices[place] for place in left] if choices else None,
        drop=[name for name in telling(shown[0], _read_for_answers(config)) if name != question],
    )
    if choices and not all(row == letters(range(len(row))) for row in choices):
        prompt = f"{_END.sub('', prompt)}\n{{choices}}\n\n{wish_of('letter')}"
    return asked, prompt


def metric_list(config: Mapping[str, Any], where: str) -> list[Mapping[str, Any]]:
    """The metrics of a task. Raises DataError where they are no list of mappings."""
    given = config.get("metric_list") or []
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise DataError(f"{where}: metric_list must be a list of mappings, each with metric")
    return given


def _templates(
    config: Mapping[str, Any], doc: Mapping[str, Any], chosen: bool, where: str
) -> dict[str, tuple[str, str]]:
    """What is to be filled, each with what it comes to: not what is the same for all rows, or a column of lists."""
    forms = {"doc_to_text": "text", "doc_to_target": "target", **({"doc_to_choice": "list"} if chosen else {})}
    found: dict[str, tuple[str, str]] = {}
    for key, form in forms.items():
        given = config[key]
        if key == "doc_to_text" and not isinstance(given, str):
            raise DataError(f"{where}: doc_to_text must be a text")
        if not isinstance(given, str):
            continue
        if given not in doc:
            found[key] = (given, form)
        elif key == "doc_to_text" or (key == "doc_to_target" and isinstance(doc[given], str)):
            found[key] = (f"{{{{{given}}}}}", form)
    return found


def _values(key: str, config: Mapping[str, Any], docs: Docs, made: Sequence[Mapping[str, Any]]) -> list[Any]:
    """What a key comes to for each row: by its template, in a column, or the same for all."""
    if key in made[0]:
        return [filling[key] for filling in made]
    given = config[key]
    return [doc.get(given) if isinstance(given, str) else given for doc in docs]


def _prompt(template: str, shown: Sequence[Row], docs: Docs, made: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """A prompt, and the column of the questions; this is added where the template does more than naming columns."""
    names = [name for name in shown[0] if all(isinstance(row[name], str) for row in shown)]
    template = f"{{{{{template}}}}}" if template in docs[0] else template
    prompt = as_prompt(template, names)
    if prompt is not None and (used := columns_in(template)):
        return prompt, question_in(shown, used)
    column = free("question", set(shown[0]))
    for row, filling in zip(shown, made, strict=True):
        row[column] = filling["doc_to_text"]
    return f"{{{column}}}", column


def _read_for_answers(config: Mapping[str, Any]) -> set[str]:
    """Names that answers and choices are read from, and the question is not."""
    read, asked = set[str](), str(config["doc_to_text"])
    for key in ("doc_to_target", "doc_to_choice"):
        given = str(config.get(key, ""))
        read |= {given} | named_in(given)
    return read - {asked} - named_in(asked)


def _fault(question: Any, rights: Sequence[str], choices: Sequence[str] | None) -> str:
    few = choices is not None and len(choices) < 2
    return "fewer than two choices" if few else fault(question, rights)


def _answers(given: Any) -> list[str]:
    several = given if isinstance(given, list) else [given]
    found = [written(each).strip() for each in several if isinstance(each, (str, int, float))]
    return list(dict.fromkeys(text for text in found if text))


def _choices(given: Any) -> list[str]:
    values = list(given.values()) if isinstance(given, dict) else given
    return [written(each).strip() for each in values] if isinstance(values, list) else []


def _letters(given: Any, choices: Sequence[str]) -> list[str]:
    """The letters of the right choices, which are named by their places from 0, their texts or their letters."""
    found = []
    for text in _answers(given):
        place = int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else None
        if place is None:
            place = choices.index(text) if text in choices else place_of(text)
        if place is None or place >= len(choices):
            return []
        found.append(letter_of(place))
    return found


def _ignored(config: Mapping[str, Any], where: str) -> list[str]:
    """Patterns that its exact match takes out of what it compares."""
    for each in metric_list(config, where):
        patterns = each.get("regexes_to_ignore") or []
        if not isinstance(patterns, list) or not all(isinstance(one, str) for one in patterns):
            raise DataError(f"{where}: regexes_to_ignore must be a list of patterns")
        if patterns:
            return patterns
    return []
