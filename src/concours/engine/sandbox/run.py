"""Running a program in a box; and whether boxes can be made on this machine, and if not, why, with what to do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from shutil import which
from typing import Final

from concours.core.errors import NoSandbox
from concours.engine.sandbox import calls
from concours.engine.sandbox.box import Box, Ended
from concours.engine.sandbox.left import Keep
from concours.engine.sandbox.running import Piece, started

_TOOLS: Final = {
    "bwrap": "bubblewrap",
    "setpriv": "util-linux",
    "prlimit": "util-linux",
    "unshare": "util-linux",
    "mount": "mount",
}
"""Programs, and Debian's packages with them."""
_PATH: Final = "/usr/sbin:/usr/bin:/sbin:/bin"
_TRIES: Final = 3


@cache
def available() -> str:
    """Why no box can be made here, in one line with the cure; empty where they can."""
    if sys.platform != "linux" or not calls.known():
        return "programs of others run in a sandbox of Linux on x86_64 or aarch64; take a worker there"
    if lacking := [tool for tool in _TOOLS if not which(tool, path=_PATH)]:
        packages = " ".join(dict.fromkeys(_TOOLS[tool] for tool in lacking))
        return f"programs of others run in a sandbox, for which {lacking[0]} is missing: apt-get install {packages}"
    return _tried()


def run(box: Box, keep: Keep) -> Iterator[Piece]:
    """Runs a box: gives the lines that it prints and what it tells of its progress, as they come, and in the end how it
    ended. Whoever stops asking stops the program.

    Whatever it has started is gone before the end is told, or when the thread that asks is gone. It has no network, and
    sees nothing of this machine but `/usr`, our Python, and what it is given.

    Args:
        keep: is given each file of its output, if it ended well; gives what stands for it in `Ended.outputs`.

    Raises:
        NoSandbox: no box can be made on this machine; nothing was run.
    """
    if why := available():
        raise NoSandbox(why)
    yield from started(box, keep)


def _tried() -> str:
    """What comes of a box in which nothing is done. One that fails is tried anew: a machine that is short of memory may
    have killed it, and whoever asks goes by the answer for as long as it runs.
    """
    why = ""
    for _ in range(_TRIES):
        why = _trial()
        if not why:
            break
    return why


def _trial() -> str:
    cure = (
        "run as root, or allow user namespaces: sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=9999"
    )
    try:
        *_, ended = started(Box(command=("true",)), lambda _: "")  # type: ignore[arg-type,return-value]
    except NoSandbox as error:
        return f"{error}; {cure}"
    fine = isinstance(ended, Ended) and ended.cause is None
    return "" if fine else f"a sandbox can be made, but does not work: {getattr(ended, 'reason', '')}; {cure}"
