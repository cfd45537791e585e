"""What judges said of all who were judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from concours.core.digests import Digest
from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.judgements import Side, summed_up
from concours.engine.work import JobResult
from concours.stores.blobs import get_table
from concours.stores.values import get_values
from concours.tasks.written import WRITTEN, texts_written


def judgements(job: Job, store: Store) -> JobResult:
    """Sums up what judges said (`engine.judgements.summed_up`).

    Inputs: of each pair `verdicts0`, …, on the texts of its first, and the texts of both, `texts0` and `others0`.
    Params: `pairs`, the names of both.
    """
    return JobResult(values=summed_up(sides_of(store, job.params["pairs"], job.inputs)))


def sides_of(store: Store, pairs: Sequence[Sequence[str]], inputs: Mapping[str, Digest]) -> list[Side]:
    """The sides that such inputs say."""
    return [
        Side(
            name=name,
            other=other,
            texts=_texts(get_values(store, inputs[f"texts{number}"])),
            others=_texts(get_values(store, inputs[f"others{number}"])),
            verdicts=get_table(store, inputs[f"verdicts{number}"]),
        )
        for number, (name, other) in enumerate(pairs)
    ]


def _texts(values: Any) -> list[str]:
    found: pa.Array = texts_written(values) if values.type == WRITTEN else values
    texts: list[str] = found.to_pylist()
    return texts
