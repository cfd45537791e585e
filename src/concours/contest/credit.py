"""Credit as a result tells it: what the members of an alliance are worth, and who needs whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from concours.cooperate.terms import terms_of
from concours.core.entrant import Entrant
from concours.core.frozen import frozen
from concours.core.typed import typed
from concours.kernels.credit.shares import passed_down as multiplied


@dataclass(frozen=True, kw_only=True)
class Part:
    """What a member is worth.

    Attributes:
        shapley: its part of the gain, in the units of the ranking metric.
        stderr: of that.
        share: the same as a share of the whole gain, negative of one that harms; none where the gain is not clear
            (`kernels.credit.shares`).
        lost: what the alliance would lose without it, in the same units (leave-one-out); below 0 of one that harms.
        lost_stderr: of that.
        joining_share: its share in what the alliance is ahead of its best member; none where that is not clear.
    """

    shapley: float
    stderr: float
    share: float | None
    lost: float
    lost_stderr: float
    joining_share: float | None


@dataclass(frozen=True, kw_only=True)
class Need:
    """Two members: above 0 they need one another, below 0 one can stand for the other."""

    first: str
    second: str
    value: float
    stderr: float


@dataclass(frozen=True, kw_only=True, repr=False)
class Credit:
    """What the members of an alliance are worth to it (`engine.runners.credit` says how that is found).

    Attributes:
        value: the ranking metric of all members together, turned so that higher is better; before calibration, where
            it is a metric of probabilities.
        prior: the same of who knows the training part's targets alone.
        gain_stderr: the standard error of the gain, which is their difference.
        best: the member that is worth most alone.
        ahead, ahead_stderr: what all are worth together less that one, and the standard error.
        part: `test`, or `oof` where there is no test part.
        exact: whether all coalitions were looked at, or some by chance.
        members: by name, the worthiest first; those with no weight are left out, as they are worth nothing.
        interactions: pairs, those that need one another most first; none where it is not exact.
        singles: of an alliance of alliances, the shares of the single entrants in it, by name: credit multiplies down,
            and what comes to one of them in several ways adds up; none of one where a share on the way is none.
    """

    value: float
    prior: float
    gain_stderr: float
    best: str
    ahead: float
    ahead_stderr: float
    part: str
    exact: bool
    members: Mapping[str, Part]
    interactions: tuple[Need, ...] = ()
    singles: Mapping[str, float | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "singles", frozen(self.singles))
        object.__setattr__(self, "members", frozen(self.members))

    @property
    def gain(self) -> float:
        """What the alliance is better by than the prior; the members' parts add up to it."""
        return self.value - self.prior

    @property
    def shared(self) -> bool:
        """Whether the gain is clear enough to be shared out."""
        return any(part.share is not None for part in self.members.values())

    @property
    def joined(self) -> bool:
        """Whether the alliance is clearly ahead of its best member, so that this is shared out."""
        return any(part.joining_share is not None for part in self.members.values())

    def words(self, metric: str) -> str:
        """What joining gained, over guessing and over the best member; and why it is not shared out where it is not."""
        gained = f"{self.gain:.4g} ± {self.gain_stderr:.2g} in {metric} over guessing"
        if self.shared:
            return f"gains {gained}, {self.ahead_words()}"
        if not self.gain_stderr:
            return f"gains {gained}: these rows do not tell how sure that is, so it is not shared out"
        if self.gain <= 2 * self.gain_stderr:
            return f"gains {gained}: too little here to share out"
        return f"gains {gained}: too little beside what its members help and harm by to be shared out"

    def ahead_words(self) -> str:
        """How far the alliance is ahead of its best member, and whether that is clear."""
        if self.ahead <= 0:
            return f"nothing over {self.best}, its best member"
        told = f"{self.ahead:.2g} ± {self.ahead_stderr:.1g} over {self.best}, its best member"
        if self.joined:
            return told
        return f"{told}, {'within the noise' if self.ahead <= 2 * self.ahead_stderr else 'too little to be shared out'}"

    def singles_words(self) -> str:
        """Of an alliance of alliances, what comes to each single entrant in it; otherwise nothing."""
        told = sorted(self.singles.items(), key=lambda item: (item[1] is None, -(item[1] or 0.0)))
        known = [f"{name} {share:.1%}" for name, share in told if share is not None]
        without = [name for name, share in told if share is None]
        if not told:
            return ""
        if not known:
            return "of its single entrants none has a share: some alliance on the way shares nothing out"
        return f"passed down: {', '.join(known)}" + (f"; no share for {' and '.join(without)}" if without else "")

    def __repr__(self) -> str:
        shares = [
            f"{name} {part.share:.0%} ± {part.stderr / self.gain:.0%}"
            for name, part in self.members.items()
            if part.share is not None
        ]
        return f"<{self.words('the metric')}{': ' if shares else ''}{', '.join(shares)}>"

    @classmethod
    def of(cls, names: Sequence[str], part: str, values: Mapping[str, Any]) -> Self:
        """Credit from the values of a job, for members of these names."""
        nobody = [None] * len(names)
        columns = {
            "shapley": values["shapley"],
            "stderr": values["stderr"],
            "share": values["shares"] or nobody,
            "lost": values["lost"],
            "lost_stderr": values["lost_stderr"],
            "joining_share": values["joining_shares"] or nobody,
        }
        rows = zip(*columns.values(), strict=True)
        members = {name: Part(**dict(zip(columns, row, strict=True))) for name, row in zip(names, rows, strict=True)}
        needs = [Need(first=names[i], second=names[j], value=v, stderr=e) for i, j, v, e in values["interactions"]]
        return cls(
            **{name: values[name] for name in ("value", "prior", "gain_stderr", "ahead", "ahead_stderr", "exact")},
            best=names[values["best"]],
            part=part,
            members=dict(sorted(members.items(), key=lambda item: -item[1].shapley)),
            interactions=tuple(sorted(needs, key=lambda need: -need.value)),
        )

    def to_json(self) -> dict[str, Any]:
        """The credit as JSON."""
        needs = [[need.first, need.second, need.value, need.stderr] for need in self.interactions]
        known = {name: value for name, value in vars(self).items() if name != "singles"}
        return {
            **known,
            "members": {name: vars(part) for name, part in self.members.items()},
            "interactions": needs,
            **({"singles": dict(self.singles)} if self.singles else {}),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`. Raises ContentRefused where it is no credit."""
        found = typed(list[tuple[str, str, float, float]], value.get("interactions"), "interactions")
        needs = [Need(first=first, second=second, value=v, stderr=e) for first, second, v, e in found]
        return typed(cls, {**value, "interactions": needs})


def passed_down(credit: Mapping[str, Credit], entrants: Mapping[str, Entrant]) -> dict[str, Credit]:
    """The same credit, with the shares of the single entrants in alliances of alliances.

    Args:
        credit: by the name of the alliance; none of one with a single member that counts, to whom all of it comes, nor
            where it could not be found.
        entrants: those on the board, by name, alliances after those that they join.
    """
    names = {entrant.digest: name for name, entrant in reversed(list(entrants.items()))}
    below: dict[str, dict[str, float]] = {}
    for name, entrant in entrants.items():
        if entrant.joint is None:
            below[name] = {name: 1.0}
        elif name in credit:
            below[name] = _below(credit[name], below)
        elif len(counting := terms_of(entrant.joint, by_fold=False).members) == 1:
            below[name] = below[names[counting[0]]]
        else:  # where it is found out of nobody, all that it joins are without a share
            parents = [names[digest] for digest in counting or entrant.joint.parents]
            below[name] = dict.fromkeys((single for parent in parents for single in below[parent]), np.nan)
    nested = {n for n, each in credit.items() if any(entrants[member].joint for member in each.members)}
    told = {n: {single: None if np.isnan(v) else v for single, v in below[n].items()} for n in nested}
    return {n: replace(each, singles=told[n]) if n in nested else each for n, each in credit.items()}


def _below(credit: Credit, below: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Shares of single entrants, NaN of one where a share on the way is none."""
    singles = list(dict.fromkeys(single for member in credit.members for single in below[member]))
    shares = [np.nan if part.share is None else part.share for part in credit.members.values()]
    parts = [[below[member].get(single, 0.0) for single in singles] for member in credit.members]
    return dict(zip(singles, multiplied(np.array(shares), np.array(parts)).tolist(), strict=True))
