"""One of several processes that do a fit together, as torch's agent runs it, told a folder.

All make the same estimator of the same rows by the same seed, so that each comes to the training with the same weights;
there each takes its part of a batch. The first keeps the epochs, and the model.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from torch import distributed

from concours.core import scratch
from concours.core.digests import Digest, canonical_json
from concours.core.errors import ConcoursError, PartnerLost
from concours.core.job import Job
from concours.core.parallel import joined
from concours.engine.fitting import fitted_by
from concours.engine.parallel import LAST, MEETING, MODEL, WHY, WORK
from concours.engine.rows import get_rows
from concours.engine.scratch import FolderScratch, bucket_of
from concours.entrants.models import dump_model
from concours.entrants.together import meet
from concours.kernels.rows.kin import Kin
from concours.stores.address import store_at
from concours.stores.blobs import get_array, put_bundle
from concours.stores.disk import DiskStore
from concours.stores.values import get_values


def main(folder: Path, rank: int, workers: int, again: int) -> None:
    """Does the work in a folder as one of so many, for the first time or again."""
    told, room = json.loads((folder / WORK).read_text()), DiskStore(folder / "store")
    job, rows = Job(**told["job"]), told["rows"]
    weights = get_array(room, rows["weights"]) if "weights" in rows else None
    kin = Kin(groups=get_array(room, rows["groups"]), in_time=told["in_time"]) if "groups" in rows else None
    meet(f"file://{folder / MEETING}.{again}", rank=rank, size=workers)
    try:
        with joined(), _keeping(told["scratch"], job, rank):
            fitted = fitted_by(job, room, get_rows(room, rows["x"]), get_values(room, rows["y"]), weights, kin)
        if rank == 0:
            format, files, _ = dump_model(fitted)
            model = put_bundle(room, files)
            (folder / MODEL).write_bytes(canonical_json({"format": format, "model": model}))
        distributed.barrier()
    finally:
        distributed.destroy_process_group()


def _keeping(told: dict[str, str] | None, job: Job, rank: int) -> AbstractContextManager[None]:
    """The scratch of the job, which all read, and the first alone writes."""
    if told is None:
        return nullcontext()
    code, bucket = Digest(told["code"]), bucket_of(store_at(told["bucket"])) if told["bucket"] else None
    return scratch.keeping(
        FolderScratch(Path(told["folder"]), job.digest, lambda: code, writes=rank == 0, bucket=bucket)
    )


if __name__ == "__main__":
    place, number = Path(sys.argv[1]), int(os.environ["RANK"])
    if any(place.glob(f"{WHY}.*")):
        sys.exit()
    try:
        main(place, number, int(os.environ["WORLD_SIZE"]), int(os.environ["TORCHELASTIC_RESTART_COUNT"]))
    except PartnerLost:
        raise
    except (ValueError, ConcoursError) as error:  # it would be so each time; anything else is tried again
        (place / f"{WHY}.{number}").write_text(str(error))
    except Exception as error:
        (place / f"{LAST}.{number}").write_text(
            f"ended with {type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
        )
        raise
