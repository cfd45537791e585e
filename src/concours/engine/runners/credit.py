"""Credit: what each member is worth to its alliance, on the test part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from concours.core.digests import Digest
from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.coalitions import Game, few, some_rows, to_weigh
from concours.engine.deterministic import deterministic
from concours.engine.merging import Soups
from concours.engine.meta_learners import get_meta_learner
from concours.engine.outputs import output_of
from concours.engine.routers import get_router
from concours.engine.rows import first_division, get_rows, take_rows
from concours.engine.runners.join import members_of, numbered
from concours.engine.runners.merge import STATISTICS_ROWS, models_of
from concours.engine.runners.score import as_taken, groups_of, metrics_of, weights_of
from concours.engine.worded import as_one_text
from concours.engine.work import JobResult
from concours.kernels.credit.coalitions import Scored
from concours.kernels.credit.shares import exact_credit, sampled_credit
from concours.kernels.joining.calibration import Calibration
from concours.kernels.merging.mixes import Mix
from concours.kernels.scoring.crossing import crossed
from concours.stores.values import get_values

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]


def credit(job: Job, store: Store) -> JobResult:
    """What an alliance's members are worth to it (`kernels.credit.shares`), on the test part.

    A coalition is worth the ranking metric, turned so that higher is better, of its members with the alliance's weights
    renormalised on them; nobody is worth that of the training part's frequencies of classes, or its mean, and so is a
    coalition whose weights do not add up to more than zero. On out-of-fold predictions the rows of a fold count with
    that fold's weights. Of a stack the weights are found again for each coalition, on the out-of-fold predictions (a
    thousand to five thousand rows of them, spread evenly, where there are more). To fit a boosted stack again for each
    coalition would cost more than the contest: there the meta-learner stays, and who is absent is spoken for by the
    mean of those present; a thousand rows are evaluated, spread evenly. Of a cascade who is there is asked in the same
    order, answers by the same thresholds, and the last always. Of a route a row goes to whoever of those who are there
    it would go to before the others. Of a selection a row has the answer for which most speaks of those who are there.
    Of a soup the models of who is there are merged, by TIES if all are, for 64
    coalitions at most; a thousand rows are evaluated, and running statistics are found on a thousand rows of the fit,
    both spread evenly, so that the value may differ a little from the score on the board.

    Where a metric is of classes named, the alliance's calibration and decision count as on the board, but not for the
    prior, about which nobody has decided. For a metric of probabilities calibration is left out: it was found for all
    members together, and is the merit of none.

    What all are ahead of is the best member as it stands, with its own decision, whatever the alliance's rule would
    make of it alone.

    Up to twelve members all coalitions count, as far as that is seconds' work; otherwise orders are drawn. Standard
    errors are those of the rows, by the jackknife, and of the draw; those of rows that also taught are wider
    (`kernels.scoring.crossing`).

    Params: `how` (`mean`, `vote`, `pool`, `boosted`, `cascade`, …), `refit`, `part`, `weights` of the members, one
    list, or one for each fold where `part` is `oof`, `thresholds` of a cascade, `handicaps` of a route, `scorers` of a
    selection or a cascade, and `mixes` of a soup, weights and what else is kept of each, likewise, `calibration`,
    `decision`; `decisions`, the members' own. Inputs: `y`,
    `train_y`, `folds`, `predictions0…`; `groups` of rows that belong together; `weights` of the rows that judge, and
    `train_weights`, where there are any; `oof0…` to find weights again for the test part; `model0…` of a boosted stack
    or a route, one, or one for each fold; `x`, the rows that judge, of a route, and where there are scorers.

    Values: lists in the order of the members; `best` is the place of the one that is worth most alone; `interactions`
    has [first, second, value, stderr].
    """
    with deterministic(threads=job.threads, seed=job.seed):
        game = _game(job, store)
        masks, drawn = game.coalitions(job.seed)
        scored = game.scored(masks)
        alone = game.alone(_as_they_are(job, game), batches=scored.without.shape[1])
    if not all(np.isfinite(table).all() for each in (scored, alone) for table in (each.values, each.without)):
        raise ValueError(f"{game.metric.name} is not defined for every coalition on these rows")
    if job.params["part"] == "oof":
        scored, alone = (Scored(each.values, crossed(each.without, each.values)) for each in (scored, alone))
    table = (scored.values, scored.without)
    found = sampled_credit(drawn, *table, alone) if drawn else exact_credit(*table, alone)
    needs = np.column_stack([found.interactions, found.interaction_stderr])
    return JobResult(
        values={
            "value": found.value,
            "prior": found.prior,
            "gain_stderr": found.gain_stderr,
            "exact": drawn is None,
            "rows": len(game.y),
            "coalitions": len(masks),
            "shapley": found.shapley.tolist(),
            "stderr": found.stderr.tolist(),
            "shares": _listed(found.shares),
            "lost": found.lost.tolist(),
            "lost_stderr": found.lost_stderr.tolist(),
            "best": found.best,
            "ahead": found.ahead,
            "ahead_stderr": found.ahead_stderr,
            "joining_shares": _listed(found.joining_shares),
            "interactions": [[*pair, *need] for pair, need in zip(found.pairs.tolist(), needs.tolist(), strict=True)],
        }
    )


def _listed(shares: NDArray[np.float64] | None) -> list[float] | None:
    return None if shares is None else shares.tolist()


def _as_they_are(job: Job, game: Game) -> list[NDArray[np.float64]]:
    """What members say by themselves, each with its own decision where the metric is of classes named."""
    folds = game.group if job.params["part"] == "oof" else None
    pairs = zip(game.members, job.params["decisions"], strict=True)
    return [as_taken(game.metric, p, decision, folds) for p, decision in pairs]


def _game(job: Job, store: Store) -> Game:
    params, output, by_fold = job.params, output_of(job), job.params["part"] == "oof"
    mass, train_mass = weights_of(job, store), weights_of(job, store, name="train_weights")
    metric = metrics_of(job)[0]
    y, train_y = get_values(store, job.inputs["y"]), get_values(store, job.inputs["train_y"])
    folds = first_division(store, job.inputs["folds"])
    groups = int(folds.max()) + 1 if by_fold else 1
    named = metric.needs == "labels"
    learners, routed = [job.inputs[f"model{i}"] for i in range(numbered(job, "model"))], "handicaps" in params
    calibration, decision = (params[name] if named else None for name in ("calibration", "decision"))
    game = Game(
        how=params["how"],
        metric=metric,
        y=y,
        members=members_of(job, store, "predictions"),
        weights=_of_groups(params["weights"], groups),
        group=folds if by_fold else np.zeros(len(y), dtype=np.int64),
        prior=output.prior(train_y, train_mass),
        output=output,
        learners=[] if routed else [get_meta_learner(store, model) for model in learners],
        together=groups_of(job, store),
        mass=mass,
        scorers=params.get("scorers", ()),
        texts=as_one_text(get_rows(store, job.inputs["x"])) if "scorers" in params else (),
        thresholds=_of_groups(params["thresholds"], groups) if "thresholds" in params else None,
        calibration=Calibration(**calibration) if calibration else None,
        decisions=np.asarray(decision["fold_weights"] if by_fold else [decision["weights"]]) if decision else None,
    )
    if params["refit"]:
        seen = game.members if by_fold else members_of(job, store, "oof")
        others = [folds != fold if by_fold else np.ones(len(folds), np.bool_) for fold in range(groups)]
        weigh = [
            to_weigh(train_y, seen, np.flatnonzero(rows), train_mass, how=game.how, groups=groups) for rows in others
        ]
        return replace(game, seen=weigh)
    if routed:
        handicaps = _of_groups(params["handicaps"], groups)[game.group]
        return replace(game, standing=_expected(job, store, learners, game.group) - handicaps)
    if "models" in params:
        return replace(some_rows(game), soup=_soup(job, store, len(y)))
    return some_rows(game) if game.learners else game


def _soup(job: Job, store: Store, rows: int) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """What merged models predict for some of the rows that judge, by weights (groups, members) of who is there."""
    soups = Soups(store, models_of(job), rows=np.arange(rows)[few(rows)], most_rows=STATISTICS_ROWS)
    mixes = [Mix.of(*each) for each in job.params["mixes"]]

    def told(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        own = mixes * len(weights) if len(mixes) == 1 else mixes
        there = [mix.among((row > 0).tolist()) for mix, row in zip(own, weights, strict=True)]
        if job.params["part"] == "oof":
            return soups.out_of_fold(job.inputs["folds"], there)
        return soups.of_test_part(there[0])

    return told


def _expected(job: Job, store: Store, routers: Sequence[Digest], group: Codes) -> Floats:
    """What the routers of groups expect of members on their rows, (rows, members)."""
    x = get_rows(store, job.inputs["x"])
    parts = [np.flatnonzero(group == number) for number in range(len(routers))]
    said = [get_router(store, of).expected(take_rows(x, rows)) for of, rows in zip(routers, parts, strict=True)]
    return np.asarray(np.concatenate(said)[np.argsort(np.concatenate(parts))])


def _of_groups(rows: Sequence[Sequence[float]], groups: int) -> NDArray[np.float64]:
    """(groups, members), of one row for all or one for each."""
    return np.resize(np.asarray(rows, dtype=np.float64), (groups, len(rows[0])))
