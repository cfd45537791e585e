"""JSON in columns of texts."""

from __future__ import annotations

import json
from typing import Any

from concours.core.digests import canonical_json


def text_of(value: Any) -> str:
    """A JSON value as a column keeps it. Raises ValueError: it is none."""
    return canonical_json(value).decode()


def json_of(text: str) -> Any:
    """The inverse of `text_of`."""
    return json.loads(text)
