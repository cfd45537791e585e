"""Words for what stands in the database, as pages say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final


def N_(text: str) -> str:  # noqa: N802 (as gettext's tools look for it)
    """Marks a text for the catalogues; it is said where it is shown."""
    return text


WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "theme": {"system": N_("as the system"), "light": N_("light"), "dark": N_("dark")},
    "competition": {
        "draft": N_("draft"),
        "checking": N_("being checked"),
        "published": N_("published"),
        "coming": N_("coming"),
        "open": N_("open"),
        "closed": N_("finished"),
        "archived": N_("archived"),
    },
    "phase": {
        "waiting": N_("to come"),
        "open": N_("open"),
        "closing": N_("being closed"),
        "closed": N_("finished"),
    },
    "submission": {
        "waiting": N_("waiting"),
        "running": N_("running"),
        "scored": N_("scored"),
        "failed": N_("failed"),
        "stopped": N_("stopped"),
    },
    "brings": {"predictions": N_("predictions"), "code": N_("code")},
    "shown": {"visible": N_("everybody"), "members": N_("members"), "hidden": N_("hosts only")},
    "visibility": {"all": N_("everybody"), "members": N_("members only")},
    "part": {"public": N_("public"), "rest": N_("private")},
    "role": {"host": N_("you host"), "member": N_("you take part")},
    "worker": {"alive": N_("alive"), "lost": N_("not heard of"), "stopped": N_("stopped")},
    "queue": {"waiting": N_("waiting"), "leased": N_("running"), "running": N_("running"), "ended": N_("ended")},
    "health": {"ok": N_("well"), "failing": N_("failing")},
}
"""By what it is of, and by the text in the database."""
