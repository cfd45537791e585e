"""Coalitions of an alliance's members: which are looked at, and what each of them is worth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core.values import take
from concours.engine.evidence import Heard
from concours.engine.meta_learners import Learner
from concours.engine.selecting import selected
from concours.engine.sent import sent
from concours.engine.turns import Confidence, in_turn
from concours.kernels.credit.coalitions import (
    Chorus,
    Codes,
    Floats,
    Scored,
    dealt,
    hit_sums,
    log_loss_sums,
    mean_scores,
    renormalised,
    row_sums,
    said_by,
    squared_error_sums,
    told_by_themselves,
)
from concours.kernels.credit.shares import MOST_EXACT, Masks, Sample, every_coalition, sample
from concours.kernels.joining.blending import RULES, log_probabilities
from concours.kernels.joining.calibration import Calibration
from concours.kernels.joining.scorers import Scorer
from concours.kernels.scoring.scores import hits, log_losses, r2_statistics, squared_errors
from concours.stores.values import concat
from concours.tasks.metrics.metric import Metric
from concours.tasks.outputs.output import OutputKind

Seen = tuple[NDArray[Any], Sequence[Floats], Floats | None]
"""Targets, members' out-of-fold predictions, and what rows weigh, to find weights on."""

_BATCHES = 200
_WHOLE_BATCHES = 20
_FEWEST_BATCHES = 4
_REFIT_ROWS = (1_000, 5_000)
_LAYER_ROWS = 1_000
_MOST_DEAR = 256  # coalitions, where each has to be fitted or predicted by a model of its own
_MOST_MERGED = 64  # coalitions of which models are merged
_FEWEST = 16

_REFITS = {"pool": 1.3e6, "mean": 1.3e7, "mixture": 4e4}
"""Rows times coalitions on which weights are found at most, by the rule."""
_BY_JOINS = 1e6
"""Values that are joined by a rule of their own at most."""
_BY_TREES = 1.2e6
"""Values that trees predict at most."""


@dataclass(frozen=True, kw_only=True)
class Game:
    """An alliance on the rows that judge.

    Attributes:
        how: `mean`, `vote`, `pool`, `boosted`, `cascade`, `select`, or `soup`.
        metric: the ranking one.
        y: (rows,).
        members: (rows, …) each.
        output: of the task, which joins what is not to be added up (`summed`).
        weights: (groups, members), for each group of rows.
        group: (rows,).
        prior: (1, …): what is said where nobody speaks.
        seen: for each group the rows on which a stack's weights are found again; none of a blend.
        learners: for each group what joins members by what it learned of them.
        thresholds, scorers: (groups, members) of a cascade; scorers of a selection too, with `texts`, rows in words.
        standing: (rows, members) of a route, what is expected of each less what speaks against it; the most is asked.
        soup: of a soup, what models merged by weights (groups, members) predict (rows, outputs), NaN in a group that
            has none.
        together: (rows,): the group of rows that belong together, for standard errors.
        mass: (rows,): what each row weighs, where rows have weights (`weighing.in_rows`).
        calibration, decisions: of the alliance, where the metric is of classes named; (groups, classes).
        haste: how many times less work is done than that of some seconds.
    """

    how: str
    metric: Metric
    y: Any
    members: Sequence[Any]
    weights: Floats
    group: Codes
    prior: Any
    output: OutputKind
    seen: Sequence[Seen] = ()
    learners: Sequence[Learner] = ()
    thresholds: Floats | None = None
    scorers: Sequence[Sequence[Any]] = ()
    texts: Sequence[str] = ()
    standing: Floats | None = None
    soup: Callable[[Floats], Floats] | None = None
    calibration: Calibration | None = None
    decisions: Floats | None = None
    together: Codes | None = None
    mass: Floats | None = None
    haste: int = 1

    def coalitions(self, seed: int) -> tuple[Masks, Sample | None]:
        """All, or, where that is more than seconds' work, those on the way of orders drawn by chance."""
        members, affordable = len(self.members), max(self._affordable() // self.haste, _FEWEST)
        if members <= MOST_EXACT and 2**members <= affordable:
            return every_coalition(members), None
        pairs = affordable // (2 * members) - 1  # one for all without each
        drawn = sample(members, pairs=max(3, pairs), seed=seed)
        return drawn.coalitions, drawn

    def scored(self, masks: Masks) -> Scored:
        """What coalitions (m, members) are worth: higher is better."""
        weights = [self._shares(masks, group) for group in range(len(self.weights))]
        raw = self._raw(masks, weights)
        silent = np.all([each[:, -1] > 0 for each in weights], axis=0)
        nobody = self._scored_one_by_one([self._silent], batches=raw.without.shape[1])
        raw.values[silent], raw.without[silent] = nobody.values, nobody.without
        return raw.map(lambda score: self.metric.sign * score)

    def alone(self, predictions: Sequence[Floats], batches: int) -> Scored:
        """What each of some predictions (rows, outputs) is worth as it is: higher is better."""
        found = self._scored_one_by_one(predictions, batches=batches)
        return found.map(lambda score: self.metric.sign * score)

    def _affordable(self) -> int:
        values, most = len(self.y) * self.output.width, 2**MOST_EXACT
        if not self.summed:
            return min(_MOST_DEAR, int(_BY_JOINS / values))
        if self.learners:
            most = min(_MOST_DEAR, int(_BY_TREES / values))
        if self.soup:
            most = _MOST_MERGED
        if self.seen:
            most = min(_MOST_DEAR, int(_REFITS[self.how] / sum(len(y) for y, *_ in self.seen)))
        return min(most, int(self._path.values / (values + self._path.overhead)))

    @property
    def summed(self) -> bool:
        """Whether predictions are numbers that may be added up."""
        return "sum" in self.output.can

    @property
    def _wide(self) -> bool:
        return self.output.width > 1

    @cached_property
    def _silent(self) -> Any:
        """What is said of the rows where nobody speaks, (rows, …); once said it stands as often as members say it."""
        said = take(self.prior, np.zeros(len(self.y), dtype=np.int64))
        times = self.members[0].shape[1] // said.shape[1] if self.summed and said.ndim == 2 else 1
        return np.tile(said, (1, times)) if times > 1 else said

    @cached_property
    def _path(self) -> Path:
        """The quickest way to the scores of many coalitions."""
        way = self.metric.way
        if not self.summed:
            return _PATHS["whole"]
        if self._predicting:
            return _PATHS["whole" if way.path == "rows" else way.path]
        fast = _FAST.get(way.of)
        return fast if fast and fast.suits(self) else _PATHS[way.path]

    def _raw(self, masks: Masks, weights: Sequence[Floats]) -> Scored:
        """Raw scores; those of silent coalitions do not count."""
        if self._predicting:
            return self._scored_one_by_one(map(self._predicting, masks), batches=_WHOLE_BATCHES)
        if not self.summed:
            return self._scored_one_by_one(self._joined(np.stack(weights)), batches=_WHOLE_BATCHES)
        chorus = self.chorus(weights)
        if self._path.sums:
            return mean_scores(self._path.sums(self, chorus), chorus.batch, self.mass).map(self.metric.way.of_means)
        each = (said_by(chorus, number, self.after) for number in range(len(masks)))
        return self._scored_one_by_one(each, batches=chorus.batches)

    def _joined(self, weights: Floats) -> Iterator[Any]:
        """Predictions of coalitions by weights (groups, m, members + 1), joined by the output's own rule."""
        joined, even = self.output.joining(self.how, self.members), np.full(len(self.members), 1 / len(self.members))
        for shares in np.moveaxis(weights, 1, 0)[:, self.group]:  # (rows, members + 1)
            silent = shares[:, -1] > 0
            said = joined(np.where(silent[:, None], even, shares[:, :-1]).T)
            places = np.arange(len(silent)) + len(silent) * silent
            yield take(concat([said, self._silent]), places) if silent.any() else said

    def _scored_one_by_one(self, predictions: Iterable[Floats], *, batches: int) -> Scored:
        batch, batches = self._dealt(batches)
        return self.metric.way.batched(predictions, self.y, batch, batches, self.mass)

    def _dealt(self, most: int) -> tuple[Codes, int]:
        """Batches of rows, so few that the metric is defined on each; of a series without an anomaly it may not be."""
        batch, batches = dealt(len(self.y), most, self.together)
        if not self.summed or self.metric.way.path not in ("joint", "whole"):
            return batch, batches
        while batches > _FEWEST_BATCHES and told_by_themselves(len(self.y), batches):
            if np.isfinite([self._first_by(batch == number) for number in range(batches)]).all():
                break
            batch, batches = dealt(len(self.y), batches // 2, self.together)
        return batch, batches

    def _first_by(self, some: NDArray[np.bool_]) -> float:
        """The score of the first member by some rows."""
        mass = None if self.mass is None else self.mass[some]
        return self.metric.way.score(self.y[some], self.members[0][some], mass)

    def _shares(self, masks: Masks, group: int) -> Floats:
        """(m, members + 1) weights of coalitions; the last is the prior's."""
        if self._predicting:
            there = masks if self.learners else masks & (self.weights[group] > 0)
            return np.column_stack([there, ~there.any(axis=1)]).astype(np.float64)
        if not self.seen:
            return renormalised(masks, self.weights[group])
        y, seen, mass = self.seen[group]
        found = np.zeros((len(masks), len(self.members) + 1))
        found[~masks.any(axis=1), -1] = 1.0
        for number in np.flatnonzero(masks.any(axis=1)).tolist():
            inside = np.flatnonzero(masks[number])
            found[number, inside] = self.output.weighed(self.how, [seen[member] for member in inside.tolist()], y, mass)
        return found

    def chorus(self, weights: Sequence[Floats]) -> Chorus:
        """Members as they are added up, and the prior last."""
        members, prior = list(self.members), self._silent
        if self._wide:
            members = [RULES[self.how][0](member) for member in members]
        if self.how == "pool" and self._wide:
            prior = log_probabilities(prior)
        if self.how == "vote":
            members.append(np.full(prior.shape, 1 / self.output.width))
            weights = [_with_even_vote(each) for each in weights]
        batch, batches = dealt(len(self.y), _BATCHES if self._path.sums else _WHOLE_BATCHES, self.together)
        return Chorus(
            members=[*members, prior],
            weights=weights,
            group=self.group,
            batch=batch,
            batches=batches,
            mass=self.mass,
        )

    def for_labels(self, chorus: Chorus) -> Chorus:
        """Members calibrated such that the sum names the same class: a temperature changes no order, the mix does."""
        if self.calibration is None or self.how == "pool":
            return chorus
        mix, prior = self.calibration.mix, np.asarray(self.calibration.prior)
        *voices, silent = chorus.members
        return replace(chorus, members=[*((1 - mix) * voice + mix * prior for voice in voices), silent])

    def after(self, added: Floats, group: int) -> Floats:
        """Predictions from what was added up, as the metric takes them."""
        pooled = self.how == "pool" and self._wide
        return self._told(RULES["pool"][1](added, 0) if pooled else added, np.array([group]))

    def _told(self, p: Floats, group: Codes) -> Floats:
        """Calibrated, and with the class that is to be named most probable, where the metric is of classes named."""
        said = self.calibration.apply(p) if self.calibration else p
        return said if self.decisions is None else said * self.decisions[group]

    @property
    def _predicting(self) -> Callable[[NDArray[np.bool_]], Floats] | None:
        """What a coalition predicts, where that is no sum over its members."""
        if self.learners:
            return self._by_learner
        if self.soup is not None:
            return partial(self._by_merging, self.soup)
        if self.standing is not None:
            return partial(self._by_routing, self.standing)
        return self._by_calls if self.scorers or self.thresholds is not None else None

    def _by_merging(self, soup: Callable[[Floats], Floats], mask: NDArray[np.bool_]) -> Floats:
        """What the models of some members, merged, predict, and the prior where nobody is there."""
        kept = np.where(mask, self.weights, 0.0)
        sums = kept.sum(axis=1, keepdims=True)
        if not sums.any():
            return np.tile(self.prior, (len(self.y), 1))
        told = soup(np.divide(kept, sums, out=np.zeros_like(kept), where=sums > 0))
        nobody = sums[self.group, 0] == 0
        return self._told(np.where(nobody[:, None], self.prior, told), self.group)

    def _by_calls(self, mask: NDArray[np.bool_]) -> Any:
        """What a cascade, or a selection, of some members answers, and the prior where nobody is there."""
        parts = [np.flatnonzero(self.group == group) for group in range(len(self.weights))]
        told = [self._called(group, rows, mask) for group, rows in enumerate(parts) if len(rows)]
        return self._told(take(concat(told), np.argsort(np.concatenate(parts))), self.group)

    def _called(self, group: int, rows: Codes, mask: NDArray[np.bool_]) -> Any:
        """The same of the rows of a group."""
        some = np.flatnonzero(self.weights[group] > 0).tolist()
        told = [take(self.members[i], rows) if mask[i] else None for i in some]
        if all(each is None for each in told):
            return take(self._silent, rows)
        scorers = [Scorer.from_json(self.scorers[group][i]) for i in some] if self.scorers else []
        texts = [self.texts[row] for row in rows] if self.texts else []
        if self.thresholds is None:
            return selected(scorers, Heard(output=self.output, told=told, texts=texts))
        asks = [None if each is None else partial(take, each) for each in told]
        sure = Confidence(output=self.output, scorers=scorers)
        return in_turn(asks, self.thresholds[group, some].tolist(), len(rows), sure, texts)[0]

    def _by_routing(self, standing: Floats, mask: NDArray[np.bool_]) -> Any:
        """What some members answer, each row whoever of them stands first, and the prior where nobody is there."""
        there = np.where(mask & (self.weights[self.group] > 0), standing, -np.inf)
        whom = np.where(np.isfinite(there).any(axis=1), there.argmax(axis=1), len(self.members))
        return self._told(sent(whom, [partial(take, each) for each in (*self.members, self._silent)]), self.group)

    def _by_learner(self, mask: NDArray[np.bool_]) -> Floats:
        """What meta-learners say, where who is absent is spoken for by the mean of those present."""
        here = mask if mask.any() else ~mask
        present = np.mean([member for member, inside in zip(self.members, here, strict=True) if inside], axis=0)
        spoken = [member if inside else present for member, inside in zip(self.members, mask, strict=True)]
        said = np.empty(present.shape)
        for group, learner in enumerate(self.learners):
            rows = np.flatnonzero(self.group == group)
            if len(rows):
                said[rows] = learner.predict([member[rows] for member in spoken])
        return self._told(said, self.group)


@dataclass(frozen=True, kw_only=True)
class Path:
    """A way to the scores of many coalitions: by sums of row statistics, or, without those, one after the other.

    Attributes:
        sums: (coalitions, batches, k).
        suits: whether a game may go it.
        values: how many are worked on at most, a few seconds' work.
        overhead: how many values a coalition costs besides its own.
    """

    values: float
    sums: Callable[[Game, Chorus], Floats] | None = None
    suits: Callable[[Game], bool] = lambda game: True
    overhead: float = 0.0


def _row_sums(game: Game, chorus: Chorus) -> Floats:
    return row_sums(chorus, game.y, game.metric.way.stats(game.y), game.after)


def _log_loss_sums(game: Game, chorus: Chorus) -> Floats:
    return log_loss_sums(chorus, game.y)[:, :, None]


def _hit_sums(game: Game, chorus: Chorus) -> Floats:
    return hit_sums(game.for_labels(chorus), game.y)[:, :, None]


def _square_sums(game: Game, chorus: Chorus) -> Floats:
    return squared_error_sums(chorus, game.y)[:, :, None]


def _determination_sums(game: Game, chorus: Chorus) -> Floats:
    """Beside squared errors the moments of the targets, which are the same for all coalitions."""
    off = game.y - game.y.mean()
    each = np.ones(len(off)) if game.mass is None else game.mass
    moments = np.stack([np.bincount(chorus.batch, each * off**power) for power in (1, 2)], axis=1)
    alike = np.broadcast_to(moments, (chorus.coalitions, *moments.shape))
    return np.concatenate([_square_sums(game, chorus), alike], axis=2)


def _added_alike(game: Game) -> bool:
    return game.mass is None and game.how in ("mean", "vote")


def _named_alike(game: Game) -> bool:
    """Whether calibration is part of what each member says, or changes no order."""
    unmixed = game.calibration is None or game.calibration.mix == 0
    return game.mass is None and (game.how in ("mean", "vote") or unmixed)


_PATHS = {
    "rows": Path(sums=_row_sums, values=4e8),
    "counts": Path(values=1e8, overhead=1e4),
    "joint": Path(values=5e7, overhead=2e4),
    "whole": Path(values=5e6, overhead=2e4),
}
_FAST: dict[Any, Path] = {
    log_losses: Path(sums=_log_loss_sums, suits=_added_alike, values=6e9),
    hits: Path(sums=_hit_sums, suits=_named_alike, values=6e9),
    squared_errors: Path(sums=_square_sums, values=6e9),
    r2_statistics: Path(sums=_determination_sums, values=6e9),
}
"""Quicker ones, by what the metric is made of."""


def few(rows: int) -> slice:
    """Of so many rows, few enough for models to predict them often, spread evenly."""
    return slice(None, None, (rows - 1) // _LAYER_ROWS + 1)


def some_rows(game: Game) -> Game:
    """The same on few rows."""
    some = few(len(game.y))
    members = [member[some] for member in game.members]
    together = None if game.together is None else game.together[some]
    mass = None if game.mass is None else game.mass[some]
    return replace(game, y=game.y[some], members=members, group=game.group[some], together=together, mass=mass)


def to_weigh(
    y: NDArray[Any], members: Sequence[Floats], rows: Codes, mass: Floats | None, *, how: str, groups: int
) -> Seen:
    """Those rows, or, where weights are found for so many groups, of some thousands spread evenly."""
    fewest, most = _REFIT_ROWS
    enough = min(max(int(_REFITS[how] / _MOST_DEAR / groups), fewest), most)
    kept = rows[:: (len(rows) - 1) // enough + 1]
    return y[kept], [member[kept] for member in members], None if mass is None else mass[kept]


def _with_even_vote(weights: Floats) -> Floats:
    """(m, members + 2) of (m, members + 1): one vote more, spread evenly, beside the votes of the members present."""
    present = np.count_nonzero(weights[:, :-1], axis=1)
    even = np.where(present, 1 / (present + 1), 0.0)
    return np.column_stack([weights[:, :-1] * (1 - even)[:, None], even, weights[:, -1]])
