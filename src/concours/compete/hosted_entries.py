"""Entries of a hosted board: what somebody may send, and why a signal is not taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from concours.compete.uploads import Upload, called_in, digest_in
from concours.core.digests import Digest, is_digest
from concours.core.entrant import Candidate, Entrant, Role
from concours.core.had import content_file

if TYPE_CHECKING:
    from concours.compete.hosted_board import Board

_LONGEST: Final = 200
MOST_FINALS: Final = 2

_COMMON: Final = ("name", "team", "baseline")
_WAYS: Final[Mapping[str, tuple[str, ...]]] = {
    "predictions": (),
    "file": ("called",),
    "program": ("called",),
    "recipe": ("params", "prepare", "code"),
}
"""What an entry brings, one of them, and what may stand beside it."""


@dataclass(frozen=True, kw_only=True)
class Joined:
    """An entry, as it came.

    Attributes:
        team: whose it was when it came; of one that names none, its own.
        baseline: whether it competes without a place.
        number: how many had joined before it.
        predictions: values in the form of the task's output, by digest.
        file: an upload with predictions.
        program: an upload that is run, and writes a file with predictions.
        candidate: a recipe to fit.
    """

    name: str
    team: str
    number: int
    baseline: bool = False
    predictions: Digest | None = None
    file: Upload | None = None
    program: Upload | None = None
    candidate: Candidate | None = None

    @property
    def entrant(self) -> Entrant:
        """What a board shows of it."""
        if self.candidate:
            return self.candidate.entrant
        what, sent = next(
            (what, sent) for what in ("predictions", "file", "program") if (sent := getattr(self, what)) is not None
        )
        params = {"called": sent.called, "digest": sent.file} if isinstance(sent, Upload) else {"digest": sent}
        return Entrant(name=self.name, recipe=what, params=params, prepare="none", role=_role(baseline=self.baseline))


def joined(entry: str, number: int, body: Mapping[str, Any]) -> Joined:
    """An entry from the body of its signal.

    Args:
        entry: the id of the signal.
        number: how many have joined before.

    Raises:
        ValueError, TypeError: it is none; the message says why, to who sent it.
    """
    way = _way(body)
    name, team, baseline = body.get("name"), body.get("team", entry), body.get("baseline", False)
    for what, text in (("name", name), ("team", team)):
        if not (isinstance(text, str) and text.strip() and len(text) <= _LONGEST):
            raise ValueError(f"the {what} of an entry must be a text of 1 to {_LONGEST} characters, got {text!r:.60}")
    if not isinstance(baseline, bool):
        raise TypeError(f"baseline must be true or false, got {baseline!r:.60}")
    who: dict[str, Any] = {"name": name, "team": team, "baseline": baseline, "number": number}
    if way == "recipe":
        return Joined(**who, candidate=_candidate(body))
    digest = digest_in(way, body[way])
    sent: dict[str, Any] = {way: Upload(file=digest, called=called_in(body)) if _WAYS[way] else digest}
    return Joined(**who, **sent)


def _way(body: Mapping[str, Any]) -> str:
    """What an entry brings."""
    known = sorted({*_COMMON, *_WAYS, *(beside for some in _WAYS.values() for beside in some)})
    if unknown := sorted(set(body) - set(known)):
        raise ValueError(f"an entry has {', '.join(known)}, and nothing called {unknown[0]!r:.60}")
    ways = [way for way in _WAYS if body.get(way) is not None]
    if len(ways) != 1:
        raise ValueError(
            f"an entry brings {', '.join(_WAYS)}, one of them, and this one has {' and '.join(ways) or 'none'}"
        )
    if more := sorted(set(body) - {*_COMMON, ways[0], *_WAYS[ways[0]]}):
        raise ValueError(f"an entry with {ways[0]} has no {more[0]}")
    return ways[0]


def _candidate(body: Mapping[str, Any]) -> Candidate:
    recipe, params, prepare, code = (
        body["recipe"],
        body.get("params", {}),
        body.get("prepare", "none"),
        body.get("code"),
    )
    if not (isinstance(recipe, str) and isinstance(params, Mapping) and isinstance(prepare, str)):
        raise TypeError("an entry has its recipe and prepare as texts, and params by name")
    code = None if code is None else digest_in("code", code)
    role = _role(baseline=bool(body.get("baseline")))
    entrant = Entrant(name=body["name"], recipe=recipe, params=params, prepare=prepare, role=role)
    if not entrant.had.fitted and not entrant.had.asked:
        raise ValueError(f"what is {entrant.had.what} is sent as predictions, and not as a recipe")
    if content_file(entrant.recipe) is not None and code is None:
        raise ValueError(f"the recipe {entrant.recipe!r:.60} names a file; its content is sent as code")
    return Candidate(entrant=entrant, code=code)


def _role(*, baseline: bool) -> Role:
    return "baseline" if baseline else "single"


# Why a signal is not taken


def refusal_of(state: Board, name: str, body: Mapping[str, Any]) -> str:
    """Why a board does not take a signal; empty where it does. Follows from the signals that it has taken."""
    if state.closed and name not in _AFTER_THE_END:
        return f"the board was closed at {state.closed}"
    return _REFUSALS[name](state, body)


def way_of(body: Mapping[str, Any]) -> str:
    """What an entry brings that is taken otherwise; empty of one that brings nothing that is known."""
    return next((way for way in _WAYS if body.get(way) is not None), "")


def _joining(state: Board, body: Mapping[str, Any]) -> str:
    try:
        joined("entry", len(state.entries), body)
    except (ValueError, TypeError) as error:
        return str(error)
    return ""


def _withdrawing(state: Board, body: Mapping[str, Any]) -> str:
    entry = body.get("entry")
    if not isinstance(entry, str) or entry not in state.entries:
        return f"no entry {entry!r:.60} has joined; name it by the id of the signal with which it did"
    return f"{entry!r} was withdrawn before" if entry in state.withdrawn else ""


def _rescoring(state: Board, body: Mapping[str, Any]) -> str:  # noqa: ARG001 (the form of a refusal)
    problem = body.get("problem")
    return "" if is_digest(problem) else f"a problem is named by its digest, sha256:…; got {problem!r:.60}"


def _opting(state: Board, body: Mapping[str, Any]) -> str:  # noqa: ARG001 (the form of a refusal)
    team = body.get("team", "all")
    if set(body) - {"team", "alliance"} or not isinstance(body.get("alliance"), bool) or not isinstance(team, str):
        return f"a team, or the whole board, opts by {{team, alliance: true or false}}; got {dict(body)!r:.60}"
    return ""


def _merging(state: Board, body: Mapping[str, Any]) -> str:
    team, into = body.get("team"), body.get("into")
    if set(body) != {"team", "into"} or not isinstance(team, str) or not isinstance(into, str):
        return f"teams are merged by {{team, into}}; got {dict(body)!r:.60}"
    if team in state.into:
        return f"team {team!r:.60} was merged before, into {state.home(team)!r:.60}"
    return f"team {team!r:.60} cannot be merged into itself" if state.home(into) == team else ""


def _closing(state: Board, body: Mapping[str, Any]) -> str:
    finals = body.get("finals", {})
    if not isinstance(finals, Mapping) or set(body) - {"finals"}:
        return f"a board is closed with finals, {{team: [entries]}}, or with nothing; got {sorted(body)!r:.60}"
    return next(filter(None, (_choosing(state, team, chosen) for team, chosen in finals.items())), "")


def _choosing(state: Board, team: Any, chosen: Any) -> str:
    """What is wrong with the finals of a team."""
    if (
        not isinstance(chosen, (list, tuple))
        or not 1 <= len(chosen) <= MOST_FINALS
        or len({*map(str, chosen)}) < len(chosen)
    ):
        return f"team {team!r:.60} has 1 to {MOST_FINALS} different finals; got {chosen!r:.60}"
    for entry in chosen:
        of = state.entries.get(entry) if isinstance(entry, str) else None
        if of is None or of.baseline or state.team_of(entry) != team:
            return f"{entry!r:.60} is no entry of team {team!r:.60} with a place, and cannot be its final"
        if entry in state.withdrawn:
            return f"{entry!r:.60} was withdrawn, and cannot be a final of team {team!r:.60}"
    return ""


_AFTER_THE_END = ("withdrawn", "rescored")
_REFUSALS: Mapping[str, Callable[[Board, Mapping[str, Any]], str]] = {
    "joined": _joining,
    "withdrawn": _withdrawing,
    "rescored": _rescoring,
    "opted": _opting,
    "merged": _merging,
    "voted": lambda *_: "this board takes no votes",
    "closed": _closing,
}
