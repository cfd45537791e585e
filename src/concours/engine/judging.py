"""Judges: language models that are asked which of two texts is the better, in both orders, or to grade one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core import consent
from concours.core.asked import asked_of_recipe
from concours.core.digests import digest_json
from concours.core.errors import ContentRefused, ContestError, EndpointRefused
from concours.engine.worded import Row
from concours.engine.words import how_of, speaker_of
from concours.entrants.endpoints.judgements import (
    ALONE,
    FIRST,
    HIGHEST,
    LOWEST,
    PAIR,
    RUBRIC,
    SECOND,
    TIE,
    asked_by,
    grade_of,
    referred,
    verdict_of,
)
from concours.entrants.endpoints.params import Asking
from concours.entrants.endpoints.price import money
from concours.entrants.endpoints.prompts import Prompt
from concours.entrants.endpoints.purse import Purse
from concours.entrants.endpoints.replies import Failed, Reply
from concours.entrants.endpoints.speaker import Said
from concours.kernels.scoring.verdicts import panel, wins
from concours.tasks.extraction import without_thinking
from concours.tasks.written import JUDGE_SCORE, WIN_RATE

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_UNASKED: Final = ("shots", "samples", "by", "rotate")
_KNOWN: Final = ("question", "answer", "first", "second", "reference", "rubric", "mark")
_MARK: Final = 8
"""Letters of a mark that tells where an answer ends: an answer that fakes its own end would have to know it."""
_SHOWN: Final = 80


@dataclass(frozen=True, kw_only=True)
class Way:
    """A way to be asked about a text.

    Attributes:
        prompt: what is asked.
        needed: what a prompt must have.
        places: in which the text stands, one after the other: first or second of a pair, or alone.
        read: what is said, as a number.
        combined: what a panel says in all, of (judges, rows) for each place.
        nothing, same: what a text has that says nothing, or just what the reference says, about which nobody is asked;
            NaN where they are.
        wanted: how a verdict is written.
    """

    prompt: str
    needed: tuple[str, ...]
    places: tuple[str, ...]
    read: Callable[[str], float | None]
    combined: Callable[..., Floats]
    nothing: float
    same: float
    wanted: str


WAYS: Final[Mapping[str, Way]] = {
    WIN_RATE: Way(
        prompt=PAIR,
        needed=("question", "first", "second"),
        places=("first", "second"),
        read=verdict_of,
        combined=wins,
        nothing=SECOND,
        same=TIE,
        wanted="[[A]], [[B]] or [[TIE]]",
    ),
    JUDGE_SCORE: Way(
        prompt=ALONE,
        needed=("question", "answer"),
        places=("alone",),
        read=grade_of,
        combined=lambda said: panel(said, otherwise=(LOWEST + HIGHEST) / 2),
        nothing=LOWEST,
        same=np.nan,
        wanted="a grade in double brackets, as [[7]]",
    ),
}
"""By the grade that is asked for (`tasks.written.GRADES`)."""


@dataclass(frozen=True, kw_only=True)
class Texts:
    """What is judged, a text a row.

    Attributes:
        questions: (rows,) what was asked.
        answers: (rows,) what is judged.
        references: (rows,) what it is compared with; empty where there is none.
    """

    questions: Sequence[str]
    answers: Sequence[str]
    references: Sequence[str]

    def of(self, rows: Codes) -> Texts:
        """Those of some rows."""
        places = rows.tolist()
        return Texts(
            questions=[self.questions[row] for row in places],
            answers=[self.answers[row] for row in places],
            references=[self.references[row] for row in places],
        )


@dataclass(frozen=True, kw_only=True)
class Judge:
    """A language model that judges.

    Attributes:
        name: of it.
        recipe, params: as of an entrant.
        how: it is asked.
        rubric: by what it judges.
    """

    name: str
    recipe: str
    params: Mapping[str, Any]
    how: Asking
    rubric: str

    @classmethod
    def of(cls, told: Mapping[str, Any], rubric: str) -> Judge:
        """A judge as a task names it. Raises ContestError where it cannot be asked so."""
        recipe, params = told["recipe"], {"max_tokens": 1024, **told["params"]}
        try:
            how = how_of(recipe, params)
        except ContentRefused as error:
            raise ContestError(f"the judge {told['name']}: {error}") from None
        if set_ := [name for name in _UNASKED if getattr(how, name) != getattr(Asking, name)]:
            raise ContestError(f"the judge {told['name']}: params.{set_[0]}: a judge takes none; leave it out")
        return cls(name=told["name"], recipe=recipe, params=params, how=how, rubric=rubric or RUBRIC)

    def prompt(self, way: str) -> Prompt:
        """What it is asked. Raises ContestError where its own prompt lacks something."""
        try:
            return asked_by(self.how.prompt or WAYS[way].prompt, self.how.system, WAYS[way].needed, _KNOWN)
        except ContestError as error:
            raise ContestError(f"the judge {self.name}: {error}, for {way}") from None

    def verdicts(self, way: str, texts: Texts, rows: Codes, purse: Purse | None) -> tuple[Floats, pa.Table]:
        """Its verdicts on the texts of some rows, (places, rows), and all that was said.

        Raises:
            ContestError: none of its answers has a verdict.
            TrustError, EndpointRefused, SpentOut: as of `asked`.
        """
        found, places = self.asked(way, texts.of(rows), purse), WAYS[way].places
        said = np.array([[_read(WAYS[way], place, one) for one in of] for place, of in zip(places, found, strict=True)])
        self._require_verdicts(WAYS[way], said, found)
        each = zip(places, found, said, strict=True)
        return said, pa.concat_tables([_table(self, way, place, rows, of, read) for place, of, read in each])

    def _require_verdicts(self, way: Way, read: Floats, found: Sequence[Sequence[Reply | Failed]]) -> None:
        if np.isnan(read).all():
            first = next((one.text for of in found for one in of if isinstance(one, Reply)), "")
            raise ContestError(
                f"the judge {self.name}: none of its {read.size} answers has a verdict; {way.wanted} was expected at "
                f"the end, the first ends: {first.strip()[-_SHOWN:]!r}"
            )

    def asked(self, way: str, texts: Texts, purse: Purse | None) -> list[list[Reply | Failed]]:
        """What it says about each text, (places, rows).

        Raises:
            TrustError: texts are not to be sent there (`core.consent`).
            EndpointRefused: it cannot be asked, or too many texts had no answer.
            SpentOut: no more may be spent.
        """
        places, size, prompt = WAYS[way].places, len(texts.answers), self.prompt(way)
        consent.require(asked_of_recipe(self.recipe, self.params))
        questions = (Said(prompt.messages(row)) for place in places for row in self._rows(place, texts))
        try:
            found = speaker_of(self.recipe, self.params, self.how, threads=1).ask(questions, purse).replies
        except EndpointRefused as error:
            raise EndpointRefused(f"the judge {self.name}: {error}") from None
        failed = [one for one in found if isinstance(one, Failed)]
        if len(failed) > self.how.most_failed * len(found):
            raise EndpointRefused(
                f"the judge {self.name}: {len(failed)} of {len(found)} verdicts did not come: {failed[0].reason}; "
                "run it again to ask for these alone, or allow a share of them by most_failed"
            )
        return [found[number * size : (number + 1) * size] for number in range(len(places))]

    def _rows(self, place: str, texts: Texts) -> Iterator[dict[str, str]]:
        """What is told of each text that stands in this place."""
        for question, answer, reference in zip(texts.questions, texts.answers, texts.references, strict=True):
            first, second = (answer, reference) if place == "first" else (reference, answer)
            told = referred(reference) if self.how.prompt is None else reference
            mark = digest_json([question, answer, reference]).rpartition(":")[2][:_MARK]
            pair = {"first": first, "second": second, "mark": mark}
            yield {"question": question, "answer": answer, "reference": told, "rubric": self.rubric, **pair}


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What judges said of texts.

    Attributes:
        grades: (rows,) of each way.
        verdicts: a table with a row a request: `row`, `way`, `judge`, `place`, `status` (read, unread, failed), the
            `verdict` on the text, what was `said`, tokens and `money`.
    """

    grades: Mapping[str, Floats]
    verdicts: pa.Table


@dataclass(frozen=True, kw_only=True)
class Filed:
    """A judge whose verdicts somebody already has: it has seen texts in either order, or nobody says in which.

    Attributes:
        way: what it was asked.
        said: (rows,) its verdicts on all texts; NaN where it has none.
    """

    name: str
    way: str
    said: Floats

    def verdicts(self, way: str, texts: Texts, rows: Codes, purse: Purse | None) -> tuple[Floats, pa.Table]:
        """Its verdicts on the texts of some rows, for each place; nothing where it was asked something else.

        Raises:
            ContestError: it has none on them.
        """
        del texts, purse
        if way != self.way:
            return np.full((len(WAYS[way].places), len(rows)), np.nan), VERDICTS.empty_table()
        said = self.said[rows]
        if np.isnan(said).all():
            raise ContestError(f"the judge {self.name}: its file has no verdict on these texts")
        table = _columns(self.name, way, "either", rows, said, [None] * len(rows), [None] * len(rows))
        return np.tile(said, (len(WAYS[way].places), 1)), table


def judged(judges: Sequence[Judge | Filed], ways: Sequence[str], texts: Texts, purse: Purse | None) -> Judged:
    """Asks a panel about texts; about those that say nothing, or just what the reference says, nobody is asked.

    Raises:
        ContestError: a judge has no verdict that could be read.
        EndpointRefused, SpentOut, TrustError: as of `Judge.asked`.
    """
    grades, tables = dict[str, Floats](), [VERDICTS.empty_table()]
    for name in ways:
        way = WAYS[name]
        pairs = zip(texts.answers, texts.references, strict=True)
        known = np.array([_known(way, answer, reference) for answer, reference in pairs], dtype=np.float64)
        rows = np.flatnonzero(np.isnan(known))
        said = np.full((len(way.places), len(judges), len(rows)), np.nan)
        for number, judge in enumerate(judges if len(rows) else ()):
            said[:, number], table = judge.verdicts(name, texts, rows, purse)
            tables.append(table)
        known[rows] = way.combined(*said)
        grades[name] = known
    return Judged(grades=grades, verdicts=pa.concat_tables(tables))


def _known(way: Way, answer: str, reference: str) -> float:
    if not answer.strip():
        return way.nothing
    return way.same if answer == reference else np.nan


def _read(way: Way, place: str, one: Reply | Failed) -> float:
    """The verdict on the text that is judged: where it stood second, what is said of the first is turned round."""
    value = None if isinstance(one, Failed) else way.read(without_thinking(one.text))
    if value is None:
        return np.nan
    return FIRST - value if place == "second" else value


VERDICTS: Final = pa.schema(
    [
        ("row", pa.int64()),
        ("way", pa.string()),
        ("judge", pa.string()),
        ("place", pa.string()),
        ("status", pa.string()),
        ("verdict", pa.float64()),
        ("said", pa.string()),
        ("tokens_in", pa.int64()),
        ("tokens_cached", pa.int64()),
        ("tokens_out", pa.int64()),
        ("money", pa.float64()),
    ]
)
"""The columns of `Judged.verdicts`."""


def _table(judge: Judge, way: str, place: str, rows: Codes, found: Sequence[Reply | Failed], read: Floats) -> pa.Table:
    price = judge.how.charged
    units = [None if price is None or isinstance(one, Failed) else price.of(one) for one in found]
    paid = [None if unit is None else float(money(unit)) for unit in units]
    return _columns(judge.name, way, place, rows, read, found, paid)


def _columns(
    judge: str,
    way: str,
    place: str,
    rows: Codes,
    read: Floats,
    found: Sequence[Reply | Failed | None],
    paid: Sequence[float | None],
) -> pa.Table:
    def each(name: str) -> list[Any]:
        return [getattr(one, name) if isinstance(one, Reply) else None for one in found]

    columns = [
        rows,
        *([text] * len(rows) for text in (way, judge, place)),
        [_status(one, value) for one, value in zip(found, read.tolist(), strict=True)],
        [None if np.isnan(value) else value for value in read.tolist()],
        [one.reason if isinstance(one, Failed) else one.text if one else None for one in found],
        *(each(name) for name in ("tokens_in", "tokens_cached", "tokens_out")),
        paid,
    ]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, VERDICTS, strict=True)]
    return pa.Table.from_arrays(arrays, schema=VERDICTS)


def _status(one: Reply | Failed | None, value: float) -> str:
    if isinstance(one, Failed):
        return "failed"
    return "unread" if np.isnan(value) else "read"


def shown(row: Row) -> str:
    """What was asked in a row, for a judge: its only text, or all that it has, named."""
    return next(iter(row.values())) if len(row) == 1 else "\n".join(f"{name}: {text}" for name, text in row.items())
