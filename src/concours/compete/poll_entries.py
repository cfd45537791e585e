"""Entries of a poll: what somebody may send, and why a signal is not taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from concours.compete.uploads import Upload, called_in, digest_in
from concours.core.digests import is_digest

if TYPE_CHECKING:
    from concours.compete.poll_state import Polled

_LONGEST: Final = 200
_OF_NAMES: Final = ("name", "team", "baseline")
_OF_ANSWERS: Final = (*_OF_NAMES, "file", "called")


@dataclass(frozen=True, kw_only=True)
class Came:
    """An entry, as it came.

    Attributes:
        label: what battles call it.
        team: whose it is; of one that names none, its own.
        baseline: whether it competes without a place.
        answers: to the prompts of the poll, where it has some.
    """

    name: str
    label: str
    team: str
    baseline: bool = False
    answers: Upload | None = None

    @property
    def side(self) -> str:
        """What has one line on the board: a team, or each baseline by itself."""
        return f"baseline {self.label}" if self.baseline else f"team {self.team}"


def came(entry: str, body: Mapping[str, Any], *, answers: bool) -> Came:
    """An entry from the body of its signal.

    Args:
        entry: the id of the signal.
        answers: whether it is to bring a file with its answers. Names of such entries need not differ, so battles call
            them by their ids.

    Raises:
        ValueError: it is none; the message says why, to who sent it.
    """
    known = _OF_ANSWERS if answers else _OF_NAMES
    if more := sorted(set(body) - set(known)):
        raise ValueError(f"who joins this poll has {', '.join(known)}, and nothing called {more[0]!r:.60}")
    name, team, baseline = body.get("name"), body.get("team", entry), body.get("baseline", False)
    for what, text in (("name", name), ("team", team)):
        if not (isinstance(text, str) and 1 <= len(text) <= _LONGEST and text == text.strip()):
            raise ValueError(
                f"a {what} must be a text of 1 to {_LONGEST} characters, without blanks around; got {text!r:.60}"
            )
    if not isinstance(baseline, bool):
        raise ValueError(f"baseline must be true or false, got {baseline!r:.60}")  # noqa: TRY004 (one error for all)
    sent = Upload(file=digest_in("file", body.get("file")), called=called_in(body)) if answers else None
    return Came(name=str(name), label=entry if answers else str(name), team=team, baseline=baseline, answers=sent)


# Why a signal is not taken


def refusal_of(state: Polled, name: str, body: Mapping[str, Any], *, answers: bool) -> str:
    """Why a poll does not take a signal; empty where it does. Follows from the signals that it has taken."""
    if state.closed:
        return f"the poll was closed at {state.closed}"
    if name == "joined":
        return _joining(state, body, answers=answers)
    return _REFUSALS[name](state, body)


def _joining(state: Polled, body: Mapping[str, Any], *, answers: bool) -> str:
    try:
        entry = came("entry", body, answers=answers)
    except ValueError as error:
        return str(error)
    if not answers and entry.name in {other.name for other in state.entries.values()}:
        return f"somebody called {entry.name!r} has joined before"
    return ""


def _withdrawing(state: Polled, body: Mapping[str, Any]) -> str:
    if set(body) == {"voter"}:
        voter = body["voter"]
        if not (isinstance(voter, str) and 1 <= len(voter) <= _LONGEST):
            return f"a voter is named by a text, as votes name them; got {voter!r:.60}"
        return f"the votes of {voter!r} were left out before" if voter in state.unheard else ""
    entry = body.get("entry")
    if not isinstance(entry, str) or entry not in state.entries:
        return f"no entry {entry!r:.60} has joined; name it by the id of the signal with which it did"
    return f"{entry!r} was withdrawn before" if entry in state.withdrawn else ""


def _voting(state: Polled, body: Mapping[str, Any]) -> str:  # noqa: ARG001 (the form of a refusal)
    votes = body.get("votes")
    if more := sorted(set(body) - {"votes"}):
        return f"a batch is named by its votes, and has nothing called {more[0]!r:.60}"
    return "" if is_digest(votes) else f"votes are named by the digest of what was stored, sha256:…; got {votes!r:.60}"


_REFUSALS: Mapping[str, Callable[[Polled, Mapping[str, Any]], str]] = {
    "withdrawn": _withdrawing,
    "voted": _voting,
    "opted": lambda *_: "a poll has no alliance",
    "merged": lambda *_: "a poll asks for each entry by itself, whosever it is",
    "rescored": lambda *_: "a poll has nothing to rescore",
    "closed": lambda *_: "",
}
