"""A full disk, by the name that the rest of the house knows it by."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from concours.core.errors import NoSpace

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def is_no_space(error: OSError) -> bool:
    """Whether the system says that the disk is full, a quota is reached, or a file may not be larger."""
    return error.errno in _FULL


@contextmanager
def no_space_named(where: Path) -> Iterator[None]:
    """Turns the system's word for a full disk into NoSpace, which says where and what to do."""
    try:
        yield
    except OSError as error:
        if is_no_space(error):
            raise NoSpace(
                f"no space left to write in {where} ({error.strerror}); nothing that has finished is lost: "
                "free some space and run the same command again"
            ) from error
        raise
