"""What a model writes: it goes on with some texts of the test part (`insights.continuing`)."""

from __future__ import annotations

from concours.core.entrant import Candidate
from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.continuing import continuing, told_by
from concours.engine.outputs import output_of
from concours.engine.rows import get_rows
from concours.engine.work import JobResult
from concours.insights.continuing import continued as written


def continued(job: Job, store: Store) -> JobResult:
    """Continuations of the last lines before some passages.

    Inputs: `train`, whose signs may be drawn, and `x`, from which the prompts are. Params: `model`, `parents`, the
    `output`; how many `prompts`, `temperatures` of each, and the `length` of what is written.

    Values: `prompts`; `temperatures`; `texts`, of each prompt one a temperature.
    """
    output = output_of(job)
    way, temperatures = continuing(output), list(job.params["temperatures"])
    parents = {digest: Candidate.from_json(candidate) for digest, candidate in job.params["parents"].items()}
    told = told_by(store, output, parents, Candidate.from_json(job.params["model"]))
    prompts = way.prompts(get_rows(store, job.inputs["x"]), job.params["prompts"])
    found = written(
        told,
        [prompt for prompt in prompts for _ in temperatures],
        way.signs(get_rows(store, job.inputs["train"])),
        temperatures=temperatures * len(prompts),
        length=job.params["length"],
        seed=job.seed,
    )
    of = len(temperatures)
    texts = [found[place : place + of] for place in range(0, len(found), of)]
    return JobResult(values={"prompts": prompts, "temperatures": temperatures, "texts": texts})
