"""Which words of what is said come from which words of what was read, by some rows of the test part."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from concours.core.job import Job
from concours.core.ports import Store
from concours.core.values import take
from concours.engine.deterministic import deterministic
from concours.engine.outputs import output_of
from concours.engine.rows import get_rows
from concours.engine.runners.explain import predicted
from concours.engine.runners.gradients import fitted_of
from concours.engine.runners.score import metric_of_rows
from concours.engine.work import JobResult
from concours.entrants.attending import Attending, attention
from concours.entrants.nbest import tokens
from concours.insights.aligned import by_leaving_out
from concours.kernels.scoring.diagnosis import worst
from concours.kernels.scoring.rounded import rounded
from concours.stores.values import get_values

_WORST, _GOOD = 6, 3
_WORDS = 40
_FEWEST = 5
"""Words of a row that is shown because it is good: short ones are good by chance."""


def aligned(job: Job, store: Store) -> JobResult:
    """Words of the worst rows and of some good ones, linked.

    By the attention of the best network that has one, for its own text; else by leaving words out of what the default
    model reads (`insights.aligned`), for that one's.

    Inputs: `x`, `y` and `predictions` of the default, and `code…` of users' files. Params: `model`, `parents`, those of
    the metrics, and `looked_at`, candidates as JSON, the best first. Values:
        name: whose words these are. by: `attention`, or `leaving out`.
        rows: positions of the rows, the worst 6 first; then the best 3. good: how many of these there are.
        true: what each should become.
        source, said: of each the first 40 words of what was read, and of what is said.
        links: of each weights, a list a word of what is said, a number each a word of what was read.
    """
    x, y, p = get_rows(store, job.inputs["x"]), *(get_values(store, job.inputs[name]) for name in ("y", "predictions"))
    output, metric = output_of(job), metric_of_rows(job)
    losses = -metric.sign * metric.row_scores(y, p)
    rows, good = _shown(losses, [len(tokens(text or "")) for text in x])
    texts = [x[row] or "" for row in rows]
    name, by, said, weights = _attention(job, store, texts) or _left_out(job, store, texts, take(p, rows))
    return JobResult(
        values={
            "name": name,
            "by": by,
            "rows": rows.tolist(),
            "good": good,
            "true": output.written(take(y, rows)),
            "source": [_words(text) for text in texts],
            "said": [_words(text) for text in said],
            "links": [rounded(each[:_WORDS, :_WORDS], 2) for each in weights],
        }
    )


def _shown(losses: NDArray[np.float64], lengths: Sequence[int]) -> tuple[NDArray[np.int64], int]:
    """Rows of the greatest losses, then such of the least, and how many these are."""
    bad = worst(losses, _WORST)
    among = (np.asarray(lengths) >= _FEWEST) & ~np.isin(np.arange(len(losses)), bad)
    good = worst(-losses, _GOOD, among=among)
    return np.concatenate([bad, good]), len(good)


def _words(text: str) -> list[str]:
    return [word.strip() for word in tokens(text)[:_WORDS]]


Found = tuple[str, str, list[str], list[NDArray[np.float64]]]


def _attention(job: Job, store: Store, texts: list[str]) -> Found | None:
    """Of the first candidate that has one; none where none has."""
    for name, fitted in fitted_of(job, store):
        if isinstance(fitted.estimator, Attending):
            with deterministic(threads=job.threads, seed=job.seed):
                said = output_of(job).answers(fitted.estimator.predict(np.asarray(texts, dtype=object)), None)
                found = [attention(fitted.estimator, *pair) for pair in zip(texts, said, strict=True)]
            return name, "attention", list(said), found
    return None


def _left_out(job: Job, store: Store, texts: list[str], p: object) -> Found:
    answers = partial(output_of(job).answers, weights=None)

    def translate(some: Sequence[str]) -> list[str]:
        return list(answers(predicted(job, store, np.asarray(some, dtype=object))))

    said = list(answers(p))
    found = by_leaving_out(translate, tokens, texts, said, most=_WORDS)
    return job.params["model"]["entrant"]["name"], "leaving out", said, found
