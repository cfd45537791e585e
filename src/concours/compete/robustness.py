"""Attackers, defenders, and how robust these are: every defender attacked once on the test part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from concours.core.digests import Digest
from concours.core.entrant import Candidate, Entrant
from concours.core.event import Done, Failed
from concours.core.frozen import frozen
from concours.core.job import Job
from concours.core.problem import Part, Problem
from concours.core.process import Memo, MemoProcess, Plan, unfinished
from concours.core.seeds import derive_seed
from concours.core.standings import StandingStatus

FOLD = 0
"""Its rows are not fitted on; attackers choose their settings on them."""

SHARES = (0.25, 0.5, 0.75, 1.0, 1.5)
"""Of ε: the points of a curve, besides no change. The board is for 1."""

SHOWN = 24
"""Rows of pictures that are kept as they are attacked."""

_NETWORKS = "concours.entrants.neural:"
_OF_NUMBERS = (None, "none", "pixels", "matrix")
"""Preparations of networks that these can do without: they scale inputs themselves."""


@dataclass(frozen=True, kw_only=True)
class Attack:
    """An attacker.

    Attributes:
        settings: those that it chooses from, the weakest first.
        training: what it trains defenders with in place of what would take too long there.
        white: whether it follows gradients, and so attacks networks of ours alone.
    """

    settings: tuple[Mapping[str, Any], ...]
    training: Mapping[str, Any] = field(default_factory=lambda: frozen({}))
    white: bool = True


ATTACKS: Mapping[str, Attack] = {
    "fgsm": Attack(settings=({"loss": "cross_entropy"}, {"loss": "margin"})),
    "pgd": Attack(
        settings=(
            {"loss": "cross_entropy", "steps": 10, "step": 0.25, "restarts": 1},
            {"loss": "cross_entropy", "steps": 20, "step": 0.1, "restarts": 2},
            {"loss": "margin", "steps": 20, "step": 0.1, "restarts": 2},
        ),
        training={"steps": 5, "step": 0.4, "restarts": 1},
    ),
    "square": Attack(
        settings=({"queries": 150, "share": 0.3}, {"queries": 150, "share": 0.1}),
        training={"queries": 10},
        white=False,
    ),
}
"""By name; see `concours.entrants.attacks`."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """How a defender did against all attacks on the rows held out, after a round of training.

    Attributes:
        attacks: names, in the order of what follows; `chosen` settings of each, and the share that it `left`.
        clean, worst, stderr: shares of rows named rightly: unchanged, and whatever the attack.
        against: the attack that it was trained against in this round; empty where it was fitted.
    """

    round: int
    model: Digest
    robust: Digest
    attacks: tuple[str, ...]
    chosen: tuple[Mapping[str, Any], ...]
    left: tuple[float, ...]
    clean: float
    worst: float
    stderr: float
    against: str = ""

    def to_json(self) -> dict[str, Any]:
        """What people are told of it."""
        left = dict(zip(self.attacks, self.left, strict=True))
        return {
            "round": self.round, "clean": self.clean, "worst": self.worst, "stderr": self.stderr,
            "against": self.against, "left": left,
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Defender:
    """How far a defender has come.

    Attributes:
        candidate: with the model that goes into the robustness, once there is one.
        trials: after each round, the first of what was fitted.
        best: the trial with the best worst case, the earliest of equal ones.
        failed: what kept it from a first trial.
        ended: why its rounds came to an end.
        hardened: whether it is a network that trains on, on attacked rows.
    """

    candidate: Candidate
    jobs: tuple[Job, ...] = ()
    trials: tuple[Trial, ...] = ()
    failed: Failed | None = None
    ended: str = ""
    hardened: bool = False

    @property
    def best(self) -> Trial | None:
        return max(self.trials, key=lambda trial: (trial.worst, -trial.round), default=None)

    @property
    def status(self) -> StandingStatus:
        if self.failed:
            return "out_of_time" if self.failed.cause == "out_of_time" else "failed"
        return "ok" if self.trials and self.ended else "running"


@dataclass(frozen=True, kw_only=True)
class Robustness(MemoProcess):
    """The evaluation: every defender attacked once on the test part, at several ε, and the board of all.

    Candidates are those of the defenders, in their order.

    Attributes:
        defenders: complete ones.
    """

    problem: Problem
    epsilon: float
    defenders: tuple[Defender, ...]
    attacks: tuple[str, ...] = tuple(ATTACKS)
    rows: int = 300
    threads: int = 1

    @property
    def epsilons(self) -> tuple[float, ...]:
        """The points of the curves, from the least; ε itself is among them."""
        return tuple(sorted({round(min(share * self.epsilon, 1.0), 9) for share in SHARES}))

    def plan(self, state: Memo) -> Plan:
        jobs = self._jobs(state)
        done = [ended for job in jobs if (ended := state.done(job))]
        if jobs and len(done) == len(jobs):
            jobs.append(self._robustness(state, done))
        return unfinished(state, jobs)

    def outcome(self, state: Memo) -> Done | Failed | None:
        """How the last job ended, or the first that failed; see `engine.runners.attack.robustness`."""
        jobs = self._jobs(state)
        ended = [state.ended(job) for job in jobs]
        failed = next((event for event in ended if isinstance(event, Failed)), None)
        done = [event for event in ended if isinstance(event, Done)]
        if failed or not done or len(done) < len(jobs):
            return failed
        return state.ended(self._robustness(state, done))

    def examples(self, state: Memo) -> dict[str, tuple[Digest, Mapping[str, Any]]]:
        """Of pictures, by the name of a defender: the first rows as they are attacked, and what is named there."""
        return {
            defender.candidate.entrant.name: (done.outputs["examples"], done.values)
            for defender, job in zip(self.defenders, self._jobs(state), strict=True)
            if (done := state.done(job)) and "examples" in done.outputs
        }

    def farthest(self, state: Memo) -> float:
        """The greatest change that was made, as a share of the inputs' range."""
        return max((done.values["farthest"] for job in self._jobs(state) if (done := state.done(job))), default=0.0)

    def _jobs(self, state: Memo) -> list[Job]:
        further = {} if self.problem.test else {"folds": self.problem.folds}
        shown = {"shown": SHOWN, "at": self._at} if "pictures" in self.problem.input.can else None
        jobs = []
        for defender in self.defenders:
            best, name = defender.best, defender.candidate.entrant.name
            if best is None:
                raise ValueError(f"{name} has not been through a round")
            attacks = [{"name": a, "settings": [dict(s)]} for a, s in zip(best.attacks, best.chosen, strict=True)]
            jobs.append(
                attacking(
                    self.problem, self._part, name, best.model, attacks, self.epsilons,
                    seed=state.seed, rows=self.rows, threads=self.threads,
                    further={**further, **code_of(defender.candidate)}, label=f"{name}: robustness", shown=shown,
                )
            )  # fmt: skip
        return jobs

    def _robustness(self, state: Memo, done: Sequence[Done]) -> Job:
        made = [defender.best.attacks for defender in self.defenders if defender.best]
        further = {} if self.problem.test else {"folds": self.problem.folds}
        groups = {"groups": self._part.groups} if self._part.groups else {}
        return Job(
            runner="robustness",
            inputs={**{f"robust{i}": event.outputs["robust"] for i, event in enumerate(done)}, **groups, **further},
            params={
                "attacks": [[self.attacks.index(name) for name in names] for names in made],
                "names": list(self.attacks),
                "white": [i for i, name in enumerate(self.attacks) if ATTACKS[name].white],
                "at": 1 + self._at,
                "rows": self.rows,
                "pick": derive_seed(state.seed, "attacked rows"),
                "fold": FOLD,
            },
            threads=self.threads,
            label="evaluate",
        )

    @property
    def _at(self) -> int:
        return self.epsilons.index(round(self.epsilon, 9))

    @property
    def _part(self) -> Part:
        return self.problem.test or self.problem.train


def attacking(
    problem: Problem,
    part: Part,
    name: str,
    model: Digest,
    attacks: Sequence[Mapping[str, Any]],
    epsilons: Sequence[float],
    *,
    seed: int,
    rows: int,
    threads: int,
    further: Mapping[str, Digest],
    label: str,
    shown: Mapping[str, int] | None = None,
) -> Job:
    """A job that attacks a model on a part; the same rows of it whatever the defender.

    Args:
        shown: how many rows are to be kept as they are attacked, and at which of the ε's; none for none.
    """
    return Job(
        runner="attack",
        inputs={"model": model, "x": part.x, "y": part.y, "train": problem.train.x, **further},
        params={
            "recipe": "concours.entrants.attacks:attack",
            "output": problem.output.told,
            "attacks": [dict(attack) for attack in attacks],
            "epsilons": list(epsilons),
            "rows": rows,
            "pick": derive_seed(seed, "attacked rows"),
            "fold": FOLD,
            **(shown or {}),
        },
        seed=derive_seed(seed, name, "besiege"),
        threads=threads,
        outputs=("robust", "examples") if shown else ("robust",),
        label=label,
    )


def is_network(entrant: Entrant) -> bool:
    """Whether attacks that follow gradients can be made on an entrant: it is a network of ours on raw numbers."""
    return entrant.recipe.startswith(_NETWORKS) and entrant.prepare in _OF_NUMBERS


def code_of(candidate: Candidate) -> dict[str, Digest]:
    """The input of a job that runs the user's code of a candidate."""
    return {"code": candidate.code} if candidate.code else {}
