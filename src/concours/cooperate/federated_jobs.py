"""The jobs of a federation: what sites are asked for, and what the server does, on the rows of each fold."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from concours.cooperate.federated import Course, Federation, course_of, drawn
from concours.cooperate.joining import Joining
from concours.cooperate.privacy import Promise
from concours.core.digests import Digest
from concours.core.job import Job
from concours.core.needs import Needs
from concours.core.process import Memo
from concours.core.seeds import derive_seed


@dataclass(frozen=True, kw_only=True)
class Asking(Joining):
    """Names the jobs that train the network of a candidate at sites, each by what is known.

    Attributes:
        federation: who trains together, and how.
        prepares: the job that prepares the rows of each fold; none where they are taken as they are.
        folds: what is trained on: numbers of folds, and none for the whole training part.
        board: the folds whose models stand on the board.
    """

    federation: Federation
    prepares: tuple[Job | None, ...]
    folds: tuple[int | None, ...]
    board: tuple[int | None, ...]

    def asked(self, state: Memo, place: int, number: int, there: Sequence[int]) -> tuple[list[int], random.Random]:
        """Who is asked in a round, of those that have rows, and the chance that goes on from there."""
        chance = random.Random(derive_seed(state.seed, "federation", place, number))  # noqa: S311 (no secret)
        return drawn(there, max(1, round(self.federation.sample * len(there))), chance), chance

    def promise(self, state: Memo, place: int) -> Promise | None:
        """What is promised to the sites of a fold, once it is known how many rows they have; none where nothing is."""
        privacy, begun = self.federation.privacy, state.done(self.begin(state, place))
        if privacy is None or begun is None:
            return None
        rows, label = begun.values["rows"], f"{self.called}: {_word(self.folds[place])}, account"
        return state.kept.once(
            ("promise", place),
            None,
            lambda: Promise.of(privacy, rows, self._taken(state, place, rows), self.federation.local, label),
        )

    def _taken(self, state: Memo, place: int, rows: Sequence[int]) -> list[int]:
        """In how many of all rounds each site takes part."""
        there = [site for site, count in enumerate(rows) if count]
        rounds = Counter(
            site for number in range(self.federation.rounds) for site in self.asked(state, place, number, there)[0]
        )
        return [rounds[site] for site in range(len(rows))]

    def begin(self, state: Memo, place: int) -> Job:
        """The first weights of a fold, and what scales its rows: from what sites tell of their columns."""
        return state.kept.once(
            ("begin", place),
            None,
            lambda: self.job(
                state,
                place,
                "begin_federation",
                "begin",
                params={
                    "sites": len(self.federation.names),
                    **({"private": self.federation.privacy.where} if self.federation.privacy else {}),
                },
                seed=derive_seed(state.seed, "federation", "begin", _word(self.folds[place])),
                outputs=("weights",),
            ),
        )

    def local(self, state: Memo, place: int, course: Course, group: Sequence[int]) -> Job:
        """Trains some sites, from the weights with which a round begins."""
        federation = self.federation
        known: dict[Digest, list[int]] = {}
        for site in group:
            if site in course.controls:
                known.setdefault(course.controls[site], []).append(site)
        kept = {f"controls{number}": sites for number, sites in enumerate(known.values())}
        inputs = {"weights": course.weights, **dict(zip(kept, known, strict=True))}
        if self.federation.controls and course.state:
            inputs["state"] = course.state
        promise = self.promise(state, place)
        private = promise.told("site", state) if promise else {}
        return self.job(
            state,
            place,
            "local",
            f"round {course.number + 1}, {len(group)} sites",
            inputs=inputs,
            params={
                "group": list(group),
                "seeds": [self._seed(state, place, site, course.number) for site in group],
                "local": dict(federation.local),
                "controls": self.federation.controls,
                "lying": [federation.times if site in federation.liars else 1.0 for site in group],
                **({"kept": kept} if kept else {}),
                **({"private": {**private, "noise": [private["noise"][site] for site in group]}} if private else {}),
            },
            outputs=("updates", "controls") if self.federation.controls else ("updates",),
        )

    def aggregate(self, state: Memo, place: int, course: Course, sent: Sequence[Digest]) -> Job:
        """Makes the next weights of what sites sent, and ends a round."""
        federation, begun = self.federation, state.done(self.begin(state, place))
        server = {"strategy": federation.strategy, **federation.server}
        if self.federation.controls and begun:
            server["all_rows"] = sum(begun.values["rows"])
        promise = self.promise(state, place)
        private = promise.told("server", state) if promise else {}
        kept = {"private": {**private, "noise": max(private["noise"])}} if private else {}
        inputs = {"weights": course.weights, **{f"updates{i}": digest for i, digest in enumerate(sent)}}
        return self.job(
            state,
            place,
            "aggregate_round",
            f"round {course.number + 1}, aggregate",
            inputs=inputs | ({"state": course.state} if course.state else {}),
            params={"aggregation": server, **kept, **self.problem.measuring(1)},
            seed=derive_seed(state.seed, "federation", "aggregate", place, course.number),
            outputs=("weights", "state"),
        )

    def settle(self, state: Memo, place: int) -> Job:
        """Keeps the model of the weights that a fold has come to."""
        weights = course_of(state, place).weights
        return state.kept.once(
            ("settle", place),
            weights,
            lambda: self.job(
                state, place, "settle_federation", "settle", inputs={"weights": weights}, outputs=("model",)
            ),
        )

    def home(self, state: Memo, place: int, what: str) -> Job:
        """`alone`, from the first weights for as many epochs as all rounds have; `personal`, from the last ones, the
        last layer for as many as a site has trained in the rounds on average.
        """
        begun = state.done(self.begin(state, place))
        weights = begun.outputs["weights"] if what == "alone" and begun else course_of(state, place).weights
        return state.kept.once((what, place), weights, lambda: self._at_home(state, place, what, weights))

    def _at_home(self, state: Memo, place: int, what: str, weights: Digest | None) -> Job:
        local = {**self.federation.local, "proximal": 0.0}
        epochs, rounds = self.federation.epochs, self.federation.rounds
        taught = max(1, round(self.federation.sample * rounds))
        own = {"epochs": epochs * rounds} if what == "alone" else {"epochs": epochs * taught, "last_only": True}
        fold = self.folds[place]
        outputs = ["valid"] if fold is not None else []
        outputs += ["test"] if fold in self.board and self.problem.test else []
        seeds = [self._seed(state, place, site, what) for site in range(len(self.federation.names))]
        return self.job(
            state,
            place,
            "train_at_home",
            what,
            inputs={"weights": weights},
            params={"local": {**local, **own}, "seeds": seeds},
            outputs=tuple(outputs),
        )

    def job(
        self,
        state: Memo,
        place: int,
        runner: str,
        what: str,
        *,
        inputs: Mapping[str, Digest | None] | None = None,
        params: Mapping[str, Any] | None = None,
        seed: int = 0,
        outputs: tuple[str, ...],
    ) -> Job:
        """A job on the rows of a fold, with what any needs to have the network and them."""
        problem, (candidate,), prepare = self.problem, state.candidates, self.prepares[place]
        entrant, fold, sites = candidate.entrant, self.folds[place], {"sites": self.federation.sites}
        rows = {"x": problem.train.x, **({"test": problem.test.x} if problem.test else {})}
        if prepare:
            outputs_of = state.done(prepare)
            told = outputs_of.outputs if outputs_of else {}
            rows = {("x" if name == "train" else name): digest for name, digest in told.items()}
        if problem.test and self.federation.test_sites:
            sites["test_sites"] = self.federation.test_sites
        own = {name: digest for name, digest in (inputs or {}).items() if digest}
        code = {"code": candidate.code} if candidate.code else {}
        return Job(
            runner=runner,
            inputs={"y": problem.train.y, **problem.dividing, **rows, **sites, **code, **own},
            params={
                "recipe": entrant.recipe,
                "params": dict(entrant.params),
                "fold": fold,
                "prepared": prepare is not None,
                "output": problem.output.told,
                **(params or {}),
            },
            seed=seed,
            threads=self.threads,
            outputs=outputs,
            label=f"{self.called}: {_word(fold)}, {what}",
            needs=Needs.of_params(entrant.params),
        )

    def _seed(self, state: Memo, place: int, site: int, round: int | str) -> int:
        return derive_seed(state.seed, "federation", "site", _word(self.folds[place]), site, round)


def _word(fold: int | None) -> str:
    return "all" if fold is None else f"fold {fold + 1}"
