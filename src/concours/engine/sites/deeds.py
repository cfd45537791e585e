"""What a site does for others, and what may leave it: a closed list, which the site's own code holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from concours.core.errors import ContentRefused, nearest
from concours.core.job import Job

Tensors = Mapping[str, NDArray[Any]]


Leaving = Literal["weights", "columns", "keys", "numbers"]


@dataclass(frozen=True, kw_only=True)
class Deed:
    """One kind of job that a site does.

    Attributes:
        params: parameters that it may have; one that is not here is refused, rather than passed over.
        leaves: what tensors of its outcome are: `weights`, of the shapes of those that came; `columns`, a number for
            each column of a row; `keys`, and sealed parts of them; or none, `numbers` alone.
        counts: values of the outcome that leave the site, each a single number.
        of_rows: whether more than a count of rows leaves, so that an owner with a bound wants noise on it.
        anew: whether it is done anew each time that it is asked for.
    """

    params: frozenset[str]
    leaves: Leaving
    counts: frozenset[str] = frozenset()
    of_rows: bool = False
    anew: bool = False


OWN = frozenset({"x", "y", "secret"})
"""Names of inputs that are the site's: its rows, and its secret of a round; all others come with the job."""

_NETWORK = frozenset({"recipe", "params", "output"})
_TRAINING = _NETWORK | {"local", "private"}
_MASKING = _NETWORK | {"place", "near"}

DEEDS: Mapping[str, Deed] = {
    "site_sums": Deed(params=_NETWORK, leaves="columns", counts=frozenset({"rows", "classes"}), of_rows=True),
    "site_rows": Deed(params=_NETWORK, leaves="numbers", counts=frozenset({"rows"})),
    "train_at_site": Deed(
        params=_TRAINING, leaves="weights", counts=frozenset({"rows", "loss", "noise"}), of_rows=True
    ),
    "secret_keys": Deed(params=_NETWORK, leaves="keys", anew=True),
    "share_secrets": Deed(params=_MASKING, leaves="keys"),
    "masked_at_site": Deed(
        params=_TRAINING | _MASKING | {"addends"}, leaves="weights", counts=frozenset({"noise"}), of_rows=True
    ),
    "reveal_shares": Deed(params=_MASKING | {"present"}, leaves="keys"),
}
"""By the kind of job."""

_LONGEST = 1024
"""Bytes of a key, or of a sealed part of one."""


def require(job: Job) -> Deed:
    """What a job is on the list.

    Raises:
        ContentRefused: it is not there, has a parameter that is not, or brings code.
    """
    if job.runner not in DEEDS:
        raise ContentRefused(f"this site does no {job.runner!r}; {nearest(job.runner, DEEDS)}")
    deed = DEEDS[job.runner]
    if unknown := sorted(set(job.params) - deed.params):
        raise ContentRefused(f"this site takes no parameter {unknown[0]!r}; {nearest(unknown[0], sorted(deed.params))}")
    if code := sorted(name for name in job.inputs if name.startswith("code")):
        raise ContentRefused(f"this site runs nobody's code ({', '.join(code)})")
    return deed


def require_leaving(deed: Deed, outputs: Mapping[str, Tensors], came: Tensors, columns: int) -> None:
    """Holds back what may not leave: there is room for weights and sums, and none for rows, labels or texts.

    A tensor belongs to the one that it is called after, behind the first stroke: `delta/1.weight` to `1.weight`.

    Args:
        came: the tensors that came with the job.
        columns: of the site's rows; 0 where the job reads none.

    Raises:
        ContentRefused: a tensor is of another shape, or holds no numbers.
    """
    for name, tensors in outputs.items():
        for key, tensor in tensors.items():
            if not _may_leave(deed, tensor, came.get(key.partition("/")[2]), columns):
                raise ContentRefused(f"{key!r} of {name}, of shape {tensor.shape}, may not leave this site")


def _may_leave(deed: Deed, tensor: NDArray[Any], like: NDArray[Any] | None, columns: int) -> bool:
    if deed.leaves == "keys":
        return tensor.dtype == np.uint8 and tensor.ndim == 1 and tensor.size <= _LONGEST
    shapes = {"weights": like.shape if like is not None else (), "columns": (columns,), "numbers": ()}
    return tensor.dtype.kind in "fiu" and tensor.shape in ((), (1,), shapes[deed.leaves])


def numbers(values: Mapping[str, Any], deed: Deed) -> dict[str, float | int]:
    """The values of an outcome that leave; the others stay."""
    kept = {name: value for name, value in values.items() if name in deed.counts}
    if odd := [name for name, value in kept.items() if type(value) not in (int, float) or not np.isfinite(value)]:
        raise ContentRefused(f"{odd[0]} would leave, and is no number")
    return kept
