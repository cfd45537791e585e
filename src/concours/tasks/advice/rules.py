"""The rules by which entrants are advised: a table, a rule a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

_GIB: Final = 2**30

NETWORKS: Final = (
    "dnn",
    "dnn-embedded",
    "transformer",
    "cnn",
    "residual",
    "vit",
    "gru",
    "lstm",
    "gpt",
    "conformer",
    "patch-transformer",
    "n-beats",
    "dlinear",
    "u-net",
)
LINEAR: Final = ("logistic", "ridge", "elastic-net", "nb-logistic", "naive-bayes", "svm-primal")
SLOW_TO_ASK: Final = (
    "knn",
    "svm",
    "forest",
    "extra-trees",
    "transformer",
    "patch-transformer",
    "theta",
    "ets",
    "arima",
)
BOOSTED: Final = ("lightgbm", "xgboost", "catboost", "boosting")


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What rules look at.

    Attributes:
        form: of rows and what is predicted of them, as the zoo names it.
        rows, columns: of the training part. classes: how many there are; 0 of no classes.
        missing: share of the cells that are missing. rarest: share of the rarest class. noise: of labels that are
            confidently disagreed with (`kernels.rows.confident`), none where nobody looked.
        cores: of the machine. memory: bytes that may be used.
        seconds: that a contest has. latency_ms: that asking about a row may take; none where nobody says.
    """

    form: str
    rows: int
    columns: int
    classes: int = 0
    missing: float = 0.0
    rarest: float = 1.0
    noise: float | None = None
    cores: int = 1
    memory: int = 8 * _GIB
    seconds: float = 120.0
    latency_ms: float | None = None

    @property
    def work(self) -> float:
        """Cells that are looked at, in millions, for a core and a second."""
        return self.rows * self.columns * max(1, self.classes if self.classes > 2 else 1) / 1e6


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule.

    Attributes:
        name: of it.
        when: whether it holds, in words; `holds` says so of facts.
        does: whether the entrants that it names go first, or are left out, where they are among the others.
        why: in words.
    """

    name: str
    when: str
    holds: Callable[[Facts], bool]
    does: Literal["first", "leave out"]
    entrants: tuple[str, ...]
    why: str


RULES: Final[tuple[Rule, ...]] = (
    Rule(
        name="few rows",
        when="fewer than 500 rows",
        holds=lambda facts: facts.rows < 500,
        does="first",
        entrants=LINEAR,
        why="few rows are learned best by models with little to learn",
    ),
    Rule(
        name="wide",
        when="more columns than rows",
        holds=lambda facts: facts.columns > facts.rows,
        does="first",
        entrants=LINEAR,
        why="with more columns than rows a penalty is worth more than a bend",
    ),
    Rule(
        name="many gaps",
        when="more than a tenth of the cells missing",
        holds=lambda facts: facts.missing > 0.1,
        does="first",
        entrants=BOOSTED,
        why="boosted trees learn from a gap itself, others are given a value for it",
    ),
    Rule(
        name="doubtful labels",
        when="more than 15% of the labels confidently disagreed with",
        holds=lambda facts: (facts.noise or 0.0) > 0.15,
        does="first",
        entrants=("forest", "extra-trees", *LINEAR),
        why="averages of many trees, and linear models, learn wrong labels by heart the least",
    ),
    Rule(
        name="square of the rows",
        when="more than 30,000 rows",
        holds=lambda facts: facts.rows > 30_000,
        does="leave out",
        entrants=("svm", "knn"),
        why="what compares all rows with all takes hours of so many",
    ),
    Rule(
        name="memory of comparing",
        when="a matrix of all rows by all rows takes more than half of the memory",
        holds=lambda facts: 8 * facts.rows**2 > facts.memory / 2,
        does="leave out",
        entrants=("svm",),
        why="its matrix of all rows by all rows does not fit",
    ),
    Rule(
        name="little memory",
        when="less than 2 GiB of memory",
        holds=lambda facts: facts.memory < 2 * _GIB,
        does="leave out",
        entrants=(*NETWORKS, "forest", "extra-trees"),
        why="networks load a library of a GiB, and forests keep hundreds of whole trees",
    ),
    Rule(
        name="little time",
        when="more than a million cells for each second and core",
        holds=lambda facts: facts.work / (facts.seconds * facts.cores) > 1,
        does="leave out",
        entrants=(*NETWORKS, "svm", "knn", "catboost", "catboost-deep", "lightgbm-large"),
        why="in so little time they see too few of the rows",
    ),
    Rule(
        name="little latency",
        when="less than 2 ms for a row",
        holds=lambda facts: facts.latency_ms is not None and facts.latency_ms < 2,
        does="leave out",
        entrants=SLOW_TO_ASK,
        why="to ask them takes longer: they walk through rows, or hundreds of trees, or long texts",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Advised:
    """An entrant, and why it is to run, or not."""

    name: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Lineup:
    """Whom to run, the first first, and whom not."""

    run: tuple[Advised, ...]
    leave_out: tuple[Advised, ...]


def advised(facts: Facts, known: Sequence[str], record: Sequence[str], *, sets: Sequence[str] = ()) -> Lineup:
    """Whom of the entrants that suit to run, and in which order, each with the reasons.

    Left out is whom a rule leaves out. First come those whom the record names, in its order: they did best together
    on other data; a rule that puts others first moves these before all, in the order of the record; then the rest, in
    the order in which they are known.

    Args:
        known: entrants that suit, as the kind lists them.
        record: the same by the record, the first first; empty where it has no such data.
        sets: what the record is of.

    Law: everybody of `known` is named once.
    """
    holding = [rule for rule in RULES if rule.holds(facts)]
    out = {name: rule.why for rule in reversed(holding) if rule.does == "leave out" for name in rule.entrants}
    first = {name: rule.why for rule in reversed(holding) if rule.does == "first" for name in rule.entrants}
    order = [name for name in record if name in known] + [name for name in known if name not in record]
    if all(name in out for name in order):
        out = {}
    places = {name: place for place, name in enumerate(order)}
    staying = sorted((name for name in order if name not in out), key=lambda name: (name not in first, places[name]))
    return Lineup(
        run=tuple(Advised(name=name, why=_why(name, first, record, sets)) for name in staying),
        leave_out=tuple(Advised(name=name, why=out[name]) for name in order if name in out),
    )


def _why(name: str, first: dict[str, str], record: Sequence[str], sets: Sequence[str]) -> str:
    if name in record:
        known = f"by the record of {len(sets)} sets"
    else:
        known = "in a line-up of the kind, and not in the record" if record else "by the order of the kind's line-ups"
    return f"{first[name]}; among these {known}" if name in first else known
