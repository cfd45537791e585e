"""Which platforms somebody has logged in to from this machine, and the tokens for them, readable for them alone."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from concours.core.errors import ContentRefused, ContestError
from concours.core.state import config_file
from concours.core.typed import typed


@dataclass(frozen=True, kw_only=True)
class Logins:
    """Tokens by the address of their platform; `last` is the one that was logged in to last."""

    last: str = ""
    tokens: dict[str, str] = field(default_factory=dict)


def place() -> Path:
    """The file that they lie in."""
    return config_file("logins.json")


def known() -> Logins:
    """What was kept. Raises ContestError: the file is damaged."""
    try:
        return typed(Logins, json.loads(place().read_bytes()))
    except FileNotFoundError:
        return Logins()
    except (ValueError, ContentRefused):
        raise ContestError(f"{place()} is damaged: delete it, and log in again") from None


def keep(url: str, token: str) -> None:
    """Keeps a token."""
    logins = known()
    _write(replace(logins, last=url, tokens={**logins.tokens, url: token}))


def forget(url: str) -> str:
    """Forgets the token of a platform, and gives it; empty if there was none."""
    logins = known()
    tokens = {other: token for other, token in logins.tokens.items() if other != url}
    last = logins.last if logins.last != url else next(reversed(tokens), "")
    _write(Logins(last=last, tokens=tokens))
    return logins.tokens.get(url, "")


def _write(logins: Logins) -> None:
    """A file that is there whole or not at all, and that nobody else may read at any time."""
    file = place()
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=file.parent)
    with os.fdopen(handle, "w") as aside:
        json.dump(vars(logins), aside)
    os.replace(name, file)
