"""Names that a person would take for one: they differ by blanks or by the case of letters only."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping


def plain(name: str) -> str:
    """A name without what the eye overlooks: blanks, marks that are not seen, capitals, and forms of one character."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(c for c in folded if not c.isspace() and unicodedata.category(c) != "Cf") or name


def alike(counts: Mapping[str, int]) -> dict[str, str]:
    """Names that differ from another by blanks or case only, each with the one that comes most often.

    Args:
        counts: how often each name comes.

    Law: a name that is in the values is not among the keys.
    """
    meant: dict[str, str] = {}
    found: dict[str, str] = {}
    for name in sorted(counts, key=lambda name: (-counts[name], name)):
        first = meant.setdefault(plain(name), name)
        if first != name:
            found[name] = first
    return found
