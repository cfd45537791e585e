"""Proposals: which parameters a search tries next."""

from __future__ import annotations

from typing import Any

from concours.core.errors import MissingPackage
from concours.core.job import Job
from concours.core.optional import install_command
from concours.core.ports import Store
from concours.engine.work import Yield

_RANDOM = 5  # trials before those that learn from others


def propose(job: Job, store: Store) -> Yield:  # noqa: ARG001 (the form of a runner)
    """What a tree-structured Parzen estimator (Bergstra, Bardenet, Bengio and Kégl 2011) tries next, as Optuna has it.

    Params:
        forms: of each axis (`compete.search.Form`).
        past: [what was drawn, its loss] of each trial so far; the loss of one that failed is none.
        count: how many trials to propose.

    Gives `drawn`: for each, a value of every axis.

    Raises:
        MissingPackage: Optuna is not installed.
    """
    try:
        import optuna
    except ModuleNotFoundError:
        raise MissingPackage(f"optuna is not installed; get it with: {install_command('optuna')}") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    axes = {str(number): _distribution(*form) for number, form in enumerate(job.params["forms"])}
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=job.seed, n_startup_trials=_RANDOM))
    for values, loss in job.params["past"]:
        params = {str(number): value for number, value in enumerate(values)}
        ended = optuna.trial.TrialState.PRUNED if loss is None else optuna.trial.TrialState.COMPLETE
        study.add_trial(optuna.trial.create_trial(params=params, distributions=axes, value=loss, state=ended))
    asked = [study.ask(axes).params for _ in range(job.params["count"])]
    return Yield(values={"drawn": [[params[name] for name in axes] for params in asked]})


def _distribution(kind: str, low: float, high: float, log: bool) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if kind == "choice":
        return CategoricalDistribution(range(int(high) + 1))
    return IntDistribution(int(low), int(high), log=log) if kind == "int" else FloatDistribution(low, high, log=log)
