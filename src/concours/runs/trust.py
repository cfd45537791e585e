"""Trust: the question before code runs that is not known (`core.asked`), and what has been agreed to.

Agreement is kept by folder in the user's state directory. For the folder of a contest file it holds the names that the
file may run; for a run folder that was made here, what the contest named when it ran, with the digests of its files: so
what somebody puts into the folder later is asked about, and so is all in a folder that came from elsewhere.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from concours.core.asked import is_elsewhere, shown
from concours.core.errors import TrustError
from concours.core.state import state_file

Trust = Callable[[str], bool]
"""Asked, with a sentence that says what would run: whether it may."""


def permitted(asked: Iterable[str], *, known: Iterable[str], who: str, trust: Trust | None) -> frozenset[str]:
    """What was asked about, once somebody has agreed to all of it that is not known already.

    Args:
        who: would run it, with the verb, e.g. `wine.toml runs`.

    Raises:
        TrustError: nobody has.
    """
    names = frozenset(asked)
    new = names.difference(known)
    if new:
        sentence = f"{who} {' and '.join(_deeds(new))}"
        if trust is None:
            raise TrustError(f"{sentence}; read it, then give trust=lambda question: True")
        if not trust(sentence):
            raise TrustError(f"{sentence}; read it, then add --trust")
    return names


def _deeds(asked: Iterable[str]) -> list[str]:
    """What would be done: code of others is run, rows are sent to others."""
    elsewhere = frozenset(text for text in asked if is_elsewhere(text))
    deeds = {"code from": frozenset(asked) - elsewhere, "models elsewhere, which rows are sent to:": elsewhere}
    return [f"{what} {shown(some)}" for what, some in deeds.items() if some]


def made_here(folder: Path) -> bool:
    """Whether something is remembered of a folder, be it that nothing was to be asked."""
    return str(folder.resolve()) in _known()


def remembered(folder: Path) -> frozenset[str]:
    """What has been agreed to for a folder."""
    return frozenset(_known().get(str(folder.resolve()), ()))


def remember(folder: Path, asked: Iterable[str]) -> None:
    """Remembers what was agreed to. A state directory that cannot be written is no reason to stop."""
    known = {place: names for place, names in _known().items() if Path(place).exists()}
    place = str(folder.resolve())
    known[place] = sorted({*known.get(place, ()), *asked})
    with suppress(OSError):
        file = _file()
        file.parent.mkdir(parents=True, exist_ok=True)
        aside = file.with_name(f"{file.name}.{os.getpid()}")
        aside.write_text(json.dumps(known, indent=2, sort_keys=True))
        aside.replace(file)


def _known() -> dict[str, list[str]]:
    """What the file holds, as far as it has this form."""
    try:
        value = json.loads(_file().read_text())
    except (OSError, ValueError):
        return {}
    pairs = value.items() if isinstance(value, dict) else ()
    return {place: [str(name) for name in names] for place, names in pairs if isinstance(names, list)}


def _file() -> Path:
    return state_file("trusted.json")
