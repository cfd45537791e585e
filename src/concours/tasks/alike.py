"""Names that a person would take for one: they differ by blanks or by the case of letters only."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

from concours.core.written import quoted


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


def columns_alike(names: Sequence[str]) -> list[str]:
    """A warning for columns whose names differ by blanks or case only, with the line that leaves one out."""
    found = alike(dict.fromkeys(names, 1))
    return [
        f"columns {other!r} and {name!r} differ in name by blanks or case only; if they are one, leave one out: "
        f"drop = [{quoted(other)}] in [task]"
        for other, name in found.items()
    ]
