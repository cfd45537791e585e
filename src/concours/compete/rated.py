"""Ratings of all who played, of their results from the openings that judge, and a game to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from concours.compete.joined import before
from concours.compete.matches import add_forfeits, field_of, openings
from concours.core.entrant import Candidate
from concours.core.job import Job
from concours.core.problem import Problem
from concours.core.process import Memo, MemoProcess, Plan, unfinished
from concours.core.seeds import derive_seed


@dataclass(frozen=True, kw_only=True)
class Rating(MemoProcess):
    """One job rates everybody, alliances too; another plays the two best of the field once more, to be replayed.

    What teams forfeited, or others against them, is in the jobs of the leaderboard in which they met the field.
    """

    problem: Problem
    threads: int = 1

    def plan(self, state: Memo) -> Plan:
        teams = chain.from_iterable(self._teams(state).values())
        return unfinished(state, [self._rate(state), *self._replay(state), *teams])

    def shown(self, state: Memo) -> dict[str, Any]:
        """Ratings, the best first; points of each against each of the field; a game. Small JSON."""
        rated, replays = state.done(self._rate(state)), self._replay(state)
        replay = state.done(replays[0]) if replays else None
        found = dict(rated.values) if rated else {}
        return {**found, "teams": self._of_teams(state), **({"replay": dict(replay.values)} if replay else {})}

    def _of_teams(self, state: Memo) -> dict[str, Any]:
        """Games of teams, and who forfeited how many of them, as of `Matches.shown`."""
        field, told, games = field_of(state.candidates), dict[str, dict[str, Any]](), 0
        for team, jobs in self._teams(state).items():
            for other, done in zip(field, map(state.done, jobs), strict=True):
                if done:
                    games += done.values["games"]
                    add_forfeits(told, done.values["forfeits"], [team, other.entrant.name])
        return {"games": games, "forfeits": told}

    def _teams(self, state: Memo) -> dict[str, list[Job]]:
        """The jobs in which teams have met the field, as the leaderboard asked for them, by name."""
        return {
            team.entrant.name: before(self.problem, team.entrant, joint, self.threads)
            for team in state.candidates
            if (joint := team.entrant.joint) and joint.join.before
        }

    def _rate(self, state: Memo) -> Job:
        return state.kept.once("rate", None, lambda: self._rating(state.candidates))

    def _rating(self, candidates: Sequence[Candidate]) -> Job:
        field = field_of(candidates)
        told = {f"results{i}": c.test or c.oof for i, c in enumerate(candidates)}
        return Job(
            runner="rate_agents",
            inputs={name: digest for name, digest in told.items() if digest},
            params={
                "names": [candidate.entrant.name for candidate in candidates],
                "field": [candidates.index(candidate) for candidate in field],
            },
            label="ratings",
        )

    def _replay(self, state: Memo) -> list[Job]:
        """Of the two of the field that have the most points; none before that is known."""
        rated = state.done(self._rate(state))
        if not rated or len(rated.values["best"]) < 2:
            return []
        best = [state.candidates[place] for place in rated.values["best"]]
        return [state.kept.once("replay", rated.values["best"], lambda: self._replaying(state, best))]

    def _replaying(self, state: Memo, best: Sequence[Candidate]) -> Job:
        own = openings(self.problem)
        codes = {f"code{place}": one.code for place, one in enumerate(best) if one.code}
        return Job(
            runner="replay",
            inputs={
                **{f"agent{place}": one.models[0] for place, one in enumerate(best)},
                **codes,
                "x": own.get("test_x", own["x"]),
            },
            params={"names": [one.entrant.name for one in best], "output": self.problem.output.told},
            seed=derive_seed(state.seed, "meet", *(one.entrant.digest for one in best)),
            threads=self.threads,
            label="a game to replay",
        )
