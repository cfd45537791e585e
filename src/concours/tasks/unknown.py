"""Tables that are no task for Concours yet, known by the names and forms of their columns, and what can be done."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from concours.core.errors import DataError
from concours.tasks.columns import Column
from concours.tasks.readers.foreign import BOXES, TRANSLATION
from concours.tasks.roles import calendar_of, is_moment, rises

_SIDES = (
    ("model_a", "model_b"),
    ("left", "right"),
    ("model1", "model2"),
    ("model_1", "model_2"),
    ("player_a", "player_b"),
)
_WON = {"winner", "win", "won", "result", "outcome", "vote", "preference", "judgement", "judgment"}
_USERS = {"user", "customer", "reader", "viewer", "reviewer", "userid", "customerid", "uid"}
_ITEMS = {
    "item",
    "movie",
    "film",
    "book",
    "product",
    "song",
    "track",
    "game",
    "anime",
    "artist",
    "restaurant",
    "business",
}
_RATINGS = {"rating", "ratings", "score", "stars"}
_QUESTIONS = {
    "question",
    "instruction",
    "prompt",
    "query",
    "problem",
    "messages",
    "conversation",
    "conversations",
    "chosen",
}
_ANSWERS = {
    "answer", "answers", "response", "responses", "output", "completion", "options", "choices", "solution", "endings",
    "rejected", "reference_output", "messages", "conversation", "conversations", "answerkey", "option_a", "choice1",
}  # fmt: skip
_DATE = re.compile(
    r"(\d{4}[-/._]?(0?[1-9]|1[0-2])([-/._]?\d{1,2})?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|"
    r"(19|20)\d\d([ _-]?[qQmM]?\d{1,2})?)"
)
_DATED = 6  # columns
_CYCLES = 20

VOTES = "`concours rate FILE`"
FORECAST = "`concours new FILE --kind forecasting`"


def unknown_table(columns: Sequence[Column], table: pa.Table, name: str) -> DataError | None:
    """What to say of a table that is of a kind which is known and not learned from yet; none for any other."""
    named = {_folded(column.name): column for column in columns}
    said = (
        _of_records(named.keys(), name, {key: column.length for key, column in named.items()})
        or _routing(columns, name)
        or _boxes(named, name)
        or _ratings(columns, name)
        or _series(columns, name)
        or _runs_to_failure(columns, table, name)
        or _pairs_of_texts(columns, name)
    )
    return DataError(said) if said else None


def unknown_records(records: Sequence[Mapping[str, Any]], name: str) -> DataError | None:
    """The same for the first objects of a JSON file, whose values may be lists."""
    if not records:
        return None
    keys = {_folded(key) for record in records for key in record}
    lengths = {
        _folded(key): float(np.mean([len(str(record.get(key, ""))) for record in records])) for key in records[0]
    }
    pair = next((v for v in records[0].values() if isinstance(v, Mapping) and len(v) == 2 and all(map(_code, v))), None)
    if "translation" in keys or pair or (len(keys) == 2 and all(map(_code, keys))):
        return DataError(f"{name} holds pairs of texts in two languages: {TRANSLATION}")
    said = _of_records(keys, name, lengths, nested=any(isinstance(v, (list, dict)) for v in records[0].values()))
    return DataError(said) if said else None


def _of_records(keys: Any, name: str, lengths: Mapping[str, float], *, nested: bool = False) -> str | None:
    """Battles, questions and answers, by the names of their fields."""
    known = set(keys)
    answers = {key for key in known if re.fullmatch(r"(response|output|answer)_?(a|b|1|2|left|right)", key)}
    sides = [pair for pair in _SIDES if set(pair) <= known]
    if sides and known & _WON:
        return (
            f"{name} holds votes between two sides ({' and '.join(sides[0])}): nothing to predict, but a ranking. "
            f"What Concours can do: {VOTES} makes the board, `concours audit FILE` looks for faults in the votes."
        )
    if len(answers) >= 2:
        return (
            f"{name} holds pairs of answers that were evaluated ({', '.join(sorted(answers)[:2])}): Concours does not "
            "learn to judge answers. What it can do: rank the models by the votes, brought into a table of columns "
            "model_a, model_b and winner, a row a vote, and give it to `concours rate`."
        )
    long = {key for key in known if lengths.get(key, 0) >= 20}
    labels = known & {"label", "category", "class", "sentiment"}
    if known & _QUESTIONS and known & _ANSWERS and (nested or not labels) and (nested or long):
        asked = ", ".join(sorted((known & _QUESTIONS) | (known & _ANSWERS))[:4])
        return (
            f"{name} holds questions and answers ({asked}), and none that are short, one in each row: Concours does "
            "not train language models. What it can do: compare answers that are short, or one of some choices "
            "(--kind question-answering, --kind multiple-choice); have long ones judged, in a contest file with kind = "
            '"text-generation" and the columns as question and answer; rank models by votes on their answers '
            "(`concours rate`); or, where each question has a class (its subject, or whether a model is right), learn "
            "that: --target COLUMN."
        )
    return None


def _routing(columns: Sequence[Column], name: str) -> str | None:
    """Questions, and for each of several models whether it was right."""
    asked = next((column for column in columns if _folded(column.name) in _QUESTIONS and column.length >= 20), None)
    right = [c for c in columns if c.holds == "truth" or (c.holds == "whole" and (c.low, c.high) == (0, 1))]
    if asked is None or len(right) < 2:
        return None
    names = ", ".join(column.name for column in right[:4])
    return (
        f"{name} holds questions ({asked.name}) and which of several models was right ({names}): Concours does not ask "
        "or route language models yet. What it can do: learn from the question whether one of them will be right: "
        f"--target {right[0].name}, for example."
    )


def _boxes(named: Mapping[str, Column], name: str) -> str | None:
    keys = set(named)
    if {"xmin", "ymin", "xmax", "ymax"} <= keys or {"bbox"} <= keys or {"x_min", "y_min", "x_max", "y_max"} <= keys:
        return f"{name} holds boxes in pictures: {BOXES}"
    return None


def _ratings(columns: Sequence[Column], name: str) -> str | None:
    """People, things, and how much they like them, and nothing else but a time."""
    who = next((c for c in columns if set(c.tokens) & _USERS), None)
    what = next((c for c in columns if set(c.tokens) & _ITEMS and c is not who), None)
    rated = next((c for c in columns if set(c.tokens) & _RATINGS and c.is_number), None)
    rest = [c for c in columns if c not in (who, what, rated) and not c.named_moment and not is_moment(c)]
    if who is None or what is None or rated is None or rest or who.distinct >= who.rows:
        return None
    return (
        f"{name} holds ratings ({who.name} of {what.name}). What Concours can do: put the items of each user in order, "
        f'by kind = "recommendation", id = "{who.name}" and target = "{what.name}" in [task]; or predict {rated.name}, '
        f'by kind = "rating", user = "{who.name}", item = "{what.name}" and target = "{rated.name}".'
    )


def _series(columns: Sequence[Column], name: str) -> str | None:
    """A time and one number; many numbers in the order of a time; dates as columns."""
    dated = [
        column
        for column in columns
        if _DATE.fullmatch(column.name.strip().removeprefix("X").strip()) and column.is_number
    ]
    if len(dated) >= max(_DATED, len(columns) / 2):
        return (
            f"{name} holds series, a row each, with {len(dated)} times as columns ({dated[0].name}, …). What "
            "Concours can do: forecast one that has a row a step. Turn the table, so that its times go down; then "
            f"{FORECAST}."
        )
    rest = [column for column in columns if not is_moment(column) and column.role != "constant"]
    times = [column for column in columns if is_moment(column)]
    if len(times) != 1 or not rest:
        return None
    numbers = [column for column in rest if column.is_number and not column.counting]
    kinds = [column for column in rest if not column.is_number]
    if len(numbers) == 1 and len(kinds) <= 1 and len(rest) - len(kinds) == 1 and all(c.holds == "label" for c in kinds):
        which = f"{kinds[0].distinct} series" if kinds else "a series"
        told = f"{numbers[0].name} by {times[0].name}"
        how = "all of them together" if kinds else "it"
        return (
            f"{name} holds {which}, one number in the order of a time ({told}). What Concours can do: "
            f"forecast {how}, by {FORECAST}."
        )
    return None


def many_series(columns: Sequence[Column], table: pa.Table, name: str) -> str | None:
    """What to say of numbers in the order of a time, where none of them stands out as what is to be predicted."""
    times = [column.name for column in columns if is_moment(column) and rises([table[column.name]])][:1]
    times = times or list(calendar_of(columns, table))
    numbers = [c for c in columns if c.is_number and not is_moment(c) and c.name not in times and c.role == "input"]
    if not times or len(numbers) < 2:
        return None
    names = ", ".join(column.name for column in numbers[:6]) + (", …" if len(numbers) > 6 else "")
    whole = [column.name for column in numbers if not column.gaps] or [numbers[0].name]
    joined = ", once its time is one column of dates" if len(times) > 1 else ""
    return (
        f"{name} holds series, {len(numbers)} numbers in the order of a time ({names} by {', '.join(times)}). What "
        f"Concours can do: forecast the last of them, or those that --target names, by {FORECAST}{joined}. To predict "
        f"one of them from the others at the same time: --target {whole[-1]}, for example."
    )


def _runs_to_failure(columns: Sequence[Column], table: pa.Table, name: str) -> str | None:
    """Many runs, each counted from 1, with numbers measured on the way, and no column that tells what comes."""
    if len(columns) < 5 or not all(column.is_number for column in columns):
        return None
    unit, cycle = columns[0], columns[1]
    told = re.search(r"rul|remaining|fail|target|label", " ".join(column.name.lower() for column in columns))
    if told or unit.holds != "whole" or cycle.holds != "whole" or unit.gaps or cycle.gaps or cycle.low not in (0, 1):
        return None
    runs, at = table[unit.name].to_numpy(), table[cycle.name].to_numpy()
    new = np.flatnonzero(np.diff(runs) != 0) + 1
    steps = np.diff(at)
    inside = np.delete(steps, new - 1)
    if len(new) < 2 or len(at) < _CYCLES * (len(new) + 1) or (inside != 1).any() or (at[new] != cycle.low).any():
        return None
    return (
        f"{name} holds {len(new) + 1} runs of sensors (column {unit.name!r} counts the runs, {cycle.name!r} the steps "
        "of each). What Concours can do: learn how many steps are left, if each run ends in a failure: by "
        f'kind = "remaining-useful-life", id = "{unit.name}" and options = {{ time = "{cycle.name}" }} in [task].'
    )


def _pairs_of_texts(columns: Sequence[Column], name: str) -> str | None:
    """Two columns of sentences and nothing else."""
    texts = [column for column in columns if column.role == "text"]
    rest = [column for column in columns if column.role not in ("text", "identifier", "constant")]
    if len(texts) != 2 or rest:
        return None
    return f"{name} holds pairs of texts ({texts[0].name} and {texts[1].name}) and no label: {TRANSLATION}"


def _folded(name: str) -> str:
    return re.sub(r"[\s-]+", "_", name.strip().lower())


def _code(key: Any) -> bool:
    return isinstance(key, str) and bool(re.fullmatch(r"[a-z]{2}(-[A-Za-z]{2})?", key))
