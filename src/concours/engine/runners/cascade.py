"""Cascades: whom to ask, and from which confidence on each answers; and what is answered, of kept predictions."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core.digests import Digest
from concours.core.job import Job
from concours.core.ports import Store
from concours.core.values import take
from concours.engine.evidence import Heard
from concours.engine.outputs import output_of
from concours.engine.rows import first_division, get_rows, take_rows
from concours.engine.runners.join import members_of
from concours.engine.runners.judged import Judged, chosen_by, within
from concours.engine.turns import Confidence, in_turn, sure_by
from concours.engine.worded import as_one_text
from concours.engine.work import JobResult
from concours.kernels.joining.cascading import Cascade, Sure, cheapest_cascade
from concours.kernels.joining.scorers import Scorer, fit_scorer
from concours.stores.values import concat, put_values
from concours.tasks.outputs.output import Values

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_HOW = ("asked", "thresholds", "scorers")


def cascade(job: Job, store: Store) -> JobResult:
    """The cheapest cascade on the rows outside one fold, or on all; of very many rows on some, spread evenly.

    Good enough is what is worse than the best member alone, by the ranking metric, by no more than one standard error
    of that member's score; with a `budget` it is the best that costs no more. Members count with their most probable
    class, as in `select`. How sure a member is it says itself; or, with the rows as input `x`, a scorer does
    (`engine.evidence`), for the rows of a fold one that was fitted on those of the others.

    Values: `asked`, numbers of members in the order of asking; in that order `thresholds`, the shares of the rows that
    each is asked about (`asks`) and answers (`answers`), and `scorers`, where there are some; `curve` and `chosen` as
    of a `route`.
    """
    scored = "x" in job.inputs
    learned = _Learned(job, store) if scored else None
    judged = Judged.of(job, store, learned.judging if learned else chosen_by(job, store))
    found, point, curve = cheapest_cascade(
        learned.sure if learned else _own(job, judged),
        job.params["costs"],
        judged.loss,
        most=judged.enough,
        budget=job.params["budget"],
        hears=scored,
        of_rows=judged.weights,
    )
    some = [place for place, share in enumerate(found.answers) if share or scored]  # who else is heard
    return JobResult(
        values={
            **{name: [getattr(found, name)[i] for i in some] for name in ("asked", "thresholds", "asks", "answers")},
            "scorers": learned.scorers(found) if learned else [],
            "curve": [judged.told(each) for each in curve],
            "chosen": judged.told(point),
        }
    )


def _own(job: Job, judged: Judged) -> Sure:
    output = output_of(job)
    return lambda asked: output.agreement(judged.members[asked[-1]], judged.members[asked[-1]])


class _Learned:
    """Scorers for members that were asked one after the other, in whichever order.

    Attributes:
        judging: rows by which it is chosen: all that some other fold tells something of.
    """

    def __init__(self, job: Job, store: Store) -> None:
        rows = chosen_by(job, store)
        self._known, self._sides = Judged.of(job, store, rows), list(within(job, store, rows))
        texts = as_one_text(take_rows(get_rows(store, job.inputs["x"]), rows))
        self._heard = Heard(output=output_of(job), told=self._known.members, texts=texts)
        self._places = np.sort(np.concatenate([others for _, others in self._sides]))
        self.judging = rows[self._places]

    def sure(self, asked: tuple[int, ...]) -> Floats:
        """Of these rows, (rows,), by scorers of the other folds."""
        evidence = self._evidence(asked)
        found = np.zeros(len(evidence))
        for known, others in self._sides:
            found[others] = sure_by(self._scorer(asked, evidence, known), evidence[others])
        return found[self._places]

    def scorers(self, found: Cascade) -> list[list[list[float]]]:
        """By all rows, of each who is asked."""
        every = np.arange(len(self._known.scores))
        chains = [found.asked[: place + 1] for place in range(len(found.asked))]
        return [self._scorer(chain, self._evidence(chain), every).to_json() for chain in chains]

    def _evidence(self, asked: tuple[int, ...]) -> Floats:
        return self._heard.of(asked[-1], asked[:-1])

    def _scorer(self, asked: tuple[int, ...], evidence: Floats, places: Codes) -> Scorer:
        """Of scores from 0, the least of anybody on these rows, to 1, the most."""
        scores = self._known.scores[places]
        part = (scores[:, asked[-1]] - scores.min()) / (float(np.ptp(scores)) or 1.0)
        return fit_scorer(evidence[places], part, self._known.weighing(places))


def ask(job: Job, store: Store) -> JobResult:
    """What a cascade answers of kept predictions: the rows of a fold by its own thresholds, the test part by the last.

    Values: `asked`, the share of the rows of the test part, or else of the training part, that each member would have
    been asked about.
    """
    outputs: dict[str, Digest] = {}
    phases, asked = {}, np.zeros(0)
    if "oof" in job.outputs:
        folds, members = first_division(store, job.inputs["folds"]), members_of(job, store, "oof")
        parts, asked = [np.flatnonzero(folds == fold) for fold in range(int(folds.max()) + 1)], np.zeros(len(members))
        texts, said = _texts(job, store, "x"), list[Values]()
        for fold, rows in enumerate(parts):
            how = {name: job.params[f"fold_{name}"][fold] for name in _HOW if f"fold_{name}" in job.params}
            some = [take(member, rows) for member in members]
            answers, share = _asked_of(job, some, [texts[row] for row in rows] if texts else [], **how)
            said.append(answers)
            asked += share * len(rows) / len(folds)
        outputs["oof"] = put_values(store, take(concat(said), np.argsort(np.concatenate(parts))))
    if "test" in job.outputs:
        members, texts = members_of(job, store, "test"), _texts(job, store, "test_x")
        began = time.perf_counter()
        answers, asked = _asked_of(
            job, members, texts, **{name: job.params[name] for name in _HOW if name in job.params}
        )
        phases["predict"] = time.perf_counter() - began
        outputs["test"] = put_values(store, answers)
    return JobResult(outputs=outputs, values={"asked": asked.tolist()}, phases=phases)


def _texts(job: Job, store: Store, name: str) -> list[str]:
    return as_one_text(get_rows(store, job.inputs[name])) if name in job.inputs else []


def _asked_of(
    job: Job,
    members: Sequence[Values],
    texts: Sequence[str],
    *,
    asked: Sequence[float],
    thresholds: Sequence[float],
    scorers: Sequence[Any] = (),
) -> tuple[Values, Floats]:
    """What those who are asked answer, (rows, …), and the share of the rows that each is asked about."""
    some = np.flatnonzero(asked).tolist()
    confidence = Confidence.of_some(output_of(job), scorers, some)
    asks = [partial(take, members[i]) for i in some]
    answers, whom = in_turn(asks, [thresholds[i] for i in some], len(members[0]), confidence, texts)
    shares = np.zeros(len(members))
    shares[some] = whom.mean(axis=1)
    return answers, shares
