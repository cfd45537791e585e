"""The rounds of a federation looked at again: what some sites would have made of the model, what it tells of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.federating import Fold, get_network, get_state, get_updates, get_weights
from concours.entrants.federated import Local, load
from concours.entrants.fitting import Fitted
from concours.entrants.sites import Site, train_sites
from concours.kernels.federating.evidence import evidence
from concours.kernels.federating.strategies import Aggregation, Hiding, aggregate
from concours.kernels.federating.suspects import FEWEST, Sighting
from concours.kernels.federating.update import ServerState, Tensors, Update, flat
from concours.kernels.privacy.chance import seeded
from concours.kernels.privacy.clipping import Mechanism
from concours.kernels.privacy.membership import confidence

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Marks = NDArray[np.bool_]


@dataclass(frozen=True)
class PastRound:
    """A round that has been: by a job that has its inputs under names that begin with `rounds[number]`.

    What it is of stands in `params["rounds"][number]`: `aggregation`, `seed`, and `private` where sites were hidden.
    """

    job: Job
    store: Store
    number: int

    @property
    def _how(self) -> Any:
        return self.job.params["rounds"][self.number]

    def _input(self, name: str) -> str:
        return f"{self.number}/{name}"

    @cached_property
    def before(self) -> Tensors:
        """The weights that it began with."""
        return get_weights(self.store, self.job.inputs[self._input("weights")])[0]

    @cached_property
    def state(self) -> ServerState:
        """What the server knew beside them."""
        state = self._input("state")
        return get_state(self.store, self.job.inputs[state]) if state in self.job.inputs else ServerState()

    @cached_property
    def updates(self) -> dict[int, list[Update]]:
        """What was sent, by the number of the site: of one that was late, and asked again, two."""
        found: dict[int, list[Update]] = {}
        for name in sorted(name for name in self.job.inputs if name.startswith(self._input("updates"))):
            for site, update in get_updates(self.store, self.job.inputs[name]).items():
                found.setdefault(site, []).append(update)
        return found

    def without_others(self, sites: Sequence[int]) -> Tensors:
        """The weights after it, had these sites alone sent something; too few for its rule move nothing.

        Law: of all its sites these are the weights that the next round began with.
        """
        sent = [update for site in sites for update in self.updates[site]]
        if not sent:
            return self.before
        hidden = self._how.get("private")
        hiding = Hiding(Mechanism(**hidden), seeded(self._how["seed"])) if hidden else None
        try:
            return aggregate(self.before, sent, self.state, Aggregation(**self._how["aggregation"]), hiding).tensors
        except ValueError:
            if len(sites) == len(self.updates):
                raise
            return self.before

    def sighting(self) -> Sighting | None:
        """What its updates show that are finite; none of fewer than can stand out."""
        finite = {site: sent[0] for site, sent in self.updates.items() if all(map(_finite, sent[0].delta.values()))}
        if len(finite) < FEWEST:
            return None
        sites = sorted(finite)
        first = [finite[site] for site in sites]
        rows = np.array([update.rows for update in first])
        shown = evidence(flat([update.delta for update in first], sorted(first[0].delta)))
        return Sighting(sites=np.array(sites), rows=rows, shown=shown)


@dataclass(frozen=True)
class Pool:
    """Rows of a fold some of which were trained on, for attacks that ask which: members first, then others.

    Attributes:
        most: of either at most, drawn by the seed of the job.
    """

    job: Job
    store: Store
    most: int

    @cached_property
    def fold(self) -> Fold:
        return Fold(self.job, self.store)

    @cached_property
    def _parts(self) -> tuple[list[Any], list[NDArray[Any]]]:
        rng, (x, y, _) = np.random.default_rng(self.job.seed), self.fold.unseen
        inside = np.sort(rng.permutation(len(self.fold.y))[: self.most])
        outside = np.sort(rng.permutation(len(y))[: self.most])
        return [np.asarray(self.fold.x(inside)), np.asarray(x)[outside]], [self.fold.y[inside], y[outside]]

    @property
    def x(self) -> NDArray[Any]:
        return np.concatenate(self._parts[0])

    @property
    def y(self) -> NDArray[Any]:
        return np.concatenate(self._parts[1])

    @property
    def member(self) -> Marks:
        """(rows,) whether a row was trained on."""
        inside, outside = self._parts[1]
        return np.arange(len(inside) + len(outside)) < len(inside)

    def told(self, fitted: Fitted) -> Floats:
        """What a model says of the truth of each row, (rows,): log-odds of a class, or how far a number is off."""
        p = fitted.predict(self.x)
        if self.fold.classes:
            return confidence(p[np.arange(len(p)), self.y.astype(np.int64)])
        return np.asarray(self.y - p[:, 0])

    def losses(self, told: Floats) -> Floats:
        """What that loses, up to what changes no order."""
        return -told if self.fold.classes else np.abs(told)

    def shadows(self, models: int, settings: Local) -> tuple[Floats, Marks]:
        """What shadow models say, (models, rows), each trained on a half of the rows; and whether each row was in it.

        Each row is in half of the models. They begin as the federation did, train as its sites do on their half of the
        rows, all in one place, and add no noise.
        """
        rng = np.random.default_rng([self.job.seed, models])
        inside = np.argsort(rng.random((models, len(self.y))), axis=0) < models // 2
        network = get_network(self.job, self.store, self.job.inputs["weights"])
        tensors, _ = get_weights(self.store, self.job.inputs["weights"])
        x, y = self.x, self.y
        sites = [Site(x=x[own], y=y[own], seed=self.job.seed + number) for number, own in enumerate(inside)]
        told = np.empty(inside.shape)
        for number, update in enumerate(train_sites(network, tensors, sites, settings)):
            moved = {name: tensors[name] + delta for name, delta in update.delta.items()}
            load(network, {**tensors, **moved, **update.statistics})
            told[number] = self.told(fitted_of(network, self.fold))
        return told, inside


def _finite(tensor: NDArray[Any]) -> bool:
    return bool(np.isfinite(tensor).all())


def fitted_of(network: Any, fold: Fold) -> Fitted:
    """A network as a model of a fold."""
    return Fitted(network, np.arange(fold.classes), fold.classes, len(fold.y))
