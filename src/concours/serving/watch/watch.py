"""A watch over a served model: it is told what was answered and what turned out, and says how the model stands."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import pandas as pd
import pyarrow as pa
from sqlalchemy.exc import SQLAlchemyError

from concours.core.errors import ConcoursError, ContentRefused, DataError
from concours.core.values import take
from concours.serving.refused import Refused
from concours.serving.watch.log import Batch, Log, Shadow
from concours.serving.watch.reference import Reference
from concours.serving.watch.standing import Standing, guesses, metrics_of, standing
from concours.serving.watch.tally import Tallies
from concours.serving.watch.traits import is_tabular, table_of
from concours.stores.values import concat
from concours.tasks.kinds import kind_named
from concours.tasks.outputs.table import output_valued
from concours.tasks.task import Task

WAITING: Final = 20_000
"""Rows that may wait to be written down; what comes beyond is answered, counted as lost, and not watched."""
_UNSUITED: Final = (ConcoursError, ValueError, TypeError, LookupError, AttributeError, pa.ArrowException)
"""What is raised of rows and predictions of another form than those that are watched."""
_PAUSE: Final = 0.5  # seconds between two writings
_TOGETHER: Final = 1000  # rows that are written as one, at least where so many come


class Watch:
    """Drift and performance of one served model, kept in one file; every method may be called from any thread.

    `observe` and `shadow` only note what they are given: a thread of the watch counts it and writes it down every half
    second, many requests at once. The others write down first what waits: they take some milliseconds, `standing` some
    milliseconds for each column.
    """

    def __init__(self, log: Log, reference: Reference, tallies: Tallies) -> None:
        self._log, self._reference, self._tallies = log, reference, tallies
        self._metrics = metrics_of(reference)
        self._waiting: list[Batch | Shadow] = []
        self._rows = self._lost = 0
        self._trouble = ""
        self._noting, self._writing = threading.Lock(), threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep_writing, name="concours-watch", daemon=True)
        self._thread.start()

    @classmethod
    def open(cls, path: Path, reference: Reference) -> Watch:
        """Goes on with a file, or begins one.

        Args:
            path: of the SQLite file.
            reference: what is compared with; the file remembers it.

        Raises:
            DataError: another process has the file, it is no log of a watch, or one of another model.
        """
        log = Log(path)
        try:
            kept, said = log.state("reference"), reference.to_json()
            if kept is None:
                log.write({"reference": said, "tallies": Tallies().to_json()})
            elif Reference.from_json(kept) != reference:
                raise DataError(
                    f"{path} is the log of {kept['model']!r} of another result or version; name another file"
                )
            return cls(log, reference, Tallies.from_json(log.state("tallies")))
        except ContentRefused as error:
            log.close()
            raise DataError(f"{path} is no log of a watch, or damaged: {error}; name another file") from None
        except BaseException:
            log.close()
            raise

    def observe(self, ids: Sequence[str], rows: Any, predictions: Any) -> None:
        """Notes rows that were answered.

        Args:
            ids: what each row is called in feedback; each another, at any time.
            rows: (rows, …) as models take them, or as a table.
            predictions: (rows, …) of the model, in the form of the task's output.
        """
        self._note(Batch(ids=tuple(ids), rows=rows, predictions=predictions), len(ids))

    def shadow(self, model: str, ids: Sequence[str], predictions: Any) -> None:
        """Notes what another model would have answered to rows that were observed; nobody gets it.

        Args:
            model: what it is called on the board of the next contest.
            predictions: (rows, …) in the form of the task's output.
        """
        self._note(Shadow(model=model, ids=tuple(ids), predictions=predictions), len(ids))

    def feedback(self, truths: Mapping[str, Any]) -> int:
        """Takes the truth about rows, by id, and returns how many there were; all of them, or none.

        Raises:
            Refused: 404 where an id is unknown or no longer kept, 409 where its truth is there already, 400 where it is
                no truth of this task.
        """
        with self._writing:
            self._write()
            found = self._log.requests(list(truths))
            if unknown := [id for id in truths if id not in found]:
                raise Refused(
                    f"no request {unknown[0]!r} is kept: it is none of this model's, or older than the last "
                    f"{self._log.kept:,} rows",
                    status=404,
                )
            if known := [id for id in truths if found[id].truth is not None]:
                raise Refused(f"the truth about {known[0]!r} is there already", status=409)
            if not truths:
                return 0
            scores = self._scores([found[id] for id in truths], list(truths.values()))
            tallies = self._tallies.answered(scores, guesses(self._metrics))
            written = {id: json.dumps(_bare(truth), ensure_ascii=False) for id, truth in truths.items()}
            try:
                self._log.write({"tallies": tallies.to_json()}, truths=written)
            except SQLAlchemyError as error:
                raise Refused(f"feedback cannot be written down: {_said(error)}", status=503, retry_after=5) from None
            self._tallies = tallies
        return len(truths)

    def standing(self) -> Standing:
        """How the model stands by all that was noted so far."""
        with self._writing:
            self._write()
            tallies, kept, dropped = self._tallies, self._log.kept, self._log.dropped
            trouble = self._trouble
        return standing(self._reference, tallies, kept=kept, dropped=dropped, trouble=trouble)

    def close(self) -> None:
        """Writes down what waits, and lets go of the file; a second time it does nothing."""
        if self._ended.is_set():
            return
        self._ended.set()
        self._thread.join()
        with self._writing:
            self._write()
            self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _note(self, what: Batch | Shadow, rows: int) -> None:
        with self._noting:
            if self._rows + rows > WAITING:
                self._lost += rows if isinstance(what, Batch) else 0
            elif rows:
                self._waiting.append(what)
                self._rows += rows

    def _keep_writing(self) -> None:
        while not self._ended.wait(_PAUSE):
            with self._writing:
                self._write()

    def _write(self) -> None:
        """Counts and writes down what waits. What cannot be is lost, and said; what comes later is tried anew."""
        with self._noting:
            waiting, lost = self._waiting, self._lost
            self._waiting, self._rows, self._lost = [], 0, 0
        if not waiting and not lost:
            return
        batches = [one for one in waiting if isinstance(one, Batch)]
        before, self._trouble = self._tallies, ""
        shadows = [each for one in waiting if isinstance(one, Shadow) for each in self._accepted(one)]
        counted = [each for few in _parts(batches) for each in self._counted(few)]
        rows = sum(len(batch.ids) for batch, _ in counted)
        lost += sum(len(batch.ids) for batch in batches) - rows
        tallies = replace(before, lost=before.lost + lost)
        for batch, counts in counted:
            tallies = tallies.asked(len(batch.ids), counts)
        try:
            self._log.write({"tallies": tallies.to_json()}, [batch for batch, _ in counted], shadows)
            self._tallies = tallies
        except SQLAlchemyError as error:
            self._tallies, self._trouble = replace(before, lost=before.lost + lost + rows), _said(error)

    def _accepted(self, shadow: Shadow) -> list[Shadow]:
        """A shadow's predictions in the form of the output; nothing of what is none."""
        try:
            said = output_valued(self._reference.output).accepted(shadow.predictions, len(shadow.ids))
            return [replace(shadow, predictions=said)]
        except _UNSUITED as error:
            self._trouble = f"the shadow {shadow.model}: {_said(error)}"
            return []

    def _counted(self, batches: Sequence[Batch]) -> list[tuple[Batch, dict[str, Any]]]:
        """Batches as few as may be, each with what is counted of it; without those of which nothing can be."""
        try:
            whole = joined(batches)
            return [(whole, self._reference.counted(whole.rows, whole.predictions))]
        except _UNSUITED as error:
            if len(batches) == 1:
                self._trouble = _said(error)
                return []
        middle = len(batches) // 2
        return self._counted(batches[:middle]) + self._counted(batches[middle:])

    def _scores(self, requests: Sequence[Any], truths: Sequence[Any]) -> dict[str, Any]:
        """The scores (rows,) of rows by metric, given where they lie and what is true of them. Raises Refused."""
        output, kind = output_valued(self._reference.output), kind_named(self._reference.kind)
        task = Task(kind=self._reference.kind, data="", target=self._reference.target)
        try:
            y, _ = output.encoded(kind.output.checked(_column(truths), task, "feedback"), "feedback")
        except (DataError, ValueError, TypeError, AttributeError) as error:
            raise Refused(f"the truth does not suit: {error}") from None
        said = {batch: self._log.predictions(batch) for batch in dict.fromkeys(each.batch for each in requests)}
        p = concat([take(said[each.batch], np.array([each.place])) for each in requests])
        return {name: metric.row_scores(y, p) for name, metric in self._metrics.items()}


def _parts(batches: Sequence[Batch]) -> Iterator[list[Batch]]:
    """Batches by some thousand rows, so that the answer to one of them is soon found again."""
    part, rows = list[Batch](), 0
    for batch in batches:
        part.append(batch)
        rows += len(batch.ids)
        if rows >= _TOGETHER:
            yield part
            part, rows = [], 0
    if part:
        yield part


def joined(batches: Sequence[Batch]) -> Batch:
    """Batches as one, their rows one behind the other: a table, or an array.

    Raises:
        DataError: rows of one are of another form than those of another, or are not as many as their ids.
    """
    rows = [batch.rows for batch in batches]
    for batch in batches:
        if not len(batch.ids) == len(batch.rows) == len(batch.predictions):
            sizes = f"{len(batch.ids)} ids, {len(batch.rows)} rows and {len(batch.predictions)} predictions"
            raise DataError(f"there must be an id and a prediction for each row; got {sizes}")
    if not all(_alike(rows[0], each) for each in rows[1:]):
        raise DataError("the rows of two requests have other columns, or another shape, each")
    if isinstance(rows[0], pd.DataFrame):
        whole: Any = pd.concat(rows, ignore_index=True) if len(rows) > 1 else rows[0]
    elif isinstance(rows[0], pa.Table):
        whole = pa.concat_tables(rows, promote_options="permissive")
    else:
        whole = np.concatenate(rows)
    ids = [id for batch in batches for id in batch.ids]
    predictions = concat([batch.predictions for batch in batches])
    return Batch(ids=ids, rows=table_of(whole) if is_tabular(whole) else whole, predictions=predictions)


def _alike(one: Any, other: Any) -> bool:
    """Whether rows can stand behind others."""
    if type(one) is not type(other):
        return False
    if isinstance(one, pd.DataFrame):
        return one.columns.equals(other.columns)
    return bool(one.column_names == other.column_names if isinstance(one, pa.Table) else one.dtype == other.dtype)


def _column(truths: Sequence[Any]) -> Any:
    """Truths as targets are read: (rows,) of numbers, or of texts and whatever else."""
    bare = [_bare(truth) for truth in truths]
    if all(isinstance(one, int | float) and not isinstance(one, bool) for one in bare):
        return np.asarray(bare)
    found = np.empty(len(bare), dtype=object)
    found[:] = bare
    return found


def _bare(truth: Any) -> Any:
    """A truth as JSON writes it."""
    return truth.item() if isinstance(truth, np.generic) else truth


def _said(error: BaseException) -> str:
    return str(getattr(error, "orig", None) or error).splitlines()[0]
