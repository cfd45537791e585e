"""A competition as its host declares it in `competition.toml`: a value, and JSON, without a library of data.

The file is a contest file's `[task]` and what hosting adds. Its folder has `data/`, which everybody may download,
`truth/`, which nobody but the scorer reads, `pages/` in Markdown, and where they are wanted `baselines/` and `scorer/`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, Literal

from concours.core.errors import nearest
from concours.core.frozen import frozen
from concours.core.typed import typed
from concours.core.visible import visible

DATA, TRUTH, PAGES, BASELINES, SCORER = "data", "truth", "pages", "baselines", "scorer"
"""Folders of a competition."""

Takes = Literal["predictions", "code"]
Shown = Literal["visible", "members", "hidden"]
_KEY = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?")
_KEY_WORDS = "small letters, digits and hyphens, 60 at most, e.g. 'final-round'"
_LONGEST = 200


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page of the competition, in Markdown."""

    title: str
    file: str

    def amiss(self) -> str:
        """What is wrong with it, as `core.typed` asks; empty where nothing is. So have the others."""
        return _text("title", self.title) or _within("file", self.file, PAGES)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a team may do in a phase.

    Attributes:
        per_day: submissions in a day of UTC; none for as many as they like. So `total`, in the whole phase; of 0 there
            are those alone that the phase before hands over.
        seconds, memory_gb, disk_gb: of one run of submitted code.
    """

    per_day: int | None = None
    total: int | None = None
    seconds: float = 3600.0
    memory_gb: float = 4.0
    disk_gb: float = 2.0

    def amiss(self) -> str:
        for name, least in (("per_day", 1), ("total", 0)):
            value = getattr(self, name)
            if value is not None and not least <= value <= 1_000_000:
                return (
                    f"{name} must be a whole number from {least} to 1,000,000, got {value}; leave it out for no limit"
                )
        for name, most in (("seconds", 7 * 86400), ("memory_gb", 4096), ("disk_gb", 4096)):
            if not 0 < (value := getattr(self, name)) <= most:
                return f"{name} must be above 0 and at most {most:,}, got {value:g}"
        return ""


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A stretch of time in which entries are taken.

    Attributes:
        key: names it in addresses and commands.
        begins, ends: moments in ISO 8601 with an offset from UTC; no end where the host closes it by hand.
        truth: the file of `truth/` that its entries are scored by; by default the task's `test`. For a program of the
            host's also a folder.
        inputs: the file of `data/` with the rows to predict; by default that of the same name as the truth. What only a
            program of the host's gives to submitted code may lie in `truth/`.
        rest: what a program of the host's scores by in the end, where that is another truth.
        public: the share of the rows whose scores are shown while it is open; by default the task's, and 0 for all.
        board: who sees its board while it is open.
        takes: what may be submitted.
        hand_over: whether the entries that teams have chosen enter the next phase by themselves when this one ends.
    """

    key: str
    title: str
    begins: str
    ends: str = ""
    truth: str = ""
    inputs: str = ""
    rest: str = ""
    public: float | None = None
    limits: Limits = field(default_factory=Limits)
    board: Shown = "visible"
    takes: tuple[Takes, ...] = ("predictions",)
    hand_over: bool = False

    @property
    def begins_at(self) -> datetime:
        return datetime.fromisoformat(self.begins)

    @property
    def ends_at(self) -> datetime | None:
        return datetime.fromisoformat(self.ends) if self.ends else None

    def amiss(self) -> str:
        return (
            _key("key", self.key)
            or _text("title", self.title)
            or _moment("begins", self.begins)
            or (_moment("ends", self.ends) if self.ends else "")
            or (_within("truth", self.truth, TRUTH) if self.truth else "")
            or (_within("rest", self.rest, TRUTH) if self.rest else "")
            or (_within("inputs", self.inputs, DATA, TRUTH) if self.inputs else "")
            or self._order()
        )

    def _order(self) -> str:
        if self.ends_at and self.ends_at <= self.begins_at:
            return f"ends ({self.ends}) must be later than begins ({self.begins})"
        if self.public is not None and not 0 <= self.public < 1:
            return f"public must be a share from 0 up to 1, got {self.public:g}"
        if not self.takes or len(set(self.takes)) < len(self.takes):
            return 'takes must name "predictions", "code" or both, each once'
        return ""


@dataclass(frozen=True, kw_only=True)
class Teams:
    """How large teams may be, and until when they may merge: by default as long as anything is open."""

    most: int = 1
    merge_until: str = ""

    def amiss(self) -> str:
        if not 1 <= self.most <= 1000:
            return f"most must be a whole number from 1 to 1,000, got {self.most}"
        return _moment("merge_until", self.merge_until) if self.merge_until else ""


@dataclass(frozen=True, kw_only=True)
class BoardOf:
    """A board of the competition.

    Attributes:
        metrics: the columns, in order.
        rank: by the first metric, or by the mean of the ranks by each.
        hidden: whether hosts alone see it.
    """

    key: str
    title: str
    metrics: tuple[str, ...]
    rank: Literal["first metric", "mean of ranks"] = "first metric"
    hidden: bool = False

    def amiss(self) -> str:
        if not self.metrics or len(set(self.metrics)) < len(self.metrics):
            return "metrics must name one at least, each once"
        return _key("key", self.key) or _text("title", self.title)


@dataclass(frozen=True, kw_only=True)
class Alliance:
    """Whether the board shows what all entries achieve together."""

    shown: bool = True


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """An entry of the host's, which competes without a place: a file of predictions, code, or a recipe of the library.

    Attributes:
        recipe: as in a contest file, `dummy` or `logistic`; fitted on the public data.
    """

    name: str
    predictions: str = ""
    code: str = ""
    recipe: str = ""

    def amiss(self) -> str:
        given = [key for key in ("predictions", "code", "recipe") if getattr(self, key)]
        if len(given) != 1:
            said = " and ".join(given) or "none"
            return f"it has predictions, code or a recipe, one of the three, and this one has {said}"
        wrong = "" if self.recipe else _within(given[0], getattr(self, given[0]), BASELINES)
        return _text("name", self.name) or wrong


@dataclass(frozen=True, kw_only=True)
class Measure:
    """What a host's own scorer gives: the name of a number, and which way is better."""

    name: str
    greater_is_better: bool = True

    def amiss(self) -> str:
        return _text("name", self.name)


@dataclass(frozen=True, kw_only=True)
class Scorer:
    """A host's own way to score, which runs in the sandbox.

    Attributes:
        file: of Python, with `score(truth, predictions) -> {name: value}`; or
        program: a folder whose `command` reads what was submitted and the truth, and writes `scores.json`.
        command: with the paths that programs of Codabench are run under: `/app/program`, `/app/input/res`,
            `/app/input/ref`, `/app/output`.
        measures: what it gives, the first of which ranks.
        ingestion, ingestion_command: a program that runs submitted code on a phase's `inputs`, where the competition
            brings its own.
    """

    measures: tuple[Measure, ...]
    file: str = ""
    program: str = ""
    command: str = ""
    ingestion: str = ""
    ingestion_command: str = ""

    def amiss(self) -> str:
        if not self.measures or len({one.name for one in self.measures}) < len(self.measures):
            return "measures must name one at least, each once: [{name = …, greater_is_better = …}]"
        if bool(self.file) == bool(self.program):
            return "it has a file of Python or the folder of a program, one of the two"
        for folder, command in (("program", "command"), ("ingestion", "ingestion_command")):
            if bool(getattr(self, folder)) != bool(getattr(self, command)):
                return f"{folder} and {command} belong together: give both, or neither"
        paths = [(key, getattr(self, key)) for key in ("file", "program", "ingestion") if getattr(self, key)]
        return next(filter(None, [_within(key, path, SCORER) for key, path in paths]), "")


@dataclass(frozen=True, kw_only=True)
class Arena:
    """People see two entries' answers, blind and side by side, and vote.

    Attributes:
        prompts: a table of `data/` with the columns `id` and `prompt`; an entry is a table with `id` and `answer`.
        votes_per_day: of one voter; none for as many as they like.
    """

    prompts: str
    votes_per_day: int | None = 200

    def amiss(self) -> str:
        if self.votes_per_day is not None and not 1 <= self.votes_per_day <= 1_000_000:
            return f"votes_per_day must be a whole number from 1 to 1,000,000, got {self.votes_per_day}"
        return _within("prompts", self.prompts, DATA)


@dataclass(frozen=True, kw_only=True)
class Competition:
    """All that a host declares.

    Attributes:
        slug: names it in addresses and commands.
        rules: the page that has to be accepted before anybody joins; none where there are no rules.
        task: the table of a contest file, as it is written there (`contest.config.task_of` reads it); its `data` lies
            in `data/` and its `test` in `truth/`. None in an arena, and where a scorer of the host's reads the files.
        seed: decides which rows are public.
        boards: by default one, with all metrics of the task.
        guard: `ladder` where the public score moves only when it rises by more than chance (Blum and Hardt, 2015).
    """

    title: str
    slug: str
    phases: tuple[Phase, ...]
    subtitle: str = ""
    licence: str = ""
    contact: str = ""
    visibility: Literal["all", "members"] = "all"
    pages: tuple[Page, ...] = ()
    rules: str = ""
    guard: Literal["none", "ladder"] = "none"
    seed: int = 0
    task: Mapping[str, Any] = field(default_factory=lambda: frozen({}))
    teams: Teams = field(default_factory=Teams)
    boards: tuple[BoardOf, ...] = ()
    alliance: Alliance = field(default_factory=Alliance)
    baselines: tuple[Baseline, ...] = ()
    scorer: Scorer | None = None
    arena: Arena | None = None

    @property
    def kind(self) -> Literal["board", "arena"]:
        """Whether entries are scored or voted on."""
        return "arena" if self.arena else "board"

    def truth_of(self, phase: Phase) -> str:
        """The file of `truth/` that a phase scores by; empty where there is none."""
        return phase.truth or str(self.task.get("test", ""))

    def inputs_of(self, phase: Phase) -> str:
        """The file of `data/` with the rows that a phase asks about; empty where there is none."""
        truth = self.truth_of(phase)
        return phase.inputs or (DATA + truth.removeprefix(TRUTH) if truth and self.task else "")

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(replace(self, task={})), "task": dict(self.task)}

    @classmethod
    def from_json(cls, value: Any) -> Competition:
        """The inverse of `to_json`. Raises ContentRefused, which says where and what was expected."""
        return typed(cls, value)

    def amiss(self) -> str:
        return next(filter(None, self._faults()), "")

    def _faults(self) -> Iterator[str]:
        yield _text("title", self.title)
        yield _key("slug", self.slug)
        yield "" if len(self.subtitle) <= _LONGEST else f"subtitle has more than {_LONGEST} letters"
        for name in ("subtitle", "licence", "contact"):
            yield _seen(name, getattr(self, name))
        yield _within("rules", self.rules, PAGES) if self.rules else ""
        yield "" if 0 <= self.seed < 1 << 63 else f"seed must be a whole number from 0 up to 2^63, got {self.seed}"
        yield "" if self.phases else "there is no phase: write [[phase]] with key, title and begins"
        for what, names in (
            ("phase", [phase.key for phase in self.phases]),
            ("board", [board.key for board in self.boards]),
            ("baseline", [baseline.name for baseline in self.baselines]),
            ("page", [page.title for page in self.pages]),
        ):
            yield _twice(what, names)
        yield from (self._asked(), self._files(), *self._phases(), *self._boards())

    def _asked(self) -> str:
        """Whether it says what is asked for, and in one way."""
        if self.arena:
            other = "task" if self.task else "scorer" if self.scorer else "board" if self.boards else ""
            return f"arena and {other} exclude each other: an arena is rated by votes" if other else ""
        if self.guard == "ladder" and self.scorer:
            return 'guard = "ladder" is for rows that the library scores: leave it out'
        if not self.task and not self.scorer:
            return "there is no [task]: it says what is predicted; or give [scorer] or [arena]"
        return ""

    def _files(self) -> str:
        """Whether the data lies where everybody may have it, and the truth where nobody may."""
        if not self.task:
            return ""
        for key in ("kind", "data"):
            if key not in self.task:
                return f"task.{key} is missing"
        data = self.task["data"]
        if isinstance(self.task.get("test", ""), Sequence) and not isinstance(self.task.get("test", ""), str):
            return "task.test must be one file or folder of truth/, got a list"
        wrong = [_within("task.data", one, DATA) for one in ([data] if isinstance(data, str) else data)]
        wrong += [_within("task.test", self.task["test"], TRUTH)] if "test" in self.task else []
        return next(filter(None, wrong), "")

    def _phases(self) -> Iterator[str]:
        for phase, after in zip(self.phases, [*self.phases[1:], None], strict=True):
            if self.kind == "board" and not self.truth_of(phase):
                yield f"phase {phase.key!r} has no truth: give task.test, or truth in the phase, a file of {TRUTH}/"
            if phase.rest and not self.scorer:
                yield f"phase {phase.key!r}: rest is for a scorer of the host's; of a task, public says which rows are"
            if self.task and phase.inputs and _within("inputs", phase.inputs, DATA):
                yield f"phase {phase.key!r}: {_within('inputs', phase.inputs, DATA)}"
            if after and after.begins_at < phase.begins_at:
                yield f"phase {after.key!r} begins before {phase.key!r}, which stands before it: put them in order"
            if phase.hand_over:
                yield self._handing(phase, after)

    def _handing(self, phase: Phase, after: Phase | None) -> str:
        said = f"phase {phase.key!r}: hand_over = true"
        if after is None:
            return f"{said}, and there is no phase after it"
        if not phase.ends_at or phase.ends_at > after.begins_at:
            return f"{said} needs an end that is not after {after.key!r} begins"
        if self.task and "code" not in after.takes and self.truth_of(after) != self.truth_of(phase):
            return (
                f"{said}: predictions of other rows say nothing in {after.key!r}, whose truth is another file; let it "
                'take "code", or give both the same truth'
            )
        return ""

    def _boards(self) -> Iterator[str]:
        known = [one.name for one in self.scorer.measures] if self.scorer else self.task.get("metrics", [])
        for board in self.boards:
            for name in board.metrics if known else ():
                if name not in known:
                    yield f"board {board.key!r} has a metric {name!r} that nothing gives; {nearest(name, known)}"


def _key(name: str, key: str) -> str:
    return "" if _KEY.fullmatch(key) else f"{name} must be {_KEY_WORDS}, got {key[:_LONGEST]!r}"


def _text(name: str, text: str) -> str:
    if not text.strip() or len(text) > _LONGEST:
        return f"{name} must be a text of 1 to {_LONGEST} letters"
    return _seen(name, text)


def _seen(name: str, text: str) -> str:
    shown = visible(text)
    return (
        ""
        if shown == text
        else f"{name} holds letters that are not seen, or turn the text around: {shown[:_LONGEST]!r}"
    )


def _moment(name: str, text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return f"{name} must be a moment as 2027-01-31T12:00:00Z, got {text[:_LONGEST]!r}"
    if moment.tzinfo is None:
        return f"{name} ({text}) has no time zone: write {text}Z for UTC, or an offset such as {text}+01:00"
    return ""


def _within(name: str, path: Any, *folders: str) -> str:
    """Why a path is none of some folders of the competition; empty where it is of one."""
    if isinstance(path, str) and "\\" not in path and "\0" not in path:
        parts = PurePosixPath(path).parts
        if len(parts) > 1 and parts[0] in folders and ".." not in parts:
            return ""
    first = folders[0]
    return f"{name} must be a file of {'/ or '.join(folders)}/, as {first}/NAME, got {str(path)[:_LONGEST]!r}"


def _twice(what: str, names: Iterable[str]) -> str:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return f"two {what}s are called {name!r}; rename one"
        seen.add(name)
    return ""
