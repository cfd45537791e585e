"""Choices by out-of-fold predictions, where the same rows judge: what is said of those who were chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from concours.compete.choosing import Choice, Choosing, differing
from concours.compete.evaluation import Evaluation
from concours.contest.setup import Setup
from concours.core.entrant import Candidate
from concours.core.event import Done, Failed
from concours.core.standings import Standing
from concours.engine.loop import Engine

Trials = Mapping[str, Sequence[Candidate]]
"""The trials of searches that ended well, by the name of the entrant that searched."""


def corrected(
    engine: Engine,
    setup: Setup,
    lines: Sequence[Standing],
    candidates: Sequence[Candidate],
    default: str | None,
    trials: Trials,
    until_s: float | None,
) -> tuple[list[Standing], list[str]]:
    """The lines of a board without a test part, those who were chosen with what that flatters taken off; and warnings.

    The default was chosen from everybody on the board and from all trials of searches, an entrant that searched from
    its own trials. Their intervals reach further towards worse scores, and the first metric is told corrected. Ranks
    are of tests of all pairs, trials among them.
    """
    choices = _choices(lines, candidates, default, trials)
    process = Choosing(problem=setup.problem, choices=choices, threads=setup.threads)
    outcomes = process.outcomes(engine.drive(process, candidates, seed=setup.seed, until_s=until_s))
    missing = "the interval of {} does not allow for its having been chosen by the same rows: {}"
    warnings = [missing.format(name, event.reason) for name, event in outcomes.items() if isinstance(event, Failed)]
    lines = [_line(line, outcomes.get(line.entrant.name)) for line in lines]
    evaluated = _tested(engine, setup, candidates, trials, until_s)
    if isinstance(evaluated, Failed):
        warnings.append(f"ranks do not allow for what entrants that searched were chosen from: {evaluated.reason}")
    ranks = evaluated.values["ranks"] if isinstance(evaluated, Done) else {}
    return _ranked(lines, candidates, ranks), warnings


def _tested(
    engine: Engine, setup: Setup, candidates: Sequence[Candidate], trials: Trials, until_s: float | None
) -> Done | Failed | None:
    """The evaluation of the candidates among all trials; none where no trial differs from all candidates."""
    known = differing(candidates)
    tried = differing((*known, *(trial for found in trials.values() for trial in found)))[len(known) :]
    if not tried:
        return None
    evaluation = Evaluation(problem=setup.problem, part="oof", tried=tried, threads=setup.threads)
    return evaluation.outcome(engine.drive(evaluation, candidates, seed=setup.seed, until_s=until_s))


def _ranked(
    lines: Sequence[Standing], candidates: Sequence[Candidate], ranks: Mapping[str, Sequence[Sequence[int]]]
) -> list[Standing]:
    """The lines with ranks by metric, each in the order of the candidates; as they are where there are none."""
    found: dict[str, dict[str, tuple[int, int, int]]] = {}
    for metric, of in ranks.items():
        for candidate, (rank, best, worst) in zip(candidates, of, strict=True):
            found.setdefault(candidate.entrant.name, {})[metric] = rank, best, worst
    return [_placed(line, found.get(line.entrant.name)) for line in lines]


def _placed(line: Standing, ranks: Mapping[str, tuple[int, int, int]] | None) -> Standing:
    if not ranks:
        return line
    _, best, worst = ranks[next(iter(line.metrics))]
    return replace(line, ranks=ranks, rank_best=best, rank_worst=worst)


def _choices(
    lines: Sequence[Standing], candidates: Sequence[Candidate], default: str | None, trials: Trials
) -> dict[str, Choice]:
    by_name, everything = {c.entrant.name: c for c in candidates}, [t for found in trials.values() for t in found]
    others = {name: tuple(found) for name, found in trials.items()}
    if default is not None:
        others[default] = (*candidates, *everything)
    choices = {
        line.entrant.name: Choice(
            chosen=by_name[line.entrant.name],
            others=others[line.entrant.name],
            intervals={metric: line.intervals.get(metric) for metric in line.metrics},
        )
        for line in lines
        if line.score is not None and line.entrant.name in others
    }
    return {name: choice for name, choice in choices.items() if len(choice.all) > 1}


def _line(line: Standing, event: Done | Failed | None) -> Standing:
    if not isinstance(event, Done):
        return line
    intervals = {name: (ends[0], ends[1]) for name, ends in event.values["intervals"].items() if ends}
    first = next(iter(line.metrics))
    return replace(line, intervals=intervals, ci=intervals.get(first), corrected=event.values["corrected"][first])
