"""A federation before the leaderboard: sites train a network together, and what comes of it competes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from concours.compete.leaderboard import Leaderboard
from concours.compete.shown import ShownFederation, ShownSites, ShownTrust
from concours.contest.forms import BOOL, Form, between, check, is_of, one_of, whole
from concours.contest.setup import Setup
from concours.contest.stages import Format, Option, Stage
from concours.cooperate.federated_sites import SiteScores, shown_rounds, with_predictions
from concours.cooperate.federation import AT_HOME, Federating
from concours.cooperate.trust import Trust
from concours.core.entrant import Candidate, Entrant
from concours.core.errors import ContestError, nearest
from concours.core.optional import install_command, installed
from concours.core.process import Memo
from concours.core.typed import typed
from concours.engine.loop import Engine
from concours.entrants.recipes import resolve
from concours.kernels.federating.dividing import SHARES
from concours.kernels.federating.strategies import STRATEGIES, not_hidden
from concours.tasks.kinds import kind_named

NAME = "federation"
POOLED = "pooled"

_SHARE = between(0, 1)
_PART = Form("a share above 0 and at most 1", lambda value: is_of(int, float)(value) and 0 < value <= 1)
_RATE = between(0, 1000)
_SITES = Form(
    'a table: { by = "a column" }, or { count = 10, split = "dirichlet", alpha = 0.3 }', lambda v: is_of(dict)(v)
)
_BY = {"by": Form("the name of a column", is_of(str))}
_DRAWN = {"count": whole(2, 100_000), "split": one_of(*SHARES), "alpha": between(0, 1e6)}
_PRIVACY = {
    "epsilon": between(1e-3, 1e4),
    "delta": Form("a number above 0 and below 1", lambda value: is_of(float)(value) and 0 < value < 1),
    "where": one_of("site", "server"),
    "bound": between(1e-6, 1e6),
}
_LIARS = {"share": _SHARE, "times": Form("a number", is_of(int, float))}

OPTIONS = {
    "sites": Option(
        form=_SITES,
        default=None,
        what="who holds which rows: `by` a column, which no model is told; or, for study, a `count` of sites that the "
        'rows are divided among, `split` "iid", "dirichlet" (sites differ in their classes, the more the smaller '
        '`alpha`) or "quantity" (in how many rows they have)',
    ),
    "of": Option(
        form=Form("the name of an entrant", is_of(str)),
        default=None,
        what="the network that is trained; by default the zoo's dense one, which, trained on the rows of all sites "
        'together, also stands on the board, as "pooled"',
    ),
    "strategy": Option(form=one_of(*STRATEGIES), default="fedavg", what="what the server makes of what sites send"),
    "rounds": Option(form=whole(1, 100_000), default=20, what="how many"),
    "sample": Option(form=_PART, default=1.0, what="the share of the sites that take part in a round, drawn anew"),
    "local_epochs": Option(form=whole(1, 10_000), default=1, what="passes of a site over its rows in a round"),
    "batch_size": Option(form=whole(1), default=32, what="rows of a step at a site"),
    "learning_rate": Option(form=_RATE, default=0.05, what="of a site, constant"),
    "optimiser": Option(
        form=one_of("sgd", "adam", "adamw", "rmsprop"), default="sgd", what="of a site, which begins anew each round"
    ),
    "momentum": Option(
        form=Form("a share from 0 up to 1", lambda v: is_of(int, float)(v) and 0 <= v < 1),
        default=0.0,
        what="of a site's sgd",
    ),
    "proximal": Option(
        form=between(0, 1e6), default=None, what="of fedprox, how strong the spring is; 0.01 by default"
    ),
    "server_rate": Option(form=_RATE, default=None, what="of the server's step; by default the strategy's own"),
    "tolerate": Option(form=_SHARE, default=0.2, what="the share of sites that may lie, for rules that bear some"),
    "dropouts": Option(form=_SHARE, default=None, what="for study, the share of those asked that never answer"),
    "stragglers": Option(form=_SHARE, default=None, what="for study, the share whose answer comes a round late"),
    "liars": Option(
        form=Form("a table of share and times", is_of(dict)),
        default=None,
        what="for study, the `share` of sites that send their update so many `times`: { share = 0.2, times = -10 }",
    ),
    "privacy": Option(
        form=Form("a table: { epsilon = 4, delta = 1e-5 }", is_of(dict)),
        default=None,
        what="`epsilon` at `delta`, promised of each row where noise is added at the sites (`where` is "
        '"site", the default), or of each site as a whole where the server adds it ("server"); `bound` is how long a '
        "row's gradient, or a site's update, may be, 1 by default",
    ),
    "secure": Option(
        form=BOOL,
        default=False,
        what="of real sites (`concours federate`), whether their server sees the sum of what they send, and nothing of "
        "what one of them sends (SecAgg+)",
    ),
}
"""The keys of `[federation]`."""


def check_federation(table: Mapping[str, Any]) -> None:
    """What a contest file says of a federation, beyond the form of each key.

    Raises:
        ContestError: names the key, and what it must be.
    """
    check(NAME, table, {name: option.form for name, option in OPTIONS.items()})
    sites = table.get("sites")
    if sites is not None:  # real ones bring their own rows
        check(f"{NAME}.sites", sites, _BY if "by" in sites else _DRAWN)
        if "by" not in sites and "count" not in sites:
            raise ContestError(f"{NAME}.sites: expected {_SITES.words}; got {', '.join(sites) or 'nothing'}")
    check(f"{NAME}.liars", table.get("liars") or {}, _LIARS)
    _check_privacy(table)
    if (table.get("dropouts") or 0) + (table.get("stragglers") or 0) >= 1:
        raise ContestError(f"{NAME}: dropouts and stragglers must be less than all together")
    strategy = table.get("strategy", "fedavg")
    if table.get("proximal") is not None and not STRATEGIES[strategy].proximal:
        raise ContestError(f"{NAME}.proximal is of the strategy 'fedprox', not of {strategy!r}; leave it out")
    if STRATEGIES[strategy].controls and (table.get("momentum") or table.get("optimiser", "sgd") != "sgd"):
        raise ContestError(f"{NAME}: {strategy!r} corrects plain gradients; leave out optimiser and momentum")


def _check_privacy(table: Mapping[str, Any]) -> None:
    privacy, where = table.get("privacy"), f"{NAME}.privacy"
    if privacy is None:
        return
    check(where, privacy, _PRIVACY)
    if missing := [name for name in ("epsilon", "delta") if name not in privacy]:
        raise ContestError(f"{where}.{missing[0]} is missing; write privacy = {{ epsilon = 4, delta = 1e-5 }}")
    if not installed("opacus"):
        raise ContestError(f"{where} needs opacus, which accounts for it; get it with: {install_command('opacus')}")
    if privacy.get("where") != "server":
        return
    if unhidden := not_hidden(table.get("strategy", "fedavg")):
        raise ContestError(f"{where}: {unhidden}")
    if table.get("stragglers"):
        raise ContestError(f"{where}: a site that is late would be in a round twice; leave out stragglers")


def pooled(setup: Setup, candidates: Sequence[Candidate]) -> Candidate:
    """The candidate whose network is federated: the one that is named, or one of our own.

    Raises:
        ContestError: there is none of that name, or sites cannot train it.
    """
    problem, of = setup.problem, setup.options["of"]
    plain = "sums" if "columns" in problem.input.can else "none"
    if of is None:
        kind = kind_named(problem.kind)
        entrant = Entrant(POOLED, "dnn", {"norm": "none", "dropout": 0.0}, prepare=plain)
        return Candidate(entrant=resolve(entrant, form=kind.form, folder=Path()).entrant)
    named = [candidate for candidate in candidates if candidate.entrant.name == of]
    if not named:
        raise ContestError(f"of: there is no entrant {of!r}; {nearest(of, [c.entrant.name for c in candidates])}")
    if named[0].entrant.prepare not in (None, "none", "sums"):
        raise ContestError(
            f"{of!r} is prepared by {named[0].entrant.prepare!r}, which is found from all rows together; give it "
            f'prepare = "{plain}"'
        )
    return named[0]


def _unsuited(setup: Setup) -> str:
    """Found out before anything is run."""
    problem = setup.problem
    if setup.federation is None:
        return f"it has no sites: write {_SITES.words}; real ones are waited for by: concours federate"
    if problem.output.estimator not in ("classifier", "regressor") or "words" in problem.input.can:
        return "sites train networks for classes or numbers, on tables or on pictures"
    if problem.train.weights:
        return "rows have weights, and sites would train without them; leave out task.weight"
    if setup.options["secure"]:
        return "secure is of real sites: here all that sites send lies in one place; leave it out"
    if not installed("torch"):
        return f"it needs torch; get it with: {install_command('torch')}"
    try:
        pooled(setup, setup.candidates)
    except ContestError as error:
        return str(error)
    own = ["federated", *AT_HOME, *([] if setup.options["of"] else [POOLED])]
    taken = [candidate.entrant.name for candidate in setup.candidates if candidate.entrant.name in own]
    return f"an entrant is called {taken[0]!r}, as a row of its own is; choose another name for it" if taken else ""


def _process(setup: Setup, candidate: Candidate, until_s: float | None) -> Federating:
    problem = setup.problem
    board = Leaderboard(problem=problem, final=setup.final, threads=setup.threads)
    memo = Memo(candidates=(candidate,), seed=setup.seed)
    numbers = tuple(range(problem.n_folds))
    folds: tuple[int | None, ...] = (*numbers, None) if setup.final == "refit" else numbers
    if setup.federation is None:
        raise ContestError("a federation wants sites")
    return Federating(
        problem=problem,
        threads=setup.threads,
        federation=setup.federation,
        prepares=tuple(board.preparing(memo, candidate, fold) for fold in folds),
        folds=folds,
        board=(None,) if setup.final == "refit" else folds,
        until_s=until_s,
    )


def _before(engine: Engine, setup: Setup, candidates: Sequence[Candidate], until_s: float | None) -> Stage:
    """All go on, and with them the network that is trained, by all rows, by sites together, and by each alone."""
    candidate = pooled(setup, candidates)
    process = _process(setup, candidate, until_s)
    state = engine.drive(process, [candidate], seed=setup.seed)
    known = list(candidates) if candidate in candidates else [*candidates, candidate]
    value, warnings = {**_declared(setup, candidate), **shown_rounds(process, state)}, list[str]()
    made = []
    for how in ("federated", *AT_HOME):
        try:
            made.append(process.result(state) if how == "federated" else process.at_home(state, how))
        except ValueError as error:
            warnings.append(f"no {how} model: {error}")
    if process.federation.rounds > len(value["rounds"]) and not warnings:
        warnings.append(f"the federation has had {len(value['rounds'])} of {process.federation.rounds} rounds")
    return Stage(
        candidates=(*known, *(Candidate(entrant=entrant) for entrant in made)), value=value, warnings=tuple(warnings)
    )


def _declared(setup: Setup, candidate: Candidate) -> dict[str, Any]:
    """What was asked for, as it is shown."""
    federation = setup.federation
    if federation is None:
        return {}
    return {
        "of": candidate.entrant.name,
        "strategy": federation.strategy,
        "found": federation.found,
        "sites": list(federation.names),
        "rows": list(federation.rows),
        "wanted": federation.rounds,
        "sample": federation.sample,
        "local": dict(federation.local),
        "liars": [federation.names[site] for site in federation.liars],
        "times": federation.times,
    }


def _after(engine: Engine, setup: Setup, candidates: Sequence[Candidate], until_s: float | None) -> Mapping[str, Any]:
    """How well each site's own rows are predicted, and whether it can be trusted: as it is when it is read again."""
    federation = setup.federation
    if federation is None:
        return {}
    told = with_predictions(candidates, ["alone", "federated", "personal", setup.options["of"] or POOLED])
    process = SiteScores(problem=setup.problem, sites=federation.sites, count=len(federation.names))
    state = engine.drive(process, told, seed=setup.seed, until_s=until_s)
    scores = process.scores(state)
    kinds = {"kinds": [candidate.entrant.name for candidate in told]}
    by_site = {"by_site": typed(ShownSites, {**kinds, **scores})} if told and scores else {}
    return {**by_site, "trust": typed(ShownTrust, _trust(engine, setup, candidates, until_s))}


def _trust(engine: Engine, setup: Setup, candidates: Sequence[Candidate], until_s: float | None) -> dict[str, Any]:
    """What is told so that the federation can be trusted. Its rounds are recalled."""
    trained = pooled(setup, candidates)
    alone = Candidate(entrant=trained.entrant, code=trained.code)
    federating = _process(setup, alone, None)
    ended = engine.drive(federating, [alone], seed=setup.seed, until_s=until_s)
    name = trained.entrant.name
    together = [candidate for candidate in candidates if candidate.entrant.name == name and candidate.models]
    others = {name: together[0].models[0]} if together and setup.final != "refit" else {}
    trust = Trust(federating=federating, ended=ended, others=others)
    shown = trust.shown(engine.drive(trust, [], seed=setup.seed, until_s=until_s))
    privacy = federating.promised(ended)
    return {**shown, **({"privacy": privacy} if privacy else {})}


FORMATS = {
    NAME: Format(
        what="sites train a network together without showing their rows; asked for by a table [federation]",
        options=OPTIONS,
        before=_before,
        after=_after,
        shown=ShownFederation,
        unsuited=_unsuited,
        table=NAME,
    )
}
