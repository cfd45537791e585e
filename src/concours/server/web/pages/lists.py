"""Long lists, in parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlencode


@dataclass(frozen=True, kw_only=True)
class Pages:
    """Parts of a long list, from 1, and the address of each: `before` with the number behind."""

    page: int
    pages: int
    before: str

    def address(self, page: int) -> str:
        return f"{self.before}{page}"

    @classmethod
    def of(cls, total: int, each: int, page: int, path: str, **query: Any) -> Self:
        """Of a list of so many in parts of so many, at an address. The last part where there are fewer."""
        pages = max(1, -(-total // each))
        asked = urlencode({name: value for name, value in query.items() if value})
        before = f"{path}?{asked}{'&' if asked else ''}part="
        return cls(page=min(max(1, page), pages), pages=pages, before=before)
