"""What tells that a source holds questions with right answers, in words of their own or among choices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from concours.core.errors import ConcoursError
from concours.kernels.scoring.answers import number_written
from concours.tasks.choices import Texts, choices_of, letter_of, lists_of, right_of, texts_of, way_of
from concours.tasks.question_columns import CHOICES, CHOSEN, QUESTIONS, SHORT, TELL, folded, usual
from concours.tasks.readers.archives import entry_at, is_archive
from concours.tasks.readers.damage import damage_named
from concours.tasks.readers.listing import TABLES, suffix_of
from concours.tasks.readers.opened import Options
from concours.tasks.readers.source import open_source

Keys = dict[str, tuple[Any, str]]

_LIKE_TABLES: Final = {"input", "target", "label"}
"""Usual names that tables of classes have as well: they tell of no question with a short answer."""
_SHORT: Final = 100
"""Characters of answers on average, at most: longer ones are texts that no metric here compares."""
_ASKING: Final = 10
"""Characters of questions on average, at least."""
_MOST: Final = 0.05
"""The share of rows without an answer, at most, that are left out with a word."""
_EACH: Final = 5
_HEAD: Final = 1 << 14
_PARQUET: Final = (".parquet", ".pq")
_CLASSES: Final = {"label", "category", "class", "sentiment"}
_GROUPS: Final = ("passage", "context", "article", "passage_id", "context_id", "document")


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """A table of questions.

    Attributes:
        question, choices, answer: its columns.
        why: the answer is that column.
    """

    table: pa.Table
    question: str
    choices: tuple[str, ...]
    answer: str
    why: str


def find_answers(source: Path, options: Options) -> Keys | None:
    """The keys of `[task]` for questions with short answers, each with a reason; none where a source is something else,
    or has choices.

    Raises:
        DataError: it holds questions, and what a person says of it does not suit them.
    """
    seen = _seen(source, options, chosen=False)
    if seen is None or _choice_columns(seen.table):
        return None
    rights = lists_of(seen.table[seen.answer])
    lengths = [len(text) for some in rights for text in some]
    columns = {folded(column) for column in seen.table.column_names}
    if not lengths or np.mean(lengths) > _SHORT or (columns & _CLASSES - {folded(seen.answer)}):
        return None
    none = [place for place, some in enumerate(rights) if not some]
    if len(none) > _MOST * len(rights):
        return None
    numbers = all(number_written(text) is not None for some in rights for text in some)
    several = max(map(len, rights)) > 1
    what = "numbers" if numbers else f"{np.mean(lengths):.0f} characters on average"
    keys = _keys(source, seen)
    keys["answer"] = (seen.answer, f"{seen.why}: {what}{'; any of several is right' if several else ''}")
    keys["extract"] = (
        ("last-number", 'how an answer is found in what a model says; or "boxed", "after:MARKER", "json:FIELD", …')
        if numbers
        else ("whole", 'all that a model says is its answer; or "after:MARKER", "json:FIELD", "regex:PATTERN", …')
    )
    keys |= _others(seen, none)
    keys["metrics"] = (
        (["numeric_match", "exact_match"], "all answers are numbers: 1,800.00 is 1800")
        if numbers
        else (["exact_match", "f1_tokens"], "the first one ranks; f1_tokens counts shared words")
    )
    return {**keys, "split": _split(seen)}


def find_choices(source: Path, options: Options) -> Keys | None:
    """The same for questions with choices."""
    seen = _seen(source, options, chosen=True)
    if seen is None:
        return None
    choices, wrong = choices_of(seen.table, seen.choices)
    answers = lists_of(seen.table[seen.answer])
    way = way_of(answers, choices)
    rights = right_of(answers, choices, way)
    none = [place for place, right in enumerate(rights) if not right or wrong[place]]
    if len(none) > _MOST * len(rights):
        return None
    keys = _keys(source, seen)
    keys["choices"] = (
        seen.choices[0] if len(seen.choices) == 1 else list(seen.choices),
        _counted([row for place, row in enumerate(choices) if not wrong[place]]),
    )
    keys["answer"] = (seen.answer, f"{seen.why}; it names choices by {way}: {_letters(rights)}")
    keys["extract"] = ("letter", "how an answer is found in what a model says: the letter of a choice")
    keys |= _others(seen, none)
    keys["metrics"] = (["choice_accuracy", "choice_log_loss"], "the first one ranks")
    return {**keys, "split": _split(seen)}


def _seen(source: Path, options: Options, *, chosen: bool) -> _Seen | None:
    """A table with the columns of questions; none where there is none."""
    if source.is_dir() or is_archive(source.name) or suffix_of(source.name) not in (*TABLES, ".json"):
        return None
    if not _may_ask(source):
        return None
    wanted = next(iter(options.names), None)
    try:
        opened = open_source(source, Path(), replace(options, input="table", names=(), missing=(), lists=True))
    except ConcoursError:
        return None  # who reads it as a table says what is wrong
    table = opened.x
    if not isinstance(table, pa.Table):
        return None
    asking, answering = (QUESTIONS, CHOSEN) if chosen else (_named(QUESTIONS), _named(SHORT))
    question = usual(asking, [f.name for f in table.schema if pa.types.is_string(f.type)])
    if question is None or np.mean([len(text) for text in texts_of(table[question])]) < _ASKING:
        return None
    choices = _choice_columns(table) if chosen else ()
    left = [name for name in table.column_names if name not in (question, *choices)]
    answer = usual(answering, left)
    if (chosen and not choices) or answer is None:
        return None
    if wanted is not None and (wanted not in left or folded(wanted) not in answering):
        return None  # something else is to be learned from it
    why = "named by --target" if wanted else "by its name"
    return _Seen(table=table, question=question, choices=choices, answer=wanted or answer, why=why)


def _named(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in _LIKE_TABLES)


def _may_ask(source: Path) -> bool:
    """Whether the beginning of a file of text, or the schema of another, has a usual name of a question."""
    try:
        entry = entry_at(source)
        if suffix_of(source.name) in _PARQUET and entry.path is not None:
            return usual(QUESTIONS, pa.parquet.read_schema(entry.path).names) is not None
        with damage_named(source.name), entry.open() as file:
            head = file.read(_HEAD).lower()
    except (ConcoursError, pa.ArrowException, OSError):
        return False  # who reads it as a table says what is wrong
    return any(name.encode() in head for name in QUESTIONS)


def _choice_columns(table: pa.Table) -> tuple[str, ...]:
    """A column of lists, or several columns called by letters or numbers, as `A` to `D` or `option_1` to `option_4`."""
    one = usual(CHOICES, table.column_names)
    if one is not None and (pa.types.is_list(table[one].type) or texts_of(table[one])[0].lstrip().startswith("[")):
        return (one,)
    for form in ("{}", "option_{}", "choice_{}", "option{}", "choice{}", "answer_{}", "opt{}", "ending{}"):
        for names in ("abcdefghijklmnopqrstuvwxyz", "123456789", "0123456789"):
            by_name = {folded(column): column for column in table.column_names}
            found = [by_name.get(form.format(name)) for name in names]
            count = next((place for place, column in enumerate(found) if column is None), len(found))
            if count > 1:
                return tuple(column for column in found[:count] if column is not None)
    return ()


def _keys(source: Path, seen: _Seen) -> Keys:
    lengths = [len(text) for text in texts_of(seen.table[seen.question])]
    return {
        "data": (str(source), f"{len(seen.table):,} questions"),
        "question": (seen.question, f"{np.mean(lengths):.0f} characters on average"),
    }


def _others(seen: _Seen, none: Sequence[int]) -> Keys:
    """What names rows, what gives answers away, and rows without one."""
    left = [name for name in seen.table.column_names if name not in (seen.question, *seen.choices, seen.answer)]
    keys: Keys = {}
    named = next((name for name in left if folded(name) in ("id", "question_id", "qid")), None)
    if named is not None:
        ids = texts_of(seen.table[named])
        if all(ids) and len(set(ids)) == len(ids):
            keys["id"] = (named, "it names the questions, and no model gets it")
        else:
            named = None
    tell = [name for name in left if folded(name) in TELL]
    if tell:
        keys["drop"] = (tell, "they may give the answer away: no prompt may name them")
    if none:
        keys["on_bad_row"] = ("skip", f"{len(none):,} questions have no answer; the first in row {none[0] + 1}")
    return keys


def _split(seen: _Seen) -> tuple[dict[str, Any], str]:
    rows = len(seen.table)
    split: dict[str, Any] = {"test": 0.3 if rows < 1000 else 0.2}
    for name in seen.table.column_names:
        if folded(name) in _GROUPS:
            texts = texts_of(seen.table[name])
            count = len(set(texts))
            if all(text.strip() for text in texts) and _EACH <= count < rows:
                about = (
                    f"{rows / count:.1f} questions are about each of {count:,}: they keep together, and count as one"
                )
                return {**split, "group": name}, about
    return split, f"{split['test']:.0%} of the questions judge"


def _counted(choices: Texts) -> str:
    counts = sorted({len(row) for row in choices})
    twice = sum(len(set(row)) < len(row) for row in choices)
    many = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"{many} choices a question" + (f"; {twice:,} questions have one twice" if twice else "")


def _letters(rights: Sequence[Sequence[int]]) -> str:
    first = [places[0] for places in rights if places]
    counts = np.bincount(first)
    return ", ".join(f"{letter_of(place)} {count:,}" for place, count in enumerate(counts[:8].tolist()))
