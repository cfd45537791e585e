"""What is told of a federation so that it can be trusted: credit of sites, who looks like a liar, and an attack on it.

Of the first fold, whose rounds are looked at again. It tells only: nothing that is planned reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from concours.cooperate.federation import Federating
from concours.core.digests import Digest
from concours.core.event import Failed
from concours.core.job import Job
from concours.core.process import Memo, MemoProcess, Plan, unfinished
from concours.core.seeds import derive_seed

_PASSES = 4
"""How often each site leads an order in which the sites of a round join, at most."""

_PLACE = 0


@dataclass(frozen=True, kw_only=True)
class Trust(MemoProcess):
    """Looks into a federation that has ended.

    Attributes:
        federating, ended: the process, and its state.
        others: further models of the first fold that are attacked for comparison, by name.
    """

    federating: Federating
    ended: Memo
    others: Mapping[str, Digest]

    def plan(self, state: Memo) -> Plan:
        return unfinished(state, list(self._jobs().values()))

    def shown(self, state: Memo) -> dict[str, Any]:
        """Of each kind its values, or, where it could not be told, `reason`; nothing of one that was not begun."""
        found: dict[str, Any] = {}
        for what, job in self._jobs().items():
            event = state.ended(job)
            if isinstance(event, Failed):
                found[what] = {"reason": event.reason}
            elif event:
                found[what] = dict(event.values)
        names = {"models": [self.federating.how, *self.others]} if "attack" in found else {}
        return {**found, **names}

    def _jobs(self) -> dict[str, Job]:
        """None where there has been no round."""
        inputs: dict[str, Digest | None] = {}
        rounds = []
        for number, (round, _) in enumerate(self.federating.history(self.ended, _PLACE)):
            if (job := round.aggregate) is None:
                break
            kept = {n: d for n, d in job.inputs.items() if n in ("weights", "state") or n.startswith("updates")}
            inputs |= {f"{number}/{name}": digest for name, digest in kept.items()}
            private = {"private": job.params["private"]} if "private" in job.params else {}
            rounds.append({"aggregation": job.params["aggregation"], "seed": job.seed, **private})
        if not rounds:
            return {}
        sites = len(self.federating.federation.names)
        jobs = {
            "credit": self._job(
                "credit_sites", inputs, {"rounds": rounds, "sites": sites, "passes": _PASSES, **self._measuring}
            ),
            "suspects": self._job("suspect_sites", inputs, {"rounds": rounds}),
        }
        model = self.federating.model(self.ended, _PLACE)
        return {**jobs, "attack": self._attack(model, inputs["0/weights"])} if model else jobs

    @property
    def _measuring(self) -> Mapping[str, Any]:
        return self.federating.problem.measuring(1)

    def _attack(self, model: Digest, weights: Digest | None) -> Job:
        federation = self.federating.federation
        models = {f"model{number}": digest for number, digest in enumerate([model, *self.others.values()])}
        epochs = int(federation.local.get("epochs", 1)) * max(1, round(federation.sample * federation.rounds))
        local = {**federation.local, "epochs": epochs, "proximal": 0.0}
        return self._job("attack_members", {"weights": weights, **models}, {"local": local, "models": len(models)})

    def _job(self, runner: str, inputs: Mapping[str, Digest | None], params: Mapping[str, Any]) -> Job:
        seed = derive_seed(self.ended.seed, "federation", runner)
        return self.federating.job(
            self.ended, _PLACE, runner, runner.replace("_", " "), inputs=inputs, params=params, seed=seed, outputs=()
        )
