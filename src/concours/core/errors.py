"""Everything Concours raises on purpose. A message says what, where, what was expected, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any


class ConcoursError(Exception):
    """The root of every error that Concours raises on purpose."""

    exit_code = 2


class ContestError(ConcoursError):
    """A contest file or the arguments of a contest are wrong."""


class DataError(ConcoursError):
    """The data cannot be used as the task says."""


class DataWarning(UserWarning):
    """Data is read, but not all of it as one may think."""


class RecipeError(ConcoursError):
    """A recipe does not lead to an estimator."""


class PluginError(ConcoursError):
    """An installed plugin is broken, or two bring something of one name."""


class MissingPackage(ConcoursError):
    """A package that an optional part needs is not installed."""


class EndpointRefused(ConcoursError):
    """An address does not answer: the key, the model, the certificate or the address itself is wrong, or it is down."""


class PlatformRefused(ConcoursError):
    """A platform does not do what it was asked, or cannot be reached.

    Attributes:
        status: of HTTP; 0 where there was no answer.
        after_s: when to ask again, where the platform says so.
    """

    def __init__(self, message: str, *, status: int = 0, after_s: float | None = None) -> None:
        super().__init__(message)
        self.status, self.after_s = status, after_s


class SpentOut(ConcoursError):
    """The next request might spend more than was allowed, and is not sent. What was answered is kept."""


class RunFolderError(ConcoursError):
    """A run folder is missing, belongs to another task, or is in use."""


class TrustError(ConcoursError):
    """Code would run that the user has not agreed to run."""


class ObjectNotFound(ConcoursError):
    """The store holds no object with this digest."""


class ObjectDamaged(ConcoursError):
    """The content of an object in the store is not what its name says."""


class StoreRefused(ConcoursError):
    """A store elsewhere is not reached, or lets nobody in: the key, the bucket, the address, or it is down."""


class ClusterError(ConcoursError):
    """A cluster does not answer, or none of its nodes can do the jobs of the contest."""


class PartnerLost(ConcoursError):
    """Another of the workers that train one network is gone, or cannot be reached."""


class ContentRefused(ConcoursError):
    """What was kept is of no form that is written here: a model that would crash, or what would fill the memory."""


class LinkRefused(ConcoursError):
    """Something in a folder of a contest is a link or no plain file, and is neither read nor written."""


class NoSpace(ConcoursError):
    """The disk is full. Nothing finished is lost: free space and run the same command again."""


class NoSandbox(ConcoursError):
    """Programs of others cannot be kept apart on this machine, so none is run."""


class RunStopped(ConcoursError):
    """A program of somebody's, in a sandbox, did not end well.

    Attributes:
        cause: of its failure, as of `core.event.Failed`.
        limit: what it met, in seconds or bytes, where it met one.
    """

    def __init__(self, reason: str, *, cause: Any, limit: float | None = None) -> None:
        super().__init__(reason)
        self.cause, self.limit = cause, limit


class NothingFitted(ConcoursError):
    """No entrant could be fitted, so there is no model to use."""


def nearest(given: str, allowed: Iterable[str]) -> str:
    """A sentence that lists what is allowed, the nearest name first; ends without a full stop."""
    names = list(allowed)
    folded = {name.casefold(): name for name in names}
    close = get_close_matches(str(given).casefold(), folded, n=1, cutoff=0.5)
    hint = f"did you mean {folded[close[0]]!r}? " if close else ""
    return f"{hint}known: {', '.join(names)}"
