"""Evolution: the next generation of mixes of models, and what each of them loses."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from concours.core.errors import MissingPackage
from concours.core.job import Job
from concours.core.optional import install_command
from concours.core.ports import Store
from concours.engine.merging import Soups
from concours.engine.rows import first_division, sides_of_first
from concours.engine.runners.merge import STATISTICS_ROWS, losing, models_of
from concours.engine.work import JobResult
from concours.kernels.merging.evolving import Space
from concours.stores.blobs import get_json, put_json

Generation = dict[str, list[Any]]
"""`points`, and what the mix of each `lost`: none where that is not finite."""

_SIGMA: Final = 0.2
"""How far, at first, points lie apart, where a weight of 1 is all."""


def evolve(job: Job, store: Store) -> JobResult:
    """One generation of CMA-ES (Hansen 2016, "The CMA evolution strategy: a tutorial"), as the package `cmaes` has it.

    The first generation is the mean of all models, and each model alone; the best of these is where the strategy
    begins, so that what it comes to loses no more than the best model, on the rows that choose. The strategy is told of
    all generations before, and draws from the job's own seed. Mixes lose what merged models do on out-of-fold rows.

    Params: `models`, how many each candidate has; `layers`, groups of them with weights of their own, at most;
    `density`, whether models are merged by TIES; `trials`, how many mixes are tried in all at most, `tried`, how many
    have been; `without_fold`, whose rows do not count. Inputs: besides models and targets, `past`, the generations
    before.

    Values: `tried`; `mix`, the best so far, with its weights; `loss`. Output: `past`, for the next generation.

    Raises:
        MissingPackage: cmaes is not installed.
    """
    past: list[Generation] = get_json(store, job.inputs["past"]) if "past" in job.inputs else []
    folds, rows = job.inputs["folds"], np.sort(sides_of_first(job, store, job.params["without_fold"])[0])
    soups = Soups(store, models_of(job), rows=rows, most_rows=STATISTICS_ROWS)
    layers = min(job.params["layers"], soups.layers)
    space = Space(models=len(job.params["models"]), layers=layers, density=job.params["density"])
    lost, groups = losing(job, store), int(first_division(store, folds).max()) + 1
    points = _drawn(past, job.seed) if past else space.first()
    points = points[: job.params["trials"] - job.params["tried"]]
    losses = [lost(soups.out_of_fold(folds, [space.mix(point)] * groups), rows) for point in points]
    past = [*past, {"points": points, "lost": [loss if math.isfinite(loss) else None for loss in losses]}]
    best, loss = _best(past)
    mix = space.mix(best)
    return JobResult(
        outputs={"past": put_json(store, past)},
        values={
            "tried": job.params["tried"] + len(points),
            "mix": {"weights": list(mix.weights), **mix.kept},
            "loss": loss if math.isfinite(loss) else None,
        },
    )


def _drawn(past: Sequence[Generation], seed: int) -> list[list[float]]:
    """The points that come next."""
    try:
        from cmaes import CMA
    except ModuleNotFoundError:
        raise MissingPackage(f"cmaes is not installed; get it with: {install_command('cmaes')}") from None
    first, *others = past
    best: NDArray[np.float64] = np.asarray(_best([first])[0])
    strategy = CMA(mean=best, sigma=_SIGMA, seed=seed % 2**32)
    for generation in others:
        strategy.tell([(np.asarray(p), _ranked(lost)) for p, lost in _pairs(generation)])
    return [strategy.ask().tolist() for _ in range(strategy.population_size)]


def _best(past: Sequence[Generation]) -> tuple[list[float], float]:
    """The point that lost least, the first of equal ones, and what it lost."""
    point, lost = min((pair for generation in past for pair in _pairs(generation)), key=lambda pair: _ranked(pair[1]))
    return point, math.inf if lost is None else lost


def _pairs(generation: Generation) -> list[tuple[list[float], float | None]]:
    return list(zip(generation["points"], generation["lost"], strict=True))


def _ranked(lost: float | None) -> float:
    """What is not finite comes last."""
    return sys.float_info.max if lost is None else lost
