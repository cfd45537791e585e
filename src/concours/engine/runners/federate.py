"""A federation in one process: it begins, sites train, a server aggregates, and what came of it stands on the board."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core import scratch
from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.deterministic import deterministic
from concours.engine.federating import (
    Fold,
    get_controls,
    get_network,
    get_state,
    get_updates,
    get_weights,
    made,
    put_controls,
    put_state,
    put_updates,
    put_weights,
    require_hidden,
)
from concours.engine.fitting import keep_model
from concours.engine.runners.score import metrics_of
from concours.engine.work import JobResult
from concours.entrants.federated import Controls, Local, load
from concours.entrants.fitting import Fitted
from concours.entrants.knowing import Scaling
from concours.entrants.private import Private
from concours.entrants.sites import train_sites
from concours.kernels.federating.strategies import STRATEGIES, Aggregation, Hiding, aggregate
from concours.kernels.federating.sums import Sums
from concours.kernels.federating.update import ServerState, Tensors, Update
from concours.kernels.privacy.chance import seeded
from concours.kernels.privacy.clipping import Mechanism
from concours.kernels.scoring.rounded import finite
from concours.stores.blobs import put_array
from concours.stores.values import get_values

Floats = NDArray[np.float64]

_TOGETHER = 64
"""How many sites that train by themselves are in memory at once."""


def begin_federation(job: Job, store: Store) -> JobResult:
    """The weights with which all sites begin: drawn from the seed, scaled by counts and sums that sites add up.

    Yields `weights`. Params: `private`, where noise is added, if any is. Values: `rows`, of each site in this fold, and
    `bytes`, what each site sends for it.
    """
    fold = Fold(job, store)
    with deterministic(threads=job.threads, seed=job.seed):
        network = made(job, store)
        each = [_sums(fold, rows) for rows in fold.of_site.values()]
        inputs, targets = (Sums.over(sums[part] for sums in each) for part in (0, 1))
        scaling = Scaling(
            mean=inputs.mean,
            deviation=inputs.deviation,
            target_mean=0.0 if fold.classes else float(targets.mean[0]),
            target_deviation=1.0 if fold.classes else float(targets.deviation[0]),
        )
        example = np.zeros_like(fold.x(np.zeros(1, dtype=np.int64)))
        network.begun(example, fold.classes, seed=job.seed, scaling=scaling)
    if "private" in job.params:
        require_hidden(network, job.params["private"])
    rows = np.bincount(fold.sites, minlength=job.params["sites"])
    sent = 8 * 3 * (len(inputs.count) + (0 if fold.classes else 1))
    return JobResult(
        outputs={"weights": put_weights(store, network.get_tensors(), network.get_state())},
        values={"rows": rows.tolist(), "bytes": sent},
    )


def _sums(fold: Fold, rows: NDArray[np.int64]) -> tuple[Sums, Sums]:
    x = np.asarray(fold.x(rows))
    own = x[..., None] if x.ndim == 3 else x
    return Sums.of(own), Sums.of(fold.y[rows][:, None] if not fold.classes else np.zeros((1, 1)))


def local(job: Job, store: Store) -> JobResult:
    """Some sites train from the weights of a round.

    Yields `updates`, a file a site, and for `scaffold` `controls`, which stay at the sites. Params: `group`, numbers of
    the sites, `seeds` of theirs, `local`, how they train, and `lying`, by what each multiplies what it sends; where
    rows are private, `private`, a `bound` and the `noise` of each site. Values: `rows`, `loss` and `bytes` of each.
    """
    fold, params, began = Fold(job, store), job.params, scratch.clock()
    settings = Local(**params["local"])
    group, own = list(params["group"]), _own_controls(job, store)
    server = get_state(store, job.inputs["state"]).control if "state" in job.inputs else {}
    with deterministic(threads=job.threads, seed=job.seed):
        network = get_network(job, store, job.inputs["weights"])
        tensors, _ = get_weights(store, job.inputs["weights"])
        sites = [
            fold.site(number, seed, Controls(server=server, own=own.get(number, {})) if params["controls"] else None)
            for number, seed in zip(group, params["seeds"], strict=True)
        ]
        if private := params.get("private"):
            each = [Private(bound=private["bound"], noise=noise) for noise in private["noise"]]
            sites = [replace(site, private=own_noise) for site, own_noise in zip(sites, each, strict=True)]
        updates = train_sites(network, tensors, sites, settings, threads=job.threads)
    outputs = {}
    if params["controls"]:
        moved = {n: _added(own.get(n, {}), update.control) for n, update in zip(group, updates, strict=True)}
        outputs["controls"] = put_controls(store, moved)
    sent = [_times(update, times) for update, times in zip(updates, params["lying"], strict=True)]
    return JobResult(
        outputs={"updates": put_updates(store, group, sent), **outputs},
        values={
            "rows": [update.rows for update in sent],
            "loss": [finite(update.loss) for update in sent],
            "bytes": [update.bytes for update in sent],
        },
        phases={"fit": scratch.clock() - began},
    )


def _own_controls(job: Job, store: Store) -> dict[int, dict[str, NDArray[Any]]]:
    """Those of the sites of a job that have trained before, as they were left."""
    found: dict[int, dict[str, NDArray[Any]]] = {}
    for name, sites in job.params.get("kept", {}).items():
        kept = get_controls(store, job.inputs[name])
        found |= {site: kept[site] for site in sites}
    return found


def _added(own: Tensors, moved: Tensors) -> dict[str, NDArray[Any]]:
    return {name: tensor + own[name] if name in own else tensor for name, tensor in moved.items()}


def _times(update: Update, times: float) -> Update:
    """What a site sends that lies: so many times its update."""
    if times == 1.0:
        return update
    delta = {name: (tensor * times).astype(tensor.dtype) for name, tensor in update.delta.items()}
    return Update(delta=delta, rows=update.rows, loss=update.loss, statistics=update.statistics, control=update.control)


def aggregate_round(job: Job, store: Store) -> JobResult:
    """The weights after a round, and how good they are on the rows that the fold holds out: that is told, not used.

    Inputs: `weights`, `state` from the second round on, `updates0`, …. Params: `aggregation`, and where sites are
    hidden `private`, a `bound` and the `noise`. Values: of the sites in turn `sites`, `weights`
    and `norms`; `moved`, `loss`, `down` and `up` in bytes, and `score` by the ranking metric.
    """
    tensors, shape = get_weights(store, job.inputs["weights"])
    state = get_state(store, job.inputs["state"]) if "state" in job.inputs else ServerState()
    names = [name for name in job.inputs if name.startswith("updates")]
    sent = [(site, update) for name in names for site, update in get_updates(store, job.inputs[name]).items()]
    settings = Aggregation(**job.params["aggregation"])
    after, state, told = aggregate(tensors, [update for _, update in sent], state, settings, hiding_of(job))
    down = sum(tensor.nbytes for tensor in tensors.values())
    down += (
        sum(tensor.nbytes for tensor in state.control.values()) // 2 if STRATEGIES[settings.strategy].controls else 0
    )
    return JobResult(
        outputs={"weights": put_weights(store, after, shape), "state": put_state(store, state)},
        values={
            "sites": [site for site, _ in sent],
            "weights": told.weights.tolist(),
            "norms": [finite(norm) for norm in told.norms],
            "moved": told.moved,
            "loss": finite(told.loss),
            "down": down,
            "up": sum(update.bytes for _, update in sent),
            "score": _score(job, store, after, shape),
        },
    )


def hiding_of(job: Job) -> Hiding | None:
    """What hides sites in a round; the chance is of the contest's seed, which is right where all is one process."""
    private = job.params.get("private")
    return Hiding(Mechanism(**private), seeded(job.seed)) if private else None


def _score(job: Job, store: Store, tensors: Tensors, shape: dict[str, Any]) -> float | None:
    fold = Fold(job, store)
    x, y, _ = fold.unseen
    if not len(y):
        return None
    with deterministic(threads=job.threads, seed=job.seed):
        network = made(job, store).set_tensors(tensors, shape)
        p = _fitted(network, fold, len(fold.y)).predict(x)
    return finite(metrics_of(job)[0].score(y, p)) if np.isfinite(p).all() else None


def settle_federation(job: Job, store: Store) -> JobResult:
    """The model that the last round came to, kept as any model is. Yields `model`."""
    fold = Fold(job, store)
    with deterministic(threads=job.threads, seed=job.seed):
        network = get_network(job, store, job.inputs["weights"])
    return JobResult(outputs={"model": keep_model(job, store, _fitted(network, fold, len(fold.y)))})


def train_at_home(job: Job, store: Store) -> JobResult:
    """Each site trains for itself, and predicts its own rows: those that the fold holds out, and of the test part.

    From the weights in `weights`, by `local`: all of a network that knows no other site, or the last layer alone of the
    one that all have trained. Yields `valid` and `test`, (rows, outputs); a site without rows here predicts by the
    weights as they came. Values: `alone`, how many sites had rows.
    """
    fold, settings, began = Fold(job, store), Local(**job.params["local"]), scratch.clock()
    with deterministic(threads=job.threads, seed=job.seed):
        network = get_network(job, store, job.inputs["weights"])
        tensors, _ = get_weights(store, job.inputs["weights"])
        asked = [("valid", fold.unseen[0], fold.unseen[2])] if "valid" in job.outputs else []
        asked += [("test", *fold.test)] if "test" in job.outputs else []
        said = {name: np.empty((len(own), fold.classes or 1)) for name, _, own in asked}
        load(network, tensors)
        for name, x, _ in asked:
            said[name][:] = _fitted(network, fold, len(fold.y)).predict(x)
        for number, moved in _at_home(network, tensors, fold, job, settings):
            load(network, {**tensors, **moved})
            for name, x, own in asked:
                rows = np.flatnonzero(own == number)
                if len(rows):
                    home = _fitted(network, fold, len(fold.of_site[number]))
                    said[name][rows] = home.predict(x.iloc[rows] if hasattr(x, "iloc") else x[rows])
    outputs = {name: put_array(store, p) for name, p in said.items()}
    return JobResult(outputs=outputs, values={"alone": len(fold.of_site)}, phases={"fit": scratch.clock() - began})


def _at_home(
    network: Any, tensors: Tensors, fold: Fold, job: Job, settings: Local
) -> Iterator[tuple[int, dict[str, NDArray[Any]]]]:
    """Where each site gets to, some at a time."""
    seeds, numbers = job.params["seeds"], sorted(fold.of_site)
    for start in range(0, len(numbers), _TOGETHER):
        group = numbers[start : start + _TOGETHER]
        sites = [fold.site(number, seeds[number]) for number in group]
        trained = train_sites(network, tensors, sites, settings, threads=job.threads)
        for number, update in zip(group, trained, strict=True):
            moved = {name: tensors[name] + delta for name, delta in update.delta.items()}
            yield number, {**moved, **update.statistics}


def _fitted(network: Any, fold: Fold, rows: int) -> Fitted:
    return Fitted(network, np.arange(fold.classes), fold.classes, rows)


def as_sites_say(job: Job, store: Store) -> JobResult:  # noqa: ARG001 (they are there)
    """What sites have said of their own rows, as predictions of an alliance. Yields `oof` and `test`."""
    return JobResult(outputs={part: job.inputs[f"{part}_at_home"] for part in job.outputs})


def score_sites(job: Job, store: Store) -> JobResult:
    """How well each site's own rows are predicted, by several kinds of predictions.

    Inputs: `y`, `sites`, `predictions0`, …. Values: `scores` and `intervals`, of each kind a list over the sites; none
    where a site has too few rows, and `rows` of each.
    """
    y, metric = get_values(store, job.inputs["y"]), metrics_of(job)[0]
    sites = get_values(store, job.inputs["sites"])
    count = sum(name.startswith("predictions") for name in job.inputs)
    told = [get_values(store, job.inputs[f"predictions{index}"]) for index in range(count)]
    scores: list[list[float | None]] = [[] for _ in told]
    intervals: list[list[list[float] | None]] = [[] for _ in told]
    rows = [np.flatnonzero(sites == number) for number in range(job.params["sites"])]
    for own in rows:
        means = metric.means(y[own], [p[own] for p in told], seed=job.seed, rounds=200) if len(own) else None
        ends = metric.intervals(means) if means is not None else None
        for kind in range(count):
            scores[kind].append(finite(float(means.means[kind])) if means is not None else None)
            known = ends is not None and np.isfinite(ends[kind]).all()
            intervals[kind].append(ends[kind].tolist() if known and ends is not None else None)
    return JobResult(values={"scores": scores, "intervals": intervals, "rows": [len(own) for own in rows]})
