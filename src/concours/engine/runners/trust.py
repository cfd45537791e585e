"""What makes a federation trustworthy: whose merit it is, who looks like a liar, and what it tells of its rows.

They tell only; nothing is chosen by them. What judges are rows that a fold holds out, never the test part.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.deterministic import deterministic
from concours.engine.federating import Fold, get_network
from concours.engine.merging import Ingredient
from concours.engine.runners.score import metrics_of
from concours.engine.trusting import PastRound, Pool, fitted_of
from concours.engine.work import JobResult
from concours.entrants.federated import Local, load
from concours.kernels.credit.coalitions import dealt
from concours.kernels.credit.rounds import Effort, Floats, site_credit
from concours.kernels.federating.suspects import suspicions
from concours.kernels.privacy.membership import attack, likelihood_ratios

_BATCHES: Final = 10
_MOST_ROWS: Final = 1000
_SHADOWS: Final = 16
_CUT: Final = 0.02
"""Of the gain of a round on average: less is not looked into."""


def credit_sites(job: Job, store: Store) -> JobResult:
    """What each site added to the model over the rounds of a fold (`kernels.credit.rounds`), on the rows it holds out.

    A model is worth the ranking metric, turned so that higher is better. Inputs: of each round what its aggregation
    read. Values: `first`, `last`, `gain_stderr`; lists over the sites `shapley`, `stderr`, `lost`, `lost_stderr`;
    `looked`, `passed` and `rows`.
    """
    fold, metric = Fold(job, store), metrics_of(job)[0]
    x, y, _ = fold.unseen
    batch, batches = dealt(len(y), _BATCHES)
    rounds = [PastRound(job, store, number) for number in range(len(job.params["rounds"]))]
    with deterministic(threads=job.threads, seed=job.seed):
        network = get_network(job, store, job.inputs["0/weights"])

        def value(number: int, sites: tuple[int, ...]) -> Floats:
            load(network, rounds[number].without_others(sites))
            scored = metric.way.batched([fitted_of(network, fold).predict(x)], y, batch, batches, None)
            return metric.sign * np.concatenate([scored.values, scored.without[0]])

        who, last = [sorted(each.updates) for each in rounds], len(rounds) - 1
        gain = abs(float((value(last, tuple(who[last])) - value(0, ()))[0]))
        effort = Effort(tolerance=_CUT * gain / len(rounds), passes=job.params["passes"], seed=job.seed)
        found = site_credit(who, job.params["sites"], value, effort)
    told = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in vars(found).items()}
    return JobResult(values={**told, "rows": len(y)})


def suspect_sites(job: Job, store: Store) -> JobResult:
    """Who looks like a liar by what was sent in the rounds of a fold, and why (`kernels.federating.suspects`).

    Inputs: as of `credit_sites`. Values: `sites`, of each that sent something; `looked`, rounds of enough sites.
    """
    rounds = (PastRound(job, store, number) for number in range(len(job.params["rounds"])))
    sightings = [seen for each in rounds if (seen := each.sighting())]
    return JobResult(values={"sites": [_listed(vars(one)) for one in suspicions(sightings)], "looked": len(sightings)})


def attack_members(job: Job, store: Store) -> JobResult:
    """Whether models tell which rows they were trained on: members are rows of a fold, others those that it holds out.

    By the loss, and by shadow models (`kernels.privacy.membership`). Inputs: `model0`, …, that are attacked; `weights`,
    with which shadow models begin. Params: `local`, how they train. Values: `attacks`, of each model in turn that by
    the loss and that by shadow models.
    """
    pool = Pool(job, store, _MOST_ROWS)
    with deterministic(threads=job.threads, seed=job.seed):
        shadows, inside = pool.shadows(_SHADOWS, Local(**job.params["local"]))
        found = []
        for number in range(job.params["models"]):
            told = pool.told(Ingredient.of(store, job.inputs[f"model{number}"]).loaded())
            scores = {"loss": -pool.losses(told), "shadows": likelihood_ratios(told, shadows, inside)}
            found.append({name: _listed(vars(attack(own, pool.member))) for name, own in scores.items()})
    return JobResult(values={"attacks": found, "shadows": _SHADOWS})


def _listed(value: dict[str, Any]) -> dict[str, Any]:
    plain = {name: own.tolist() if isinstance(own, np.ndarray) else own for name, own in value.items()}
    return {name: list(own) if isinstance(own, tuple) else own for name, own in plain.items()}
