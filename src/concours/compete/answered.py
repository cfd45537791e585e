"""What came of a question that a state had under way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Self, TypeVar

from concours.core.event import Done, Failed
from concours.core.frozen import frozen

Asked = TypeVar("Asked")


@dataclass(frozen=True, kw_only=True)
class Answered(Generic[Asked]):
    """What was asked, and the values of the job that answered, or why it did not."""

    asked: Asked
    values: Mapping[str, Any] = field(default_factory=lambda: frozen({}))
    reason: str = ""

    @classmethod
    def of(cls, asked: Asked, event: Done | Failed) -> Self:
        if isinstance(event, Failed):
            return cls(asked=asked, reason=event.reason)
        return cls(asked=asked, values=event.values)
