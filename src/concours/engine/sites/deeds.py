"""What a site does for others, and what may leave it: a closed list, which the site's own code holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core.errors import ContentRefused, nearest
from concours.core.job import Job

Tensors = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class Deed:
    """One kind of job that a site does.

    Attributes:
        params: parameters that it may have; one that is not here is refused, rather than passed over.
        own: names of inputs that are the site's rows; all others come with the job.
        counts: values of the outcome that leave the site, each a single number.
    """

    params: frozenset[str]
    own: frozenset[str]
    counts: frozenset[str]


def require(job: Job, deeds: Mapping[str, Deed]) -> Deed:
    """What a job is on the list.

    Raises:
        ContentRefused: it is not there, has a parameter that is not, or brings code.
    """
    if job.runner not in deeds:
        raise ContentRefused(f"this site does no {job.runner!r}; {nearest(job.runner, deeds)}")
    deed = deeds[job.runner]
    if unknown := sorted(set(job.params) - deed.params):
        raise ContentRefused(f"this site takes no parameter {unknown[0]!r}; {nearest(unknown[0], sorted(deed.params))}")
    if code := sorted(name for name in job.inputs if name.startswith("code")):
        raise ContentRefused(f"this site runs nobody's code ({', '.join(code)})")
    return deed


def leaving(outputs: Mapping[str, Tensors], came: Tensors) -> Mapping[str, Tensors]:
    """What a job yielded, if it may leave: tensors of the shapes of those that came, and single numbers.

    So there is room for weights, and none for rows, labels or texts. A tensor belongs to the one that it is called
    after, behind the first stroke: `delta/1.weight` to `1.weight`.

    Raises:
        ContentRefused: a tensor is of another shape, or holds no numbers.
    """
    for name, tensors in outputs.items():
        for key, tensor in tensors.items():
            if tensor.dtype.kind not in "fiu" or (tensor.ndim and tensor.shape != _shape(key, came)):
                raise ContentRefused(f"{name}: {key!r} of shape {tensor.shape} would leave, and is none of the weights")
    return outputs


def numbers(values: Mapping[str, Any], deed: Deed) -> dict[str, float | int]:
    """The values of an outcome that leave; the others stay."""
    kept = {name: value for name, value in values.items() if name in deed.counts}
    if odd := [name for name, value in kept.items() if type(value) not in (int, float) or not np.isfinite(value)]:
        raise ContentRefused(f"{odd[0]} would leave, and is no number")
    return kept


def _shape(key: str, came: Tensors) -> tuple[int, ...] | None:
    own = key.partition("/")[2]
    found = came.get(key, came.get(own))
    return None if found is None else found.shape
