"""Events: what a process is told. They are all that a contest remembers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args

from concours.core.digests import Digest, canonical_json, digest_json, is_digest
from concours.core.frozen import frozen

SHORT = "short"
"""The value of a job that says why it yielded less than it was to, where it came to the end of what might be spent."""

BUDGET_SPENT = "the contest's time was up"

Cause = Literal[
    "exception",
    "crash",
    "out_of_time",
    "out_of_memory",
    "output_limit",
    "missing_package",
    "no_machine",
    "recipe",
    "no_space",
    "lost_input",
    "harm",
    "unanswered",
    "absent",
    "parted",
]
"""`no_machine`: the executor has none with what the job needs. `unanswered`: what the job asked elsewhere gave no
answer, or not for the money that there was. `no_space` and `lost_input` say nothing of the entrant: the disk was full,
or what the job reads is gone or damaged. `absent`: the site that has the job's rows was not there, and the others went
on without it, so it is not done later.
`harm`: after the job, what it reads was gone. That has another try, which is the last. `parted`: one of the workers
that did it together was lost; whoever placed them does it again."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a job used. Seconds and bytes; `phases` are seconds by name, e.g. of `fit` and `predict`."""

    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_bytes: int = 0
    phases: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "phases", frozen(self.phases))


@dataclass(frozen=True, kw_only=True)
class Done:
    """A job has ended well: digests of what it yielded, small JSON values, and its cost."""

    job: Digest
    outputs: Mapping[str, Digest] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    cost: Cost = Cost()

    def __post_init__(self) -> None:
        object.__setattr__(self, "outputs", frozen(self.outputs))
        object.__setattr__(self, "values", frozen(self.values))


@dataclass(frozen=True, kw_only=True)
class Failed:
    """A job has ended badly.

    Attributes:
        cause: what kind of failure.
        reason: one line for a person.
        limit: the limit that was met, in seconds or bytes, where one was.
        cost: what was used until then.
    """

    job: Digest
    cause: Cause
    reason: str
    limit: float | None = None
    cost: Cost = Cost()

    @property
    def retryable(self) -> bool:
        """Whether the same job could end well under other limits or in another environment."""
        return self.cause not in ("exception", "recipe", "output_limit", "crash", "absent")

    @property
    def budget_spent(self) -> bool:
        """Whether it is not the job that took too long, but the contest's time that was up."""
        return self.cause == "out_of_time" and self.reason.startswith(BUDGET_SPENT)


@dataclass(frozen=True, kw_only=True)
class Tick:
    """Time has passed: seconds of the contest so far, over all its sessions."""

    elapsed_s: float


SignalName = Literal["joined", "withdrawn", "voted", "rescored", "opted", "merged", "closed"]


@dataclass(frozen=True, kw_only=True)
class Signal:
    """Something has happened outside, which a process is to know of.

    Attributes:
        id: chosen by who sends it: what has the same id is the same signal, however often it comes.
        to: the name of the process that it is for.
        name: what has happened.
        body: JSON values; which ones depends on the name.
        at: when it came in, by the clock of who took it in: UTC, as `utc_now` writes it.
    """

    id: str
    to: str
    name: SignalName
    body: Mapping[str, Any] = field(default_factory=dict)
    at: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "body", frozen(self.body))

    @property
    def content(self) -> Digest:
        """What it says, whenever it came: two signals of one id are the same if this is."""
        return digest_json([self.to, self.name, dict(self.body)])


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A signal was not taken, and why; its process was not told of it."""

    signal: Signal
    reason: str


Outcome = Done | Failed
Event = Done | Failed | Tick | Signal | Refused
_TYPES: dict[str, type[Done] | type[Failed] | type[Tick] | type[Signal] | type[Refused]] = {
    "done": Done,
    "failed": Failed,
    "tick": Tick,
    "signal": Signal,
    "refused": Refused,
}
_LONGEST = 200


def utc_now() -> str:
    """The time in UTC to the microsecond, as signals carry it: `2026-01-31T23:59:59.000000+00:00`."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def event_to_json(event: Event) -> dict[str, Any]:
    """The event as JSON, its type under `type`."""
    values = {name: _plain(value) for name, value in vars(event).items()}
    return {"type": type(event).__name__.lower(), **values}


def event_from_json(value: Mapping[str, Any]) -> Event:
    """The inverse of `event_to_json`.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: the value is not an event, or what should be a digest in it is
            something else.
    """
    fields = dict(value)
    kind = _TYPES[fields.pop("type")]
    if isinstance(fields.get("cost"), Mapping):
        fields["cost"] = Cost(**fields["cost"])
    if kind is Refused:
        fields["signal"] = Signal(**fields["signal"])
    event = kind(**fields)
    _require(event)
    return event


def signal_from_json(value: Mapping[str, Any]) -> Signal:
    """A signal from its five values, for what comes from outside.

    Raises:
        TypeError, ValueError, AttributeError: it is none; the message says what is wrong with it.
    """
    signal = Signal(**value)
    texts = (("id", signal.id), ("to", signal.to))
    for name, text in texts:
        if not (isinstance(text, str) and 0 < len(text) <= _LONGEST):
            raise ValueError(f"the {name} of a signal must be a text of 1 to {_LONGEST} characters, got {text!r:.60}")
    if signal.name not in get_args(SignalName):
        raise ValueError(f"a signal must be one of {', '.join(get_args(SignalName))}; got {signal.name!r:.60}")
    if not all(isinstance(name, str) for name in signal.body):
        raise ValueError("the body of a signal must have names for its values")
    if not _is_utc(signal.at):
        raise ValueError(f"the time of a signal must be in UTC, such as {utc_now()}; got {signal.at!r:.60}")
    canonical_json(dict(signal.body))
    return signal


def _require(event: Event) -> None:
    """That a value read from a file is what its type says."""
    if isinstance(event, (Signal, Refused)):
        signal, reason = (event, "") if isinstance(event, Signal) else (event.signal, event.reason)
        signal_from_json(vars(signal))
        right = isinstance(reason, str)
    elif isinstance(event, Tick):
        right = _is_number(event.elapsed_s)
    elif isinstance(event, Failed):
        right = event.cause in get_args(Cause) and isinstance(event.reason, str)
        right = right and (event.limit is None or _is_number(event.limit)) and _is_cost(event.cost)
    else:
        right = (
            all(map(is_digest, event.outputs.values())) and isinstance(event.values, Mapping) and _is_cost(event.cost)
        )
    if not (right and (not isinstance(event, (Done, Failed)) or is_digest(event.job))):
        raise ValueError("this is no event of a contest, or what should be a digest in it is something else")


def _is_utc(text: object) -> bool:
    try:
        return isinstance(text, str) and datetime.fromisoformat(text).utcoffset() == timedelta(0)
    except ValueError:
        return False


def _is_cost(cost: object) -> bool:
    return isinstance(cost, Cost) and all(
        map(_is_number, (cost.wall_s, cost.cpu_s, cost.peak_bytes, *cost.phases.values()))
    )


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value) and not isinstance(value, bool)


def _plain(value: Any) -> Any:
    if isinstance(value, (Cost, Signal)):
        return {name: _plain(item) for name, item in vars(value).items()}
    return dict(value) if isinstance(value, Mapping) else value
