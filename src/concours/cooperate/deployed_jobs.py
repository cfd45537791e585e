"""The jobs of a federation of real sites: what each of them is asked for, and what is done at the server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from concours.cooperate.privacy import Privacy
from concours.core.digests import Digest, digest_json
from concours.core.event import Done
from concours.core.job import Job
from concours.core.needs import Needs
from concours.core.problem import Problem
from concours.core.process import Memo
from concours.core.seeds import derive_seed

_SENT = ("schema", "like", "transformer")
_OWN = {
    "secret_keys": ("secret",),
    "share_secrets": ("secret",),
    "masked_at_site": ("x", "y", "secret"),
    "reveal_shares": ("secret",),
}
"""What is a site's own of what a kind of job reads; its rows, where nothing else is said."""


@dataclass(frozen=True, kw_only=True)
class Among:
    """How real sites train together. A value.

    Attributes:
        sites: their names.
        task: what of the task a site must know to read its rows, as JSON of `engine.schemas.Schema`.
        strategy, rounds, sample: as of a federation in one process.
        local: how sites train, as JSON of `entrants.federated.Local`.
        server: what else the server does, as JSON of `kernels.federating.strategies.Aggregation`.
        privacy: what is promised of each row, or of each site; none where nothing is.
        secure: whether the server sees no more than the sum of what sites send.
    """

    problem: Problem
    sites: tuple[str, ...]
    task: Mapping[str, Any]
    strategy: str = "fedavg"
    rounds: int = 20
    sample: float = 1.0
    local: Mapping[str, Any] = field(default_factory=dict)
    server: Mapping[str, Any] = field(default_factory=dict)
    privacy: Privacy | None = None
    secure: bool = False
    threads: int = 1

    @property
    def guarded(self) -> bool:
        """Whether nothing that comes of a site's rows leaves it bare: then of its columns nothing does either, and no
        model of its own.
        """
        return self.secure or self.privacy is not None


@dataclass(frozen=True)
class Asking:
    """Names the jobs of a federation.

    Attributes:
        common: what all of them read: `schema`, `like`, and what rows are prepared by and to.
        taken: in how many rounds each site is asked at most.
        hiding: the `bound` and the `noise` by which the server hides sites; none where it does not.
    """

    of: Among
    state: Memo
    common: Mapping[str, Digest]
    taken: Mapping[str, int] = field(default_factory=dict)
    hiding: Mapping[str, float] = field(default_factory=dict)

    def first(self, site: str) -> Job:
        """What is asked of a site before the rounds: counts and sums of its columns, or how many rows it has."""
        if self.of.guarded:
            return self._at(site, "site_rows", (), what="a count of rows")
        return self._at(site, "site_sums", ("sums",), what="counts and sums")

    def own_sums(self) -> Job:
        """Counts and sums of the server's columns, where sites tell nothing of theirs."""
        inputs = {"x": self._rows, "y": self.of.problem.train.y}
        return self._home("site_sums", inputs, "counts and sums of the server", ("sums",))

    def begin(self, known: Sequence[Done]) -> Job:
        """The first weights."""
        inputs = {f"sums{place}": done.outputs["sums"] for place, done in enumerate(known)}
        inputs |= {"example": self._rows}
        private = {"private": self.of.privacy.where} if self.of.privacy else {}
        return self._home("begin_at_sites", inputs, "the first weights", ("weights",), private)

    @property
    def _rows(self) -> Digest:
        return self.common.get("train", self.of.problem.train.x)

    def local(self, site: str, number: int, weights: Digest) -> Job:
        """A site's part of a round."""
        return self._at(
            site,
            "train_at_site",
            ("update",),
            inputs={"weights": weights},
            params=self._training(site),
            seed=self._seed(site, number),
            what=f"round {number + 1}",
        )

    def keys(self, site: str, number: int) -> Job:
        """Keys of a site for a round that is summed up unseen."""
        return self._at(site, "secret_keys", ("keys",), seed=self._seed(site, number), what=f"round {number + 1}, keys")

    def shares(self, site: str, number: int, inputs: Mapping[str, Digest], place: Mapping[str, int]) -> Job:
        """Parts of a site's secrets for its neighbours."""
        what = f"round {number + 1}, parts of secrets"
        return self._at(site, "share_secrets", ("sealed",), inputs=inputs, params=place, what=what)

    def masked(
        self, site: str, number: int, weights: Digest, inputs: Mapping[str, Digest], place: Mapping[str, int]
    ) -> Job:
        """A site's part of a round, masked. Of as many addends as there are sites."""
        return self._at(
            site,
            "masked_at_site",
            ("masked",),
            inputs={"weights": weights, **inputs},
            params={**self._training(site), **place, "addends": len(self.of.sites)},
            seed=self._seed(site, number),
            what=f"round {number + 1}",
        )

    def reveal(
        self, site: str, number: int, inputs: Mapping[str, Digest], place: Mapping[str, int], present: Sequence[int]
    ) -> Job:
        """What a site knows of its neighbours' secrets, so that masks can be taken off the sum."""
        what = f"round {number + 1}, taking masks off"
        params = {**place, "present": list(present)}
        return self._at(site, "reveal_shares", ("shares",), inputs=inputs, params=params, what=what)

    def _training(self, site: str) -> dict[str, Any]:
        """How a site trains; and what is promised of its rows, over all rounds that it may be asked in."""
        local, privacy = {"local": dict(self.of.local)}, self.of.privacy
        if privacy is None or privacy.where != "site":
            return local
        return {**local, "private": {**privacy.told, "rounds": max(1, self.taken[site])}}

    def _seed(self, site: str, number: int) -> int:
        return derive_seed(self.state.seed, "federation", "site", site, number)

    def alone(self, site: str, weights: Digest) -> Job:
        """A site that trains for itself, from the first weights, for as many epochs as all rounds have."""
        epochs = int(self.of.local.get("epochs", 1)) * self.of.rounds
        return self._at(
            site,
            "train_at_site",
            ("update",),
            inputs={"weights": weights},
            params={"local": {**self.of.local, "epochs": epochs, "proximal": 0.0}},
            seed=derive_seed(self.state.seed, "federation", "site", site, "alone"),
            what="alone",
        )

    def aggregate(self, number: int, weights: Digest, server: Digest | None, sent: Sequence[Digest]) -> Job:
        """The end of a round."""
        inputs = {f"update{place}": digest for place, digest in enumerate(sent)}
        inputs |= {"weights": weights, **({"state": server} if server else {})}
        runner = "aggregate_hiding" if self.hiding else "aggregate_sites"
        params = {**self._aggregation, **({"private": dict(self.hiding)} if self.hiding else {})}
        return self._home(runner, inputs, f"round {number + 1}", ("weights", "state"), params)

    def aggregate_masked(
        self,
        number: int,
        weights: Digest,
        server: Digest | None,
        inputs: Mapping[str, Digest],
        near: Mapping[str, Sequence[int]],
    ) -> Job:
        """The end of a round that is summed up unseen."""
        inputs = {**inputs, "weights": weights, **({"state": server} if server else {})}
        params = {**self._aggregation, "near": {place: list(others) for place, others in near.items()}}
        return self._home("aggregate_masked", inputs, f"round {number + 1}", ("weights", "state"), params)

    @property
    def _aggregation(self) -> dict[str, Any]:
        return {"aggregation": {"strategy": self.of.strategy, **self.of.server}}

    def kept(self, weights: Digest, alone: Done | None = None) -> Job:
        """Keeps a model: of some weights, or of where a site got to from them."""
        inputs = {name: digest for name, digest in self.common.items() if name == "transformer"}
        inputs |= {"weights": weights, **({"update": alone.outputs["update"]} if alone else {})}
        return self._home("keep_federated", inputs, "the model", ("model",))

    def _at(
        self,
        site: str,
        runner: str,
        outputs: tuple[str, ...],
        *,
        inputs: Mapping[str, Digest] | None = None,
        params: Mapping[str, Any] | None = None,
        seed: int = 0,
        what: str,
    ) -> Job:
        """A job at a site, on what is its own: that stands in it under names which mean something to the site alone."""
        own = {name: digest_json({"rows of": site, "part": name}) for name in _OWN.get(runner, ("x", "y"))}
        common = {name: digest for name, digest in self.common.items() if "x" in own and name in _SENT}
        job = Job(
            runner=runner,
            inputs={**own, **common, **(inputs or {})},
            params={**self._network, **(params or {})},
            seed=seed,
            threads=self.of.threads,
            outputs=outputs,
            label=f"federated: {what} of {site}",
            needs=Needs(site=site),
        )
        return self._once(job)

    def _home(
        self,
        runner: str,
        inputs: Mapping[str, Digest],
        what: str,
        outputs: tuple[str, ...],
        params: Mapping[str, Any] | None = None,
    ) -> Job:
        """A job at the server."""
        job = Job(
            runner=runner,
            inputs=inputs,
            params={**self._network, **(params or {})},
            seed=derive_seed(self.state.seed, "federation", runner),
            threads=self.of.threads,
            outputs=outputs,
            label=f"federated: {what}",
        )
        return self._once(job)

    def _once(self, job: Job) -> Job:
        """The job as it was named before, if it was, since then its digest is known."""
        return self.state.kept.once((job.runner, job.label), job, lambda: job)

    @property
    def _network(self) -> dict[str, Any]:
        (candidate,) = self.state.candidates
        entrant = candidate.entrant
        return {"recipe": entrant.recipe, "params": dict(entrant.params), "output": self.of.problem.output.told}
