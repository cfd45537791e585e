"""A federation of real sites: what is done at a site on its own rows, and what the server makes of what they send."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from concours.cooperate.privacy import of_round
from concours.core.digests import canonical_json
from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.accounting import noise_at
from concours.engine.deterministic import deterministic
from concours.engine.federating import (
    get_network,
    get_state,
    get_tensors,
    get_weights,
    made,
    put_state,
    put_tensors,
    put_weights,
    require_hidden,
)
from concours.engine.outputs import output_of
from concours.engine.rows import get_rows, shape_of
from concours.engine.schemas import Schema
from concours.engine.work import JobResult
from concours.entrants.federated import Local
from concours.entrants.federated import local as trained
from concours.entrants.fitting import Fitted
from concours.entrants.knowing import Scaling
from concours.entrants.models import dump_model
from concours.entrants.private import Private
from concours.kernels.federating.strategies import Aggregation, Hiding, aggregate
from concours.kernels.federating.sums import Sums
from concours.kernels.federating.update import ServerState, Tensors, Update
from concours.kernels.privacy.chance import of_system
from concours.kernels.privacy.clipping import Mechanism
from concours.kernels.scoring.rounded import finite
from concours.stores.blobs import (
    get_array,
    get_bundle,
    get_table,
    is_table,
    put_array,
    put_bundle,
    put_json,
    put_table,
)
from concours.stores.values import get_values

_SUMS = ("count", "total", "squares")


def form_of_rows(job: Job, store: Store) -> JobResult:
    """What sites read their rows by, and the form of these, without a row. Yields `schema` and `like`."""
    schema = Schema(**job.params["task"], output=job.params["output"], classes=tuple(job.params["labels"]))
    x = job.inputs["x"]
    if is_table(store, x):
        like = put_table(store, get_table(store, x).slice(0, 0))
    else:
        like = put_array(store, np.zeros_like(get_array(store, x)[:1]))
    return JobResult(outputs={"schema": put_json(store, schema.to_json()), "like": like})


def site_sums(job: Job, store: Store) -> JobResult:
    """Counts, sums and sums of squares of a site's columns. Yields `sums`. Values: `rows`, and `classes` it has."""
    x, y = np.asarray(get_rows(store, job.inputs["x"])), np.asarray(get_values(store, job.inputs["y"]))
    classes = output_of(job).codes
    told = {"inputs": Sums.of(x[..., None] if x.ndim == 3 else x)}
    told |= {} if classes else {"target": Sums.of(y[:, None])}
    tensors = {f"{part}/{name}": getattr(sums, name) for part, sums in told.items() for name in _SUMS}
    values = {"rows": len(y), **({"classes": len(np.unique(y))} if classes else {})}
    return JobResult(outputs={"sums": put_tensors(store, tensors)}, values=values)


def begin_at_sites(job: Job, store: Store) -> JobResult:
    """The weights with which all sites begin: drawn from the seed, scaled by what sites add up. Yields `weights`.

    Inputs: `sums0`, …, and `example`, rows of which the shape counts. Params: `private`, where noise is added, if any
    is.
    """
    each = [get_tensors(store, digest) for name, digest in sorted(job.inputs.items()) if name.startswith("sums")]
    inputs, target = _over(each, "inputs"), _over(each, "target") if "target/count" in each[0] else None
    scaling = Scaling(
        mean=inputs.mean,
        deviation=inputs.deviation,
        target_mean=0.0 if target is None else float(target.mean[0]),
        target_deviation=1.0 if target is None else float(target.deviation[0]),
    )
    example = np.zeros((1, *shape_of(store, job.inputs["example"])), dtype=np.float32)
    with deterministic(threads=job.threads, seed=job.seed):
        network = made(job, store).begun(example, output_of(job).codes or 0, seed=job.seed, scaling=scaling)
    if "private" in job.params:
        require_hidden(network, job.params["private"])
    return JobResult(outputs={"weights": put_weights(store, network.get_tensors(), network.get_state())})


def site_rows(job: Job, store: Store) -> JobResult:
    """How many rows a site has, and nothing else of them. Values: `rows`."""
    return JobResult(values={"rows": len(get_values(store, job.inputs["y"]))})


def train_at_site(job: Job, store: Store) -> JobResult:
    """A site trains on its rows from the weights of a round. Yields `update`.

    Params: `local`; and where rows are hidden `private`, which is `epsilon` at `delta` over so many `rounds`, and a
    `bound`. Values: `rows`, and `loss`; where rows are hidden that does not leave, and `noise` is told, in units of the
    bound.
    """
    update, noise = trained_at_site(job, store)
    told = {"loss": finite(update.loss)} if noise is None else {"noise": noise}
    return JobResult(outputs={"update": put_tensors(store, update.to_tensors())}, values={"rows": update.rows, **told})


def trained_at_site(job: Job, store: Store) -> tuple[Update, float | None]:
    """What a site's training comes to, and the noise in it, which is drawn from the site's system."""
    x, y = get_rows(store, job.inputs["x"]), get_values(store, job.inputs["y"])
    told, noise, private = job.params.get("private"), None, None
    if told:
        noise = noise_at(told, of_round(len(y), job.params["local"]))
        private = Private(bound=told["bound"], noise=noise, chance=of_system())
    with deterministic(threads=job.threads, seed=job.seed):
        network = get_network(job, store, job.inputs["weights"])
        tensors, _ = get_weights(store, job.inputs["weights"])
        update = trained(network, tensors, x, y, Local(**job.params["local"]), seed=job.seed, private=private)
    return update, noise


def aggregate_sites(job: Job, store: Store) -> JobResult:
    """The weights after a round. Yields `weights` and `state`.

    Inputs: `weights`, `state` from the second round on, `update0`, …. Params: `aggregation`; and where a site is to be
    hidden `private`, a `bound` and the `noise`, which comes from the system. Values: of the sites in turn `rows`,
    `weights`, `norms` and `bytes`, which they sent; `moved` and `loss`.
    """
    tensors, shape = get_weights(store, job.inputs["weights"])
    state = get_state(store, job.inputs["state"]) if "state" in job.inputs else ServerState()
    count = sum(name.startswith("update") for name in job.inputs)
    sent = [Update.from_tensors(get_tensors(store, job.inputs[f"update{place}"])) for place in range(count)]
    private = job.params.get("private")
    hiding = Hiding(Mechanism(**private), of_system()) if private else None
    after, state, told = aggregate(tensors, sent, state, Aggregation(**job.params["aggregation"]), hiding)
    return JobResult(
        outputs={"weights": put_weights(store, after, shape), "state": put_state(store, state)},
        values={
            "rows": [update.rows for update in sent],
            "weights": told.weights.tolist(),
            "norms": [finite(norm) for norm in told.norms.tolist()],
            "moved": told.moved,
            "loss": finite(told.loss),
            "bytes": [update.bytes for update in sent],
        },
    )


def keep_federated(job: Job, store: Store) -> JobResult:
    """A model of some weights, or of where a site got to from them, with what prepares rows for it. Yields `model`."""
    classes = output_of(job).codes or 0
    tensors, shape = get_weights(store, job.inputs["weights"])
    if "update" in job.inputs:
        tensors, *_ = aggregate(tensors, [Update.from_tensors(get_tensors(store, job.inputs["update"]))])
    with deterministic(threads=job.threads, seed=job.seed):
        network = made(job, store).set_tensors(tensors, shape)
    format, files, _ = dump_model(Fitted(network, np.arange(classes), classes, 1))
    kept = {"format.json": canonical_json(format), **files}
    if "transformer" in job.inputs:
        kept |= get_bundle(store, job.inputs["transformer"])
    return JobResult(outputs={"model": put_bundle(store, kept)})


def _over(each: Sequence[Tensors], part: str) -> Sums:
    return Sums.over(Sums(*(np.asarray(sums[f"{part}/{name}"]) for name in _SUMS)) for sums in each)
