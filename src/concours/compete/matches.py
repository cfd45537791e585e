"""Matches: all agents get ready, each meets every other one from every opening, and results become predictions.

What an agent brings home from an opening is what others predict of a row. So the leaderboard, alliances, intervals and
ranks are those of any contest; only that the results of one hang on whom else there is: the field.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.event import Done, Failed
from concours.core.job import Job
from concours.core.problem import Problem
from concours.core.process import Memo, MemoProcess, Plan, unfinished
from concours.core.seeds import derive_seed
from concours.core.written import counted

Pair = tuple[int, int]
Told = Mapping[str, Any]
"""As of `compete.shown.Forfeits`."""

FORFEITED: Final[Mapping[str, str]] = {
    "illegal": "played what may not be played",
    "late": "took too long",
    "crashed": "failed",
}
"""Why a game is given up, in words of who did."""


def field_of(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those of a board whom all have met, in the order in which results name them: who is no alliance."""
    return [candidate for candidate in candidates if candidate.entrant.joint is None]


@dataclass(frozen=True, kw_only=True)
class Matches(MemoProcess):
    """All against all, over the openings of both parts, each from both seats.

    Who cannot get ready is not in the field. Where time ends before all matches are over, the field is the longest
    beginning of the candidates of whom all have met.

    Law: the results of two agents do not hang on who else there is.

    Attributes:
        counting: whether results are counted too, which takes moments, and so is done when the time is up.
    """

    problem: Problem
    threads: int = 1
    counting: bool = False

    def plan(self, state: Memo) -> Plan:
        return unfinished(state, self._jobs(state))

    def failed(self, state: Memo) -> dict[str, Failed]:
        """Who is not in the field, and how that came, by name."""
        found = dict[str, Failed]()
        for index, candidate in enumerate(state.candidates):
            ended = state.ended(self._learn(state, index))
            if isinstance(ended, Failed):
                found[candidate.entrant.name] = ended
                continue
            for other in self._ready(state)[: self._ready(state).index(index)] if ended else ():
                over = state.ended(self._meet(state, (other, index)))
                if isinstance(over, Failed) and state.candidates[other].entrant.name not in found:
                    found[candidate.entrant.name] = over
                    break
        return found

    def complete(self, state: Memo) -> list[Candidate]:
        """The field, with results, in its order; nobody where matches or their counting are under way."""
        field = self._field(state)
        done = [state.done(self._count(state, field, index)) for index in field] if self._over(state) else [None]
        if not all(done):
            return []
        return [self._with(state, index, count) for index, count in zip(field, done, strict=True) if count]

    def shown(self, state: Memo) -> dict[str, Any]:
        """Who forfeited how many games to whom and why, by the names of those in the field. Small JSON."""
        field, told, games = self._field(state), dict[str, dict[str, Any]](), 0
        for one, other in self._pairs(field):
            done = state.done(self._meet(state, (one, other)))
            if not done:
                continue
            games += done.values["games"]
            add_forfeits(told, done.values["forfeits"], [state.candidates[i].entrant.name for i in (one, other)])
        return {"games": games, "forfeits": told}

    def _jobs(self, state: Memo) -> list[Job]:
        learning = [self._learn(state, index) for index in range(len(state.candidates))]
        meeting = [self._meet(state, pair) for pair in self._pairs(self._ready(state))]
        field = self._field(state)
        counting = [self._count(state, field, index) for index in field] if self.counting and self._over(state) else []
        return [*learning, *meeting, *counting]

    def _ready(self, state: Memo) -> list[int]:
        return [index for index in range(len(state.candidates)) if state.done(self._learn(state, index))]

    def _over(self, state: Memo) -> bool:
        """Whether all have got ready or not, and all who have have met, or cannot any more."""
        learned = all(state.ended(self._learn(state, index)) for index in range(len(state.candidates)))
        return learned and all(state.ended(self._meet(state, pair)) for pair in self._pairs(self._ready(state)))

    def _field(self, state: Memo) -> list[int]:
        found = list[int]()
        for index in self._ready(state):
            if all(isinstance(state.ended(self._meet(state, (other, index))), Done) for other in found):
                found.append(index)
        return found

    @staticmethod
    def _pairs(indices: Sequence[int]) -> list[Pair]:
        """All pairs, those first of whom all have met that come before the second."""
        return [(one, other) for place, other in enumerate(indices) for one in indices[:place]]

    def _learn(self, state: Memo, index: int) -> Job:
        return state.kept.once(("learn", index), None, partial(self._learning, state, index))

    def _learning(self, state: Memo, index: int) -> Job:
        entrant, code = state.candidates[index].entrant, state.candidates[index].code
        return Job(
            runner="learn_agent",
            inputs={"code": code} if code else {},
            params={"recipe": entrant.recipe, "params": dict(entrant.params), "output": self.problem.output.told},
            seed=derive_seed(state.seed, entrant.digest, "learn"),
            threads=self.threads,
            outputs=("agent",),
            label=f"{entrant.name}: get ready",
        )

    def _meet(self, state: Memo, pair: Pair) -> Job:
        agents = [_agent(state, self._learn(state, index)) for index in pair]
        return state.kept.once(("meet", pair), agents, partial(self._meeting, state, pair, agents))

    def _meeting(self, state: Memo, pair: Pair, agents: Sequence[Digest]) -> Job:
        members = [state.candidates[index] for index in pair]
        codes = {f"code{place}": member.code for place, member in enumerate(members) if member.code}
        named = [member.entrant for member in members]
        return Job(
            runner="meet",
            inputs={
                **{f"agent{place}": agent for place, agent in enumerate(agents)},
                **codes,
                **openings(self.problem),
            },
            params={"output": self.problem.output.told},
            seed=derive_seed(state.seed, "meet", *(entrant.digest for entrant in named)),
            threads=self.threads,
            outputs=parts(self.problem),
            label=f"{named[0].name} against {named[1].name}",
        )

    def _count(self, state: Memo, field: Sequence[int], index: int) -> Job:
        made = tuple(field)
        return state.kept.once(("count", index), made, partial(self._counting, state, field, index))

    def _counting(self, state: Memo, field: Sequence[int], index: int) -> Job:
        """The results of one, opponent by opponent: of those before it in the field it is the second."""
        inputs = dict[str, Digest]()
        for place, other in enumerate(field):
            if other == index:
                continue
            done = state.done(self._meet(state, (min(index, other), max(index, other))))
            inputs |= {f"{part}{place}": done.outputs[part] for part in parts(self.problem)} if done else {}
        return Job(
            runner="count_results",
            inputs=inputs,
            params={"place": list(field).index(index), "field": len(field), "rows": self._rows},
            outputs=parts(self.problem),
            label=f"{state.candidates[index].entrant.name}: results",
        )

    @property
    def _rows(self) -> list[int]:
        return [part.rows for part in (self.problem.train, self.problem.test) if part]

    def _with(self, state: Memo, index: int, count: Done) -> Candidate:
        learned = state.done(self._learn(state, index))
        assert learned  # noqa: S101 (who is in the field is ready)
        return replace(
            state.candidates[index],
            oof=count.outputs["oof"],
            test=count.outputs.get("test"),
            models=(learned.outputs["agent"],),
            fit_s=learned.cost.phases.get("fit", 0.0),
        )


def forfeited(told: Mapping[str, Told]) -> list[str]:
    """A sentence for each who forfeited games, by name."""
    return [
        f"{name} forfeited {counted(sum(each[why] for why in FORFEITED), 'game')}: it "
        + ", ".join(f"{what} in {each[why]}" for why, what in FORFEITED.items() if each[why])
        + f"; the first: {each['first']}"
        for name, each in told.items()
    ]


def add_forfeits(told: dict[str, dict[str, Any]], found: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
    """Adds what two forfeited in their matches (`engine.runners.play.meet`) to what is told of them by name."""
    for forfeit in found:
        none = {"illegal": 0, "late": 0, "crashed": 0, "first": forfeit["told"]}
        told.setdefault(names[forfeit["who"]], none)[forfeit["why"]] += forfeit["games"]


def parts(problem: Problem) -> tuple[str, ...]:
    """The parts of a problem that are played, by name."""
    return ("oof", "test") if problem.test else ("oof",)


def openings(problem: Problem) -> dict[str, Digest]:
    """The openings of both parts, as inputs of a job."""
    return {"x": problem.train.x, **({"test_x": problem.test.x} if problem.test else {})}


def _agent(state: Memo, learn: Job) -> Digest:
    done = state.done(learn)
    assert done  # noqa: S101 (only who is ready is asked for)
    return done.outputs["agent"]
