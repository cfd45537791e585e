"""Language models as jobs ask them: what is said about each row, and what the answers come to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core import consent
from concours.core.asked import asked_of_recipe
from concours.core.calls import REQUEST, SLOW, Calls
from concours.core.digests import Digest, digest_json
from concours.core.errors import EndpointRefused, RecipeError
from concours.core.had import CONTENT, scheme_of
from concours.core.job import Job
from concours.core.ports import Store
from concours.core.registry import load
from concours.core.typed import typed
from concours.engine.choosing import Way, way_of
from concours.engine.rows import first_division, get_rows
from concours.engine.shots import Shots
from concours.engine.worded import Row, as_one_text, worded
from concours.entrants.endpoints.params import Asking
from concours.entrants.endpoints.price import Price, money
from concours.entrants.endpoints.purse import Purse
from concours.entrants.endpoints.replies import Failed, Reply, shown
from concours.entrants.endpoints.speaker import Question, Speaker
from concours.stores.values import get_values
from concours.tasks.outputs.output import Values
from concours.tasks.outputs.table import output_told

Codes = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Told:
    """What came of asking about some rows.

    Attributes:
        predictions: (rows, …).
        calls: a table with a row a request: `row`, `sample` (which of the requests of the row it is), `status`
            (answered, cut, refused, unparsed, failed), `said`, `reason`, tokens and `money`.
        seconds: of each request that was answered, then or before.
        kept: how many of the requests had been answered before.
    """

    predictions: Values
    calls: pa.Table
    seconds: tuple[float, ...]
    kept: int


_HEARD: ContextVar[list[tuple[Digest, Told]] | None] = ContextVar("heard", default=None)


def who(recipe: str, params: Mapping[str, Any]) -> Digest:
    """By what a language model that is asked in one way is known."""
    return digest_json({"recipe": recipe, "params": dict(params)})


@contextmanager
def overheard() -> Iterator[dict[Digest, Calls]]:
    """What predicting inside takes: the calls of each model that was asked, by `who`, when it has ended."""
    heard: list[tuple[Digest, Told]] = []
    found: dict[Digest, Calls] = {}
    token = _HEARD.set(heard)
    try:
        yield found
    finally:
        _HEARD.reset(token)
        for digest in dict.fromkeys(digest for digest, _ in heard):
            parts = [told for of, told in heard if of == digest]
            found[digest] = replace(summed(parts), kept=sum(told.kept for told in parts))


class InWords:
    """A language model, as it predicts rows of a task.

    Raises:
        TrustError: rows are not to be sent there (`core.consent`).
        ContestError: what is said of it is no way to ask.
    """

    def __init__(self, job: Job, store: Store) -> None:
        consent.require(asked_of_recipe(job.params["recipe"], job.params["params"]))
        self._job, self._store = job, store
        self._output = output_told(job.params["output"], job.params["labels"])
        self._how = how_of(job.params["recipe"], job.params["params"])
        self._way = way_of(self._how)
        self._speaker = speaker_of(job.params["recipe"], job.params["params"], self._how, threads=job.threads)

    def require_able(self) -> None:
        """Refuses what cannot be asked, before anything is. Raises DataError, RecipeError."""
        self._output.heard([], None)

    def predict(self, x: Any) -> Values:
        """Predictions (rows, …) of new rows."""
        told = self.told(x, np.full(len(x), -1), None)
        if (heard := _HEARD.get()) is not None:
            heard.append((who(self._job.params["recipe"], self._job.params["params"]), told))
        return told.predictions

    def told(self, x: Any, folds: Codes, limits: Purse | None) -> Told:
        """What comes of asking about rows.

        Args:
            folds: (rows,) of the training part that they lie in, -1 of others: no example is of the same.
            limits: what may be spent; none where nobody bounds it.

        Raises:
            EndpointRefused: nothing can be asked there, or too many rows had no answer, with the first reason.
            SpentOut: no more may be spent.
        """
        way, counts = self._way(self._how, x, self._output), list[int]()

        def questions() -> Iterator[Question]:
            for row, before in enumerate(self._shown(way, x, folds)):
                of = list(way.questions(row, before))
                counts.append(len(of))
                yield from of

        found = self._speaker.ask(questions(), limits)
        return self._read(way, x, found.replies, counts, found.kept)

    def _shown(self, way: Way, x: Any, folds: Codes) -> list[list[tuple[Row, str]]]:
        """The examples before each question, with their answers."""
        if not self._how.shots:
            return [[]] * len(x)
        train = get_rows(self._store, self._job.inputs["x"])
        known, targets = worded(train), way.answer(train, get_values(self._store, self._job.inputs["y"]))
        shots = Shots(
            questions=[way.prompt.filled(row) for row in known],
            targets=targets,
            folds=first_division(self._store, self._job.inputs["folds"]),
            count=self._how.shots,
            chosen=self._how.chosen,
            seed=self._job.seed,
        )
        before = shots.before([way.prompt.filled(row) for row in worded(x)], folds)
        return [[(known[place], targets[place]) for place in places] for places in before]

    def _read(self, way: Way, x: Any, found: Sequence[Reply | Failed], counts: Sequence[int], kept: int) -> Told:
        of, rows = np.repeat(np.arange(len(counts)), counts), len(counts)
        ends = np.cumsum(counts).tolist()
        heard = way.heard([found[end - count : end] for end, count in zip(ends, counts, strict=True)], self._speaker)
        statuses = [_status(each, parsed, way.ends) for each, parsed in zip(found, heard.parsed, strict=True)]
        failed = {int(of[place]): each for place, each in enumerate(found) if isinstance(each, Failed)}
        if len(failed) > self._how.most_failed * rows:
            first = min(failed)
            raise EndpointRefused(
                f"{len(failed)} of {rows} rows had no answer, the first of them {shown(as_one_text(x)[first])}: "
                f"{failed[first].reason}; "
                "run it again to ask about these alone, or allow a share of them by most_failed"
            )
        table = _table(found, statuses, of, self._how.charged)
        seconds = tuple(one.seconds for one in found if isinstance(one, Reply))
        return Told(predictions=heard.predictions, calls=table, seconds=seconds, kept=kept)


def how_of(recipe: str, params: Mapping[str, Any]) -> Asking:
    """How a language model is to be asked, by its recipe and its parameters. Raises ContentRefused."""
    scheme = scheme_of(recipe)
    form: type[Asking] = load(scheme.params) if scheme else Asking
    return typed(form, {name: value for name, value in params.items() if name != CONTENT}, "params")


def speaker_of(recipe: str, params: Mapping[str, Any], how: Asking, *, threads: int) -> Speaker:
    """Whom a recipe names. Raises RecipeError where that is no language model."""
    scheme = scheme_of(recipe)
    if scheme is None:
        raise RecipeError(f"{recipe!r} is no language model")
    content = params.get(CONTENT, "")
    speaker: Speaker = load(scheme.speaker)(recipe.partition(":")[2], how, content=content, threads=threads)
    return speaker


def _status(reply: Reply | Failed, parsed: bool, ends: bool) -> str:
    if isinstance(reply, Failed):
        return "failed"
    if reply.finish == "refused":
        return "refused"
    cut = ends and reply.finish == "length"
    if not parsed:
        return "cut" if cut else "unparsed"
    return "cut" if cut else "answered"


def _table(found: Sequence[Reply | Failed], statuses: Sequence[str], of: Codes, price: Price | None) -> pa.Table:
    def each(name: str, kind: pa.DataType) -> pa.Array:
        return pa.array([None if isinstance(one, Failed) else getattr(one, name) for one in found], kind)

    units = [None if price is None or isinstance(one, Failed) else price.of(one) for one in found]
    begins = np.searchsorted(of, of)
    return pa.table(
        {
            "row": pa.array(of),
            "sample": pa.array(np.arange(len(found)) - begins),
            "status": pa.array(statuses, pa.string()),
            "said": each("text", pa.string()),
            "reason": pa.array([one.reason if isinstance(one, Failed) else None for one in found], pa.string()),
            "tokens_in": each("tokens_in", pa.int64()),
            "tokens_cached": each("tokens_cached", pa.int64()),
            "tokens_out": each("tokens_out", pa.int64()),
            "money": pa.array([None if each is None else float(money(each)) for each in units], pa.float64()),
        }
    )


def paces(parts: Sequence[Told]) -> dict[str, float]:
    """Seconds of a request, as phases of a job: the median and the 95th percentile; nothing where none was answered."""
    seconds = [each for told in parts for each in told.seconds]
    return dict(zip((REQUEST, SLOW), np.quantile(seconds, [0.5, 0.95]).tolist(), strict=True)) if seconds else {}


def summed(parts: Sequence[Told]) -> Calls:
    """What the calls of some parts come to, whatever was known before: a job that is done again yields the same."""
    table = pa.concat_tables([told.calls for told in parts])
    statuses = table["status"].to_pylist()
    paid = table["money"].drop_null().to_numpy()

    def total(name: str) -> int | None:
        """None where nobody says how many tokens it took."""
        known = table[name].drop_null().to_numpy()
        return int(np.sum(known)) if len(known) else None

    return Calls(
        rows=sum(len(np.unique(told.calls["row"].to_numpy())) for told in parts),
        requests=len(table),
        tokens_in=total("tokens_in"),
        tokens_cached=total("tokens_cached"),
        tokens_out=total("tokens_out"),
        money=float(paid.sum()) if len(paid) else None,
        **{why: statuses.count(why) for why in ("cut", "refused", "unparsed", "failed")},
    )
