"""Contests: a task, entrants, ways to cooperate, and how to run them."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from concours.api.candidates import candidates_of, unsearchable
from concours.compete.jobs import Final
from concours.compete.looks import Stop
from concours.compete.scale import Scale
from concours.compete.search import read_space
from concours.contest.circle import circle
from concours.contest.config import read_contest
from concours.contest.formats import LEADERBOARD, held_in, options_of, require_suited
from concours.contest.forms import POSITIVE
from concours.contest.looking import announced, require_stoppable
from concours.contest.planning import Planner
from concours.contest.setup import Setup, plugins_behind
from concours.contest.strategies import Strategy, Written, read_strategies
from concours.contest.telling import judged_by_themselves, talked, telling
from concours.core import consent
from concours.core.asked import asked_of_metrics, asked_of_recipe
from concours.core.digests import Digest
from concours.core.entrant import Entrant
from concours.core.errors import ContestError, RecipeError, RunFolderError, nearest
from concours.core.joins import JOINS
from concours.core.kind import Form
from concours.core.ports import Listener, Notice, ignore
from concours.core.problem import Problem
from concours.core.registry import load
from concours.engine.cluster import require_listening
from concours.engine.rows import get_rows, shape_of
from concours.engine.usage import usable_cores
from concours.entrants.recipes import Resolved, resolve
from concours.entrants.tables import has_sentences
from concours.entrants.zoo import Size
from concours.runs.folder import RunFolder
from concours.runs.result import Result
from concours.runs.session import Around, EngineName, same, session
from concours.runs.trust import made_here, remember
from concours.stores.address import AddressedStore
from concours.stores.values import put_values
from concours.tasks.judges import asked_of_judges, judges_of
from concours.tasks.kinds import Kind, kind_named
from concours.tasks.metrics.users import require_names
from concours.tasks.task import Task

if TYPE_CHECKING:
    from concours.engine.ingest import Ingested

_GIB = 2**30
_SENTENCE = 60
_SCALE = {"effort", "folds", "rows"}


@dataclass(frozen=True, kw_only=True)
class Contest:
    """One contest: what to solve, who competes, how they cooperate, and within which limits.

    Attributes:
        entrants: those named; a baseline is always added.
        lineup: the kind's own entrants, added to those named: `fast`, `full` or `none`. By default, where none
            are named, `fast`, or `full`, if the kind has it, where a budget says when to stop.
        final: the model on the board, a `bag` of the models of the folds or a `refit` on the whole training part.
        cooperate: strategies, `average`, `vote`, `greedy`, `stack`, `stack-boosted`, `budgeted`; by default the first
            four, as far as they suit the target, and `budgeted` where there are limits. Beside names there may be
            tables of a `name`, `how` to join, and `of` whom: names of other strategies and of entrants.
        format: the way to compete: `leaderboard`, or one of `contest.formats`.
        options: what the format is told, by name.
        stop: when language models have been asked about enough of the test part: `best separates`, once one is
            certainly better than all others, or `ranks separate`, once all ranks are certain; by default after all.
        limits: what a budgeted alliance may cost: `latency_ms` a row, `size_mb` of files, or both.
        engine: where jobs are done: `processes` of this machine, `inline`, in this process, or on a cluster, `ray`.
        address: of the cluster, HOST or HOST:PORT of its head, or `auto` for that of this machine.
        store: where the content lies instead of in the run folder: a folder that all nodes see, or `s3://BUCKET/PREFIX`.
        seconds: of wall time for the whole contest, over all its sessions.
        job_seconds, job_memory_gb: limits of a single job; memory by default an equal share of what is free.
        max_cost, max_requests: what asking language models may take, over all sessions of the contest.
        out: the run folder; by default `runs/` and the name of the contest file, the task or its data.
        folder: where relative file names of the task and of recipes begin.
        command: what a person typed, for the receipt.
    """

    task: Task
    entrants: Sequence[Entrant] = ()
    lineup: Literal["fast", "full", "none"] | None = None
    final: Final = "bag"
    cooperate: Sequence[Written] | None = None
    format: str = LEADERBOARD
    options: Mapping[str, Any] = field(default_factory=dict)
    stop: Stop = ""
    limits: Mapping[str, float] = field(default_factory=dict)
    seconds: float | None = None
    job_seconds: float = 3600.0
    max_cost: float | None = None
    max_requests: int | None = None
    job_memory_gb: float | None = None
    seed: int = 0
    engine: EngineName = "processes"
    address: str | None = None
    store: str | None = None
    workers: int | None = None
    out: Path | str | None = None
    folder: Path = field(default_factory=Path)
    command: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", Path(self.folder))

    @classmethod
    def from_file(cls, path: Path | str) -> Contest:
        """The contest that a TOML file describes.

        Raises:
            ContestError: a key is wrong; the message names it.
        """
        path = Path(path)
        return cls(**read_contest(path), out=Path("runs") / path.stem, folder=path.parent)

    def with_options(self, **options: Any) -> Contest:
        """This contest with some attributes changed; those that are None stay as they are."""
        return replace(self, **{name: value for name, value in options.items() if value is not None})

    def asked(self) -> frozenset[str]:
        """What running the contest would run that is asked about (`core.asked`): of its entrants, and its metrics.

        Raises:
            ContestError, RecipeError: something of it is wrong whatever the data is.
        """
        return self._asked_of_task().union(*(each.asked for each in self._resolved_first()))

    def named(self) -> frozenset[str]:
        """As `asked`, but whatever the files hold, and these by the way from the contest's folder."""
        return self._asked_of_task().union(*(each.named for each in self._resolved_first()))

    def _asked_of_task(self) -> frozenset[str]:
        """Of its metrics, of judges, and of what its data names."""
        runs = kind_named(self.task.kind).input.runs
        code = load(runs)(str(self.task.data)) if runs else ""
        of_data = asked_of_recipe(code, {}) if code else frozenset[str]()
        judges = asked_of_judges(judges_of(self.task.options.get("judge")))
        return asked_of_metrics(self.task.metrics) | judges | of_data

    def _resolved_first(self) -> list[Resolved]:
        """As far as it is known without the data."""
        kind = kind_named(self.task.kind)
        require_names(self.task.metrics)
        return self._resolved(1.0, kind.widest)

    def run(
        self,
        *,
        listener: Listener = ignore,
        began: float | None = None,
        lasting: bool = True,
        around: Around = same,
    ) -> Result:
        """Runs the contest, or goes on where an earlier session of it stopped.

        The folder then has `result.json`, and the models that `predict` uses. What had finished is not run
        again, unless its code, data or parameters have changed. Only code runs that the contest itself names.

        Args:
            lasting: whether the folder is there to stay, so that it is remembered as made here (`runs.trust`).
            around: makes an executor of the one that runs jobs here, on the folder's store, e.g. one for other places.

        Raises:
            ConcoursError: with one line that says what is wrong, where, and what to do.
        """
        asked = self.asked()
        with consent.only(asked):
            since = time.monotonic() if began is None else began
            result = self._run(listener, since, asked if lasting else None, around)
        return replace(result, agreed=asked)

    def _run(self, listener: Listener, began: float, agreed: frozenset[str] | None, around: Around) -> Result:
        kind = kind_named(self.task.kind)
        out = RunFolder(Path(self.out or Path("runs") / self._name()))
        if self.address is not None and self.engine != "ray":
            raise ContestError(f"address is that of a cluster, and the engine is {self.engine!r}; add --engine ray")
        if self.engine == "ray":
            require_listening(self.address or "auto")
        strategies = self._strategies(kind)
        options_of(self.format, self.options)
        with out.writing():
            out.require_current()
            out.settle(self.store)
            setup, scale = self._setup(kind, strategies, out.store, self._kept_scale(out))
            ours = out.read("run.json") is None or made_here(out.path)
            out.claim(task=setup.problem.digest, seed=self.seed, scale=vars(scale))
            if ours and agreed is not None:
                remember(out.path, agreed)
            out.write("setup.json", setup.to_json())
            for line in setup.reading:
                listener(Notice(topic="reading", text=line))
            for warning in setup.warnings:
                listener(Notice(topic="warning", text=warning))
            self._foresee(setup, out, listener)
            with session(
                out,
                engine=self.engine,
                workers=self.workers if self.engine == "ray" else self._workers,
                address=self.address or "auto",
                listener=listener,
                job_seconds=self.job_seconds,
                job_memory=int(self.job_memory_gb * _GIB) if self.job_memory_gb else None,
                budget_s=self.seconds,
                began=began,
                around=around,
            ) as engine:
                outcome = circle(engine, setup, budget_s=self.seconds, workers=self._workers)
                until = None if self.seconds is None else time.monotonic() + self.seconds - engine.elapsed_s
            result = replace(Result.of(outcome, setup, out), until=until)
            _keep_what_was(result)
            result.save()
        return result

    def _foresee(self, setup: Setup, out: RunFolder, listener: Listener) -> None:
        """Says what questions can tell, and what asking is going to take, before it does; and sets its limits."""
        if difference := telling(setup.problem):
            listener(Notice(topic="reading", text=difference))
        if not any(c.entrant.had.calls for c in setup.candidates) and not setup.problem.output.judged:
            return
        if self.engine == "ray" or "://" in out.elsewhere:
            raise ContestError(
                "language models are asked from one machine, where what they may take and what they answered is kept: "
                "leave out --engine ray, and --store s3://…"
            )
        from concours.engine import spending

        spending.limit(out.store.folder, cost=self.max_cost, requests=self.max_requests)
        if early := announced(setup):
            listener(Notice(topic="reading", text=early))
        for line in (*spending.told(setup.candidates, setup.problem, out.store), *talked(setup)):
            listener(Notice(topic="reading", text=line))

    @property
    def _workers(self) -> int:
        return 1 if self.engine == "inline" else self.workers or usable_cores()

    def _name(self) -> str:
        data = self.task.data
        known = Path(data.rpartition(":")[2]).name.partition(".")[0] if isinstance(data, str) else ""
        return self.task.name or known or self.task.kind

    def _usual_lineup(self) -> str:
        if self.lineup or self.entrants:
            return self.lineup or "none"
        return "full" if self.seconds is not None and "full" in kind_named(self.task.kind).lineups else "fast"

    def _resolved(self, effort: float, form: Form) -> list[Resolved]:
        """Baseline, named entrants, line-up; no two of one name."""
        lineup = self._usual_lineup()
        if self.final not in ("bag", "refit"):
            raise ContestError(f"final must be one of bag, refit; got {self.final!r}")
        if self.seconds is not None and not POSITIVE.accepts(self.seconds):
            raise ContestError(f"seconds must be {POSITIVE.words}; got {self.seconds!r}")
        if lineup not in ("none", "fast", "full"):
            raise ContestError(f"lineup must be one of fast, full, none; got {lineup!r}")
        if lineup != "none" and lineup not in form.lineups:
            others = f"it has {' and '.join(form.lineups)}" if form.lineups else "it has none: name entrants"
            raise ContestError(f"lineup: a task of kind {self.task.kind} has no line-up {lineup!r}; {others}")
        names = {entrant.name for entrant in self.entrants}
        own = [] if lineup == "none" else [name for name in form.lineups[lineup] if name not in names]
        baseline = (
            [] if form.baseline in names else [Entrant(name=form.baseline, recipe=form.baseline, role="baseline")]
        )
        everyone = [*baseline, *self.entrants, *(Entrant(name=name, recipe=name) for name in own)]
        written = (each for each in self.cooperate or () if isinstance(each, str))
        _refuse_doubles([entrant.name for entrant in everyone], {*JOINS.own, *written})
        return [_resolved(entrant, form, self.folder, effort) for entrant in everyone]

    def _recipes(self, resolved: Sequence[Resolved]) -> list[str]:
        """The recipes of all who take part, as they are named: of line-ups and baselines by the name of the entrant."""
        written = {entrant.name: entrant.recipe for entrant in self.entrants}
        return [written.get(one.entrant.name, one.entrant.name) for one in resolved]

    def _kept_scale(self, out: RunFolder) -> Scale | None:
        """The scale of the first session, which a contest that goes on keeps, so that no fit is done again."""
        known = out.read("run.json") or {}
        if not known.keys() >= _SCALE:
            return None
        return Scale(effort=known["effort"], folds=self.task.split.folds or known["folds"], rows=known["rows"])

    def _scaled(self, kind: Kind) -> Callable[[Size, int, int], Scale]:
        """How many folds and rows and how much effort suit the budget and the data."""
        effort, fixed = self._effort(), self.task.split.folds
        if self.seconds is None:
            return lambda size, folds, _: Scale(effort=effort, folds=fixed or folds, rows=size.rows)
        repeats, whole = self.task.split.repeats, self.final == "refit"
        return Planner(
            resolved=lambda effort, size: self._resolved(effort, _likely_form(kind, size)),
            effort=effort,
            seconds=self.seconds,
            workers=self._workers,
            folds=fixed,
            fits=lambda folds: folds * repeats + whole,
        ).scale

    def _effort(self) -> float:
        """How long a fit of the zoo's own entrants may take, in units of about ten seconds: what suits the budget."""
        whole = 2.0 if self._usual_lineup() == "full" else 1.0
        return whole if self.seconds is None else round(min(max(self.seconds / 200, 0.05), whole), 3)

    def _strategies(self, kind: Kind) -> tuple[Strategy, ...]:
        suiting = [name for name, join in JOINS.own.items() if join.suits(kind.output.can, kind.input.can)]
        usual = [name for name in suiting if JOINS[name].usual or (JOINS[name].limited and self.limits)]
        written = usual if self.cooperate is None else self.cooperate
        nested = any(not isinstance(each, str) for each in written)
        singles = [each.entrant for each in self._resolved_first()] if nested else []
        names = {role: [one.name for one in singles if one.role == role] for role in ("single", "baseline")}
        chosen = read_strategies(written, names["single"], names["baseline"])
        for strategy in chosen:
            join = JOINS[strategy.how]
            if not join.suits(kind.output.can, kind.input.can):
                of = kind.input.what if join.suits(kind.output.can, join.of_rows) else kind.output.task
                raise ContestError(
                    f"cooperate.strategies: {strategy.how!r} does not suit {of}; {nearest(strategy.how, suiting)}"
                )
        if any(JOINS[strategy.how].limited for strategy in chosen) != bool(self.limits):
            raise ContestError(
                'cooperate: the strategy "budgeted" and its limits go together, e.g. '
                'strategies = ["greedy", "budgeted"], limits = { latency_ms = 1.0, size_mb = 20 }'
            )
        return chosen

    def _setup(
        self, kind: Kind, strategies: tuple[Strategy, ...], store: AddressedStore, kept: Scale | None
    ) -> tuple[Setup, Scale]:
        from concours.api.unlabelled import with_unlabelled
        from concours.contest.sites import with_sites
        from concours.engine.ingest import ingest
        from concours.engine.ready_judges import with_judges

        scaled = self._scaled(kind) if kept is None else lambda *_: kept
        ingested = ingest(self.task, store, seed=self.seed, folder=self.folder, scaled=scaled)
        ingested = with_judges(ingested, store, self.folder, self.task.id)
        strategies, given = with_unlabelled(strategies, ingested, store, self.folder)
        format = held_in(self.format, kind.output.can)
        options = options_of(format, self.options)
        ingested, federation = with_sites(ingested, options, store, self.seed)
        size = replace(_size(ingested.problem, store), letters=ingested.size.letters)
        resolved = self._resolved(ingested.scale.effort, _form(kind, ingested.problem, store))
        candidates, notes = candidates_of(resolved, size, ingested, store, self.task, self.folder)
        setup = Setup(
            problem=ingested.problem,
            candidates=candidates,
            skipped={r.entrant.name: why for r in resolved if (why := r.skipped or unsearchable(r.entrant))},
            seed=self.seed,
            final="refit" if "meet" in kind.output.can else self.final,  # agents get ready once, not fold by fold
            strategies=strategies,
            limits=dict(self.limits),
            stop=self.stop,
            format=format,
            options=options,
            federation=federation,
            reading=(*ingested.reading, *given),
            warnings=(*ingested.warnings, *notes, *judged_by_themselves(ingested.problem, candidates)),
            command=self.command,
            plugins=plugins_behind(ingested.problem, format, strategies, self._recipes(resolved)),
            target=self.task.target_column,
            id=self.task.id,
            names=self._names(ingested, store),
            forms=ingested.forms,
        )
        require_suited(setup, store)
        require_stoppable(setup)
        return setup, ingested.scale

    def _names(self, ingested: Ingested, store: AddressedStore) -> Digest | None:
        """See `Setup.names`."""
        from concours.engine.ingest import names_of

        problem = ingested.problem
        if self.task.id is None or not problem.output.judged:
            return None
        return put_values(store, pa.array(names_of(ingested, store, test=problem.test is not None), pa.string()))


def _keep_what_was(result: Result) -> None:
    """Refuses to write a result without models over one with some, as when code has changed and no time is left."""
    before = result.folder.read("result.json") or {}
    if result.default is None and before.get("complete") and before.get("default"):
        reasons = {line.reason for line in result.standings if line.reason}
        raise RunFolderError(
            f"nothing could be fitted now ({'; '.join(sorted(reasons)[:2])}), while the result in {result.folder.path} "
            "has models; it is kept as it was: give more time with --seconds, or another folder with --out"
        )


def _size(problem: Problem, store: AddressedStore) -> Size:
    """How much a fold has to fit on."""
    folds = len(problem.crossing)
    rows = problem.train.rows * (folds - 1) // folds
    inputs = prod(shape_of(store, problem.train.x))
    return Size(rows=rows, columns=inputs, width=problem.output.width)


def _likely_form(kind: Kind, size: Size) -> Form:
    """The form as far as the length of its cells tells: what is planned by it is rough in any case."""
    return kind.widest if size.letters > _SENTENCE else kind.form


def _form(kind: Kind, problem: Problem, store: AddressedStore) -> Form:
    """The kind's form, or that of tables with columns of sentences."""
    mixed = bool(kind.mixed) and has_sentences(get_rows(store, problem.train.x))
    return kind.widest if mixed else kind.form


def _resolved(entrant: Entrant, form: Form, folder: Path, effort: float) -> Resolved:
    try:
        if entrant.search:
            read_space(entrant.search)
        return resolve(entrant, form=form, folder=folder, effort=effort)
    except (ContestError, RecipeError) as error:
        raise type(error)(f"entrant {entrant.name}: {error}") from None


def _refuse_doubles(names: Sequence[str], strategies: Collection[str]) -> None:
    seen = set(strategies)
    for name in names:
        if not name.isprintable() or name != name.strip() or not name:
            raise ContestError(f"entrant.name: {name!r} must be of letters, on one line, without blanks around it")
        if name in seen:
            what = "is the name of a strategy" if name in strategies else "is the name of two entrants"
            raise ContestError(f"entrant.name: {name!r} {what}; choose another")
        seen.add(name)
