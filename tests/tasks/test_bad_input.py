"""Bad input by kind: named with file and row, and left out with a count only where the task says so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from concours.core.errors import DataError
from concours.core.registry import load
from concours.tasks.kinds import KINDS
from concours.tasks.reading import Data
from concours.tasks.task import Task


@dataclass(frozen=True, kw_only=True)
class Case:
    """What lies there, and what is said of it.

    Attributes:
        files: by name, their content; the first one is the data.
        keys: of the task besides.
        said: a part of the message, as it is.
        left: how many rows are read with `on_bad_row = "skip"`, and what is told of the others; none where it is
            refused either way.
    """

    kind: str
    files: Mapping[str, str]
    said: str
    keys: Mapping[str, Any] = field(default_factory=dict)
    left: tuple[int, str] | None = None


def _rows(head: str, *lines: str) -> str:
    return "\n".join((head, *lines)) + "\n"


_GOOD = ("a,0,1,go", "a,1,2,go", "a,2,3,go", "b,0,4,no", "b,1,5,no", "b,2,6,no")
_HEAD = "id,t,x,y"
_STEPS: Mapping[str, Any] = {"id": "id", "target": "y", "options": {"time": "t"}}


def _sequences(*lines: str, said: str, left: tuple[int, str] | None, **keys: Any) -> Case:
    """Two sequences that are as they should be, and lines behind them, of which the first is row 7."""
    return Case(
        kind="sequence-classification",
        files={"s.csv": _rows(_HEAD, *_GOOD, *lines)},
        keys={**_STEPS, **keys},
        said=said,
        left=left,
    )


_UNITS = ("1,1,0.5", "1,2,0.7", "1,3,0.6", "2,1,0.1", "2,2,0.3", "2,3,0.9")


def _units(*lines: str, said: str, left: tuple[int, str] | None, head: str = "unit,cycle,x", **keys: Any) -> Case:
    """Two units of three cycles, of which two windows each are read, and lines behind them."""
    given = {"id": "unit", "options": {"time": "cycle", "window": 2, **keys.pop("options", {})}, **keys}
    whole = [line + ("," if head.count(",") > 2 else "") for line in _UNITS]
    return Case(
        kind="remaining-useful-life", files={"u.csv": _rows(head, *whole, *lines)}, keys=given, said=said, left=left
    )


_TS = "@timeStamps false\n@classLabel true go no\n@data\n1,2,3:go\n4,5,6:no\n"

SEQUENCES = {
    "double stamps": _sequences(
        "c,0,1,go",
        "c,0,2,go",
        said="s.csv: sequence c has t = 0 twice, again in row 8; mend it, or leave such sequences out by",
        left=(2, "1 of 3 sequences left out; first: sequence c has t = 0 twice"),
    ),
    "a gap": _sequences(
        "c,0,1,go",
        "c,1,2,go",
        "c,4,2,go",
        said="s.csv: sequence c has uneven steps: t goes from 1 to 4 in row 9, where the usual step is 1",
        left=(2, "1 of 3 sequences left out"),
    ),
    "one step": _sequences(
        "c,0,1,go",
        said="s.csv: sequence c has one row, 7; two steps at least were expected",
        left=(2, "1 of 3 sequences left out"),
    ),
    "a target that changes": _sequences(
        "c,0,1,go",
        "c,1,2,no",
        said="s.csv: sequence c: y = 'go' and, in row 8, 'no'; one value for all of its rows was expected",
        left=(2, "1 of 3 sequences left out"),
    ),
    "no id": _sequences(
        "c,0,1,go",
        "c,1,2,go",
        ",2,1,go",
        said="s.csv: 'id', the sequence that a row is of, is missing in 1 row, first in row 9",
        left=(3, "1 row without 'id' left out; first: row 9"),
    ),
    "no target": _sequences(
        "c,0,1,",
        "c,1,2,",
        said="s.csv: the target 'y' is missing in 1 of 3 rows, first in row 3",
        left=(2, "1 sequence without the target 'y' left out"),
    ),
    "a column of words": Case(
        kind="sequence-classification",
        files={"s.csv": _rows("id,t,x,note,y", *(f"{line[:-3]},hot{line[-3:]}" for line in _GOOD))},
        keys=_STEPS,
        said="s.csv: column 'note' must hold numbers, got 'hot' in row 1; mend it, or leave the column out by drop",
    ),
    "no column of the time": _sequences(said="s.csv: column 'when' is missing; ", left=None, options={"time": "when"}),
    "a .ts file with words": Case(
        kind="sequence-classification",
        files={"s.ts": _TS + "7,eight,9:go\n"},
        said="s.ts, line 6: channel 1: numbers were expected, got 'eight'",
    ),
    "a .ts file with another number of channels": Case(
        kind="sequence-classification",
        files={"s.ts": _TS + "7,8,9:1,2,3:go\n"},
        said="s.ts, line 6: 2 channels, where the first has 1",
    ),
    "a .ts file that is cut off": Case(
        kind="sequence-classification", files={"s.ts": _TS[:20]}, said="s.ts has no line @data"
    ),
}

UNITS = {
    "a unit of one row": _units(
        "3,1,0.5",
        said="u.csv: unit 3 has one row, 7; two steps at least were expected; mend it, or leave such units out by",
        left=(4, "1 of 3 units left out; first: unit 3 has one row"),
    ),
    "double cycles": _units(
        "3,1,0.5",
        "3,1,0.6",
        said="u.csv: unit 3 has cycle = 1 twice, again in row 8",
        left=(4, "1 of 3 units left out"),
    ),
    "gaps": _units(
        "3,1,0.5",
        "3,4,0.6",
        said="u.csv: unit 3 has uneven steps: cycle goes from 1 to 4 in row 8",
        left=(4, "1 of 3 units left out"),
    ),
    "no failure": Case(
        kind="remaining-useful-life",
        files={"u.csv": _rows("unit,cycle,x,failed", "1,1,0.5,0", "1,2,0.7,1", "2,1,0.1,0", "2,2,0.3,0")},
        keys={"id": "unit", "options": {"time": "cycle", "window": 2, "failure": "failed"}},
        said="u.csv: unit 2 has no failure: failed is never 1, up to its last row, 4; a unit to learn from is followed",
        left=(1, "1 of 2 units left out; first: unit 2 has no failure"),
    ),
    "rows behind a failure": Case(
        kind="remaining-useful-life",
        files={"u.csv": _rows("unit,cycle,x,failed", "1,1,0.5,1", "1,2,0.7,0", "2,1,0.1,0", "2,2,0.3,1")},
        keys={"id": "unit", "options": {"time": "cycle", "window": 2, "failure": "failed"}},
        said="u.csv: unit 1 has failed = 1 in row 1, and rows behind it; a unit ends where it fails",
        left=(1, "1 of 2 units left out"),
    ),
    "a negative life": Case(
        kind="remaining-useful-life",
        files={"u.csv": _rows("unit,cycle,x,left", "1,1,0.5,4", "1,2,0.7,3", "2,1,0.1,0", "2,2,0.3,-1")},
        keys={"id": "unit", "target": "left", "options": {"time": "cycle", "window": 2}},
        said="u.csv: unit 2 has left = -1 in row 4; 0 or more was expected",
        left=(1, "1 of 2 units left out"),
    ),
    "a sensor of words": Case(
        kind="remaining-useful-life",
        files={"u.csv": _rows("unit,cycle,x,state", *(f"{line},warm" for line in _UNITS))},
        keys={"id": "unit", "options": {"time": "cycle", "window": 2}},
        said="u.csv: column 'state' must hold numbers, got 'warm' in row 1",
    ),
    "sensors that never change": Case(
        kind="remaining-useful-life",
        files={"u.csv": _rows("unit,cycle,x", *(f"{line[:4]}1" for line in _UNITS))},
        keys={"id": "unit", "options": {"time": "cycle", "window": 2}},
        said="u.csv: no column of numbers changes besides 'unit'; there is nothing to learn from",
    ),
    "units that judge, and no life": Case(
        kind="remaining-useful-life",
        files={name: _rows("unit,cycle,x", *_UNITS) for name in ("u.csv", "v.csv")},
        keys={"id": "unit", "test": "v.csv", "options": {"time": "cycle", "window": 2}},
        said="v.csv: units that judge need their remaining life: name its column by target in [task]",
    ),
}

_DOCUMENTS = ("a,1,2", "a,2,0", "b,1,1", "b,3,0")


def _documents(*lines: str, said: str, left: tuple[int, str] | None = None) -> Case:
    """Two queries of two documents, and lines behind them, of which the first is row 5."""
    content = _rows("query,x,relevance", *_DOCUMENTS, *lines)
    keys = {"target": "relevance", "options": {"query": "query"}}
    return Case(kind="ranking", files={"d.csv": content}, keys=keys, said=said, left=left)


_LINES = "2 qid:1 1:0.5\n0 qid:1 2:0.1\n1 qid:2 1:1\n0 qid:2 1:2\n"

RANKED = {
    "a query of one document": _documents(
        "c,1,1",
        said="d.csv: 1 query with one document alone, first: row 5, query 'c'; there is nothing to put in order: give",
        left=(4, "1 query with one document alone left out, first: row 5, query 'c'"),
    ),
    "a negative relevance": _documents(
        "c,1,-1", "c,2,0", said="d.csv: row 5: the relevance is -1, in 1 of 6 rows it is no whole number from 0 to 30"
    ),
    "half a relevance": _documents("c,1,0.5", "c,2,0", said="d.csv: row 5: the relevance is 0.5, in 1 of 6 rows"),
    "words for relevances": _documents("c,1,good", "c,2,0", said="d.csv: row 5: the relevance is good, in 1 of 6 rows"),
    "no query": _documents(
        ",1,1", "c,2,0", "c,3,1", said="task.query: d.csv: column 'query' is missing in 1 rows, first in row 5"
    ),
    "no relevance": _documents(
        "c,1,",
        "c,2,0",
        "c,3,1",
        said="d.csv: the target 'relevance' is missing in 1 of 7 rows, first in row 5",
        left=(6, "1 row without the target 'relevance' left out; first: row 5"),
    ),
    "a line of another form": Case(
        kind="ranking",
        files={"d.svmlight": f"{_LINES}1 qid:2 one:2\n"},
        said="d.svmlight: line 5 is '1 qid:2 one:2'; a relevance, `qid:` and the number of the query, and numbers",
        left=(4, "1 line of another form was left out; first: line 5"),
    ),
    "a line without a query": Case(
        kind="ranking", files={"d.svmlight": f"{_LINES}1 1:2\n"}, said="d.svmlight: 4 of 5 lines name a query; all have"
    ),
    "no line": Case(kind="ranking", files={"d.svmlight": "# nothing\n"}, said="d.svmlight has no rows"),
}

_THINGS = tuple(f"{row},{'ab'[row % 2]},{row / 2}" for row in range(20))


def _things(*lines: str, said: str, left: tuple[int, str] | None = None, **keys: Any) -> Case:
    """Twenty rows of a label and a number, and lines behind them, of which the first is row 21."""
    content = _rows("x,sort,size", *_THINGS, *lines)
    given = {"target": ("sort", "size"), **keys}
    return Case(kind="multi-output", files={"t.csv": content}, keys=given, said=said, left=left)


SEVERAL = {
    "one target is missing": _things(
        "1,a,",
        said="t.csv: the target 'size' is missing in 1 of 21 rows, first in row 21",
        left=(20, "1 row without the target 'sort' and 'size' left out; first: row 21"),
    ),
    "a word among numbers": _things(
        "1,a,big",
        said="t.csv: the target 'size' is missing in 1 of 21 rows, first in row 21; 'big' (1 rows) counts as missing",
        left=(20, "1 row without the target 'sort' and 'size' left out; first: row 21"),
    ),
    "a target that is no column": _things(said="task.target: t.csv has no column 'colour'", target=("sort", "colour")),
    "a target twice": _things(said="task.target: two columns or more, each once, were expected", target=("x", "x")),
    "one target alone": _things(said="t.csv: several targets were expected", target="sort"),
}

_PEOPLE = ("50,3,1", "61,4,0", "40,9,1", "55,2,0")


def _people(*lines: str, said: str, left: tuple[int, str] | None = None, rows: tuple[str, ...] = _PEOPLE) -> Case:
    """Four people, two of whom are censored, and lines behind them, of which the first is row 5."""
    keys = {"target": "time", "options": {"event": "died"}}
    return Case(
        kind="survival", files={"p.csv": _rows("age,time,died", *rows, *lines)}, keys=keys, said=said, left=left
    )


_LEFT_OUT = "p.csv: 1 row without a time above 0 or an event left out; first: row 5: "

SURVIVAL = {
    "all events censored": _people(
        rows=("50,3,0", "61,4,0", "40,9,0"),
        said="p.csv: all 3 rows are censored by 'died'; nothing tells when the event comes: look whether task.happened",
    ),
    "a time of nothing": _people(
        "44,0,1",
        said="p.csv: row 5: the time is 0, and a number above 0 was expected; 1 such row of 5; on_bad_row",
        left=(4, f"{_LEFT_OUT}the time is 0"),
    ),
    "a negative time": _people(
        "44,-2,1", said="p.csv: row 5: the time is -2, and a number above 0", left=(4, f"{_LEFT_OUT}the time is -2")
    ),
    "no time": _people(
        "44,,1",
        said="p.csv: the target 'time' is missing in 1 of 5 rows, first in row 5",
        left=(4, "1 row without the target 'time' left out; first: row 5"),
    ),
    "no event": _people(
        "44,7,", said="p.csv: row 5: the event 'died' is missing", left=(4, f"{_LEFT_OUT}the event 'died' is missing")
    ),
    "three sorts of events": _people(
        "44,7,2",
        said="p.csv: the event 'died' must have two values, whether it came or not; it has 3: '0', '1', '2'; the",
    ),
    "events of unclear words": _people(
        rows=("50,3,gone", "61,4,here"),
        said="p.csv: which value of the event 'died' says that it came: 'gone', 'here'?",
    ),
    "dates for times": _people(
        rows=("50,2020-01-05,1", "61,2021-02-03,0"), said="p.csv: times to an event must be numbers above 0, got"
    ),
}


def _customers(*lines: str, said: str, **keys: Any) -> Case:
    return Case(kind="clustering", files={"c.csv": _rows("name,age", *lines)}, keys=keys, said=said)


CLUSTERS = {
    "rows that are all the same": _customers(
        *("Ada,5",) * 9, said="c.csv: no column of 2 puts rows apart into groups: each has one value only, or words"
    ),
    "only words that hardly come again": _customers(
        *(f"n{row},1" for row in range(9)), said="words that hardly come again; clustering wants numbers, or words that"
    ),
    "fewer rows than groups": _customers(
        *(f"Ada,{row}" for row in range(5)),
        said="c.csv: 5 rows are too few for 4 groups of two rows at least",
        options={"groups": 4},
    ),
}


def _watched(
    *lines: str, said: str, left: tuple[int, str] | None, windows: str = '[["2026-01-01 20:00", "2026-01-01 21:00"]]'
) -> Case:
    """A series of 30 hours, and lines behind them, of which the first is row 31; rows begin at step 16."""
    hours = [f"2026-01-0{1 + hour // 24} {hour % 24:02}:00:00,{hour % 5}.5" for hour in range(30)]
    return Case(
        kind="anomaly-detection",
        files={"heat.csv": _rows("time,heat", *hours, *lines), "when.json": f'{{"heat.csv": {windows}}}'},
        keys={"options": {"anomalies": "when.json"}},
        said=said,
        left=left,
    )


WATCHED = {
    "a moment twice": _watched(
        "2026-01-01 05:00:00,9.5",
        said="heat.csv: 'time' has 2026-01-01 05:00:00 twice (1 such rows, first row 31)",
        left=(15, "left out: heat.csv: 'time' has 2026-01-01 05:00:00 twice"),
    ),
    "a value that is missing": _watched(
        "2026-01-02 06:00:00,",
        said="heat.csv: 'heat' is missing in 1 rows, first in row 31",
        left=(15, "left out: heat.csv: 'heat' is missing in 1 rows, first in row 31"),
    ),
    "a window outside the series": _watched(
        windows='[["2026-01-01 20:00", "2026-01-01 21:00"], ["2027-01-01", "2027-01-02"]]',
        said="when.json: heat.csv: anomaly 2, 2027-01-01 to 2027-01-02, lies outside the series, which has 30 steps from",
        left=(15, "left out: when.json: heat.csv: anomaly 2"),
    ),
    "a window of an absent series": _watched(
        windows='[["2026-01-01 20:00", "2026-01-01 21:00"]], "cold.csv": []',
        said="when.json: there is no series 'cold.csv'",
        left=(15, "left out: when.json: there is no series 'cold.csv'"),
    ),
    "a window that is no time": _watched(
        windows='[["2026-01-01 20:00", "2026-01-01 21:00"], ["soon", "later"]]',
        said="when.json: heat.csv: anomaly 2, soon to later, is not written as a date",
        left=(15, "left out: when.json: heat.csv: anomaly 2"),
    ),
    "no window": Case(
        kind="anomaly-detection",
        files={"heat.csv": "time,heat\n2026-01-01 05:00:00,9.5\n", "when.json": "{}"},
        keys={"options": {"anomalies": "when.json"}},
        said="when.json: an object was expected that gives each series its anomalies",
    ),
    "a series of one step": Case(
        kind="anomaly-detection",
        files={"heat.csv": "time,heat\n2026-01-01 05:00:00,9.5\n", "when.json": '{"heat.csv": ["2026-01-01 05:00"]}'},
        keys={"options": {"anomalies": "when.json"}},
        said="heat.csv: a series of 1 step is too short, 24 at least were expected",
    ),
    "a label that is neither 0 nor 1": Case(
        kind="tabular-anomaly-detection",
        files={"t.csv": _rows("x,fault", "1,0", "2,1", "3,2")},
        keys={"target": "fault"},
        said="t.csv: row 3: the label is '2', and 0 for a normal row or 1 for an anomaly was expected",
    ),
}


def _openings(*lines: str, said: str, left: tuple[int, str] | None) -> Case:
    """Two openings of connect four that can be played from, and lines behind them, of which the first is row 3."""
    keys = {"data": "connect_four", "options": {"openings": "o.csv"}}
    return Case(kind="game", files={"o.csv": _rows("moves", "3 3", "0 6", *lines)}, keys=keys, said=said, left=left)


GAMES = {
    "an opening that may not be played": _openings(
        "3 9", said="o.csv, row 3: ply 2 plays 9, and what may be played is 0, 1", left=(2, "1 row left out: row 3")
    ),
    "an opening that ends the game": _openings(
        "0 6 0 6 0 6 0", said="o.csv, row 3: the game is over after these moves; mend it", left=(2, "1 row left out")
    ),
    "an opening that is no number": _openings(
        "left", said="row 3: moves must be whole numbers divided by blanks, got 'left'", left=(2, "1 row left out")
    ),
    "openings without moves": Case(
        kind="game",
        files={"o.csv": _rows("plies", "3 3")},
        keys={"data": "connect_four", "options": {"openings": "o.csv"}},
        said="o.csv: a column 'moves' was expected",
    ),
}

_LOG: Mapping[str, Any] = {"id": "user", "target": "item", "options": {"rating": "stars"}}
_PAIR: Mapping[str, Any] = {"target": "stars", "options": {"user": "user", "item": "item"}}
_TAKEN = tuple(f"u{user},i{item},{1 + (user + item) % 5}" for user in range(3) for item in range(3))


def _interactions(name: str, *lines: str, said: str, left: str | None = "") -> dict[str, Case]:
    """Lines behind nine ratings of three users, the first of which is row 10: of recommendations and of ratings."""
    text = _rows("user,item,stars", *_TAKEN, *lines)
    kinds = {"recommendation": (_LOG, 3), "rating": (_PAIR, 9)}
    return {
        f"{kind}: {name}": Case(
            kind=kind, files={"log.csv": text}, keys=keys, said=said, left=None if left is None else (rows, left)
        )
        for kind, (keys, rows) in kinds.items()
    }


INTERACTIONS = {
    **_interactions(
        "a blank user",
        " ,i1,3",
        said="log.csv: row 10: the user 'user' is blank; 1 such rows of 10; mend them, or leave such rows out by",
        left="1 row left out, as the user 'user' is blank; first: row 10",
    ),
    **_interactions(
        "a blank item",
        "u1,,3",
        said="log.csv: row 10: the item 'item' is blank",
        left="1 row left out, as the item 'item' is blank; first: row 10",
    ),
    **_interactions(
        "a negative rating",
        "u1,i8,-1",
        said="log.csv: row 10: the rating 'stars' is negative, and ratings begin at 0",
        left="1 row left out, as the rating 'stars' is negative, and ratings begin at 0; first: row 10",
    ),
    **_interactions(
        "no rating",
        "u1,i7,",
        said="log.csv: row 10: the rating 'stars' is missing, or no finite number",
        left="1 row left out, as the rating 'stars' is missing",
    ),
    **_interactions(
        "a pair that repeats",
        "u2,i2,1",
        said="log.csv: row 10: the user has rated the item in an earlier row",
        left="1 row left out, as the user has rated the item in an earlier row; first: row 10",
    ),
    "recommendation: no column of the items": Case(
        kind="recommendation",
        files={"log.csv": _rows("user,thing", "u1,a")},
        keys={"id": "user", "target": "item"},
        said="log.csv has no column 'item'",
    ),
    "recommendation: ratings in words": Case(
        kind="recommendation",
        files={"log.csv": _rows("user,item,stars", *(f"{line[:-1]}good" for line in _TAKEN))},
        keys=_LOG,
        said="log.csv: 'stars' must hold ratings, which are numbers, got 'good'",
    ),
    "recommendation: nobody has two items": Case(
        kind="recommendation",
        files={"log.csv": _rows("user,item,stars", "a,x,1", "b,y,2")},
        keys=_LOG,
        said="log.csv: no user has two items, one to know and one to be asked for",
    ),
    "rating: a row of another number of cells": Case(
        kind="rating",
        files={"log.dat": "1::2::3::4\n1::3::3\n"},
        keys={"target": "2", "options": {"user": "0", "item": "1"}},
        said="log.dat: row 2 has 3 cells between ::; 4 were expected",
    ),
}

_DAYS = tuple(f"2026-01-{day:02},{day % 7}" for day in range(1, 31))


def _series(
    *lines: str, said: str, left: tuple[int, str] | None = None, head: str = "day,sold", **options: Any
) -> Case:
    """Lines of a series by the day, of which three steps are forecast from five."""
    keys = {"target": "sold", "options": {"horizon": 3, "context": 5, "step": 1, **options}}
    return Case(kind="forecasting", files={"f.csv": _rows(head, *lines)}, keys=keys, said=said, left=left)


_PLACES = tuple(f"{line.split(',')[0]},{place},{line.split(',')[1]}" for place in "ab" for line in _DAYS)

FORECASTS = {
    "a series of one point": _series(_DAYS[0], said="f.csv: a series of two moments at least was expected in 'day'"),
    "a series with a gap": _series(
        *_DAYS[:14],
        *_DAYS[15:],
        said="f.csv: 'day' has gaps: 1 steps are missing, first after 2026-01-14",
        left=(15, "8 of 23 origins are left out"),
    ),
    "a moment twice": _series(
        *_DAYS, _DAYS[9], said="twice (1 such rows, first row 31)", left=(23, "twice (1 such rows, first row 31)")
    ),
    "uneven steps": _series(
        *(f"2026-01-01 {hour:02}:{'17' if hour == 9 else '00'}:00,{hour % 5}" for hour in range(24)),
        said="f.csv: 'day' has uneven steps: 2026-01-01 09:17:00 in row 10 (1 such rows)",
        left=(9, "8 of 17 origins are left out"),
    ),
    "a clock that is set back": _series(
        *(f"2026-10-25 {hour:02}:00:00,{hour % 5}" for hour in (0, 1, 2, 2, *range(3, 22))),
        said="clocks that were set back need times in UTC",
        left=(15, "twice (1 such rows, first row 4)"),
    ),
    "a long table with a series of one point": _series(
        *_PLACES,
        "2026-01-03,c,1",
        head="day,place,sold",
        series="place",
        said="f.csv: series 'c' has 1 row of 30 moments (1 such series, first row 61)",
        left=(23, "series 'c' has 1 row of 30 moments"),
    ),
}


def _told(kind: str, head: str, *lines: str, said: str, left: tuple[int, str] | None, **keys: Any) -> Case:
    """Rows with texts in them, the last of which lacks something."""
    return Case(kind=kind, files={"t.csv": _rows(head, *lines)}, keys=keys, said=said, left=left)


_SIDES = ("a dog runs,ein Hund läuft", "a cat sits,eine Katze sitzt")
_COUPLES = ("a dog runs,a dog is running,1", "a cat sits,it rains,0")
_ASKED = ("what is two and two,4", "what is two and three,5")
_CHOICES = ("two and two,3,4,B", "two and three,5,4,A")
_SORTS = tuple(f"{'good' if row % 2 else 'bad'} thing number {row},{'yes' if row % 2 else 'no'}" for row in range(6))

TOLD = {
    "a text without words": _told(
        "text-classification",
        "text,label",
        *_SORTS,
        " ,yes",
        target="label",
        said="t.csv: row 7: the text is empty; 1 such texts of 7",
        left=(6, "1 empty texts were left out; first: row 7"),
    ),
    "a row without its label": _told(
        "tabular-classification",
        "text,label",
        *_SORTS,
        "x,",
        target="label",
        said="t.csv: the target 'label' is missing in 1 of 7 rows, first in row 7",
        left=(6, "1 row without the target 'label' left out; first: row 7"),
    ),
    "an empty side": _told(
        "translation",
        "en,de",
        *_SIDES,
        ",nichts",
        text=("en",),
        target="de",
        said="t.csv: row 3: en is empty; 1 such pairs of 3",
        left=(2, "1 pairs with an empty side were left out; first: row 3"),
    ),
    "a pair of one text": _told(
        "text-pairs",
        "one,two,same",
        *_COUPLES,
        "a bird,,1",
        text=("one", "two"),
        target="same",
        said="t.csv: row 3: 'two' is empty; 1 such rows of 3",
        left=(2, "1 pairs without one of the texts were left out; first in row 3"),
    ),
    "a question without an answer": _told(
        "question-answering",
        "question,answer",
        *_ASKED,
        "what now,",
        options={"question": "question", "answer": "answer"},
        said="t.csv: row 3: no answer; 1 such rows of 3",
        left=(2, "1 questions were left out; first: row 3: no answer"),
    ),
    "an answer that is no choice": _told(
        "multiple-choice",
        "question,one,two,answer",
        *_CHOICES,
        "two and four,6,7,E",
        options={"question": "question", "answer": "answer", "choices": ("one", "two")},
        said="t.csv: row 3: the answer 'E' is none of its choices by",
        left=(2, "1 questions were left out; first: row 3: the answer 'E'"),
    ),
    "a document of nothing": _told(
        "language-modelling",
        "text,number",
        *(f"{'once upon a time there was ' * 40},{row}" for row in range(3)),
        " ,4",
        text=("text",),
        said="t.csv, row 4 is empty; 1 such documents of 4",
        left=(9, "1 empty documents were left out; first: t.csv, row 4"),
    ),
}

CASES = {
    **FORECASTS,
    **TOLD,
    **SEQUENCES,
    **UNITS,
    **RANKED,
    **SEVERAL,
    **SURVIVAL,
    **CLUSTERS,
    **WATCHED,
    **GAMES,
    **INTERACTIONS,
}


def _read(case: Case, folder: Path, **keys: Any) -> Data:
    kind = KINDS[case.kind]
    task = Task(**{"kind": case.kind, "data": next(iter(case.files)), **case.keys, **keys})
    found: tuple[Data, Data | None] = load(kind.input.reader)(task, kind, folder)
    return found[0]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_bad_input_is_named_and_left_out_only_where_that_is_asked(case: Case, tmp_path: Path) -> None:
    """One clear line: which file, which row, what was expected, what to do; nothing is left out in silence."""
    for name, content in case.files.items():
        (tmp_path / name).write_text(content)
    with pytest.raises(DataError) as error:
        _read(case, tmp_path)
    assert case.said in str(error.value)
    assert "\n" not in str(error.value)
    if case.left is None:
        with pytest.raises(DataError):
            _read(case, tmp_path, on_bad_row="skip")
        return
    data = _read(case, tmp_path, on_bad_row="skip")
    rows, told = case.left
    assert len(data) == rows
    assert any(told in warning for warning in data.warnings)


_NUMBER = re.compile(r"\b(row,? )(\d+)")
TORN = {name: case for name, case in CASES.items() if case.left and next(iter(case.files)).endswith(".csv")}


def _below(case: Case, line: str) -> tuple[Case, int]:
    """The same with a line put above its rows, and how many rows are read of it where such are left out."""
    (name, text), *others = case.files.items()
    head, _, rest = text.partition("\n")
    assert case.left is not None
    return replace(case, files={name: f"{head}\n{line}\n{rest}", **dict(others)}), case.left[0]


@pytest.mark.parametrize("case", [case for name, case in TORN.items() if name not in GAMES], ids=lambda case: case.kind)
def test_the_row_that_is_named_is_that_of_the_file(case: Case, tmp_path: Path) -> None:
    """A row of another number of cells that is left out above it does not shift the number by which a row is named."""
    torn, rows = _below(case, "torn," * (next(iter(case.files.values())).partition("\n")[0].count(",") + 2))
    for name, content in torn.files.items():
        (tmp_path / name).write_text(content)
    data = _read(torn, tmp_path, on_bad_row="skip")
    assert len(data) == rows
    assert case.left is not None
    said = _NUMBER.sub(lambda found: f"{found[1]}{int(found[2]) + 1}", case.left[1])
    assert any(said in warning for warning in data.warnings)
    assert any("for their number of cells; first: row 1, torn" in warning for warning in data.warnings)


@pytest.mark.parametrize(
    ("case", "line"),
    [
        (SURVIVAL["no event"], "44,,1"),
        (SURVIVAL["a time of nothing"], "44,,1"),
        (RANKED["a query of one document"], "b,1,"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.kind,
)
def test_nor_does_a_row_without_the_target_shift_it(case: Case, line: str, tmp_path: Path) -> None:
    """Rows are left out for one reason after the other, and named by where they stood before the first."""
    shifted, rows = _below(case, line)
    for name, content in shifted.files.items():
        (tmp_path / name).write_text(content)
    data = _read(shifted, tmp_path, on_bad_row="skip")
    assert len(data) == rows
    assert any("without the target" in warning and "first: row 1" in warning for warning in data.warnings)
    assert any("row 6" in warning for warning in data.warnings)


@pytest.mark.parametrize("case", [RANKED["a negative relevance"], RANKED["half a relevance"]], ids=["below 0", "half"])
def test_a_fault_that_is_not_left_out_is_named_by_the_row_of_the_file_too(case: Case, tmp_path: Path) -> None:
    """What an output says of a row that it cannot take is found in the file, above which another was left out."""
    (tmp_path / "d.csv").write_text(case.files["d.csv"].replace("\n", "\ntorn,1\n", 1))
    with pytest.raises(DataError, match="row 6: the relevance is"):
        _read(case, tmp_path, on_bad_row="skip")
