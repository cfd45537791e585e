"""Insights: what the report tells beyond the board. Jobs find it out; the rows that are shown are looked up here."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from concours.compete.explanations import Explanations
from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.lineage import lineage
from concours.core.ports import Listener, Store, ignore
from concours.core.problem import Part
from concours.core.values import take
from concours.engine.rows import get_rows, take_rows
from concours.engine.usage import usable_cores
from concours.kernels.scoring.curves import curves
from concours.runs.gallery import gallery, picture_address, sheets
from concours.runs.played import sound_address
from concours.runs.result import Result
from concours.runs.session import EngineName, session
from concours.stores.blobs import get_array, get_table
from concours.stores.values import get_values
from concours.tasks.interactions.histories import in_words
from concours.tasks.outputs.output import OutputKind
from concours.tasks.outputs.table import output_valued

_JOB_S = 300.0
_OF_ROWS = ("occlude", "aligned", "gradients")
"""What tells of single rows, which are looked up."""
_CELL = 120
"""Letters of a value of a table that are shown."""


def explain(
    result: Result,
    *,
    listener: Listener = ignore,
    engine: EngineName = "processes",
    until: float | None = None,
) -> dict[str, Any]:
    """Looks into a contest that has come to its end, and keeps what was found in its folder, as `insights.json`.

    What an earlier look has found is not found out again. What has not ended by `until`, on `time.monotonic`, is told
    under `late`, and found out by a later look.

    Raises:
        RunFolderError: somebody else is writing to the folder.
    """
    setup, folder = result.setup, result.folder
    candidates = _by_cv_score(result)
    default = result.candidates[result.default or ""]
    by_digest = {candidate.entrant.digest: candidate for candidate in candidates}
    joins = {digest: one for digest, one in lineage(default, by_digest).items() if one != default}
    explanations = Explanations(
        problem=setup.problem, default=default, parents=joins, judged=_judged(result), threads=setup.threads
    )
    workers = 1 if engine == "inline" else usable_cores()
    with (
        folder.writing(),
        session(
            folder, engine=engine, workers=workers, listener=listener, job_seconds=_JOB_S, journal=folder.explanations
        ) as driver,
    ):
        until_s = None if until is None else driver.elapsed_s + until - time.monotonic()
        state = driver.drive(explanations, candidates, seed=setup.seed, until_s=until_s)
        found = explanations.findings(state)
        again = f"concours report {shlex.quote(str(folder.path))}"
        found = {**found, "again": again, **_inputs(found, result), **gallery(result), **sheets(found, result)}
        folder.write("insights.json", found)
    return found


def _by_cv_score(result: Result) -> list[Candidate]:
    """All candidates that were compared by both parts, the best by cross-validation score first."""
    whole = {line.entrant.name for line in result.standings if line.status == "ok"}
    sign = -1.0 if result.setup.problem.metrics[0].greater_is_better else 1.0
    scores = {line.entrant.name: sign * line.cv_score.score for line in result.standings if line.cv_score}
    candidates = [candidate for name, candidate in result.candidates.items() if name in whole]
    return sorted(candidates, key=lambda candidate: scores.get(candidate.entrant.name, np.inf))


def _judged(result: Result) -> tuple[Candidate, ...]:
    """Who has predictions of the rows that judge, in the order of the board."""
    candidates = [
        result.candidates[line.entrant.name] for line in result.standings if line.entrant.name in result.candidates
    ]
    tested = result.setup.problem.test is not None
    return tuple(candidate for candidate in candidates if (candidate.test if tested else candidate.oof))


def _inputs(found: Mapping[str, Any], result: Result) -> dict[str, Any]:
    """The rows that are shown: of the test part, and examples of the training part."""
    problem, store = result.setup.problem, result.folder.store
    part = problem.test or problem.train
    mistakes = found.get("diagnose", {}).get("mistakes", {}).get("rows", [])
    shown = sorted({*mistakes, *(row for kind in _OF_ROWS for row in found.get(kind, {}).get("rows", []))})
    ids, output = get_array(store, part.ids), output_valued(problem.output)
    default, can = result.candidates[result.default or ""], problem.input.can
    inputs = {
        str(row): {"id": str(ids[row]), **value}
        for row, value in zip(shown, _drawn(store, output, part, shown, can, default), strict=True)
    }
    examples = found.get("card", {}).get("pictures", {}).get("examples", [])
    y = take(get_values(store, problem.train.y), np.asarray(examples, dtype=np.int64))
    labels = output.written(y)
    pictures = _drawn(store, output, problem.train, examples, can)
    return {
        "drawing": output.drawing,
        "inputs": inputs,
        "examples": {
            str(row): {"label": label, **value} for row, label, value in zip(examples, labels, pictures, strict=True)
        },
    }


def _drawn(
    store: Store,
    output: OutputKind,
    part: Part,
    rows: Sequence[int],
    can: Sequence[str],
    candidate: Candidate | None = None,
) -> list[dict[str, Any]]:
    """`_looked_up`, with targets, and predictions of a candidate, upon the rows where the output draws them."""
    found = _looked_up(store, part.x, rows, can)
    if not rows or not output.drawing:
        return found
    some = np.asarray(rows, dtype=np.int64)
    predictions = None if candidate is None else candidate.test or candidate.oof
    told = None if predictions is None else take(get_values(store, predictions), some)
    drawn = output.drawn(take_rows(get_rows(store, part.x), some), take(get_values(store, part.y), some), told)
    if drawn is None:
        return found
    return [
        {**row, "plain": row["picture"], "picture": picture_address(picture), "wide": True}
        for row, picture in zip(found, drawn, strict=True)
    ]


def _looked_up(store: Store, x: Digest, rows: Sequence[int], can: Sequence[str]) -> list[dict[str, Any]]:
    """Rows as a page can show them: `text`, `picture` or `sound` as an address with its content, or `fields`."""
    if not rows:
        return []
    if "histories" in can:
        return [{"text": text} for text in in_words(get_table(store, x), rows)]
    all_rows = get_rows(store, x)
    taken = take_rows(all_rows, np.asarray(rows))
    if "sounds" in can:
        heard = zip(taken["sound"], taken["rate"], strict=True)
        return [{"sound": sound_address(samples, int(rate))} for samples, rate in heard]
    if isinstance(taken, pd.DataFrame):
        return [
            {"fields": {str(name): _cell(value) for name, value in row.items()}} for row in taken.to_dict("records")
        ]
    if taken.dtype == object:
        return [{"text": str(text)} for text in taken]
    if "curves" in can:
        return [{"picture": picture_address(picture), "wide": True} for picture in curves(taken, all_rows)]
    most = 255.0 if all_rows.dtype == np.uint8 else float(np.abs(all_rows).max()) or 1.0
    wide = {"wide": True} if taken.ndim == 5 else {}  # the frames of a clip lie side by side
    return [{"picture": picture_address(np.asarray(picture) / most), **wide} for picture in taken]


def _cell(value: Any) -> str:
    if value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return "missing"
    if isinstance(value, np.ndarray):
        value = " | ".join(map(str, value))
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _CELL else f"{text[:_CELL]} …"
