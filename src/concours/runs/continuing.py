"""Going on with a text, by a model of a result."""

from __future__ import annotations

from concours.core import consent
from concours.core.errors import DataError
from concours.core.lineage import why_unanswering
from concours.engine.continuing import continuing, told_by
from concours.engine.rows import get_rows
from concours.insights.continuing import continued
from concours.runs.predict import asked_of_models
from concours.runs.result import Result
from concours.runs.trust import Trust, permitted
from concours.tasks.outputs.table import output_valued


def continue_text(
    result: Result,
    prompt: str,
    *,
    model: str | None = None,
    length: int = 300,
    temperature: float = 0.8,
    seed: int = 0,
    trust: Trust | None = None,
) -> str:
    """What a model writes behind a prompt: so many characters, of those that it was fitted on.

    Args:
        model: a name on the board; the default by default.
        temperature: what log-probabilities are divided by: below 1 it says what is more probable, at 0 the most
            probable sign each time.
        seed: of the chance.
        trust: as of `runs.predict.predict`.

    Raises:
        DataError: the models of this task do not write, or this one cannot.
        Whatever `predict` raises.
    """
    candidate, output = result.candidate(model), output_valued(result.setup.problem.output)
    name = candidate.entrant.name
    if "continue" not in output.can:
        raise DataError(f"models of this task predict {output.said}, and go on with no text; see concours predict")
    if not result.folder.is_current:
        raise result.folder.older("run the contest anew, into another folder, to go on with texts")
    by_digest = {c.entrant.digest: c for c in result.candidates.values()}
    if why := why_unanswering(candidate, by_digest):
        raise DataError(f"{name} cannot go on with texts: {why}; choose another model, by --with NAME or model=")
    if not (length >= 1 and temperature >= 0):
        raise DataError(f"length must be 1 at least, and temperature 0; got {length} and {temperature}")
    agreed = permitted(asked_of_models(result, [name]), known=result.agreed, who=f"{name} runs", trust=trust)
    store = result.folder.store
    signs = continuing(output).signs(get_rows(store, result.setup.problem.train.x))
    with consent.granted(agreed):
        told = told_by(store, output, by_digest, candidate)
        (text,) = continued(told, [prompt], signs, temperatures=[temperature], length=length, seed=seed)
    return text
