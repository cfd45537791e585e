"""The circle: compete, cooperate, compete again, be evaluated once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from concours.compete.admission import Admission
from concours.compete.evaluation import Evaluation, line_at
from concours.compete.leaderboard import Leaderboard
from concours.compete.pacing import Pace, fitting_until
from concours.compete.search import Found, Search, probe
from concours.compete.turns import Timed
from concours.compete.way import Entry
from concours.contest.choices import corrected
from concours.contest.credit import Credit, passed_down
from concours.contest.formats import FORMATS, LEADERBOARD
from concours.contest.looking import Looked, looked_at, narrowed_to
from concours.contest.savings import Saving, keeping, savings_of, traded
from concours.contest.setup import Setup
from concours.contest.stages import Stage
from concours.contest.strategies import Strategy, rounds
from concours.cooperate.credit import Credit as Crediting
from concours.core.entrant import Candidate, Entrant
from concours.core.errors import RecipeError
from concours.core.event import Failed
from concours.core.joins import JOINS
from concours.core.lineage import unanswering, why_unanswering
from concours.core.process import Cooperation, Memo
from concours.core.registry import load
from concours.core.standings import WELL, Standing, Standings
from concours.core.written import counted
from concours.engine.loop import Engine

_STAGE = 0.6
"""The share of a budget after which no job of a stage before the leaderboard begins."""

_JOINED, _CREDITED = 0.9, 0.95
"""The shares of a budget after which joint models are not looked for; and after which none is made, as a team is that
has to meet all others, and credit is not shared: the evaluation comes first.
"""

_SEARCH = 0.5
"""The share of a budget after which no further trial of a search counts."""


_UNWEIGHTED = "fitted without the weights of rows, as its fit takes none"
_ONE_BY_ONE = "by {} it sets rows apart one by one, though rows belong together: it stops or chooses too late"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a contest, so far.

    Attributes:
        standings: evaluated where the evaluation has been made, otherwise by cross-validation score.
        candidates: all that came to what they could, with their digests, by name; alliances too.
        default: the name of the best by cross-validation score among those that can be asked for new rows, or of all
            where there is none of these but the baseline; none where only the baseline was fitted, of more.
        complete: whether the evaluation has been made.
        credit: what members are worth to their alliances, by the alliance's name.
        savings: what models that were made of others take and keep of these, by name.
        format: the way to compete by its name, and what is shown of it (`contest.formats`).
        looked: how far the rows that judge were asked about, where it was asked to stop early (`contest.looking`).
    """

    standings: Standings
    candidates: Mapping[str, Candidate]
    default: str | None
    complete: bool
    warnings: tuple[str, ...]
    credit: Mapping[str, Credit] = field(default_factory=dict)
    savings: Mapping[str, Saving] = field(default_factory=dict)
    format: Mapping[str, Any] = field(default_factory=lambda: {"name": LEADERBOARD})
    looked: Looked | None = None


def circle(
    engine: Engine,
    setup: Setup,
    *,
    budget_s: float | None = None,
    workers: int = 1,
    late: Mapping[str, str] = MappingProxyType({}),
) -> Outcome:
    """Drives a contest around, or, with an engine that only remembers, as far as its journal goes.

    Args:
        late: who is known not to be fitted on the leaderboard for lack of time, and why, by name.

    Raises:
        RecipeError: a recipe does not lead to an estimator.
    """
    until = None if budget_s is None else _fitting_until(setup, budget_s)
    pace = Pace(until_s=until, workers=workers, after_s=budget_s - until) if until and budget_s else None
    admitted, rejected, told = _admit(engine, setup, until)
    admitted, notes, trials = _search(engine, setup, admitted, budget_s, until)
    stage = _before(engine, setup, admitted, budget_s)
    going_on, looked = looked_at(engine, setup, stage.candidates, until)
    setup, seed = narrowed_to(setup, looked), setup.seed
    board = Leaderboard(problem=setup.problem, final=setup.final, threads=setup.threads, pace=pace, keep=setup.keeps)
    admitted, notes = [c for c in going_on if c.entrant.name not in late], {**notes, **stage.notes}
    notes |= {name: "; ".join(filter(None, [notes.get(name), text])) for name, text in told.items()}
    timed_out = [
        Standing(entrant=c.entrant, status="out_of_time", reason=late[c.entrant.name])
        for c in stage.candidates
        if c.entrant.name in late
    ]
    state = engine.drive(board, admitted, seed=seed, until_s=until)
    state, warnings = _cooperate(engine, setup, board, state, budget_s)
    entries = board.entries(state)
    complete = [entry for entry in entries if entry.status == "ok"]
    judged = [entry for entry in entries if entry.status in ("ok", "test_only")]
    order = board.standings(state)
    default, passed_over = _default(setup, order, complete)
    evaluated, not_evaluated = _evaluate(engine, setup, judged, budget_s)
    lines, uncorrected = list(order), list[str]()
    if evaluated:
        lines = _evaluated(setup, order, judged, evaluated)
    if evaluated and not setup.problem.test:
        candidates = [entry.candidate for entry in complete]
        lines, uncorrected = corrected(engine, setup, lines, candidates, default, trials, budget_s)
    credit, uncredited = _credit(engine, setup, complete, budget_s) if evaluated else ({}, [])
    savings = _savings(engine, setup, complete, lines) if evaluated else {}
    greater = setup.problem.metrics[0].greater_is_better
    first = setup.problem.metrics[0].name
    notes |= {c.entrant.name: said for entry in complete if (said := traded((c := entry.candidate).entrant, first))}
    notes |= {name: saving.note(greater_is_better=greater) for name, saving in savings.items()}
    return Outcome(
        standings=Standings(
            tuple(
                replace(line, note=notes.get(line.entrant.name, ""))
                for line in (*lines, *timed_out, *stage.away, *rejected)
            )
        ),
        candidates={e.candidate.entrant.name: e.candidate for e in entries if e.status in WELL},
        default=default,
        complete=evaluated is not None,
        looked=looked,
        warnings=(
            *([looked.said] if looked else []),
            *stage.warnings,
            *warnings,
            *passed_over,
            *not_evaluated,
            *uncorrected,
            *uncredited,
        ),
        credit=credit,
        savings=savings,
        format={"name": setup.format, **stage.value, **_after(engine, setup, complete, evaluated, budget_s)},
    )


def _anyone(setup: Setup, complete: Sequence[Entry]) -> bool:
    """Whether an entrant is complete; where nobody but the baseline takes part, that is enough."""
    roles = {entry.candidate.entrant.role for entry in complete}
    return bool(roles - {"baseline"}) or (bool(roles) and all(c.entrant.role == "baseline" for c in setup.candidates))


def _default(setup: Setup, order: Standings, complete: Sequence[Entry]) -> tuple[str | None, list[str]]:
    """The name of the model that predicts new rows unless another is asked for; and who was passed over for it.

    It is the best by cross-validation score that can be asked; where nobody can but the baseline, the best of all.
    """
    if not _anyone(setup, complete):
        return None, []
    known = {entry.candidate.entrant.digest: entry.candidate for entry in complete}
    here = {entry.candidate.entrant.name: entry.candidate for entry in complete}
    ranked = [line.entrant for line in order if line.entrant.name in here]
    asked = [one for one in ranked if not unanswering(here[one.name], known)]
    if not any(one.role != "baseline" for one in asked):
        asked = ranked
    best, default = ranked[0], asked[0]
    if best == default:
        return default.name, []
    why = why_unanswering(here[best.name], known)
    told = f"the best by cross-validation is {best.name}, which cannot be asked for new rows, as {why}"
    return default.name, [f"{told}; {default.name}, the best that can, is the default"]


def _fitting_until(setup: Setup, budget_s: float) -> float:
    problem = setup.problem
    rows = problem.train.rows + (problem.test.rows if problem.test else 0)
    return fitting_until(budget_s, cells=rows * problem.output.width, members=len(setup.candidates))


def _admit(
    engine: Engine, setup: Setup, until_s: float | None
) -> tuple[list[Candidate], list[Standing], dict[str, str]]:
    """Those that may compete, lines for those that may not, and what is to be said of how some are fitted, by name."""
    here = [c for c in setup.candidates if c.entrant.name not in setup.skipped]
    probes = [replace(c, entrant=probe(c.entrant)) for c in here if c.entrant.search]
    admission = Admission(problem=setup.problem)
    state = engine.drive(admission, [*here, *probes], seed=setup.seed, until_s=until_s)
    refusals = admission.refusals(state)
    for name, failed in refusals.items():
        if failed.cause == "recipe":
            raise RecipeError(f"entrant {name}: {failed.reason}")
    away = [
        _line_of(c.entrant, setup, refusals)
        for c in setup.candidates
        if c.entrant.name in {**setup.skipped, **refusals}
    ]
    told = dict.fromkeys(sorted(admission.unweighted(state)), _UNWEIGHTED)
    for name, params in admission.one_by_one(state).items():
        told[name] = "; ".join(filter(None, [told.get(name), _ONE_BY_ONE.format(" and ".join(params))]))
    merged = setup.merged(admission.mergeable(state))
    marked = [replace(c, merging=True) if c.entrant.name in merged else c for c in here]
    return [c for c in marked if c.entrant.name not in refusals], away, told


def _before(engine: Engine, setup: Setup, admitted: Sequence[Candidate], budget_s: float | None) -> Stage:
    """The stage of the format before the leaderboard; without one all go on, as do those that are not fitted."""
    before = FORMATS[setup.format].before
    until = None if budget_s is None else budget_s * _STAGE
    if before is None:
        return Stage(candidates=tuple(admitted))
    stage = before(engine, setup, [c for c in admitted if c.entrant.had.fitted], until)
    return replace(stage, candidates=(*stage.candidates, *(c for c in admitted if not c.entrant.had.fitted)))


def _after(
    engine: Engine, setup: Setup, complete: list[Entry], evaluated: Mapping[str, Any] | None, budget_s: float | None
) -> Mapping[str, Any]:
    """The stage of the format after the leaderboard, once the board stands."""
    after = FORMATS[setup.format].after
    return after(engine, setup, [entry.candidate for entry in complete], budget_s) if after and evaluated else {}


def _search(
    engine: Engine, setup: Setup, admitted: Sequence[Candidate], budget_s: float | None, until_s: float | None
) -> tuple[list[Candidate], dict[str, str], dict[str, tuple[Candidate, ...]]]:
    """The candidates, those that search with what they found; how these came to be, and all their trials, by name."""
    board = Leaderboard(problem=setup.problem, final=setup.final, threads=setup.threads, keep=setup.keeps)
    searching, found, notes = [c for c in admitted if c.entrant.search], dict[str, Found](), dict[str, str]()
    trials: dict[str, tuple[Candidate, ...]] = {}
    for number, candidate in enumerate(searching, 1):
        share = None if budget_s is None else budget_s * _SEARCH * number / len(searching)
        search = Search(board=board, until_s=share)
        state = engine.drive(search, [candidate], seed=setup.seed, until_s=until_s)
        name = candidate.entrant.name
        found[name], trials[name] = search.found(state), search.trials(state)
        notes[name] = _note(found[name], under_way=search.plan(state).status == "run")
    chosen = [replace(c, entrant=found[c.entrant.name].entrant) if c in searching else c for c in admitted]
    return chosen, notes, trials


def _note(found: Found, *, under_way: bool) -> str:
    if under_way:
        return f"its search is under way: {counted(found.trials, 'trial')} so far"
    ended = f"; its search has ended early: {found.reason}" if found.reason else ""
    if not found.trials:
        return f"as declared: no trial of its search has ended well{ended}"
    params = ", ".join(f"{name} = {_shown(value)}" for name, value in found.params.items() if value is not None)
    return f"the best of {counted(found.trials, 'trial')} by cross-validation score: {params or 'as declared'}{ended}"


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else json.dumps(value)


def _line_of(entrant: Entrant, setup: Setup, refusals: Mapping[str, Failed]) -> Standing:
    if entrant.name in setup.skipped:
        return Standing(entrant=entrant, status="skipped", reason=setup.skipped[entrant.name])
    failed = refusals[entrant.name]
    status = {"missing_package": "skipped", "no_machine": "skipped", "out_of_time": "out_of_time"}.get(
        failed.cause, "failed"
    )
    return Standing(entrant=entrant, status=status, reason=failed.reason)  # type: ignore[arg-type]


def _cooperate(
    engine: Engine, setup: Setup, board: Leaderboard, state: Timed, budget_s: float | None
) -> tuple[Timed, list[str]]:
    """The board with alliances of the entrants that are complete, and alliances of these; what kept one from it.

    A round of strategies joins what is complete on the board, and the board is driven on before the next.
    """
    entries, warnings = board.entries(state), list[str]()
    singles = [e for e in entries if e.status == "ok" and e.candidate.entrant.role == "single"]
    if setup.strategies and len(singles) < 2 and not any(entry.status == "running" for entry in entries):
        return state, [f"no alliance: it takes two {_joinable(setup)}, there are {len(singles)}"]
    for ready in rounds(setup.strategies):
        entries = board.entries(state)
        if any(entry.status == "running" for entry in entries):
            break
        known = {e.candidate.entrant.name: e.candidate for e in entries if e.status == "ok"}
        made = list[Candidate]()
        for strategy in ready:
            try:
                alliance, told = _alliance(engine, setup, strategy, known, budget_s)
                made.append(alliance)
                warnings += [told] if told else []
            except ValueError as error:
                warnings.append(f"no alliance {strategy.name}: {error}")
        until = None if budget_s is None else budget_s * _CREDITED
        state = engine.drive(board, [*state.candidates, *made], seed=setup.seed, until_s=until)
    return state, warnings


def _joinable(setup: Setup) -> str:
    """Who can be joined, in words."""
    fitted = all(candidate.entrant.had.fitted for candidate in setup.candidates)
    return "fitted entrants" if fitted else "entrants with a cross-validation score"


def _alliance(
    engine: Engine, setup: Setup, strategy: Strategy, known: Mapping[str, Candidate], budget_s: float | None
) -> tuple[Candidate, str]:
    """What a strategy makes of those on the board, and what is to be said of it.

    Raises:
        ValueError: it cannot be made, for this reason.
    """
    singles = [candidate for candidate in known.values() if candidate.entrant.role == "single"]
    if missing := [name for name in strategy.of if name not in known]:
        raise ValueError(f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not there to be joined")
    members = [known[name] for name in strategy.of] or singles
    process: Cooperation[Memo] = load(JOINS[strategy.how].plan)(
        problem=setup.problem,
        name=strategy.name,
        limits=setup.limits,
        costs={known[name].entrant.digest: cost for name, cost in strategy.costs.items()},
        budget=strategy.budget,
        known={candidate.entrant.digest: candidate for candidate in known.values()},
        rounds=strategy.rounds,
        options=strategy.options,
        threads=setup.threads,
    )
    until = None if budget_s is None else budget_s * _JOINED
    state = engine.drive(process, members, seed=setup.seed, until_s=until)
    return Candidate(entrant=process.result(state)), process.told(state)


def _evaluate(
    engine: Engine, setup: Setup, judged: list[Entry], budget_s: float | None
) -> tuple[Mapping[str, Any] | None, list[str]]:
    """What the evaluation found; without one, what kept it from being made."""
    if not judged:
        return None, []
    evaluation = Evaluation(problem=setup.problem, part="test" if setup.problem.test else "oof", threads=setup.threads)
    state = engine.drive(evaluation, [entry.candidate for entry in judged], seed=setup.seed, until_s=budget_s)
    evaluated = evaluation.outcome(state)
    if isinstance(evaluated, Failed):
        return None, [f"no evaluation, the board is by cross-validation score: {evaluated.reason}"]
    return (evaluated.values if evaluated else None), []


def _credit(
    engine: Engine, setup: Setup, complete: list[Entry], budget_s: float | None
) -> tuple[dict[str, Credit], list[str]]:
    """What members are worth to their alliances; and what kept that from being found."""
    process = Crediting(problem=setup.problem, threads=setup.threads)
    until = None if budget_s is None else budget_s * _CREDITED
    state = engine.drive(process, [entry.candidate for entry in complete], seed=setup.seed, until_s=until)
    credit, warnings = {}, []
    for name, (members, event) in process.outcomes(state).items():
        if isinstance(event, Failed):
            warnings.append(f"no credit for the members of {name}: {event.reason}")
        else:
            credit[name] = Credit.of(members, process.part, event.values)
    return passed_down(credit, {e.candidate.entrant.name: e.candidate.entrant for e in complete}), warnings


def _savings(engine: Engine, setup: Setup, complete: list[Entry], lines: Sequence[Standing]) -> dict[str, Saving]:
    """What models that were made of others take and keep of these."""
    process = keeping(setup.strategies)
    state = engine.drive(process, [entry.candidate for entry in complete], seed=setup.seed)
    return savings_of(process, state, lines, greater_is_better=setup.problem.metrics[0].greater_is_better)


def _evaluated(setup: Setup, order: Standings, judged: list[Entry], values: Mapping[str, Any]) -> list[Standing]:
    """The board by the score of the test part; what was not judged stays last."""
    names = [entry.candidate.entrant.name for entry in judged]
    said = {name: line_at(values, index, setup.problem.metrics) for index, name in enumerate(names)}
    ranked = [replace(line, **said[line.entrant.name]) for line in order if line.entrant.name in said]
    ranked.sort(key=lambda line: (line.rank is None, line.rank or 0))
    return [*ranked, *(line for line in order if line.entrant.name not in said)]
