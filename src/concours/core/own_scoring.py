"""Scoring by a host's own program: what it reads, and what it gives, where that is no metric that is known here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Self

from concours.core.digests import Digest, digest_json
from concours.core.errors import ContentRefused
from concours.core.frozen import frozen
from concours.core.problem import Goal
from concours.core.typed import typed


@dataclass(frozen=True, kw_only=True)
class OwnScoring:
    """A program that scores files, and the truth that it compares them with. A value with a digest, as a problem is.

    Nothing is known of rows: a score has no interval, and a rank no range.

    Attributes:
        metrics: what it gives, by name; the first one ranks.
        scorer: the program.
        truth: what is compared with while a board is open.
        rest: what is compared with in the end; none where that is the same.
        params: what else the job that runs it is told, as JSON: its command, its limits.
    """

    name: str
    metrics: tuple[Goal, ...]
    scorer: Digest
    truth: Digest
    rest: Digest | None = None
    params: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "params", frozen(self.params))

    @cached_property
    def digest(self) -> Digest:
        """Covers everything but the name."""
        return digest_json(self.content)

    @property
    def content(self) -> dict[str, Any]:
        """What the digest covers, as JSON."""
        return {key: value for key, value in self.to_json().items() if key != "name"}

    def to_json(self) -> dict[str, Any]:
        """As JSON; the inverse is `from_json`."""
        return {
            "name": self.name,
            "metrics": [asdict(goal) for goal in self.metrics],
            "scorer": self.scorer,
            "truth": self.truth,
            "rest": self.rest,
            "params": dict(self.params),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`. Raises ContentRefused where it is none."""
        return typed(cls, value)

    @classmethod
    def from_content(cls, content: Mapping[str, Any], like: Self) -> Self:
        """One with that content, of the name of another one. Raises ContentRefused."""
        if not isinstance(content, Mapping):
            raise ContentRefused("it is no object of JSON")
        return cls.from_json({**content, "name": like.name})

    def amiss(self) -> str:
        """What is wrong between its values, which types do not tell."""
        return "" if self.metrics else "metrics: expected one at least"

    @property
    def objects(self) -> frozenset[Digest]:
        """All that the store keeps of it."""
        return frozenset({self.scorer, self.truth, *filter(None, [self.rest])})
