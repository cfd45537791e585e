"""What is sent of a task to those who read their rows elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Schema:
    """What a site must know of a task to read its rows: what stands in the contest file, the output, and its labels."""

    kind: str
    target: str | int
    output: Mapping[str, Any]
    classes: tuple[str | int | float | bool, ...] = ()
    drop: tuple[str, ...] = ()
    labels: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        lists = {"classes": list(self.classes), "drop": list(self.drop)}
        lists["missing"] = None if self.missing is None else list(self.missing)  # type: ignore[assignment]
        return {**vars(self), **lists, **{name: dict(getattr(self, name)) for name in ("output", "labels", "columns")}}
