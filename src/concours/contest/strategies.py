"""Strategies: which ways to join are taken, of whom, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from concours.contest.forms import POSITIVE, Form, check, is_of, list_of, whole
from concours.core.errors import ContestError, nearest
from concours.core.joins import JOINS, Join
from concours.core.visible import shortened, visible

Written = str | Mapping[str, Any]
"""A strategy as a contest file has it: its name, or a table with a name, a way to join, and whom to join."""

_WHERE = "cooperate.strategies"
_TOLD = 200

STRATEGY = {
    "name": Form("a text", is_of(str)),
    "how": Form("a text", is_of(str)),
    "of": Form("a list of two or more different names", lambda v: list_of(is_of(str))(v) and len(set(v)) == len(v) > 1),
    "rounds": whole(1, 10),
    "costs": Form("a table of a number above 0 for each name of `of`", lambda v: _are_costs(v)),
    "budget": POSITIVE,
}
"""The keys of a table of `cooperate.strategies`; all but `rounds`, `costs` and `budget` are needed."""

_TAKEN: Mapping[str, tuple[Callable[[Join], bool], str]] = {
    "rounds": (lambda join: join.rounds > 0, "in {!r} nobody reads what others say; rounds are"),
    "costs": (lambda join: join.chooses, "{!r} asks everybody about everything; costs are"),
    "budget": (lambda join: join.chooses, "{!r} asks everybody about everything; a budget is"),
}
"""Those, with which ways to join take them, and what is said to others."""


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """One way to join, as a contest takes it.

    Attributes:
        name: of the alliance.
        how: a name of `core.joins.JOINS`.
        of: names of the alliances and single entrants that it joins; empty for all single entrants.
        rounds: of reading what others say, for a way to talk; 0 for as many as is usual.
        costs: of asking each of them about a row, by name, for a way to join of calls; empty where that is measured.
        budget: what asking about a row may cost on average, for such a way, in the unit of costs; none where it is
            open.
    """

    name: str
    how: str
    of: tuple[str, ...] = ()
    rounds: int = 0
    costs: Mapping[str, float] = field(default_factory=dict)
    budget: float | None = None

    def amiss(self) -> str:
        """What is wrong with it, which types do not tell."""
        if self.how not in JOINS:
            return f"{self.how!r} is no way to join; {nearest(self.how, JOINS)}"
        if self.rounds and not JOINS[self.how].rounds:
            return f"rounds: in {self.how!r} nobody reads what others say"
        right = not self.costs or (self.costs.keys() == set(self.of) and _are_costs(self.costs))
        return "" if right else f"costs: expected {STRATEGY['costs'].words}"

    def to_json(self) -> dict[str, Any]:
        """The strategy as JSON; rounds, costs and a budget where there are any."""
        costs = {"costs": dict(self.costs)} if self.costs else {}
        rounds = {"rounds": self.rounds} if self.rounds else {}
        budget = {} if self.budget is None else {"budget": self.budget}
        return {"name": self.name, "how": self.how, "of": list(self.of), **rounds, **costs, **budget}


def read_strategies(
    written: Sequence[Written], entrants: Collection[str] | None = None, baselines: Collection[str] = ()
) -> tuple[Strategy, ...]:
    """The strategies that somebody named, each once.

    Args:
        entrants: names of the single entrants; where they are not known yet, whom tables join is not checked.
        baselines: names of those on the board that no alliance joins.

    Raises:
        ContestError: one of them is wrong; the message says which, and what it must be.
    """
    found = [_read(index, value) for index, value in enumerate(written, 1)]
    strategies = {strategy.name: strategy for strategy in found}
    tables = [strategy for strategy in found if strategy.of]
    for strategy in tables:
        if [one.name for one in found].count(strategy.name) > 1:
            raise ContestError(f"{_WHERE}: {strategy.name!r} is the name of two strategies; choose another")
        if strategy.name in (*(entrants or ()), *baselines):
            raise ContestError(f"{_WHERE}: {strategy.name!r} is the name of an entrant; choose another")
        for name in strategy.of:
            if name in baselines:
                raise ContestError(f"{_WHERE}: {strategy.name!r} joins {name!r}, a baseline, which no alliance joins")
            _require_known(strategy, name, strategies, entrants)
            if JOINS[strategy.how].of == "weights" and name in strategies:
                raise ContestError(
                    f"{_WHERE}: {strategy.name!r} merges weights of single entrants, and {name!r} is an alliance; name "
                    "entrants in its `of`, or join it by another way"
                )
    if left := _in_a_circle(strategies):
        raise ContestError(
            f"{_WHERE}: {', '.join(left)} join one another in a circle; leave one of them out of an `of`"
        )
    return tuple(strategies.values())


def rounds(strategies: Sequence[Strategy]) -> Iterator[list[Strategy]]:
    """Strategies in the order in which they can be made: first those that join single entrants alone, then theirs."""
    waiting = list(strategies)
    while waiting:
        names = {strategy.name for strategy in waiting}
        ready = [strategy for strategy in waiting if not names.intersection(strategy.of)]
        if not ready:
            return
        yield ready
        waiting = [strategy for strategy in waiting if strategy not in ready]


def _in_a_circle(strategies: Mapping[str, Strategy]) -> list[str]:
    """Those that join themselves by way of others; not who only joins one of them."""
    made = {strategy.name for ready in rounds(list(strategies.values())) for strategy in ready}
    left = [name for name in strategies if name not in made]
    while idle := [name for name in left if not any(name in strategies[other].of for other in left)]:
        left = [name for name in left if name not in idle]
    return left


def _read(index: int, value: Any) -> Strategy:
    if isinstance(value, str):
        return Strategy(name=value, how=_known_way(value, _WHERE))
    if not isinstance(value, Mapping):
        raise ContestError(
            f"{_WHERE}: {shortened(repr(value), _TOLD)} is neither a name nor a table of name, how and of"
        )
    where = f"{_WHERE} {index}" + (
        f" ({shortened(visible(value['name']), _TOLD)})" if isinstance(value.get("name"), str) else ""
    )
    plain: dict[str, Any] = {key: list(item) if isinstance(item, tuple) else item for key, item in value.items()}
    check(where, plain, STRATEGY)
    for key in STRATEGY:
        if key not in plain and key not in _TAKEN:
            raise ContestError(f"{where}: {key} is missing; a table has name, how and of")
    name = plain["name"]
    if not name.isprintable() or name != name.strip() or not name:
        raise ContestError(f"{where}: a name must be of letters, on one line, without blanks around it")
    if name in JOINS.own:
        raise ContestError(f"{where}: {name!r} is the name of a way to join; choose another")
    how = _known_way(plain["how"], f"{where}.how")
    for key, (takes, why) in _TAKEN.items():
        if key in plain and not takes(JOINS[how]):
            ways = " or ".join(repr(name) for name, join in JOINS.own.items() if takes(join))
            raise ContestError(f"{where}.{key}: {why.format(how)} for {ways}")
    costs, rounds, budget = _costs(plain, f"{where}.costs"), plain.get("rounds", 0), plain.get("budget")
    of = tuple(plain["of"])
    return Strategy(name=name, how=how, of=of, rounds=rounds, costs=costs, budget=budget and float(budget))


def _costs(table: Mapping[str, Any], where: str) -> dict[str, float]:
    """What it costs to ask each member, as a table declares it."""
    if "costs" not in table:
        return {}
    costs: dict[str, float] = {name: float(cost) for name, cost in table["costs"].items()}
    if missing := [name for name in table["of"] if name not in costs]:
        raise ContestError(f"{where}: {shortened(repr(missing[0]), _TOLD)} is missing; give what each of `of` costs")
    if strange := [name for name in costs if name not in table["of"]]:
        raise ContestError(
            f"{where}: {shortened(repr(strange[0]), _TOLD)} is not in `of`; {nearest(strange[0][:_TOLD], table['of'])}"
        )
    return costs


def _are_costs(value: Any) -> bool:
    return isinstance(value, Mapping) and all(POSITIVE.accepts(cost) for cost in value.values())


def _known_way(how: str, where: str) -> str:
    if how not in JOINS:
        known = [name for name in JOINS if not JOINS[name].declared]
        raise ContestError(f"{where}: {shortened(repr(how), _TOLD)} is not known; {nearest(how[:_TOLD], known)}")
    if JOINS[how].declared:
        raise ContestError(f"{where}: {how!r} is no strategy; write a table [{JOINS[how].declared}]")
    return how


def _require_known(
    strategy: Strategy, name: str, strategies: Mapping[str, Strategy], entrants: Collection[str] | None
) -> None:
    if name == strategy.name:
        raise ContestError(f"{_WHERE}: {name!r} joins itself; name others in its `of`")
    if entrants is None or name in strategies or name in entrants:
        return
    if name in JOINS:
        why = f"which is not among the strategies; add {name!r} to them"
    else:
        others = dict.fromkeys(one for one in (*strategies, *entrants, *JOINS) if one != strategy.name)
        why = f"which is neither a strategy nor an entrant; {nearest(name[:_TOLD], others)}"
    raise ContestError(f"{_WHERE}: {strategy.name!r} joins {shortened(repr(name), _TOLD)}, {why}")
