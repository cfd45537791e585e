"""A federation of real sites before the leaderboard: the model that they train together, and that of each, competes.

The rows of the contest are the server's own. No site has seen one, so all of them judge what comes from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from concours.compete.shown import ShownDeployed
from concours.contest import federations
from concours.contest.forms import Form, is_of, list_of
from concours.contest.setup import Setup
from concours.contest.sites import how, promise_of
from concours.contest.stages import Format, Option, Stage
from concours.cooperate.deployed import Deployed, federated_candidate
from concours.core.entrant import Candidate
from concours.core.errors import ContestError
from concours.core.optional import install_command, installed
from concours.engine.loop import Engine
from concours.kernels.federating.strategies import STRATEGIES, not_hidden

NAME = "deployed"
SERVER = "server"
"""The network that sites train, on the server's own rows."""

_STUDIED = ("sites", "dropouts", "stragglers", "liars")
"""Keys of `[federation]` that are of sites which are no real ones."""

OPTIONS = {name: option for name, option in federations.OPTIONS.items() if name not in _STUDIED} | {
    "names": Option(form=Form("a list of names", list_of(is_of(str))), default=[], what="of the sites"),
    "task": Option(form=Form("a table", is_of(dict)), default={}, what="what sites read their rows by"),
}
"""What `concours federate` sets."""


def options_for(options: Mapping[str, Any], names: Sequence[str], task: Mapping[str, Any]) -> dict[str, Any]:
    """The options by which real sites do what `[federation]` says."""
    own = {name: value for name, value in options.items() if name in OPTIONS}
    return {**own, "names": list(names), "task": dict(task)}


def _trained(setup: Setup, candidates: Sequence[Candidate]) -> Candidate:
    """The candidate whose network sites train."""
    found = federations.pooled(setup, candidates)
    return found if setup.options["of"] else replace(found, entrant=replace(found.entrant, name=SERVER))


def _unsuited(setup: Setup) -> str:
    """Found out before anything is run."""
    options, problem = setup.options, setup.problem
    if not options["names"]:
        return "it is how real sites are asked; use: concours federate"
    if problem.output.estimator not in ("classifier", "regressor") or "words" in problem.input.can:
        return "sites train networks for classes or numbers, on tables or on pictures"
    if STRATEGIES[options["strategy"]].controls:
        return f"{options['strategy']!r} keeps a variate of each site from round to round, which real sites do not"
    if unseen := _unseen(options):
        return unseen
    if missing := [package for package in ("torch", "flwr") if not installed(package)]:
        return f"it needs {missing[0]}; get it with: {install_command(missing[0])}"
    try:
        _process(setup)
        _trained(setup, setup.candidates)
    except ContestError as error:
        return str(error)
    own = ["federated", SERVER, *(f"{site} alone" for site in options["names"])]
    taken = [candidate.entrant.name for candidate in setup.candidates if candidate.entrant.name in own]
    return f"an entrant is called {taken[0]!r}, as a row of its own is; choose another name for it" if taken else ""


def _unseen(options: Mapping[str, Any]) -> str:
    """Why the server cannot do without seeing what each site sends; empty where it can, or sees it."""
    names, strategy, privacy = options["names"], options["strategy"], options["privacy"] or {}
    hiding = privacy.get("where") == "server"
    if hiding and privacy["delta"] >= 1 / len(names):
        return f"privacy.delta must be below 1/{len(names)}, of {len(names)} sites, or one could be shown whole"
    if hiding and (unhidden := not_hidden(strategy)):
        return unhidden
    if not options["secure"]:
        return ""
    if not_hidden(strategy):
        return f"{strategy!r} looks at what each site sends, and with secure = true the server sees its sum alone"
    if hiding:
        return 'a server that hides sites bounds what each of them sends, which it does not see; take where = "site"'
    asked = max(1, round(options["sample"] * len(names)))
    return "" if asked > 1 else f"secure hides a site among others, and {asked} of {len(names)} is asked in a round"


def _process(setup: Setup) -> Deployed:
    options = setup.options
    studied = {**dict.fromkeys(_STUDIED), **options}
    settings, privacy = how(studied, len(options["names"]), setup.seed), options["privacy"]
    return Deployed(
        problem=setup.problem,
        sites=tuple(options["names"]),
        task=options["task"],
        threads=setup.threads,
        secure=options["secure"],
        privacy=promise_of(privacy) if privacy else None,
        **{name: settings[name] for name in ("strategy", "rounds", "sample", "local", "server")},
    )


def _before(engine: Engine, setup: Setup, candidates: Sequence[Candidate], until_s: float | None) -> Stage:
    """All go on, and with them the network on the server's rows, the federated model, and that of each site alone."""
    trained, process = _trained(setup, candidates), _process(setup)
    state = engine.drive(process, [trained], seed=setup.seed, until_s=until_s)
    course = process.course(state)
    made = {name: done.outputs["model"] for name, job in course.models.items() if (done := state.done(job))}
    failed = process.failures(state)
    known = list(candidates) if trained in candidates else [*candidates, trained]
    value = {
        "of": trained.entrant.name,
        "strategy": process.strategy,
        "sites": list(process.sites),
        "wanted": process.rounds,
        "sample": process.sample,
        "local": dict(process.local),
        "secure": process.secure,
        "rounds": [dict(each) for each in course.rounds],
        "failed": failed,
        **({"privacy": promised} if (promised := process.promised(state)) else {}),
    }
    warnings = [f"{label}: {reason}" for label, reason in failed.items() if " alone " not in label]
    warnings += [f"federated: round {n}: {each['lost']}" for n, each in enumerate(course.rounds, 1) if "lost" in each]
    if "federated" not in made:
        warnings.append("no federated model: no round has come to an end with an update")
    return Stage(
        candidates=(*known, *(federated_candidate(name, model) for name, model in made.items())),
        value=value,
        warnings=tuple(_summed_up(warnings)),
    )


def _summed_up(warnings: Sequence[str]) -> list[str]:
    """The same reason of many rounds is said once."""
    found: dict[str, list[str]] = {}
    for warning in warnings:
        label, _, reason = warning.partition(": site ")
        found.setdefault(reason or warning, []).append(label)
    return [
        f"site {reason} ({len(labels)} jobs)"
        if len(labels) > 1
        else f"{labels[0]}: site {reason}"
        if labels[0] != reason
        else reason
        for reason, labels in found.items()
    ]


FORMATS = {
    NAME: Format(
        what="real sites train a network together",
        command="concours federate",
        options=OPTIONS,
        before=_before,
        shown=ShownDeployed,
        unsuited=_unsuited,
        table=federations.NAME,
    )
}
