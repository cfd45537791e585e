"""What judges said in a contest: battles, what they come to, and how far people agree with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from concours.compete.pairs import Side as Compared
from concours.compete.pairs import inputs_of, names_of
from concours.core.digests import Digest
from concours.core.errors import DataError
from concours.core.kind import REFERENCE
from concours.core.written import written
from concours.engine.judgements import Side, battles_of, summed_up
from concours.engine.runners.judgements import sides_of
from concours.kernels.rating.agreeing import Agreement, agreement
from concours.kernels.rating.votes import LEFT, RIGHT
from concours.kernels.scoring.verdicts import TIE, corrected_share
from concours.runs.result import Result
from concours.stores.blobs import get_array
from concours.stores.values import get_values
from concours.tasks.battle_columns import found_columns
from concours.tasks.battle_files import Source
from concours.tasks.battles import Tally

_QUESTION: Final = "question"
_SHOWN: Final = 3

Key = tuple[str, str, str]
"""A question, and two names in order."""


@dataclass(frozen=True, kw_only=True)
class Judgements:
    """What judges said of the texts of the part that evaluates.

    Attributes:
        summed_up: see `engine.judgements.summed_up`.
        battles: see `engine.judgements.BATTLES`, with the ids of questions.
        people: how far people agree; none where nobody has voted.
        corrected: by name, how often each wins, ties left out, where the judges err as often as by these votes; nothing
            where they err as often as not.
        strange: votes of people that could not be compared: on pairs or questions on which no judge was asked.
    """

    summed_up: Mapping[str, Any]
    battles: pa.Table
    people: Agreement | None = None
    corrected: Mapping[str, float] = field(default_factory=dict)
    strange: int = 0

    def to_json(self) -> dict[str, Any]:
        """As JSON, without the battles."""
        told = {"corrected": dict(self.corrected), "not_compared": self.strange}
        people = {} if self.people is None else {"people": {**asdict(self.people), **told}}
        return {**self.summed_up, **people}


def judgements(result: Result, votes: Path | None = None) -> Judgements:
    """What judges said in a contest that has come to its end: of each two, where these met, else against references.

    Args:
        votes: a file of people's votes, columns as `concours rate` knows them, and `question`, the id of the row: of
            two names on the board, or of one and `the reference`.

    Raises:
        DataError: nobody judged, or the votes cannot be read or compared.
    """
    sides = _sides(result)
    battles = battles_of(sides)
    ids = _ids(result)
    found = Judgements(summed_up=summed_up(sides), battles=_named(battles, ids))
    if votes is None:
        return found
    judges = _words(found.battles, "what judges said")
    people, strange = _people(judges, votes)
    return replace(found, people=people, corrected=_corrected(judges, people), strange=strange)


def _sides(result: Result) -> list[Side]:
    problem = result.setup.problem
    part, store = problem.test or problem.train, result.folder.store
    texts = {name: (c.test if problem.test else c.oof) or Digest("") for name, c in result.candidates.items()}
    met = [
        Compared(name=one, other=other, texts=texts[one], others=texts[other], verdicts=verdicts)
        for one, other, verdicts in result.format.get("sides", ())
    ]
    other = REFERENCE if problem.output.meta["referenced"] else ""
    judged = [
        Compared(name=name, other=other, texts=texts[name], others=part.y, verdicts=c.verdicts)
        for name, c in result.candidates.items()
        if c.verdicts and c.entrant.role == "single"
    ]
    sides = met or judged
    if not sides:
        raise DataError(f"{result.folder.path}: no judge has said anything here")
    return sides_of(store, names_of(sides), inputs_of(sides))


def _ids(result: Result) -> list[str]:
    """What rows are called: by the task's ids where it has some, else by their position in the data."""
    setup, store = result.setup, result.folder.store
    if setup.names:
        return list(get_values(store, setup.names).to_pylist())
    return [written(value) for value in get_array(store, (setup.problem.test or setup.problem.train).ids).tolist()]


def _named(battles: pa.Table, ids: list[str]) -> pa.Table:
    place = battles.schema.get_field_index(_QUESTION)
    names = pa.array([ids[row] for row in battles[_QUESTION].to_pylist()], pa.string())
    return battles.set_column(place, _QUESTION, names)


def _corrected(judges: Mapping[Key, float], people: Agreement) -> dict[str, float]:
    """How often each wins, if judges are as often right of who wins as of who loses: as often as people agree."""
    if people.decided is None or people.decided <= TIE:
        return {}
    won: dict[str, list[bool]] = {}
    for (_, one, other), word in judges.items():
        if word:
            won.setdefault(one, []).append(word > 0)
            won.setdefault(other, []).append(word < 0)
    right = people.decided
    return {name: corrected_share(float(np.mean(of)), sensitivity=right, specificity=right) for name, of in won.items()}


def _people(judges: Mapping[Key, float], votes: Path) -> tuple[Agreement, int]:
    """How far people agree with judges, and how many of the votes could not be compared."""
    people = _words(votes, votes.name)
    both = sorted(judges.keys() & people.keys())
    if not both:
        told = _unmet(judges, min(people))
        raise DataError(f"{votes.name}: no vote is on a pair and a question that judges were asked about; {told}")
    codes = {question: code for code, question in enumerate(sorted({key[0] for key in both}))}
    found = agreement(
        np.array([judges[key] for key in both]),
        np.array([people[key] for key in both]),
        np.array([codes[key[0]] for key in both]),
    )
    return found, len(people) - len(both)


def _unmet(judged: Iterable[Key], vote: Key) -> str:
    """Which vote judges were not asked about, and what they were asked about."""
    question, one, other = vote
    asked = sorted(key for key in judged if key[0] == question) or sorted(judged)
    listed = ", ".join(f"{first} and {second} on {of!r}" for of, first, second in asked[:_SHOWN])
    more = ", …" if len(asked) > _SHOWN else ""
    return f"the first is on question {question!r}, {one} and {other}; they were asked about {listed}{more}"


def _words(battles: Any, where: str) -> dict[Key, float]:
    """Who is the better of a pair on a question, by all who said something: 1 the first by name, -1 the second, 0."""
    source = Source(battles, where)
    given = dict.fromkeys(("left", "right", "winner"))
    columns = found_columns(source.names, given, {"clusters": (_QUESTION,)}, where)
    tally = Tally(columns, keep=True)
    for batch in source.batches(columns):
        tally.add(batch)
    if not tally.rows:
        raise DataError(f"{where}: no votes on two texts")
    rows, names = tally.kept(), tally.counts.names
    sums: dict[Key, int] = {}
    each = zip(rows.votes.left, rows.votes.right, rows.votes.outcome, rows.clusters[0], strict=True)
    for left, right, outcome, question in each:
        one, other = names[left], names[right]
        word = {LEFT: 1, RIGHT: -1}.get(int(outcome), 0) * (1 if one <= other else -1)
        key = (rows.voters[0][question], *sorted((one, other)))
        sums[key] = sums.get(key, 0) + word
    return {key: float(np.sign(value)) for key, value in sums.items()}
