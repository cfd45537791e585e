"""Answers to questions side by side, and what was said in full (`insights.answers`, `insights.said`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.job import Job
from concours.core.ports import Store
from concours.core.slices import Grouping
from concours.core.values import take
from concours.engine.outputs import output_of
from concours.engine.rows import get_rows, take_rows
from concours.engine.runners.diagnose import of_inputs
from concours.engine.runners.score import groups_of, metrics_of, weights_of
from concours.engine.worded import worded
from concours.engine.work import JobResult
from concours.insights.answers import FEWEST, Answered, against_best, by_category, chosen, shares
from concours.insights.said import IN_SHORT, by_length, excerpt, in_vain
from concours.insights.sampled import by_samples
from concours.stores.blobs import get_array, get_table
from concours.stores.values import get_values
from concours.tasks.metrics.metric import Metric

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_SAMPLES = 3
"""Of what was said about a question that are shown."""


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """The rows that judge and weigh anything.

    Attributes:
        at: their positions in the part.
        groups, weights: as statistics take them.
    """

    at: Codes
    groups: Codes | None
    weights: Floats | None

    def some(self, kept: NDArray[np.bool_]) -> _Rows:
        groups = None if self.groups is None else np.unique(self.groups[kept], return_inverse=True)[1]
        weights = None if self.weights is None else self.weights[kept]
        return _Rows(at=self.at[kept], groups=groups, weights=weights)


def answers(job: Job, store: Store) -> JobResult:
    """What all models answered to the questions that judge.

    Inputs: `x`, `y`, `ids`, `predictions0…`, `groups` and `weights` where there are any, and `said0…`, what those
    said that were asked in words. Params: those of the metrics; `names`, `single` and `best` of the models, and how
    often each was asked in the same words, `samples`; `part`.

    Values: `names`, `best`, `by`, the metric by which an answer is right; `rows` that are shown, `apart` and `wrong`,
    places in it (`insights.answers.chosen`); `shares`, `against_best`, `by_category`; and by the place of a model
    `in_vain` and `by_length` (`insights.said`), with `tokens`, whether lengths are, and `by_samples` of those that were
    asked several times (`insights.sampled`), by rows of which no request failed; `left_out` says how many are not.
    """
    y, output, metric = get_values(store, job.inputs["y"]), output_of(job), _right_by(job)
    said = {place: get_table(store, job.inputs[f"said{place}"]) for place in _places(job)}
    models = [get_values(store, job.inputs[f"predictions{place}"]) for place in range(len(job.params["names"]))]
    rows = _counted(job, store, len(y))
    found = Answered(
        keys=[[keys[row] for row in rows.at] for keys in map(output.alike, models)],
        scores=np.stack([metric.row_scores(y, p)[rows.at] for p in models]),
        single=job.params["single"],
        best=job.params["best"],
    )
    places = chosen(found)
    some = rows.at[sorted({*places["apart"], *places["wrong"]})]
    ways = [*_of_columns(job, store, rows.at), *output.slices(take(y, rows.at))]
    there = {row: place for place, row in enumerate(some.tolist())}
    values = {
        "names": list(job.params["names"]),
        "single": list(job.params["single"]),
        "best": found.best,
        "by": metric.name,
        "rows": _shown(job, store, some, y, models, found, rows, said),
        **{why: [there[int(rows.at[row])] for row in of] for why, of in places.items()},
        "shares": shares(found),
        "against_best": against_best(
            found,
            rows.groups,
            rows.weights,
            out_of_fold=job.params["part"] == "oof",
            sought=job.params.get("sought", 0.0),
        ),
        "by_category": by_category(found.scores, ways),
        **_of_calls(said, found, rows, y, metric, job, store),
    }
    return JobResult(values=values)


def _places(job: Job) -> list[int]:
    return [place for place in range(len(job.params["names"])) if f"said{place}" in job.inputs]


def _of_columns(job: Job, store: Store, rows: Codes) -> list[Grouping]:
    """Ways to tell rows apart by their inputs, first those by what columns hold, and not by lengths."""
    columns = set(worded(take_rows(get_rows(store, job.inputs["x"]), rows[:1]))[0])
    return sorted(of_inputs(job, store, rows, FEWEST), key=lambda way: way.column not in columns)


def _right_by(job: Job) -> Metric:
    """The first metric by which each answer has a score from 0 to 1; else the output's own."""
    output = output_of(job)
    own = [metric for metric in metrics_of(job) if metric.way.single and (metric.low, metric.high) == (0.0, 1.0)]
    return next((metric for metric in own if metric.greater_is_better), output.metric(output.by_rows))


def _counted(job: Job, store: Store, count: int) -> _Rows:
    weights = weights_of(job, store)
    whole = _Rows(at=np.arange(count), groups=groups_of(job, store), weights=weights)
    return whole if weights is None else whole.some(weights > 0)


def _shown(
    job: Job,
    store: Store,
    some: Codes,
    y: Any,
    models: Sequence[Any],
    found: Answered,
    rows: _Rows,
    said: Mapping[int, pa.Table],
) -> list[dict[str, Any]]:
    """Some rows as people read them, with everybody's answer."""
    output, ids = output_of(job), get_array(store, job.inputs["ids"])
    words = worded(take_rows(get_rows(store, job.inputs["x"]), some))
    right = output.written(take(y, some))
    told = [output.written(take(p, some)) for p in models]
    at = {row: place for place, row in enumerate(rows.at.tolist())}
    spoken = {place: _spoken(table, some) for place, table in said.items()}
    return [
        {
            "id": str(ids[row]),
            "fields": [[name, excerpt(text.strip("\n"))] for name, text in words[number].items()],
            "right": excerpt(right[number], IN_SHORT),
            "answers": [excerpt(of[number], IN_SHORT) for of in told],
            "scores": [round(float(score), 4) for score in found.scores[:, at[row]]],
            "said": {str(place): of[number] for place, of in spoken.items()},
        }
        for number, row in enumerate(some.tolist())
    ]


def _spoken(table: pa.Table, some: Codes) -> list[dict[str, Any]]:
    """What was said about some rows: the first three samples, and how many more there are."""
    of_row = table["row"].to_numpy()
    found = []
    for row in some:
        places = np.flatnonzero(of_row == row)
        first = table.take(pa.array(places[:_SAMPLES])).to_pylist()
        samples = [
            {"status": each["status"], **excerpt(each["said"] if each["said"] is not None else each["reason"] or "")}
            for each in first
        ]
        found.append({"samples": samples, "more": len(places) - len(first)})
    return found


def _of_calls(
    said: Mapping[int, pa.Table], found: Answered, rows: _Rows, y: Any, metric: Metric, job: Job, store: Store
) -> dict[str, Any]:
    """What the requests of each model came to, by its place."""
    told: dict[str, dict[str, Any]] = {"in_vain": {}, "by_length": {}, "by_samples": {}}
    ids = get_array(store, job.inputs["ids"]).astype(str)
    for place, table in said.items():
        name, texts = str(place), table["said"].to_pylist()
        told["in_vain"][name] = in_vain(
            table["status"].to_pylist(), texts, table["reason"].to_pylist(), ids[table["row"].to_numpy()].tolist()
        )
        lengths, tokens = _lengths(table, texts, len(y))
        if bands := by_length(lengths[rows.at], found.scores[place]):
            told["by_length"][name] = {**bands, "tokens": tokens}
        if (samples := job.params["samples"][place]) > 1:
            told["by_samples"][name] = _samples(table, samples, rows, y, metric, job)
    return told


def _lengths(table: pa.Table, texts: Sequence[str | None], rows: int) -> tuple[Floats, bool]:
    """(rows,) the mean length of the samples of each row, in tokens where all are known, else in characters."""
    counts = table["tokens_out"]
    tokens = counts.null_count == sum(text is None for text in texts)
    each = counts.to_numpy().astype(float) if tokens else np.array([np.nan if t is None else len(t) for t in texts])
    of_row, known = table["row"].to_numpy(), np.isfinite(each)
    sums = np.bincount(of_row[known], weights=each[known], minlength=rows)
    times = np.bincount(of_row[known], minlength=rows)
    return np.divide(sums, times, out=np.full(rows, np.nan), where=times > 0), tokens


def _samples(table: pa.Table, samples: int, rows: _Rows, y: Any, metric: Metric, job: Job) -> dict[str, Any]:
    """Each sample read by the rule of the task, and right or wrong by the metric."""
    output = output_of(job)
    said = np.array(table["said"].to_pylist(), dtype=object).reshape(-1, samples)
    answered = [output.answered(said[:, sample].tolist()) for sample in range(samples)]
    right = np.stack([metric.row_scores(y, p) >= 1.0 for p in answered], axis=1)
    keys = list(zip(*map(output.alike, answered), strict=True))
    failed = (np.array(table["status"].to_pylist()) == "failed").reshape(-1, samples).any(axis=1)
    whole = rows.some(~failed[rows.at])
    left_out = {"left_out": len(rows.at) - len(whole.at)}
    if not len(whole.at):
        return left_out
    return {
        **by_samples([keys[row] for row in whole.at], right[whole.at], whole.groups, whole.weights),
        **left_out,
    }
