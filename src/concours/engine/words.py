"""Language models as jobs ask them: what is said about each row, and what the answers come to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.calls import Calls
from concours.core.errors import DataError
from concours.core.job import Job
from concours.core.ports import Store
from concours.core.typed import typed
from concours.engine.outputs import output_of
from concours.engine.rows import first_division, get_rows
from concours.engine.shots import Shots
from concours.entrants.endpoints.calls import Call, chat
from concours.entrants.endpoints.client import Endpoint, ask_all
from concours.entrants.endpoints.kept import Answers, usual_place
from concours.entrants.endpoints.params import Asking
from concours.entrants.endpoints.price import Price
from concours.entrants.endpoints.prompts import Template, messages
from concours.entrants.endpoints.purse import Purse
from concours.entrants.endpoints.replies import Failed, Reply
from concours.stores.values import get_values
from concours.tasks.outputs.output import OutputKind, Values

Codes = NDArray[np.int64]

PURSE = "purse.sqlite"
"""Beside the objects of a store: what has been spent of what a run may spend."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """What came of asking about some rows.

    Attributes:
        predictions: (rows, …).
        calls: a table with a row a request: `row`, `sample`, `status` (answered, cut, refused, unparsed, failed),
            `said`, `reason`, tokens, `money`, `seconds`, and whether it was `kept` from before.
    """

    predictions: Values
    calls: pa.Table


class InWords:
    """A language model, as it predicts rows of a task."""

    def __init__(self, job: Job, store: Store) -> None:
        self._job, self._store, self._output = job, store, output_of(job)
        self._model = job.params["recipe"].partition(":")[2]
        self._how = typed(Asking, dict(job.params["params"]), "params")
        price = self._how.price
        self._price = None if price is None else Price(price.input, price.output, price.cached)

    def require_able(self) -> None:
        """Refuses what cannot be asked, before anything is. Raises DataError, RecipeError."""
        self._output.heard([], None)
        if self._how.prompt:
            Template(self._how.prompt)

    def predict(self, x: Any) -> Values:
        """Predictions (rows, …) of new rows."""
        return self.told(x, np.full(len(x), -1)).predictions

    def told(self, x: Any, folds: Codes) -> Told:
        """What comes of asking about rows.

        Args:
            folds: (rows,) of the training part that they lie in, -1 of others: no example is of the same.

        Raises:
            DataError: too many rows failed, with the first reason.
            EndpointError, SpentOut: nothing can be asked there, or no more may be spent.
        """
        how, rows = self._how, worded(x)
        template = Template(how.prompt or usual_prompt(rows, self._output))
        questions = [template.filled(row) for row in rows]
        calls = [
            Call(self._url, chat(self._model, messages(how.system, shown, question), **how.sampling), sample)
            for question, shown in zip(questions, self._shown(template, questions, folds), strict=True)
            for sample in range(how.samples)
        ]
        endpoint = Endpoint(
            base_url=how.base_url,
            key_env=how.key_env,
            at_once=how.at_once,
            timeout_s=how.timeout_s,
            tries=how.tries,
        )
        found = ask_all(calls, endpoint, self._answers(), self._purse(), price=self._price)
        return self._read(found, x)

    @property
    def _url(self) -> str:
        return f"{self._how.base_url.rstrip('/')}/chat/completions"

    def _answers(self) -> Answers:
        return Answers(usual_place())

    def _purse(self) -> Purse:
        folder = getattr(self._store, "folder", None)
        return Purse(Path(folder) / PURSE if folder else None)

    def _shown(self, template: Template, questions: Sequence[str], folds: Codes) -> list[list[tuple[str, str]]]:
        """The examples before each question, each as it would be asked and answered."""
        if not self._how.shots:
            return [[]] * len(questions)
        known = [template.filled(row) for row in worded(get_rows(self._store, self._job.inputs["x"]))]
        targets = self._output.written(get_values(self._store, self._job.inputs["y"]))
        shots = Shots(
            questions=known,
            targets=targets,
            folds=first_division(self._store, self._job.inputs["folds"]),
            count=self._how.shots,
            chosen=self._how.chosen,
            seed=self._job.seed,
        )
        return [[(known[row], targets[row]) for row in rows] for rows in shots.before(questions, folds)]

    def _read(self, found: Sequence[Reply | Failed], x: Any) -> Told:
        samples, rows = self._how.samples, len(x)
        said = [["" if isinstance(each, Failed) else each.text for each in of] for of in _parts(found, samples)]
        heard = self._output.heard(said, x)
        statuses = [_status(each, parsed) for each, parsed in zip(found, heard.parsed, strict=True)]
        failed = {place // samples: each for place, each in enumerate(found) if isinstance(each, Failed)}
        if len(failed) > self._how.most_failed * rows:
            first = min(failed)
            raise DataError(
                f"{len(failed)} of {rows} rows had no answer, first row {first + 1}: {failed[first].reason}; "
                "run it again to ask about these alone, or allow a share of them by most_failed"
            )
        return Told(predictions=heard.predictions, calls=_table(found, statuses, samples, self._price))


def _parts(found: Sequence[Reply | Failed], size: int) -> Iterable[Sequence[Reply | Failed]]:
    return (found[start : start + size] for start in range(0, len(found), size))


def _status(reply: Reply | Failed, parsed: bool) -> str:
    if isinstance(reply, Failed):
        return "failed"
    if reply.finish == "refused":
        return "refused"
    if not parsed:
        return "cut" if reply.finish == "length" else "unparsed"
    return "cut" if reply.finish == "length" else "answered"


def _table(found: Sequence[Reply | Failed], statuses: Sequence[str], samples: int, price: Price | None) -> pa.Table:
    def each(name: str, kind: pa.DataType) -> pa.Array:
        return pa.array([None if isinstance(one, Failed) else getattr(one, name) for one in found], kind)

    money = [None if price is None or isinstance(one, Failed) else float(price.of(one)) for one in found]
    return pa.table(
        {
            "row": pa.array(np.arange(len(found)) // samples),
            "sample": pa.array(np.arange(len(found)) % samples),
            "status": pa.array(statuses, pa.string()),
            "said": each("text", pa.string()),
            "reason": pa.array([one.reason if isinstance(one, Failed) else None for one in found], pa.string()),
            "tokens_in": each("tokens_in", pa.int64()),
            "tokens_cached": each("tokens_cached", pa.int64()),
            "tokens_out": each("tokens_out", pa.int64()),
            "money": pa.array(money, pa.float64()),
            "seconds": each("seconds", pa.float64()),
            "kept": pa.array([not isinstance(one, Failed) and one.kept for one in found], pa.bool_()),
        }
    )


def summed(tables: Sequence[pa.Table]) -> Calls:
    """What the calls of some parts come to."""
    table = pa.concat_tables(tables)
    statuses = table["status"].to_pylist()
    seconds = table["seconds"].drop_null().to_numpy()
    money = table["money"].drop_null().to_numpy()
    middle, slow = np.quantile(seconds, [0.5, 0.95]).tolist() if len(seconds) else (None, None)

    def total(name: str) -> int:
        return int(np.sum(table[name].drop_null().to_numpy()))

    return Calls(
        rows=sum(len(np.unique(one["row"].to_numpy())) for one in tables),
        requests=len(table),
        kept=total("kept"),
        tokens_in=total("tokens_in"),
        tokens_cached=total("tokens_cached"),
        tokens_out=total("tokens_out"),
        money=float(money.sum()) if len(money) else None,
        median_s=middle,
        slow_s=slow,
        **{why: statuses.count(why) for why in ("cut", "refused", "unparsed", "failed")},
    )


def worded(x: Any) -> list[dict[str, str]]:
    """Rows as words, by the names of columns: a list with a letter an item, what is missing as nothing.

    Raises:
        DataError: they are no words.
    """
    if isinstance(x, pd.DataFrame):
        names = [str(name) for name in x.columns]
        columns = [[_word(cell) for cell in x.iloc[:, place]] for place in range(len(names))]
        return [dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)]
    if isinstance(x, np.ndarray) and x.ndim == 1:
        return [{"text": str(text)} for text in x]
    raise DataError("a language model is asked in words, and these rows are none; leave it out of this task")


def lettered(items: Iterable[Any]) -> str:
    """A list as people are shown choices, `A. …` in a line each."""
    return "\n".join(f"{letter(place)}. {item}" for place, item in enumerate(items))


def letter(place: int) -> str:
    """A, B, …, Z, AA, AB, … of 0, 1, …"""
    rest, last = divmod(place, 26)
    return (letter(rest - 1) if rest else "") + chr(ord("A") + last)


def _word(cell: Any) -> str:
    if isinstance(cell, (list, tuple, np.ndarray)):
        return lettered(cell)
    return "" if cell is None or cell is pd.NA or (isinstance(cell, float) and np.isnan(cell)) else str(cell)


def usual_prompt(rows: Sequence[Mapping[str, str]], output: OutputKind) -> str:
    """What is asked where nobody says: the first column, choices, and in which form to answer."""
    names = list(rows[0]) if rows else ["text"]
    shown = [name for name in names if name == names[0] or name == "choices"]
    parts = ["{" + name + "}" for name in shown]
    wish = output.wish.replace("{", "{{").replace("}", "}}")
    return "\n\n".join([*parts, *([wish] if wish else [])])
