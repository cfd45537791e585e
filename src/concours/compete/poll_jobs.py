"""The jobs that look at what an arena shows: its prompts, and the answers of an entry."""

from __future__ import annotations

from concours.compete.uploads import Upload
from concours.core.job import Job


def reading(prompts: Upload) -> Job:
    """Looks at the prompts, and keeps them one by one."""
    return Job(
        runner="read_prompts",
        inputs={"prompts": prompts.file},
        params={"called": prompts.called},
        outputs=("texts",),
        label=f"read {prompts.called}",
    )


def receiving(answers: Upload, prompts: Upload) -> Job:
    """Looks at answers to prompts, and keeps them in the order of these."""
    return Job(
        runner="receive_answers",
        inputs={"answers": answers.file, "prompts": prompts.file},
        params={"called": answers.called, "prompts": prompts.called},
        outputs=("texts",),
        label=f"receive {answers.called}",
    )
