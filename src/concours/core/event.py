"""Events: what a process is told. They are all that a contest remembers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from concours.core.digests import Digest, is_digest
from concours.core.frozen import frozen

BUDGET_SPENT = "the contest's time was up"

Cause = Literal[
    "exception",
    "crash",
    "out_of_time",
    "out_of_memory",
    "output_limit",
    "missing_package",
    "recipe",
    "no_space",
    "lost_input",
    "harm",
]
"""`no_space` and `lost_input` say nothing of the entrant: the disk was full, or what the job reads is gone or damaged.
`harm`: after the job, what it reads was gone. That has another try, which is the last."""


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
        return self.cause not in ("exception", "recipe", "output_limit", "crash")

    @property
    def budget_spent(self) -> bool:
        """Whether it is not the job that took too long, but the contest's time that was up."""
        return self.cause == "out_of_time" and self.reason.startswith(BUDGET_SPENT)


@dataclass(frozen=True, kw_only=True)
class Tick:
    """Time has passed: seconds of the contest so far, over all its sessions."""

    elapsed_s: float


Event = Done | Failed | Tick
_TYPES: dict[str, type[Done] | type[Failed] | type[Tick]] = {"done": Done, "failed": Failed, "tick": Tick}


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
    event = kind(**fields)
    _require(event)
    return event


def _require(event: Event) -> None:
    """That a value read from a file is what its type says."""
    if isinstance(event, Tick):
        right = _is_number(event.elapsed_s)
    elif isinstance(event, Failed):
        right = event.cause in get_args(Cause) and isinstance(event.reason, str)
        right = right and (event.limit is None or _is_number(event.limit)) and _is_cost(event.cost)
    else:
        right = (
            all(map(is_digest, event.outputs.values())) and isinstance(event.values, Mapping) and _is_cost(event.cost)
        )
    if not (right and (isinstance(event, Tick) or is_digest(event.job))):
        raise ValueError("this is no event of a contest, or what should be a digest in it is something else")


def _is_cost(cost: object) -> bool:
    return isinstance(cost, Cost) and all(
        map(_is_number, (cost.wall_s, cost.cpu_s, cost.peak_bytes, *cost.phases.values()))
    )


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value) and not isinstance(value, bool)


def _plain(value: Any) -> Any:
    if isinstance(value, Cost):
        return {name: _plain(item) for name, item in vars(value).items()}
    return dict(value) if isinstance(value, Mapping) else value
