"""Attackers against defenders, in rounds.

Each entrant is fitted on the training side of one fold. Attackers attack it on the rows held out, where they choose
their settings. A network of ours enters a second time: it trains on against the attacker that hurt it most, then all
attack anew, and so on until nothing changes beyond noise. The round with the best worst case on the rows held out is
the defender. Then, once, all are attacked on the test part, with the settings that were chosen before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from concours.compete.robustness import ATTACKS, FOLD, Defender, Trial, attacking, code_of, is_network
from concours.core.digests import Digest
from concours.core.entrant import Candidate, Entrant
from concours.core.event import Done, Failed
from concours.core.job import Job
from concours.core.needs import Needs
from concours.core.problem import Problem
from concours.core.process import Memo, MemoProcess, Plan, unfinished
from concours.core.seeds import derive_seed
from concours.core.standings import Estimate, Standing, Standings

_Z = 1.96
_EPOCHS = 8


@dataclass(frozen=True, kw_only=True)
class Adversarial(MemoProcess):
    """Rounds of attackers against defenders; see the module.

    Law: the worst case of a defender's best round is not below that of any other round of its.

    Attributes:
        epsilon: the greatest change of a number, as a share of the inputs' range, above 0 and at most 1.
        attacks: names of `ATTACKS`.
        rounds: of training on attacked rows, at most; with 0 nobody is trained so.
        rows: that are attacked, at most.
    """

    problem: Problem
    epsilon: float
    attacks: tuple[str, ...] = tuple(ATTACKS)
    rounds: int = 4
    rows: int = 300
    threads: int = 1

    def plan(self, state: Memo) -> Plan:
        return unfinished(state, [job for defender in self.defenders(state) for job in defender.jobs])

    def standings(self, state: Memo) -> Standings:
        """The board by the worst case on the rows held out, the best first."""
        lines = [_line(defender) for defender in self.defenders(state)]
        scored = sorted((line for line in lines if line.cv_score), key=lambda line: -_score(line))
        ranked = [replace(line, rank=rank) for rank, line in enumerate(scored, 1)]
        return Standings((*ranked, *(line for line in lines if not line.cv_score)))

    def defenders(self, state: Memo) -> list[Defender]:
        """How far each has come, in the order of entry, each network followed by itself trained on attacks."""
        found = []
        for candidate in state.candidates:
            found.append(plain := self._plain(state, candidate))
            if self.rounds and is_network(candidate.entrant):
                found.append(self._hardened(state, plain))
        return found

    def made_on(self, entrant: Entrant) -> tuple[str, ...]:
        """The attacks that can be made on an entrant."""
        return tuple(name for name in self.attacks if is_network(entrant) or not ATTACKS[name].white)

    def _plain(self, state: Memo, candidate: Candidate) -> Defender:
        """An entrant as it is fitted."""
        if not self.made_on(candidate.entrant):
            follow = "follows" if len(self.attacks) == 1 else "follow"
            reason = f'{" and ".join(self.attacks)} {follow} gradients, and it has none; add "square" to the attacks'
            return Defender(
                candidate=candidate, failed=Failed(job=candidate.entrant.digest, cause="recipe", reason=reason)
            )
        jobs: list[Job] = []
        prepared: Done | None = None
        if (preparation := _preparation(candidate.entrant)) is not None:
            jobs.append(prepare := self._prepare(state, preparation))
            prepared = state.done(prepare)
            if not prepared:
                return _stopped(state, candidate, jobs)
        jobs.append(fit := self._fit(state, candidate, prepared))
        fitted = state.done(fit)
        if not fitted:
            return _stopped(state, candidate, jobs)
        model = fitted.outputs["model"]
        candidate = replace(candidate, models=(model,), fit_s=fitted.cost.phases.get("fit", 0.0), oof=None, test=None)
        jobs.append(attack := self._attack(state, candidate, model, 0, None))
        done = state.done(attack)
        if not done:
            return _stopped(state, candidate, jobs)
        trial = self._trial(candidate.entrant, done, model, 0, "")
        return Defender(candidate=candidate, jobs=tuple(jobs), trials=(trial,), ended="fitted")

    def _hardened(self, state: Memo, plain: Defender) -> Defender:
        """The same, trained on against the attack that hurt it most, round by round."""
        twin = _twin(plain.candidate, self.epsilon)
        if not plain.trials:
            return Defender(candidate=twin, failed=plain.failed, hardened=True)
        jobs: list[Job] = []
        trials, fit_s, ended = list(plain.trials), plain.candidate.fit_s, ""
        while not ended:
            before = trials[-1]
            if len(trials) > self.rounds:
                ended = f"{self.rounds} rounds"
                break
            against = self._against(before)
            jobs.append(train := self._train(state, twin.entrant, before, against))
            trained = state.done(train)
            if trained:
                model = trained.outputs["model"]
                jobs.append(attack := self._attack(state, twin, model, before.round + 1, before.robust))
            done = state.done(attack) if trained else None
            if not trained or not done:
                failed = next((e for job in jobs if isinstance(e := state.ended(job), Failed)), None)
                if failed and len(trials) == 1:
                    return Defender(candidate=twin, jobs=tuple(jobs), failed=failed, hardened=True)
                ended = failed.reason if failed else ""
                break
            fit_s += trained.cost.wall_s
            trials.append(self._trial(twin.entrant, done, model, before.round + 1, against))
            change, error = done.values["change"], done.values["change_stderr"]
            if len(trials) > 2 and change <= _Z * error:
                ended = "no change beyond noise"
        found = Defender(candidate=twin, jobs=tuple(jobs), trials=tuple(trials[1:]), ended=ended, hardened=True)
        best = found.best
        return replace(found, candidate=replace(twin, models=(best.model,), fit_s=fit_s)) if best else found

    def _against(self, trial: Trial) -> str:
        """The attack that left least, of those that follow gradients if there are any."""
        left = dict(zip(trial.attacks, trial.left, strict=True))
        white = [name for name in left if ATTACKS[name].white]
        return min(white or left, key=lambda name: left[name])

    def _trial(self, entrant: Entrant, done: Done, model: Digest, number: int, against: str) -> Trial:
        names, told = self.made_on(entrant), done.values["attacks"]
        return Trial(
            round=number,
            model=model,
            robust=done.outputs["robust"],
            attacks=names,
            chosen=tuple(ATTACKS[name].settings[one["chosen"]] for name, one in zip(names, told, strict=True)),
            left=tuple(one["left"] for one in told),
            clean=done.values["clean"],
            worst=done.values["worst"],
            stderr=done.values["stderr"],
            against=against,
        )

    def _prepare(self, state: Memo, preparation: str) -> Job:
        return Job(
            runner="prepare",
            inputs={"x": self.problem.train.x, **self.problem.dividing},
            params={"preparation": preparation, "fold": FOLD},
            seed=derive_seed(state.seed, "prepare", preparation, f"fold {FOLD + 1}"),
            threads=self.threads,
            outputs=("train", "transformer"),
            label=f"prepare {preparation}",
        )

    def _fit(self, state: Memo, candidate: Candidate, prepared: Done | None) -> Job:
        problem, entrant = self.problem, candidate.entrant
        inputs = {"x": problem.train.x, "y": problem.train.y, **problem.dividing}
        if prepared:
            inputs |= {"x": prepared.outputs["train"], "transformer": prepared.outputs["transformer"]}
        inputs |= code_of(candidate)
        return Job(
            runner="fit",
            inputs=inputs,
            params={
                "recipe": entrant.recipe,
                "params": dict(entrant.params),
                "fold": FOLD,
                "prepared": prepared is not None,
                "output": problem.output.told,
            },
            seed=derive_seed(state.seed, entrant.digest, "fit", f"fold {FOLD + 1}"),
            threads=self.threads,
            outputs=("model",),
            needs=Needs.of_params(entrant.params),
            label=f"{entrant.name}: fit",
        )

    def _train(self, state: Memo, entrant: Entrant, before: Trial, against: str) -> Job:
        problem, chosen = self.problem, dict(zip(before.attacks, before.chosen, strict=True))[against]
        return Job(
            runner="train_on_attacks",
            inputs={"model": before.model, "x": problem.train.x, "y": problem.train.y, **problem.dividing},
            params={
                "recipe": "concours.entrants.adversaries:harden",
                "attack": against,
                "settings": {**chosen, **ATTACKS[against].training},
                "epsilon": self.epsilon,
                "epochs": _EPOCHS,
                "fold": FOLD,
                "output": problem.output.told,
            },
            seed=derive_seed(state.seed, entrant.digest, "train", before.round + 1),
            threads=self.threads,
            outputs=("model",),
            needs=Needs.of_params(entrant.params),
            label=f"{entrant.name}: round {before.round + 1}, against {against}",
        )

    def _attack(self, state: Memo, candidate: Candidate, model: Digest, number: int, before: Digest | None) -> Job:
        entrant = candidate.entrant
        attacks = [
            {"name": name, "settings": [dict(one) for one in ATTACKS[name].settings]} for name in self.made_on(entrant)
        ]
        further = {"folds": self.problem.folds, **({"before": before} if before else {}), **code_of(candidate)}
        return attacking(
            self.problem, self.problem.train, entrant.name, model, attacks, (self.epsilon,),
            seed=state.seed, rows=self.rows, threads=self.threads, further=further,
            label=f"{entrant.name}: attacked, round {number}",
        )  # fmt: skip


def _preparation(entrant: Entrant) -> str | None:
    return None if is_network(entrant) or entrant.prepare in (None, "none") else entrant.prepare


def _twin(candidate: Candidate, epsilon: float) -> Candidate:
    """The entrant under another name, as it trains on attacked rows."""
    entrant = candidate.entrant
    twin = Entrant(
        name=f"{entrant.name}-hardened",
        recipe=entrant.recipe,
        params={**entrant.params, "hardened": {"epsilon": epsilon}},
        prepare=entrant.prepare,
    )
    return replace(candidate, entrant=twin, models=())


def _stopped(state: Memo, candidate: Candidate, jobs: Sequence[Job]) -> Defender:
    failed = next((event for job in jobs if isinstance(event := state.ended(job), Failed)), None)
    return Defender(candidate=candidate, jobs=tuple(jobs), failed=failed)


def _line(defender: Defender) -> Standing:
    best = defender.best
    return Standing(
        entrant=defender.candidate.entrant,
        cv_score=Estimate(score=best.worst, stderr=best.stderr) if best and defender.ended else None,
        fit_seconds=defender.candidate.fit_s if best else None,
        status=defender.status,
        reason=defender.failed.reason if defender.failed else "",
    )


def _score(line: Standing) -> float:
    return line.cv_score.score if line.cv_score else 0.0
