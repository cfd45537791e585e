"""Adversaries after the leaderboard: attackers against defenders, or generators against discriminators."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from concours.compete.adversarial import Adversarial
from concours.compete.generation import PAIRS, Generation, GeneratorEvaluation
from concours.compete.robustness import ATTACKS, Defender, Robustness
from concours.compete.shown import ShownAdversaries
from concours.contest.forms import Form, is_of, one_of, whole
from concours.contest.setup import Setup
from concours.contest.stages import Format, Option
from concours.core.entrant import Candidate
from concours.core.event import Done, Failed
from concours.core.optional import install_command, installed
from concours.core.ports import Store
from concours.engine.loop import Engine
from concours.stores.blobs import get_table, is_table
from concours.tasks.outputs.table import output_valued

NAME = "adversarial"

_EPSILON = Form("a share of the inputs' range, above 0 and at most 1", lambda v: is_of(int, float)(v) and 0 < v <= 1)


def _some_of(known: Iterable[str]) -> Form:
    names = tuple(known)
    return Form(
        "a list of one or several of " + ", ".join(names),
        lambda v: isinstance(v, list) and bool(v) and all(name in names for name in v) and len(set(v)) == len(v),
    )


OPTIONS = {
    "game": Option(
        form=one_of("attacks", "generators"),
        default="attacks",
        what="`attacks` against classifiers, or `generators` of pictures against discriminators",
    ),
    "epsilon": Option(form=_EPSILON, default=0.1, what="by how much an attack may change each number of an input"),
    "attacks": Option(form=_some_of(ATTACKS), default=list(ATTACKS), what="who attacks"),
    "rounds": Option(form=whole(0, 1000), default=4, what="how many rounds of training there are at most"),
    "rows": Option(
        form=whole(20), default=300, what="how many rows are attacked, or compared with, of each part at most"
    ),
    "pairs": Option(
        form=_some_of(PAIRS),
        default=list(PAIRS[:2]),
        what="of generators: recipes of a generator and of the discriminator that it trains against",
    ),
    "epochs": Option(form=whole(1), default=40, what="of generators: passes over the pictures in a round"),
}


def _unsuited(setup: Setup) -> str:
    """Found out before anything is run."""
    rows, output = setup.problem.input, setup.problem.output
    if "attack" not in output.can:
        asked = output_valued(output).said
        return f"an attack makes a model name a wrong class, and this task asks for {asked}"
    if setup.options["game"] == "generators":
        if "pictures" not in rows.can:
            return f"generators draw pictures, and a row here is a {rows.name}"
        if setup.options["rounds"] < 1:
            return "generators need one round of training at least"
    if "change" not in rows.can:
        return (
            f"an attack changes numbers a little, and a row here is a {rows.name}; take pictures, or a table of numbers"
        )
    return "" if installed("torch") else f"its networks need torch; get it with: {install_command('torch')}"


def _unsuited_data(setup: Setup, store: Store) -> str:
    """A table must be numbers throughout: there is no small change of a word, and none of what is missing."""
    x = setup.problem.train.x
    if not is_table(store, x):
        return ""
    parts = [get_table(store, part.x) for part in (setup.problem.train, setup.problem.test) if part]
    for name in parts[0].column_names:
        if any(not _numeric(part.schema.field(name).type) for part in parts):
            return f"column {name!r} holds no numbers, and an attack changes numbers a little; leave it out: task.drop"
        if any(part.column(name).null_count or _nans(part.column(name)) for part in parts):
            return (
                f"column {name!r} has missing values, and an attack changes numbers a little; leave it out: task.drop"
            )
    return ""


def _numeric(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _nans(column: pa.ChunkedArray) -> bool:
    return bool(pa.types.is_floating(column.type) and np.isnan(column.to_numpy()).any())


def adversaries(
    engine: Engine, setup: Setup, candidates: Sequence[Candidate], until_s: float | None
) -> Mapping[str, Any]:
    """The game that was asked for."""
    game = setup.options["game"]
    found = generators(engine, setup, until_s) if game == "generators" else attacks(engine, setup, candidates, until_s)
    return {"game": game, **found}


def attacks(engine: Engine, setup: Setup, candidates: Sequence[Candidate], until_s: float | None) -> Mapping[str, Any]:
    """The rounds of attackers and defenders over the single entrants that are fitted, and how robust these are."""
    singles = [one for one in candidates if one.entrant.joint is None and one.entrant.had.fitted]
    names = tuple(setup.options["attacks"])
    how: dict[str, Any] = {"problem": setup.problem, "epsilon": float(setup.options["epsilon"]), "attacks": names}
    how |= {"rows": setup.options["rows"], "threads": setup.threads}
    rounds = Adversarial(rounds=setup.options["rounds"], **how)
    defenders = rounds.defenders(engine.drive(rounds, singles, seed=setup.seed, until_s=until_s))
    whole = tuple(defender for defender in defenders if defender.status == "ok")
    said: dict[str, Any] = {
        "epsilon": how["epsilon"],
        "attacks": list(names),
        "failed": {
            d.candidate.entrant.name: d.failed.reason
            for d in defenders
            if d.failed and d.candidate.entrant.role != "baseline"
        },
    }
    if any(defender.status == "running" for defender in defenders):
        return said
    robustness = Robustness(defenders=whole, **how)
    state = engine.drive(robustness, [defender.candidate for defender in whole], seed=setup.seed)
    evaluated = robustness.outcome(state)
    if isinstance(evaluated, Failed):
        return {**said, "not_evaluated": evaluated.reason}
    if not isinstance(evaluated, Done):
        return said
    values = evaluated.values
    board = [_line(defender, index, values, names) for index, defender in enumerate(whole)]
    shown = {
        name: {"digest": digest, **{key: found[key] for key in ("true", "places", "named")}}
        for name, (digest, found) in robustness.examples(state).items()
    }
    return {
        **said,
        "part": "test" if setup.problem.test else "oof",
        "rows": values["rows"],
        "epsilons": [0.0, *robustness.epsilons],
        "farthest": robustness.farthest(state),
        "defenders": sorted(board, key=_place),
        "attackers": _attackers(names, values["attackers"]),
        "examples": shown,
    }


def generators(engine: Engine, setup: Setup, until_s: float | None) -> Mapping[str, Any]:
    """The rounds of generators and discriminators, and the evaluation of the generators."""
    options = setup.options
    how: dict[str, Any] = {"problem": setup.problem, "rows": options["rows"], "threads": setup.threads}
    pairs = tuple(options["pairs"])
    game = Generation(pairs=pairs, rounds=options["rounds"], epochs=options["epochs"], **how)
    gan_rounds = game.gan_rounds(engine.drive(game, (), seed=setup.seed, until_s=until_s))
    said: dict[str, Any] = {"epochs": options["epochs"], "failed": dict(gan_rounds.failed), "ended": gan_rounds.ended}
    if not gan_rounds.ended or not gan_rounds.rounds:
        return said
    evaluation = GeneratorEvaluation(gan_rounds=gan_rounds, **how)
    evaluated = evaluation.outcome(engine.drive(evaluation, (), seed=setup.seed))
    if isinstance(evaluated, Failed):
        return {**said, "not_evaluated": evaluated.reason}
    if not isinstance(evaluated, Done):
        return said
    values, names = evaluated.values, (*evaluation.pairs, "normal")
    lines = [
        {
            "name": name,
            "place": place,
            "role": "single" if place < len(evaluation.pairs) else "baseline",
            **{key: values[key][place] for key in ("distance", "tier")},
            "rank": values["distance_ranks"][place],
            "panel": values["panel"][place] if values["panel"] else None,
            "panel_rank": values["panel_ranks"][place] if values["panel"] else None,
            "passing": dict(zip(evaluation.pairs, values["passing"][place], strict=True)),
            "rounds": [list(distance) for _, distance in gan_rounds.rounds.get(name, ())],
            "round": 1 + gan_rounds.best(name) if name in gan_rounds.rounds else None,
        }
        for place, name in enumerate(names)
    ]
    return {
        **said,
        "part": "test" if setup.problem.test else "oof",
        "rows": values["rows"],
        "real": values["real"],
        "generators": sorted(lines, key=lambda line: line["rank"][0]),
        "examples": {"generators": {"digest": evaluated.outputs["samples"]}},
    }


def _line(defender: Defender, index: int, values: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    entrant, best, worst = defender.candidate.entrant, defender.best, values["worst"][index]
    return {
        "name": entrant.name,
        "role": entrant.role,
        "hardened": defender.hardened,
        **{key: worst[key] for key in ("share", "rank", "tier")},
        "clean": values["clean"][index],
        "left": dict(zip(names, values["matrix"][index], strict=True)),
        "curve": values["curves"][index],
        "masked": values["masked"][index],
        "settings": {name: dict(s) for name, s in zip(best.attacks, best.chosen, strict=True)} if best else {},
        "trials": [trial.to_json() for trial in defender.trials],
        "round": best.round if best else 0,
        "ended": defender.ended,
    }


def _place(line: Mapping[str, Any]) -> tuple[bool, float]:
    """Those that are ranked come first, by their rank; the others by what they hold."""
    return (False, line["rank"][0]) if line["rank"] else (True, -line["share"][0])


def _attackers(names: Sequence[str], found: Sequence[Mapping[str, Any]] | None) -> list[dict[str, Any]]:
    """The attacks, the one that leaves least first; nothing where no defender met them all."""
    lines = [{"name": name, **line} for name, line in zip(names, found or [], strict=False)]
    return sorted(lines, key=lambda line: line["rank"][0])


FORMATS = {
    NAME: Format(
        what="attackers against defenders, or generators against discriminators, in rounds, after the leaderboard",
        options=OPTIONS,
        after=adversaries,
        shown=ShownAdversaries,
        unsuited=_unsuited,
        unsuited_data=_unsuited_data,
    )
}
