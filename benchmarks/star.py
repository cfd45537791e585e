"""Does the interval of the default hold the truth where the rows that chose it judge it? Simulated.

    python benchmarks/star.py [--rounds 200] [--rows 200]

Without a test part, the default's score is the best of several on the rows that judge. First, models are drawn whose
truth is known: what a model sees of a class is normal, a share of it is seen by all of them alike. Told are, of 95%
intervals: how many hold the truth as if the default had been alone, with the choice made again
(`kernels.ranking.choosing`), and by the quantiles of the scores on rows left out, as Tsamardinos, Greasidou and
Borboudakis (2018) have it; and how wide the last two are beside the first. These models learn nothing from the rows, so
that folds play no part.

Then models are fitted on five folds, on rows with much to learn and with nothing, and the truth is what the models of
the folds lose on 4,000 new rows. Rows that teach and judge make cross-validation less certain
(`kernels.scoring.crossing`): a contest's interval is the last of the table.

The cases: models that are equally good; models from good to poor; one that is better than the others; alliances beside
their members, with weights that are cross-fitted; one model with 20 trials of a search beside four others, and with
alliances of these five; three survivors of a knockout of 15 on the same rows; groups of four rows.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from concours.kernels.joining.blending import blend
from concours.kernels.joining.selection import greedy_selection
from concours.kernels.ranking.choosing import ROUNDS, chosen_anew, flattery, reaching
from concours.kernels.scoring.crossing import crossed
from concours.kernels.scoring.scores import resampled, row_means
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.named import metric_named

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_TRUTH, _FRESH, _NEW, _FOLDS = 400_000, 8_000, 4_000, 5
METRICS = ("log_loss", "accuracy")


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A training part.

    Attributes:
        y: (rows,) targets.
        predictions: (rows, 2) of each model, out of fold.
        truths: of each model, the metric on endlessly many rows.
        groups: (rows,) codes, if rows have any.
    """

    y: Codes
    predictions: list[Floats]
    truths: list[float]
    groups: Codes | None = None


@dataclass(frozen=True, kw_only=True)
class Case:
    """A board without a test part.

    Attributes:
        sights: how clearly each model sees the class.
        shared: the share of the variance of what models see that is the same for all.
        group: how many rows make a group; the groups see half of the rest alike.
        joined: whether alliances stand beside the models.
        trials: how many of the last models are trials of one search, the best of which is a member of the alliances.
        knocked: how many of them a knockout leaves; none without.
    """

    name: str
    sights: tuple[float, ...]
    shared: float = 0.5
    group: int = 1
    joined: bool = False
    trials: int = 0
    knocked: int = 0


FITTED = (
    *(KNeighborsClassifier(k) for k in (5, 15, 40)),
    *(DecisionTreeClassifier(max_depth=depth, min_samples_leaf=5, random_state=0) for depth in (1, 2, 4)),
    *(LogisticRegression(C=c) for c in (0.01, 1.0)),
    GaussianNB(),
)
HOW = ("any, alone", "any, crossed", "alone", "crossed", "chosen", "both", "quantiles")
"""Intervals of any of the models, and of the default: alone, crossed, chosen, and both as a contest has it."""

_SEARCHED = (*(0.6,) * 4, *np.linspace(0.7, 0.5, 20).tolist())
CASES = (
    Case(name="15 equals that see alike", sights=(0.6,) * 15, shared=0.9),
    Case(name="15 equals", sights=(0.6,) * 15),
    Case(name="60 equals", sights=(0.6,) * 60),
    Case(name="15 that know nothing", sights=(0.0,) * 15),
    Case(name="15 from good to poor", sights=tuple(np.linspace(0.7, 0.3, 15).tolist())),
    Case(name="one better than 14", sights=(0.7, *(0.6,) * 14)),
    Case(name="two equals", sights=(0.6, 0.6)),
    Case(name="15 equals and alliances", sights=(0.6,) * 15, joined=True),
    Case(name="4 and a search of 20 trials", sights=_SEARCHED),
    Case(name="the same and alliances", sights=_SEARCHED, joined=True, trials=20),
    Case(name="3 of 15 after a knockout", sights=(0.6,) * 15, knocked=3),
    Case(name="15 equals, groups of 4", sights=(0.6,) * 15, group=4),
)


def drawn(case: Case, found: Metric, rng: np.random.Generator, rows: int) -> Drawn:
    """A training part whose models are ranked by a metric; only the survivors where there was a knockout."""
    y = (
        rng.permutation(np.arange(rows) % 2)
        if case.group == 1
        else np.repeat(rng.integers(2, size=rows), case.group)[:rows]
    )
    groups = np.arange(rows) // case.group if case.group > 1 else None
    predictions, early = _sample(case, rng, y, groups)
    truths = [truth(found.name, sight) for sight in case.sights]
    if case.knocked:
        sign = -1 if found.greater_is_better else 1
        through = np.argsort([sign * found.score(y, p) for p in early])[: case.knocked]
        predictions, truths = [predictions[model] for model in through], [truths[model] for model in through]
    if case.joined:
        fresh, folds = rng.integers(2, size=_FRESH), np.arange(rows) % _FOLDS
        new, _ = _sample(case, rng, fresh, None)
        members = _members(case, [found.score(y, p) for p in predictions], found)
        joined, unseen = [predictions[m] for m in members], [new[m] for m in members]
        weights = _weights(joined, y, found)
        predictions = [*predictions, *(blend(joined, by_fold[folds].T) for by_fold in weights)]
        truths += [float(np.mean([found.score(fresh, blend(unseen, w)) for w in by_fold])) for by_fold in weights]
    return Drawn(y=y, predictions=predictions, truths=truths, groups=groups)


def _sample(case: Case, rng: np.random.Generator, y: Codes, groups: Codes | None) -> tuple[list[Floats], list[Floats]]:
    """What models say of rows, and what they said on the rung of a knockout, where they had seen fewer rows."""
    own, common = [_noise(rng, len(y), groups) for _ in case.sights], _noise(rng, len(y), groups)
    pairs = list(zip(case.sights, own, strict=True))
    told = [_told(y, sight, case.shared, common, e) for sight, e in pairs]
    noise = [0.8**0.5 * e + 0.2**0.5 * rng.normal(size=len(y)) for e in own] if case.knocked else []
    early = [_told(y, 0.7 * sight, case.shared, common, e) for (sight, _), e in zip(pairs, noise, strict=False)]
    return told, early


def _members(case: Case, scores: Sequence[float], found: Metric) -> list[int]:
    """Who is joined: of the trials of a search only the best by all rows, as in a contest."""
    alone, sign = len(scores) - case.trials, -1 if found.greater_is_better else 1
    trials = range(alone, len(scores))
    return [*range(alone), *([min(trials, key=lambda m: sign * scores[m])] if trials else [])]


def _weights(predictions: Sequence[Floats], y: Codes, found: Metric) -> list[Floats]:
    """The weights of two alliances, (folds, members) each, a plain average and a greedy one, chosen on other folds."""
    members, folds = len(predictions), np.arange(len(y)) % _FOLDS
    name, sides = found.name, [folds != fold for fold in range(_FOLDS)]
    greedy = [greedy_selection([p[s] for p in predictions], y[s], metric=name, steps=20).weights for s in sides]
    return [np.full((_FOLDS, members), 1 / members), np.stack(greedy)]


def _noise(rng: np.random.Generator, rows: int, groups: Codes | None) -> Floats:
    own = rng.normal(size=rows)
    return own if groups is None else 0.5**0.5 * (own + rng.normal(size=groups.max() + 1)[groups])


def _told(y: Codes, sight: float, shared: float, common: Floats, own: Floats) -> Floats:
    """Probabilities that mean what they say, of a model that sees the class, moved by noise of variance one.

    One that sees nothing has chance in what it says all the same.
    """
    seen = sight * (2 * y - 1) + shared**0.5 * common + (1 - shared) ** 0.5 * own
    second = expit(2 * max(sight, 0.15) * seen)
    return np.stack([1 - second, second], axis=1)


@cache
def truth(name: str, sight: float) -> float:
    """A metric of a model on endlessly many rows; what models share, and groups, do not change it."""
    rng = np.random.default_rng(10**6)
    y = np.arange(_TRUTH) % 2
    p = _told(y, sight, 0.0, np.zeros(_TRUTH), rng.normal(size=_TRUTH))
    return metric_named(name, "classes").score(y, p)


@dataclass(slots=True)
class Tally:
    """How many intervals held the truth, and their widths, by how they were made."""

    held: dict[str, int] = field(default_factory=dict)
    widths: dict[str, list[float]] = field(default_factory=dict)

    def add(self, how: str, ends: Sequence[float], true: float) -> None:
        self.held[how] = self.held.get(how, 0) + bool(ends[0] <= true <= ends[1])
        self.widths.setdefault(how, []).append(ends[1] - ends[0])


def cover(case: Case, found: Metric, rows: int, rounds: int) -> Tally:
    """A tally of contests of a case whose ranking metric is this one."""
    rng, tally, greater = np.random.default_rng(rows), Tally(), found.greater_is_better
    for seed in range(rounds):
        board = drawn(case, found, rng, rows)
        means = found.means(board.y, board.predictions, seed=seed, rounds=ROUNDS, groups=board.groups)
        star = int((means.means if greater else -means.means).argmax())
        low, high = found.intervals(means)[star]
        of_rows = np.stack([found.row_scores(board.y, p) for p in board.predictions], axis=1)
        anew = chosen_anew(
            star, lambda at, of=of_rows: of[at].mean(axis=0), rows=rows, greater_is_better=greater,
            groups=board.groups, seed=seed,
        )  # fmt: skip
        off = flattery(anew, lambda model, at, of=of_rows: float(of[at, model].mean()), greater_is_better=greater)
        wider = reaching((low, high), off, greater_is_better=greater, low=found.low, high=found.high)
        for how, ends in (
            ("alone", (low, high)),
            ("chosen", wider),
            ("quantiles", _quantiles(of_rows, board, seed, greater)),
        ):
            tally.add(how, ends, board.truths[star])
    return tally


def _quantiles(of_rows: Floats, board: Drawn, seed: int, greater: bool) -> Floats:
    """Quantiles of the scores, on rows left out, of those taken anew: the interval of the paper."""
    rng, rows = np.random.default_rng(seed), len(of_rows)
    found = []
    for _ in range(ROUNDS):
        at = resampled(rows, board.groups, rng)
        left = np.ones(rows, dtype=np.bool_)
        left[at] = False
        means = of_rows[at].mean(axis=0)
        found.append(of_rows[left, int(means.argmax() if greater else means.argmin())].mean())
    return np.quantile(found, [0.025, 0.975])


def fitted(rng: np.random.Generator, rows: int, signal: float) -> tuple[Floats, Floats]:
    """Log losses of rows out of fold (rows, models), and what the models of the folds lose on new rows (models,)."""
    x, y = _features(rng, rows, signal)
    fresh, labels = _features(rng, _NEW, signal)
    losses, truths = np.empty((rows, len(FITTED))), np.zeros(len(FITTED))
    found = metric_named("log_loss", "classes")
    for learn, tell in StratifiedKFold(_FOLDS, shuffle=True, random_state=0).split(x, y):
        for number, model in enumerate(FITTED):
            known = clone(model).fit(x[learn], y[learn])
            told, new = (np.clip(known.predict_proba(part), 1e-3, None) for part in (x[tell], fresh))
            losses[tell, number] = found.row_scores(y[tell], told)
            truths[number] += found.score(labels, new) / _FOLDS
    return losses, truths


def _features(rng: np.random.Generator, rows: int, signal: float) -> tuple[Floats, Codes]:
    x = rng.normal(size=(rows, 8))
    return x, (rng.random(rows) < expit(signal * (x[:, 0] + 0.5 * x[:, 1] * x[:, 2]))).astype(np.int64)


def cover_fitted(signal: float, rows: int, rounds: int) -> Tally:
    """A tally of contests between models that are fitted."""
    rng, tally, found = np.random.default_rng(rows), Tally(), metric_named("log_loss", "classes")
    for seed in range(rounds):
        losses, truths = fitted(rng, rows, signal)
        means = row_means(losses)
        ends = found.intervals(means)
        wider = crossed(ends, means.means, low=0.0)
        star, board = int(means.means.argmin()), Drawn(y=np.arange(rows), predictions=[], truths=[])
        for of, known in (("alone", ends), ("crossed", wider)):
            for model, true in enumerate(truths):
                tally.add(f"any, {of}", known[model], true)
            tally.add(of, known[star], truths[star])
        off = _flattery(losses, star, seed)
        tally.add("chosen", (ends[star][0], ends[star][1] + off), truths[star])
        tally.add("both", (wider[star][0], wider[star][1] + off), truths[star])
        tally.add("quantiles", _quantiles(losses, board, seed, greater=False), truths[star])
    return tally


def _flattery(losses: Floats, star: int, seed: int) -> float:
    anew = chosen_anew(star, lambda at: losses[at].mean(axis=0), rows=len(losses), greater_is_better=False, seed=seed)
    return flattery(anew, lambda model, at: float(losses[at, model].mean()), greater_is_better=False)


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--fitted", action="store_true", help="the second table alone")
    parser.add_argument("--rows", type=int, default=200)
    given = parser.parse_args()
    error = 100 * (0.95 * 0.05 / given.rounds) ** 0.5
    print(f"{given.rows} rows, {given.rounds} rounds; at 95% the standard error is {error:.1f}.\n")
    if not given.fitted:
        _print_drawn(given.rows, given.rounds)
    print(f"| {len(FITTED)} models fitted on rows with | {' | '.join(HOW)} | both, width | quantiles, width |")
    print(f"|---|{'---:|' * (len(HOW) + 2)}")
    for name, signal in (("nothing to learn", 0.0), ("something to learn", 0.5), ("much to learn", 2.0)):
        tally = cover_fitted(signal, given.rows, given.rounds)
        held = [f"{100 * tally.held[how] / len(tally.widths[how]):.1f}" for how in HOW]
        wide = [f"{np.mean(tally.widths[how]) / np.mean(tally.widths['alone']):.2f}" for how in ("both", "quantiles")]
        print(f"| {' | '.join([name, *held, *wide])} |", flush=True)


def _print_drawn(rows: int, rounds: int) -> None:
    print("| default of | metric | alone | chosen | quantiles | chosen, width | quantiles, width |")
    print("|---|---|---:|---:|---:|---:|---:|")
    for case in CASES:
        for name in METRICS:
            tally = cover(case, metric_named(name, "classes"), rows, rounds)
            held = [f"{100 * tally.held[how] / rounds:.1f}" for how in ("alone", "chosen", "quantiles")]
            alone = np.mean(tally.widths["alone"])
            wide = [f"{np.mean(tally.widths[how]) / alone:.2f}" for how in ("chosen", "quantiles")]
            print(f"| {' | '.join([case.name, name, *held, *wide])} |", flush=True)
    print()


if __name__ == "__main__":
    main()
