"""The alliance of a hosted board: what the best entries of all teams achieve together, and who has which part in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.core.job import Job
from concours.core.ports import Store
from concours.core.values import take
from concours.engine.coalitions import Game
from concours.engine.deterministic import deterministic
from concours.engine.outputs import output_of
from concours.engine.runners.score import (
    JUDGE_ROUNDS,
    as_taken,
    decided,
    groups_of,
    intervals_of,
    metric_of_rows,
    metrics_of,
    unsure_of,
    weights_of,
)
from concours.engine.work import JobResult
from concours.insights.complement import errors_together
from concours.kernels.credit.shares import exact_credit, sampled_credit
from concours.kernels.joining.criteria import METRICS
from concours.kernels.joining.crossfit import Codes, Crossfitted, Floats, crossfitted, folds_of
from concours.kernels.joining.selection import greedy_selection, joined_selection
from concours.kernels.ranking.differences import differences
from concours.kernels.rows.weighing import among
from concours.kernels.scoring.crossing import crossed, taught
from concours.kernels.scoring.rounded import finite
from concours.kernels.scoring.scores import Means
from concours.stores.blobs import get_array
from concours.stores.values import get_values
from concours.tasks.metrics.metric import Metric
from concours.tasks.outputs.output import OutputKind

_FOLDS: Final = 3
_STEPS: Final = 25
_STEPS_OF_JOINS: Final = 5
_ENOUGH: Final = 20_000  # rows, to choose on
_VALUES: Final = 400_000  # of a candidate, to choose on
_FEWEST: Final = 1_000
_HASTE: Final = 4
_JOINED: Final = 6
_MOST: Final[Mapping[str, int]] = {"log_loss": 50, "rmse": 50, "accuracy": 25}
_MOST_EVALUATED: Final = 15
"""How many are chosen from at most, by what the quick ways of greedy selection cost (`kernels.joining.criteria`)."""


def ally(job: Job, store: Store) -> JobResult:
    """Greedy selection over entries, crosswise, on the public rows: what they score together, and what each adds.

    Of the rows of each of three folds members and weights are chosen by the other public rows: out of the best entries
    by a row's loss, 50 at most, by greedy selection (Caruana et al. 2004) of 25 steps. Where many rows are public, they
    are chosen on 20,000 of them, spread evenly. Chosen is by the ranking metric where a row has a number by it, else by
    the output's own, as `by` says. Where predictions are no numbers that may be added, they are joined by the output's
    own rule, out of the best six. In the part `rest` they are those that all public rows choose, and are scored on the
    other rows.

    Inputs: `y`, `predictions0…`, `train_y`; `public`, `groups`, `weights`, `train_weights`, where there are any.
    Params: `part`, `decisions`, and `best`, which entry scores best alone.

    Values: `members`, entries by their places, the greatest weight first; `weights`, those that all public rows choose
    (0 of who is chosen in folds alone); `scores`, `intervals` and `unsure` by metric; `gain` over the best entry,
    below 0 where that is better, its 95% interval, and whether a gain is certain; `credit` of the members
    (`kernels.credit.shares`), of what is chosen crosswise; `complement` (`insights.complement`); `rows`, `entered`,
    `by`, and `candidates`, out of how many.

    Raises:
        DataError: there are too few entries or rows.
    """
    with deterministic(threads=job.threads, seed=job.seed):
        return JobResult(values=_Allying(job, store).values())


@dataclass(frozen=True, eq=False)
class _Allying:
    job: Job
    store: Store

    # What there is

    @cached_property
    def output(self) -> OutputKind:
        return output_of(self.job)

    @cached_property
    def metric(self) -> Metric:
        return metrics_of(self.job)[0]

    @cached_property
    def entered(self) -> int:
        return len(self.job.params["decisions"])

    @cached_property
    def public(self) -> NDArray[np.bool_]:
        """Whether each row is public, (rows,)."""
        y = get_values(self.store, self.job.inputs["y"])
        known = self.job.inputs.get("public")
        return np.ones(len(y), dtype=np.bool_) if known is None else get_array(self.store, known)

    def predictions(self, entry: int, rows: Codes) -> Any:
        """What an entry predicts for some rows, rising ones."""
        p = get_values(self.store, self.job.inputs[f"predictions{entry}"])
        return p if len(rows) == len(p) else take(p, rows)

    def targets(self, rows: Codes) -> Any:
        """(rows,)."""
        return take(get_values(self.store, self.job.inputs["y"]), rows)

    # How members are chosen

    @cached_property
    def by(self) -> Metric:
        """The metric that members are chosen by: the ranking one, or the output's own of rows."""
        return self.metric if self.metric.name in METRICS else metric_of_rows(self.job)

    @cached_property
    def most(self) -> int:
        """Out of how many at most."""
        if "sum" not in self.output.can:
            return _JOINED
        return _MOST.get(self.by.name, _MOST_EVALUATED)

    @cached_property
    def seen(self) -> Codes:
        """The public rows that are chosen on."""
        rows = np.flatnonzero(self.public)
        enough = _ENOUGH if self.by.name == "log_loss" else max(_VALUES // self.output.width, _FEWEST)
        return rows[:: (len(rows) - 1) // min(enough, _ENOUGH) + 1]

    @cached_property
    def folds(self) -> Codes:
        """(rows,) of all rows."""
        return folds_of(len(self.public), _FOLDS, groups_of(self.job, self.store), seed=self.job.seed)

    def chosen(self) -> Crossfitted:
        """The weights of all entries."""
        rows, rowwise = self.seen, metric_of_rows(self.job)
        folds = np.unique(self.folds[rows], return_inverse=True)[1]
        if self.entered < 2 or not folds.any():
            raise DataError(
                "an alliance needs two teams with a score, and public rows in two folds at least; "
                f"there are {self.entered} teams and {len(rows)} rows"
            )
        y = self.targets(rows)
        losses = np.empty((self.entered, len(rows)), dtype=np.float32)
        for entry in range(self.entered):
            losses[entry] = -rowwise.sign * rowwise.row_scores(y, self.predictions(entry, rows))
        mass = among(weights_of(self.job, self.store), rows)
        choose = self._by_sums(y, mass) if "sum" in self.output.can else self._by_joins(y, mass)
        return crossfitted(np.nan_to_num(losses, nan=np.inf), folds, choose, most=self.most, mass=mass)

    def _by_sums(self, y: Any, mass: Floats | None) -> Callable[[Codes, Codes], Floats]:
        """Greedy selection where predictions may be added."""
        known: dict[int, Floats] = {}
        name, told = (self.by.name if self.by.name in METRICS else ""), y
        if name == "log_loss":
            told = np.zeros(len(y), dtype=np.int64)

        def member(entry: int) -> Floats:
            if entry not in known:
                p = self.predictions(entry, self.seen)
                known[entry] = _true_or_not(p, y) if name == "log_loss" else p
            return known[entry]

        def choose(few: Codes, rows: Codes) -> Floats:
            of_rows = among(mass, rows)

            def loss(truth: Any, p: Floats) -> float:
                return -self.by.sign * self.by.score(truth, p, of_rows)

            metric = name or loss
            members = [member(entry)[rows] for entry in few.tolist()]
            seed = self.job.seed % 2**32
            found = greedy_selection(members, told[rows], metric=metric, steps=_STEPS, seed=seed, of_rows=of_rows)
            return found.weights

        return choose

    def _by_joins(self, y: Any, mass: Floats | None) -> Callable[[Codes, Codes], Floats]:
        """The same where they are joined by a rule of their own."""

        def choose(few: Codes, rows: Codes) -> Floats:
            members = [self.predictions(entry, self.seen[rows]) for entry in few.tolist()]
            score = self.output.scoring(self.rule, members, take(y, rows), self.metric, among(mass, rows))
            path = joined_selection(lambda weights: -self.metric.sign * score(weights), len(few), steps=_STEPS_OF_JOINS)
            return np.bincount(path, minlength=len(few)) / len(path)

        return choose

    @property
    def rule(self) -> str:
        """By which predictions are joined."""
        return next(iter(self.output.joins))

    # What they come to

    def values(self) -> dict[str, Any]:
        found, public = self.chosen(), self.job.params["part"] == "public"
        rows = np.flatnonzero(self.public if public or self.public.all() else ~self.public)
        weights = found.fold_weights if public else found.weights[None]
        places = (
            found.members
            if public
            else np.flatnonzero(found.weights)[np.argsort(-found.weights[found.weights > 0], kind="stable")]
        )
        group = np.minimum(self.folds[rows], len(weights) - 1)
        return {
            "part": self.job.params["part"],
            "by": self.by.name,
            "entered": self.entered,
            "candidates": min(self.most, self.entered),
            "rows": len(rows),
            "members": places.tolist(),
            "weights": found.weights[places].tolist(),
            "best": self.job.params["best"],
            **self._judged(rows, places, weights[:, places], group, out_of_fold=public),
        }

    def _judged(
        self, rows: Codes, places: Codes, weights: Floats, group: Codes, *, out_of_fold: bool
    ) -> dict[str, Any]:
        """How members with weights (groups, members), of the group of each row, do on some rows."""
        job, store, best = self.job, self.store, self.job.params["best"]
        y, decisions = self.targets(rows), job.params["decisions"]
        members = [self.predictions(entry, rows) for entry in places.tolist()]
        alone = members[places.tolist().index(best)] if best in places else self.predictions(best, rows)
        joined = self.output.join(self.rule, members, weights[group].T)
        groups, mass = groups_of(job, store), weights_of(job, store, rows)
        groups = None if groups is None else np.unique(groups[rows], return_inverse=True)[1]
        scores, intervals, unsure = dict[str, Any](), dict[str, Any](), dict[str, str]()
        gain: dict[str, Any] = {}
        for metric in metrics_of(job):
            told = [joined, as_taken(metric, alone, decisions[best], None)]
            means = metric.means(y, told, seed=job.seed, rounds=JUDGE_ROUNDS, groups=groups, weights=mass)
            means = taught(means) if out_of_fold else means
            scores[metric.name] = finite(means.means[0])
            intervals[metric.name] = intervals_of(metric, means, out_of_fold=out_of_fold)[0]
            unsure[metric.name] = unsure_of(metric, means)[0]
            gain = gain or _gain(means, metric)
        found = {"scores": scores, "intervals": intervals, "gain": gain}
        found["unsure"] = {name: why for name, why in unsure.items() if why}
        game = Game(
            how=self.rule,
            metric=self.metric,
            y=y,
            members=members,
            weights=weights,
            group=group,
            prior=self._prior(),
            output=self.output,
            together=groups,
            mass=mass,
            haste=_HASTE,
        )
        return {
            **found,
            "credit": self._credit(game, places, out_of_fold=out_of_fold),
            **self._complement(y, members, places),
        }

    def _prior(self) -> Any:
        mass = weights_of(self.job, self.store, name="train_weights")
        return self.output.prior(get_values(self.store, self.job.inputs["train_y"]), mass)

    def _credit(self, game: Game, places: Codes, *, out_of_fold: bool) -> dict[str, Any] | None:
        """What each member adds, on no more rows than it is chosen on; none where that is not defined."""
        few = slice(None, None, (len(game.y) - 1) // len(self.seen) + 1)
        game = replace(
            game,
            y=game.y[few],
            members=[member[few] for member in game.members],
            group=game.group[few],
            together=None if game.together is None else game.together[few],
            mass=None if game.mass is None else game.mass[few],
        )
        masks, drawn = game.coalitions(self.job.seed)
        scored = game.scored(masks)
        decisions = self.job.params["decisions"]
        own = [
            as_taken(self.metric, p, decisions[entry], None)
            for p, entry in zip(game.members, places.tolist(), strict=True)
        ]
        alone = game.alone(own, batches=scored.without.shape[1])
        if not all(np.isfinite(table).all() for each in (scored, alone) for table in (each.values, each.without)):
            return None
        tables = (scored.values, scored.without)
        if out_of_fold:
            tables = (scored.values, crossed(scored.without, scored.values))
            alone = replace(alone, without=crossed(alone.without, alone.values))
        found = sampled_credit(drawn, *tables, alone) if drawn else exact_credit(*tables, alone)
        pairs = np.column_stack([found.pairs, found.interactions, found.interaction_stderr]).tolist()
        return {
            "rows": len(game.y),
            "exact": drawn is None,
            "value": found.value,
            "prior": found.prior,
            "shapley": found.shapley.tolist(),
            "stderr": found.stderr.tolist(),
            "shares": _listed(found.shares),
            "lost": found.lost.tolist(),
            "lost_stderr": found.lost_stderr.tolist(),
            "ahead": found.ahead,
            "ahead_stderr": found.ahead_stderr,
            "joining_shares": _listed(found.joining_shares),
            "interactions": [[int(one), int(other), value, stderr] for one, other, value, stderr in pairs],
        }

    def _complement(self, y: Any, members: Sequence[Any], places: Codes) -> dict[str, Any]:
        """Whose errors go together, and who is right where the best of them is wrong."""
        if "complement" not in self.output.can:
            return {}
        best = self.job.params["best"]
        first = places.tolist().index(best) if best in places else 0
        decisions = self.job.params["decisions"]
        told = [decided(p, decisions[entry], None) for p, entry in zip(members, places.tolist(), strict=True)]
        return {"complement": {"best": first, **errors_together(self.output.errors(y, told, first), first)}}


def _true_or_not(p: Floats, y: Codes) -> Floats:
    """(rows, 2): the true class's probability, and that of all others; log loss needs no more."""
    true = p[np.arange(len(y)), y] / p.sum(axis=1)
    return np.stack([true, 1 - true], axis=1)


def _gain(means: Means, metric: Metric) -> dict[str, Any]:
    """By how much the first is better than the second, in the units of the metric: below 0 where it is worse."""
    found = differences(means, [(0, 1) if metric.greater_is_better else (1, 0)])
    value, low, high = (finite(of[0]) for of in (found.value, found.low, found.high))
    certain = bool(found.certain[0] and found.value[0] > 0)
    return {"value": value, "low": low, "high": high, "certain": certain}


def _listed(values: Floats | None) -> list[float] | None:
    return None if values is None else values.tolist()
