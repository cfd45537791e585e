"""Where two JSON values differ, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any


def differences(kept: Any, ours: Any, where: str = "") -> Iterator[str]:
    """Where a kept value is not what follows from the journal; lists of named things are compared by name."""
    if isinstance(kept, dict) and isinstance(ours, dict):
        for name in {**ours, **kept}:
            inner = f"{where} {name}".strip()
            if name not in kept:
                yield f"{inner} is missing"
            elif name not in ours:
                yield f"{inner} is {short(kept[name])}; the journal knows of none"
            else:
                yield from differences(kept[name], ours[name], inner)
        return
    named = (
        isinstance(kept, list) and isinstance(ours, list) and all(_names(ours)) and len({*_names(ours)}) == len(ours)
    )
    if named and ours and _names(kept) == _names(ours):
        yield from differences(
            dict(zip(_names(kept), kept, strict=True)), dict(zip(_names(ours), ours, strict=True)), where
        )
        return
    if kept != ours:
        yield f"{where} is {short(kept)}; by the journal it is {short(ours)}"


def _names(items: list[Any]) -> list[str]:
    return [_name(item) for item in items]


def _name(item: Any) -> str:
    return str(item.get("name", "")) if isinstance(item, dict) else ""


def short(value: Any) -> str:
    """A value in sixty letters at most; of a list of named things their names."""
    if isinstance(value, list) and all(_names(value)):
        value = _names(value)
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"
