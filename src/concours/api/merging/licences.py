"""Licences of models that are merged: which of them contradict, and what holds for the model that is made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from concours.core.errors import DataError
from concours.core.visible import shortened, visible

FREE: Final = frozenset(
    (
        *("apache-2.0", "mit", "bsd", "bsd-2-clause", "bsd-3-clause", "isc", "unlicense", "cc0-1.0", "cc-by-4.0"),
        *("cc-by-3.0", "cc-by-2.0", "zlib", "wtfpl", "pddl", "odc-by", "cdla-permissive-1.0", "cdla-permissive-2.0"),
        *("ms-pl", "afl-3.0", "artistic-2.0", "bsl-1.0", "ecl-2.0", "postgresql", "ncsa", "0bsd"),
    )
)
"""Those whose holders let others put their own conditions on what is made of it."""
_SAME: Final = ("gpl-", "agpl-", "gpl", "agpl", "cc-by-sa", "cc-by-nc-sa", "osl-", "eupl-", "odbl")
"""Beginnings of those under which alone, and without other conditions, what is made of it may be passed on."""
_UNCHANGED: Final = ("cc-by-nd", "cc-by-nc-nd")
"""Beginnings of those that let nothing changed be passed on."""


def licence_of(folder: Path) -> str | None:
    """What a model's card says that its licence is; none where it says nothing."""
    card = folder / "README.md"
    if not card.is_file():
        return None
    head = re.match(r"---\s*\n(.*?)\n---\s*(?:\n|$)", card.read_text(encoding="utf-8", errors="replace"), re.S)
    found = re.search(r"^license:[ \t]*[\"']?([^\s\"'#]+)", head[1], re.M) if head else None
    return found[1].lower() if found else None


def licence_for(licences: Mapping[str, str | None]) -> str | None:
    """The licence of a model that is made of others, by their names; `other` where several hold beside one another.

    Returns:
        None where no parent tells one.

    Raises:
        DataError: two contradict one another, or one lets nothing changed be passed on.
    """
    told = {name: licence for name, licence in licences.items() if licence}
    for name, licence in told.items():
        if licence.startswith(_UNCHANGED):
            raise DataError(
                f"the licence of {name}, {_said(licence)}, lets nothing be passed on that was changed. {_CURE}"
            )
    bound = {name: licence for name, licence in told.items() if licence not in FREE}
    for name, licence in bound.items():
        for other, another in bound.items():
            if licence.startswith(_SAME) and another != licence:
                raise DataError(
                    f"the licences of {name}, {_said(licence)}, and of {other}, {_said(another)}, contradict one "
                    f"another: the first lets what is made of it be passed on under itself alone. {_CURE}"
                )
    different = {*bound.values()} or {*told.values()}
    if len(different) > 1 or (bound and len(told) < len(licences)):
        return "other"
    return next(iter(different), None) if len(told) == len(licences) else None


_CURE: Final = "Where the rights are yours, say so in its card (README.md, license: …)"


def _said(licence: str) -> str:
    return shortened(visible(licence), 40)
