"""Federations in a store: the weights of a round, what sites sent, and the rows of a site."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from concours.core.digests import Digest, canonical_json
from concours.core.job import Job
from concours.core.ports import Store
from concours.core.values import take
from concours.engine.fitting import made_with
from concours.engine.outputs import output_of
from concours.engine.rows import get_rows, sides, take_rows
from concours.entrants.federated import Controls, statistics
from concours.entrants.private import require_rows_apart
from concours.entrants.sites import Site
from concours.kernels.federating.strategies import not_hidden
from concours.kernels.federating.update import ServerState, Tensors, Update
from concours.stores.blobs import get_array, get_bundle, put_bundle
from concours.stores.values import get_values

_WEIGHTS, _STATE = "tensors", "state.json"


@dataclass(frozen=True)
class Fold:
    """The rows of a fold as its sites have them.

    By the inputs of a job that fits (`x`, `y`, `folds`, `valid`, `test`), with `sites`, (rows,) numbers of sites of the
    training part, and `test_sites` of the test part.
    """

    job: Job
    store: Store

    @cached_property
    def _sides(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return sides(self.job, self.store)

    @cached_property
    def _x(self) -> Any:
        return get_rows(self.store, self.job.inputs["x"])

    @cached_property
    def _sites(self) -> NDArray[np.int64]:
        return get_array(self.store, self.job.inputs["sites"])

    @cached_property
    def y(self) -> NDArray[Any]:
        """Targets of the rows that are trained on, (rows,)."""
        return np.asarray(take(get_values(self.store, self.job.inputs["y"]), self._sides[0]))

    @property
    def sites(self) -> NDArray[np.int64]:
        """The site of each row that is trained on."""
        return self._sites[self._sides[0]]

    def x(self, places: NDArray[np.int64]) -> Any:
        """Some of the rows that are trained on, by their places among them."""
        return take_rows(self._x, places if self.job.params["prepared"] else self._sides[0][places])

    @cached_property
    def of_site(self) -> dict[int, NDArray[np.int64]]:
        """The places of the rows of each site that has some."""
        order = np.argsort(self.sites, kind="stable")
        numbers, begins = np.unique(self.sites[order], return_index=True)
        return dict(zip(numbers.tolist(), np.split(order, begins[1:]), strict=True))

    def site(self, number: int, seed: int, controls: Controls | None = None) -> Site:
        """A site's rows and targets."""
        rows = self.of_site[number]
        return Site(x=self.x(rows), y=self.y[rows], seed=seed, controls=controls)

    @cached_property
    def unseen(self) -> tuple[Any, NDArray[Any], NDArray[np.int64]]:
        """Rows, targets and sites of those that the fold holds out."""
        rows = self._sides[1]
        prepared = self.job.params["prepared"]
        x = get_rows(self.store, self.job.inputs["valid"]) if prepared else take_rows(self._x, rows)
        return x, np.asarray(take(get_values(self.store, self.job.inputs["y"]), rows)), self._sites[rows]

    @cached_property
    def test(self) -> tuple[Any, NDArray[np.int64]]:
        """Rows of the test part, and their sites."""
        inputs = self.job.inputs
        return get_rows(self.store, inputs["test"]), get_array(self.store, inputs["test_sites"])

    @property
    def classes(self) -> int:
        """How many classes there are; 0 of numbers."""
        return output_of(self.job).codes or 0


def made(job: Job, store: Store) -> Any:
    """The network of a job, untrained: no wish of a fit is heeded at the sites.

    Raises:
        ValueError: the recipe is of something that cannot begin without rows.
    """
    estimator = made_with(job, store)[0]
    if not hasattr(estimator, "begun"):
        raise ValueError(f"{job.params['recipe']} is no network that sites can train together")
    return estimator


def require_hidden(network: Any, where: str) -> None:
    """Refuses a network before the first round that noise, of the sites or of their server, would not hide anything in.

    Raises:
        ValueError: it has a batch norm.
    """
    if where == "site":
        require_rows_apart(network.network_)
    elif unhidden := not_hidden("fedavg", statistics(network.network_)):
        raise ValueError(unhidden)


def put_weights(store: Store, tensors: Tensors, state: Mapping[str, Any]) -> Digest:
    """Keeps the weights of a round, and what else it takes to have the network."""
    return put_bundle(store, {_WEIGHTS: _packed(tensors), _STATE: canonical_json(state)})


def get_network(job: Job, store: Store, weights: Digest) -> Any:
    """The network of a job with the weights of a round."""
    tensors, state = get_weights(store, weights)
    return made(job, store).set_tensors(tensors, state)


def get_weights(store: Store, weights: Digest) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The inverse of `put_weights`."""
    files = get_bundle(store, weights)
    return safetensors.numpy.load(files[_WEIGHTS]), json.loads(files[_STATE])


def put_updates(store: Store, sites: Sequence[int], updates: Sequence[Update]) -> Digest:
    """Keeps what sites sent, a file each."""
    each = zip(sites, updates, strict=True)
    return put_bundle(store, {str(site): _packed(update.to_tensors()) for site, update in each})


def get_updates(store: Store, updates: Digest) -> dict[int, Update]:
    """The inverse of `put_updates`: by the number of the site."""
    files = get_bundle(store, updates)
    return {int(site): Update.from_tensors(safetensors.numpy.load(data)) for site, data in files.items()}


def put_controls(store: Store, controls: Mapping[int, Tensors]) -> Digest:
    """Keeps the control variates that stay at sites."""
    return put_bundle(store, {str(site): _packed(tensors) for site, tensors in controls.items()})


def get_controls(store: Store, controls: Digest) -> dict[int, dict[str, NDArray[Any]]]:
    """The inverse of `put_controls`."""
    return {int(site): safetensors.numpy.load(data) for site, data in get_bundle(store, controls).items()}


def put_tensors(store: Store, tensors: Tensors) -> Digest:
    """Keeps tensors by name."""
    return store.put(io.BytesIO(_packed(tensors)))


def get_tensors(store: Store, digest: Digest) -> dict[str, NDArray[Any]]:
    """The inverse of `put_tensors`."""
    with store.open(digest) as file:
        return safetensors.numpy.load(file.read())


def put_state(store: Store, state: ServerState) -> Digest:
    """Keeps what a server knows beside the weights."""
    return put_bundle(store, {"state": _packed(state.to_tensors())})


def get_state(store: Store, state: Digest) -> ServerState:
    """The inverse of `put_state`."""
    return ServerState.from_tensors(safetensors.numpy.load(get_bundle(store, state)["state"]))


def _packed(tensors: Tensors) -> bytes:
    return safetensors.numpy.save({name: np.array(tensors[name], order="C") for name in sorted(tensors)})
