"""Forms as pages show them again: with what was typed, and what was wrong beside each field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Form:
    """What stands in the fields of a form.

    Attributes:
        typed: texts by field.
        faults: what is wrong, by field.
        fault: what is wrong with it as a whole.
    """

    typed: Mapping[str, str] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
    fault: str = ""


EMPTY = Form()
