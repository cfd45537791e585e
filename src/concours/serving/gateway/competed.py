"""Hidden rows from the folder of a run: its test part, what is right of it, and what the model that competed said."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from concours.core.digests import digest_json
from concours.core.errors import ConcoursError, ContestError, DataError, nearest
from concours.core.problem import Part, Problem
from concours.core.written import written
from concours.runs.predict import deciding
from concours.runs.result import Result
from concours.serving.gateway.hidden import Flags, Hidden, Judging, Places
from concours.serving.gateway.offers import Offer
from concours.serving.gateway.posing_oip import TensorRows
from concours.serving.gateway.posing_openai import SpokenRows
from concours.serving.model import Served
from concours.stores.values import get_values
from concours.tasks.metrics.metric import Metric
from concours.tasks.outputs.output import OutputKind, Values

Keys = Sequence[str | None]
_POSING: Final[Mapping[str, Callable[[Served, Part, str], Any]]] = {"oip": TensorRows.of, "openai": SpokenRows.of}


def hidden_rows(offers: Sequence[Offer], folder: Path) -> dict[str, Hidden]:
    """The rows by which offers are watched, by name; nothing of those that are not.

    Args:
        folder: from which the folders of runs are seen.

    Raises:
        ContestError: of one of them there is no run, no test part or no such line; rows that its protocol cannot ask
            about; or another task than offers of the same task have.
    """
    found, tasks = dict[str, Hidden](), dict[str, tuple[str, Problem]]()
    for offer in offers:
        if offer.canary is None:
            continue
        try:
            result = Result.load(folder / offer.canary.run)
            found[offer.name] = _hidden(offer, result)
            runs = [offer.canary.run, *([offer.quality.run] if offer.quality and offer.quality.run else [])]
            for run in runs:
                problem = result.setup.problem if run == runs[0] else Result.load(folder / run).setup.problem
                other, first = tasks.setdefault(offer.task, (run, problem))
                if (first.kind, first.labels) != (problem.kind, problem.labels):
                    raise ContestError(
                        f"{run} is a run of another task than {other} ({_called(problem)}, {_called(first)}), and both "
                        f"stand for task {offer.task!r}"
                    )
        except ConcoursError as error:
            raise ContestError(f"offer {offer.name}, canary: {error}") from None
    return found


def _called(problem: Problem) -> str:
    return f"{problem.name}, {problem.kind}"


def _hidden(offer: Offer, result: Result) -> Hidden:
    canary, problem = offer.canary, result.setup.problem
    if canary is None or problem.test is None:
        raise ContestError(
            f"{canary.run if canary else 'it'} has no test part, so no rows whose answers nobody was given; run it "
            "with a test file, or split.test above 0"
        )
    name = canary.line or result.default or ""
    if name not in result.candidates:
        raise ContestError(f"no line {name!r} on the board of {canary.run}; {nearest(name, result.candidates)}")
    candidate = result.candidates[name]
    if candidate.test is None:
        raise ContestError(f"{canary.run} has no predictions of {name!r} for its test part; choose another line")
    served, store = Served(result, name), result.folder.store
    posing = _POSING[offer.protocol](served, problem.test, canary.run)
    judging = _judging(served, get_values(store, problem.test.y), get_values(store, candidate.test), posing.asked)
    errors = promised_errors(judging.erred, problem.test.rows, canary.differs if served.calls else 0.0)
    promised = {"accuracy": errors, "disagreement": canary.differs}
    promise = {"entrant": candidate.entrant.digest, "x": problem.test.x, "y": problem.test.y, "p": candidate.test}
    return Hidden(
        canary=canary,
        line=name,
        promise=digest_json({**promise, "promised": promised}),
        rows=problem.test.rows,
        promised=promised,
        posing=posing,
        judging=judging,
    )


def promised_errors(erred: int, rows: int, differs: float) -> float:
    """The greatest share of hidden rows at which an offer may be wrong if it is a model that was wrong at some of them.

    It is their share, but never so small or so great that an error, or a right answer, were impossible. Of a model
    whose answers vary by chance, what it was wrong at is one draw: where two draws differ at a share d of rows, a row
    that is wrong with probability q adds 2 q (1 - q) to that at least, and q (1 - q) to the variance of how many are
    wrong, which so is rows d / 2 at most. Three such standard errors are allowed for.

    Args:
        differs: that share; 0 of a model whose answers do not vary.
    """
    share = (erred + 3 * math.sqrt(rows * differs / 2)) / rows
    return min(max(share, 1 / (rows + 2)), (rows + 1) / (rows + 2))


def _judging(served: Served, y: Values, p: Values, asked: bool) -> Any:
    """How answers are judged, by what the output can. Raises ContestError: nothing is right or wrong of it."""
    made = next((of for suits, of in _JUDGING if suits(served.output)), None)
    if made is None:
        raise ContestError(
            f"nothing is right or wrong of {served.output.said}: canaries need classes, or answers to questions"
        )
    return made(served, y, p, asked)


@dataclass(frozen=True)
class Labels(Judging):
    """Classes: an answer is a label.

    Attributes:
        rights, competed: labels (rows,), of the targets and of who competed.
    """

    output: OutputKind
    rights: Keys
    competed: Keys

    @classmethod
    def of(cls, served: Served, y: Values, p: Values, asked: bool) -> Labels:
        del asked
        labels = [written(label) for label in served.output.labels]
        said = [written(label) for label in served.output.answers(p, deciding(served.result, served.name)).tolist()]
        return cls(served.output, [labels[code] for code in y.tolist()], said)

    @property
    def erred(self) -> int:
        """How often who competed was wrong."""
        return sum(key != right for key, right in zip(self.competed, self.rights, strict=True))

    def failed(self, places: Places, texts: Sequence[str]) -> Mapping[str, Flags]:
        """See `Judging`. A label stands alone, or in a sentence as the task reads such."""
        heard = self.output.heard([[text] for text in texts], None)
        labels = self.output.written(heard.predictions)
        said = [label if named else None for label, named in zip(labels, heard.parsed, strict=True)]
        return {"accuracy": _others(said, places, self.rights), "disagreement": _others(said, places, self.competed)}


@dataclass(frozen=True)
class Answers(Judging):
    """Answers to questions: what is right is said by the metric of the competition.

    Attributes:
        y, p: the right answers (rows,), and the predictions of who competed.
        metric: scores a row 1 where its answer is right, else less.
        asked: whether an answer is what a language model says, in which the task's rule finds it; else it is there
            alone.
    """

    output: OutputKind
    y: Values
    p: Values
    metric: Metric
    asked: bool

    @classmethod
    def of(cls, served: Served, y: Values, p: Values, asked: bool) -> Answers:
        output, goals = served.output, [goal.name for goal in served.result.setup.problem.metrics]
        metrics = [output.metric(name) for name in (*goals, output.by_rows) if name in output.measures]
        metric = next(each for each in metrics if _is_share(each, y, p))
        return cls(output, y, p, metric, asked)

    @property
    def erred(self) -> int:
        """How often who competed was wrong."""
        return int(np.sum(self.metric.row_scores(self.y, self.p) < 1))

    @cached_property
    def competed(self) -> Keys:
        """What answers (rows,) that count as that of who competed have in common."""
        return self.output.alike(self.p)

    def failed(self, places: Places, texts: Sequence[str]) -> Mapping[str, Flags]:
        """See `Judging`."""
        p = self.output.heard([[text] for text in texts], None).predictions if self.asked else self._alone(texts)
        wrong = self.metric.row_scores(_some(self.y, places), p) < 1
        return {"accuracy": wrong, "disagreement": _others(self.output.alike(p), places, self.competed)}

    def _alone(self, texts: Sequence[str]) -> Values:
        """Answers as files of predictions have them; what is none is no answer."""
        try:
            return self.output.given(pa.table({"prediction": list(texts)}), "the answer").named
        except DataError:
            return self.output.answered([None] * len(texts))


_JUDGING: Final[Sequence[tuple[Callable[[OutputKind], bool], Any]]] = (
    (lambda output: output.estimator == "classifier", Labels.of),
    (lambda output: "answers" in output.can, Answers.of),
)


def _is_share(metric: Metric, y: Values, p: Values) -> bool:
    """Whether a metric says of each row that it is right or wrong."""
    return bool(metric.greater_is_better and metric.way.single and np.isin(metric.row_scores(y, p), (0.0, 1.0)).all())


def _some(values: Values, places: Places) -> Values:
    return values[places] if isinstance(values, np.ndarray) else values.take(pa.array(places))


def _others(said: Keys, places: Places, keys: Keys) -> Flags:
    """Of which rows something else is said."""
    return np.array([key != keys[place] for place, key in zip(places.tolist(), said, strict=True)], dtype=np.bool_)
