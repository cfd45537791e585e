"""What a platform answers, as frozen records. What it says beyond that is left alone, so that it may be newer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, is_dataclass
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from concours.core.errors import ContentRefused, PlatformRefused
from concours.core.typed import typed

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A competition, in one line. stage: `open`, `coming`, `finished` or `draft`; member: whether you take part."""

    slug: str
    title: str
    subtitle: str
    stage: str
    begins: str
    ends: str
    teams: int
    member: bool


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Some of the competitions that were asked for, and how many there are."""

    competitions: tuple[Listed, ...]
    total: int


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A stretch of time in which submissions are taken: `predictions`, `code` or both."""

    id: int
    key: str
    title: str
    state: str
    begins: str
    ends: str
    takes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class File:
    """A file that members may fetch."""

    path: str
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Competition:
    """A competition. rules: whether some have to be accepted; phase: the key of the one that counts now."""

    slug: str
    title: str
    subtitle: str
    state: str
    rules: bool
    phases: tuple[Phase, ...]
    phase: str
    files: tuple[File, ...]
    member: bool


@dataclass(frozen=True, kw_only=True)
class Declared:
    """A competition as its hosts have it.

    Attributes:
        state: `draft`, `checking`, `published`, `closed` or `archived`.
        version: how often it was changed.
        checked: what reading this version's data has found; none where it was not read, or cannot be.
        complaint: why it cannot be read.
    """

    slug: str
    state: str
    version: int
    checked: Mapping[str, Any] | None
    complaint: str


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Rules, in Markdown; by their version they are accepted."""

    version: str
    text: str
    accepted: str | None


@dataclass(frozen=True, kw_only=True)
class Membership:
    """That you take part, and in which team."""

    team: int
    team_name: str


@dataclass(frozen=True, kw_only=True)
class Left:
    """How many may still be sent; none where there is no limit. why: why none is possible now."""

    phase: str
    used_today: int
    used: int
    per_day: int | None
    total: int | None
    left: int | None
    next_at: str | None
    why: str


@dataclass(frozen=True, kw_only=True)
class Submission:
    """A submission.

    Attributes:
        state: `waiting`, `running`, `scored`, `failed` or `stopped`.
        metrics, intervals: on the public rows; private: on the rest, once the phase has ended.
        reason: why there is no score.
    """

    id: int
    phase: str
    team: int | None
    name: str
    brings: str
    called: str
    at: str
    state: str
    message: str
    reason: str
    final: bool
    metrics: Mapping[str, float | None]
    intervals: Mapping[str, Any]
    private: Mapping[str, float | None] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self.state not in ("waiting", "running")


@dataclass(frozen=True, kw_only=True)
class Log:
    """What a run has printed since it was asked for last, and its numbers."""

    state: str
    text: str
    number: int
    progress: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """What is measured, and which way is better."""

    name: str
    greater_is_better: bool


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of a board: its rank and the places that the data cannot rule out; none of a baseline."""

    rank: int | None
    best: int | None
    worst: int | None
    team: int | None
    name: str
    baseline: bool
    entry: int | None
    score: float | None
    interval: tuple[float, float] | None
    metrics: Mapping[str, float | None]
    entries: int
    moved: int | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class Board:
    """A board. part: whether it shows the `public` or the `private` rows; alliance: what all achieve together."""

    competition: str
    phase: str
    phase_title: str
    key: str
    title: str
    part: str
    metrics: tuple[Metric, ...]
    rank_by: str
    rows: tuple[Row, ...]
    alliance: Mapping[str, Any] | None
    updated: str | None
    over: bool


@dataclass(frozen=True, kw_only=True)
class Finals:
    """The submissions that your team is ranked by in the end; `default` where none is chosen."""

    phase: str
    chosen: tuple[int, ...]
    default: int | None
    most: int


@dataclass(frozen=True, kw_only=True)
class Account:
    """Somebody's account."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Me:
    """Who you are to the platform."""

    account: Account


@dataclass(frozen=True, kw_only=True)
class Made:
    """A token that was made for you."""

    token: str
    user: str


def read(kind: type[T], value: Any) -> T:
    """An answer as a record. Raises PlatformRefused: it is none."""
    try:
        return typed(kind, _known(kind, value))
    except ContentRefused as error:
        raise PlatformRefused(f"the platform answers what is not understood here ({error}): is it Concours?") from None


def _known(kind: Any, value: Any) -> Any:
    """The parts of a value that a type knows; lists as the tuples that records have."""
    if is_dataclass(kind) and isinstance(value, Mapping):
        return {name: _known(hint, value[name]) for name, hint in get_type_hints(kind).items() if name in value}
    arguments = get_args(kind)
    if get_origin(kind) is tuple and isinstance(value, list):
        return tuple(_known(arguments[0], item) for item in value)
    if get_origin(kind) in (Union, UnionType) and value is not None:
        return _known(next(one for one in arguments if one is not type(None)), value)
    return value
