"""A population before the leaderboard: it trains on a fold, and sends one more entrant, with the schedule it found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from concours.compete.leaderboard import Leaderboard
from concours.compete.population import RECIPES, Population
from concours.compete.shown import ShownPopulation
from concours.contest.forms import Form, is_of, list_of, whole
from concours.contest.setup import Setup
from concours.contest.stages import Format, Option, Stage
from concours.core.entrant import Candidate, Entrant
from concours.core.errors import ContestError, nearest
from concours.core.optional import install_command, installed
from concours.engine.loop import Engine
from concours.entrants.recipes import resolve
from concours.tasks.kinds import kind_named
from concours.tasks.outputs.table import output_valued

NAME = "population"

OPTIONS = {
    "of": Option(
        form=Form("a list of names of entrants", list_of(is_of(str))),
        default=[],
        what="entrants of the recipe dnn-scheduled, whose form and first hyperparameters count; by default all of "
        "them, or one as it is in the zoo",
    ),
    "members": Option(form=whole(2, 1000), default=20, what="how many networks train side by side"),
    "intervals": Option(
        form=whole(1, 1000), default=12, what="after how many intervals of training it ends at the latest"
    ),
    "epochs": Option(
        form=whole(1), default=None, what="passes over the rows in an interval; by default, more for fewer rows"
    ),
    "budget": Option(form=whole(1), default=None, what="epochs of all members together; by default all intervals'"),
    "beta": Option(
        form=Form("a number above 0 and at most 1", lambda value: is_of(int, float)(value) and 0 < value <= 1),
        default=1.0,
        what="how far a member that copies goes towards the weights of the better one; 1 takes them as they are",
    ),
}


def _process(setup: Setup, until_s: float | None = None) -> Population:
    board = Leaderboard(problem=setup.problem, final=setup.final, threads=setup.threads)
    options = {name: value for name, value in setup.options.items() if name != "of"}
    return Population(board=board, until_s=until_s, **options)


def _members(setup: Setup, candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates that the members begin as."""
    named = setup.options["of"]
    if named:
        return [candidate for candidate in candidates if candidate.entrant.name in named]
    networks = [candidate for candidate in candidates if candidate.entrant.recipe in RECIPES.values()]
    return networks or [Candidate(entrant=_own(setup))]


def _own(setup: Setup) -> Entrant:
    kind = kind_named(setup.problem.kind)
    entrant = Entrant(NAME, "dnn-scheduled")
    return resolve(entrant, form=kind.form, folder=Path()).entrant


def _unsuited(setup: Setup) -> str:
    """Found out before anything is run."""
    output = setup.problem.output
    if output.estimator not in RECIPES:
        return f"its networks say classes or numbers, and this task asks for {output_valued(output).said}"
    if not installed("torch"):
        return f"it needs torch; get it with: {install_command('torch')}"
    names = [candidate.entrant.name for candidate in setup.candidates]
    if NAME in (*names, *(strategy.name for strategy in setup.strategies)):
        return f"an entrant or a strategy is called {NAME!r} already; choose another name for it"
    for name in setup.options["of"]:
        if name not in names:
            return f"compete.options.of: there is no entrant {name!r}; {nearest(name, names)}"
    try:
        _process(setup).init(_members(setup, setup.candidates), seed=setup.seed)
    except ContestError as error:
        return str(error).removeprefix("population: ")
    return ""


def population(engine: Engine, setup: Setup, candidates: Sequence[Candidate], until_s: float | None) -> Stage:
    """All candidates go on, and with them a network whose schedule emerged."""
    members = _members(setup, candidates)
    if not members:
        return Stage(candidates=tuple(candidates), warnings=("no population: none of its entrants takes part",))
    process = _process(setup, until_s)
    state = engine.drive(process, members, seed=setup.seed)
    record = process.record(state)
    if record["best"] is None:
        failed = record["failure"]
        why = (f"no population: {failed}",) if failed else ()
        return Stage(candidates=tuple(candidates), value=record, warnings=why)
    one = replace(members[0], entrant=process.result(state), expected_s=members[0].expected_s)
    note = (
        f"a schedule of {sum(step['epochs'] for step in record['schedule'])} epochs, which emerged from "
        f"{record['members']} networks in {len(record['intervals'])} intervals"
    )
    return Stage(candidates=(*candidates, one), notes={NAME: note}, value=record)


FORMATS = {
    NAME: Format(
        what="networks of one form train side by side, the worst copy the best; the schedule that emerges competes",
        options=OPTIONS,
        before=population,
        shown=ShownPopulation,
        unsuited=_unsuited,
    )
}
