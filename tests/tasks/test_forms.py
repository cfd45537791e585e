"""Forms of columns: what a column is, is decided by all of its cells at once, and later rows are read by it."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.core.errors import ContestError, DataError
from concours.tasks.cells import MISSING, Form, form_of, gaps_of, typed
from concours.tasks.conforming import conform
from concours.tasks.forms import settle
from concours.tasks.given import given_table
from concours.tasks.new_rows import read_inputs
from concours.tasks.readers.opened import Options
from concours.tasks.readers.source import open_source
from concours.tasks.task import Task

LAW = settings(max_examples=40)
DAYS = [datetime.date(2023, 1, 1) + datetime.timedelta(days=37 * i % 700) for i in range(60)]


def column(*cells: str | None, written: bool = True, **options):
    """What a column of these cells is, alone in its table: its values, its form, notes and warnings."""
    found = settle(pa.table({"c": pa.array(cells, pa.string())}), "t.csv", written=written, **options)
    return found.table["c"].to_pylist(), form_of(found.table.schema.field("c")), found.notes, found.warnings


def moment(day: datetime.date, *clock: int) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time(*clock))


# Numbers


WRITINGS = {
    "plain": lambda v: f"{v:.2f}",
    "thousands": lambda v: f"{v:,.2f}",
    "European": lambda v: f"{v:,.2f}".translate(str.maketrans(",.", ".,")),
    "Swiss": lambda v: f"{v:,.2f}".replace(",", "'"),
    "French": lambda v: f"{v:,.2f}".translate(str.maketrans(",.", "\u202f,")),
    "dollars": lambda v: f"${v:,.2f}" if v >= 0 else f"-${-v:,.2f}",
    "euros": lambda v: f"{v:,.2f} €".translate(str.maketrans(",.", ".,")),
    "code": lambda v: f"CHF {v:.2f}",
    "per cent": lambda v: f"{v:.2f}%",
    "accounts": lambda v: f"{v:,.2f}" if v >= 0 else f"({-v:,.2f})",
    "accounts in dollars": lambda v: f"$ {v:,.2f} " if v >= 0 else f"$ ({-v:,.2f})",
    "accounts in euros": lambda v: (f"{v:,.2f} €" if v >= 0 else f"({-v:,.2f}) €").translate(str.maketrans(",.", ".,")),
    "dash": lambda v: f"{v:.2f}".replace("-", "\u2013"),
    "behind": lambda v: f"{abs(v):.2f}" + "-" * (v < 0),
    "minus": lambda v: f"{v:.2f}".replace("-", "\u2212"),
    "power": lambda v: f"{v:.9e}",
    "blanks": lambda v: f"  {v:.2f} ",
}


@pytest.mark.parametrize("name", WRITINGS)
@LAW
@given(numbers=st.lists(st.integers(-(10**9), 10**9).map(lambda v: v / 100), min_size=2, max_size=30), gaps=st.data())
def test_numbers_are_read_however_they_are_written(name, numbers, gaps):
    """Thousands, decimal commas, signs of currencies, brackets: the same numbers, whatever gaps are between."""
    numbers = [-1234.5, 98765.25, *numbers]
    words = gaps.draw(st.lists(st.sampled_from(MISSING), max_size=5))
    values, form, _, warnings = column(*map(WRITINGS[name], numbers), *words)
    assert values[: len(numbers)] == pytest.approx(numbers, rel=1e-12)
    assert values[len(numbers) :] == [None] * len(words)
    assert (form.holds, warnings) == ("number", ())


@pytest.mark.parametrize("cells", [["1", "20", "-3"], ["1,000", "20", "3,456,789"], ["1.000", "20", "3.456.789"]])
def test_whole_numbers_are_whole(cells):
    """Thousands set apart do not make a fraction of a whole number."""
    values, form, _, _ = column(*cells)
    assert values == [int(cell.replace(",", "").replace(".", "")) for cell in cells]
    assert form.holds == "whole"


PRICES = {
    "Swiss": lambda v: f"CHF {v:,}.-".replace(",", "'"),
    "Swiss, a long dash": lambda v: f"Fr. {v}.\u2013",
    "German": lambda v: f"{v:,},- €".replace(",", ".").replace(".- €", ",- €"),
    "two dashes": lambda v: f"{v},--",
    "accounts": lambda v: f"$ {v:,} " if v else "$ -   ",
}


@pytest.mark.parametrize("name", PRICES)
@LAW
@given(numbers=st.lists(st.integers(0, 10**7), min_size=2, max_size=30))
def test_a_dash_for_decimals_is_no_minus(name, numbers):
    """12.- is 12, never -12; a dash beside a currency alone is nothing, as accounts write 0."""
    numbers = [7, 1_234_567, *numbers]
    values, form, _, warnings = column(*map(PRICES[name], numbers))
    assert (values, form.holds, warnings) == (numbers, "whole", ())


@pytest.mark.parametrize(
    ("cells", "values", "said"),
    [
        (["7,110", "3,001", "9,250"], [7110, 3001, 9250], True),
        (["7,110", "985", "9,250"], [7110, 985, 9250], False),
        (["1,007,110", "3,001"], [1007110, 3001], False),
        (["7,110", "0,985", "9,250"], [7.11, 0.985, 9.25], False),
    ],
)
def test_commas_that_may_be_decimal_are_told(cells, values, said):
    """Where every cell has one comma before three digits, and nothing says what it is, a warning has the other line."""
    found, _, _, warnings = column(*cells)
    assert found == values
    assert [('columns = { c = "number:,"' in text) for text in warnings] == [True] * said


def test_decimal_signs_are_decided_per_column():
    """A column of commas and one of points stand side by side; what could be both follows the others, and is said."""
    table = pa.table({"a": ["1,5", "2,25"], "b": ["1,234.5", "7.25"], "c": ["2,5", "1"], "d": ["2.835", "1.204"]})
    found = settle(table, "t.csv", written=True)
    assert found.table.to_pydict() == {"a": [1.5, 2.25], "b": [1234.5, 7.25], "c": [2.5, 1.0], "d": [2835.0, 1204.0]}
    (warning,) = found.warnings
    assert "t.csv: column 'd': cells like '2.835'" in warning
    assert 'columns = { d = "number:." } in [task]' in warning
    again = settle(table, "t.csv", written=True, columns={"d": "number:."})
    assert (again.table["d"].to_pylist(), again.warnings) == ([2.835, 1.204], ())
    assert column("2.835", "1.204")[0] == [2.835, 1.204]


@pytest.mark.parametrize("cells", [["007", "012", "100"], ["0101", "0203", "12345"], ["00", "1"], ["1" * 20, "2" * 20]])
def test_codes_are_words(cells):
    """Needless zeros, and more digits than a number holds, are kept."""
    values, form, notes, _ = column(*cells)
    assert (values, form.holds) == (cells, "word")
    assert any(note.endswith(": c") for note in notes)


def test_one_zero_among_many_numbers_makes_no_code():
    """A single cell does not decide, and what happens to it is said."""
    values, form, _, (warning,) = column(*map(str, range(5000)), "007")
    assert (values[-1], form.holds) == (7.0, "number")
    assert "'007' (1)" in warning


# Cells that do not fit


@LAW
@given(
    numbers=st.lists(st.integers(0, 10**6), min_size=30, max_size=60, unique=True),
    odd=st.lists(st.sampled_from(["abc", "see below", "x"]), min_size=1, max_size=3),
    random=st.randoms(use_true_random=False),
)
def test_a_few_odd_cells_are_gaps_and_told(numbers, odd, random):
    """Wherever they stand, the rest keeps its numbers; the column, the cells and how many are named."""
    cells = [*map(str, numbers), *odd]
    random.shuffle(cells)
    values, form, _, (warning,) = column(*cells)
    assert values == [None if cell in odd else int(cell) for cell in cells]
    assert form.holds == "whole"
    assert f"column 'c' is read as numbers, and {len(odd)} of {len(cells)} cells do not fit" in warning
    assert all(f"'{cell}' ({odd.count(cell)})" in warning for cell in odd)
    assert 'columns = { c = "word" } in [task]' in warning


def test_a_code_of_many_words_stays_words():
    """One in ten that are no numbers, each another one, are no slips."""
    cells = [str(i) for i in range(100, 400)] + [f"A{i}" for i in range(31)]
    values, form, _, (warning,) = column(*cells)
    assert (values, form.holds) == (cells, "word")
    assert "was read as words, though 91% of its cells are numbers" in warning


@pytest.mark.parametrize("cells", [["red", "1", "blue"], ["true", "false", "unknown"], ["ja", "nein"], ["a-b", "c-d"]])
def test_words_are_words(cells):
    """And are silent."""
    assert column(*cells) == (cells, Form(holds="word"), (), ())


@pytest.mark.parametrize(("yes", "no"), [("true", "false"), ("TRUE", "FALSE"), ("True", "False")])
def test_truth_is_truth(yes, no):
    """In any capitals."""
    assert column(yes, no, "", "NA")[:2] == ([True, False, None, None], Form(holds="truth"))


@pytest.mark.parametrize("word", [w for w in MISSING if w])
@pytest.mark.parametrize("change", [str, str.upper, str.title, " {}".format, "{} ".format])
def test_usual_words_for_missing(word, change):
    """Capitals and blanks around make no difference; what was counted as missing is said."""
    cell = change(word)
    for cells, expected in ((["1.5", "2"], [1.5, 2.0]), (["red", "blue"], ["red", "blue"]), (["1", "2"], [1, 2])):
        values, _, notes, warnings = column(*cells, cell, cell)
        assert (values, warnings) == ([*expected, None, None], ())
        assert notes == (f"counted as missing: c: '{cell.strip()}' (2)",)


def test_missing_words_are_declared():
    """They replace the usual ones; a number may be one; a declared word keeps all that is written."""
    assert column("1", "-999", "3", missing=("-999",))[0] == [1, None, 3]
    assert column("red", "None", "x", missing=("x",))[0] == ["red", "None", None]
    assert column("1", "NA", "3", missing=())[0] == ["1", "NA", "3"]
    assert column("None", " NA", "007", "", columns={"c": "word"})[0] == ["None", "NA", "007", None]


def test_what_was_missing_travels_with_the_table():
    """The fields of the table tell it, for the report."""
    table = settle(pa.table({"c": ["1", "-", "n/a", "-", None]}), "t", written=True).table
    assert gaps_of(table.schema.field("c")) == {"-": 2, "n/a": 1}


# Dates


PATTERNS = [
    "%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d %b %Y", "%B %d, %Y",
    "%d-%b-%y", "%d.%m.%y", "%m/%d/%y", "%a, %d %b %Y", "%d%b%Y",
]  # fmt: skip
CLOCKS = {
    "": (0, 0), " 14:05": (14, 5), "T14:05:30": (14, 5, 30), " 2:05 PM": (14, 5), " 02:05:30 pm": (14, 5, 30),
    " 12:00 AM": (0, 0), " 14:05:30.250000": (14, 5, 30, 250000), " 14:05Z": (14, 5), " 14:05+02:00": (12, 5),
    " 14:05 UTC": (14, 5), " 14:05 CEST": (12, 5), ", 14:05": (14, 5),
}  # fmt: skip


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_dates_are_read_however_they_are_written(pattern, clock):
    """The pattern that fits all days wins; any time of the day may stand behind, with AM, PM and zones."""
    values, form, notes, warnings = column(*(day.strftime(pattern) + clock for day in DAYS), "n/a")
    assert values == [*(moment(day, *CLOCKS[clock]) for day in DAYS), None]
    assert (form.holds, form.pattern, warnings) == ("date", pattern, ())
    assert f"dates: c by {pattern}" in notes


@pytest.mark.parametrize("first", ["%d/%m/%Y", "%m/%d/%Y"])
@LAW
@given(seed=st.integers(0, 1000))
def test_day_and_month_by_best_fit(first, seed):
    """One day after the twelfth is enough where nothing contradicts it, wherever it stands."""
    rng = np.random.default_rng(seed)
    days = [datetime.date(2024, *pair) for pair in rng.integers(1, 13, (40, 2)).tolist()]
    days.insert(int(rng.integers(41)), datetime.date(2024, 5, 31))
    values, form, _, warnings = column(*(day.strftime(first) for day in days))
    assert (values, form.pattern, warnings) == ([moment(day) for day in days], first, ())


EITHER = [datetime.date(2024, month, day) for month, day in ((3, 5), (1, 9), (7, 2), (11, 4), (2, 8))]


@pytest.mark.parametrize(
    ("days", "written", "expected"),
    [
        (EITHER, "%d/%m/%Y", "%d/%m/%Y"),
        (EITHER, "%m.%d.%Y", "%d.%m.%Y"),
        (EITHER, "%m/%d/%Y 2:05 PM", "%m/%d/%Y"),
        (sorted(EITHER), "%m/%d/%Y", "%m/%d/%Y"),
        ([datetime.date(2024, m, 1) for m in (5, 2, 9, 1, 7)], "%m/%d/%Y", "%m/%d/%Y"),
    ],
)
def test_day_or_month_is_said(days, written, expected):
    """Where all cells can be both, the evidence decides, the day first without any; the other one can be declared."""
    cells = [day.strftime(written) for day in days]
    _, form, _, (warning,) = column(*cells)
    assert form.pattern == expected
    other = "%m/%d/%Y" if expected == "%d/%m/%Y" else "%d" + expected[2] + "%m" + expected[2] + "%Y"
    other = other if other != expected else "%m.%d.%Y"
    assert f'columns = {{ c = "date:{other}" }} in [task]' in warning
    assert column(*cells, columns={"c": f"date:{other}"})[1].pattern == other


def test_other_columns_tell_the_order():
    """A column of dates that is clear speaks for one that is not."""
    clear = ["12/31/2024", "05/06/2024", "01/02/2024"]
    found = settle(pa.table({"a": clear, "b": ["07/03/2024", "02/05/2024", "03/01/2024"]}), "t.csv", written=True)
    assert found.table["b"].to_pylist()[0] == datetime.datetime(2024, 7, 3)
    assert "as in other columns" in found.warnings[0]


def test_times_of_the_day_are_seconds():
    """As a clock has them, with AM and PM."""
    assert column("14:05", "2:05 PM", "00:00:30")[0] == [50700.0, 50700.0, 30.0]


def test_typed_words_are_words_unless_they_are_dates():
    """What a Parquet file or a frame holds as words is not read again."""
    assert column("1", "2", written=False)[0] == ["1", "2"]
    assert column("NA", "true", written=False)[0] == ["NA", "true"]
    assert column("31.05.2026", "01.02.2026", written=False)[0][0] == datetime.datetime(2026, 5, 31)


# The schema of the fit


FITTED = {
    "whole": [str(i) for i in range(40)],
    "number": [f"{i}.5" for i in range(40)],
    "comma": [f"{i},5" for i in range(40)],
    "code": [["0101", "0203", "07A1"][i % 3] for i in range(40)],
    "flag": [["True", "False", "unknown"][i % 3] for i in range(40)],
    "version": [["1.10", "1.20", "2.0b"][i % 3] for i in range(40)],
    "truth": [["yes", "no"][i % 2] for i in range(20)] + ["true", "false"] * 10,
    "day": [f"{1 + i % 28:02}/{1 + i % 12:02}/2024" for i in range(40)],
}
NEW = st.fixed_dictionaries(
    {
        name: st.sampled_from([*cells, "", "-", "3", "2.75", "0101", "True", "odd", "1.10"])
        for name, cells in FITTED.items()
    }
)


def written(path: Path, rows: list[dict[str, str]]) -> str:
    table = pa.table({name: [row[name] for row in rows] for name in FITTED})
    with pa.csv.CSVWriter(path, table.schema, write_options=pa.csv.WriteOptions(delimiter=";")) as writer:
        writer.write_table(table)
    return str(path)


@pytest.fixture(scope="module")
def like(tmp_path_factory):
    path = tmp_path_factory.mktemp("fit") / "t.csv"
    rows = [{name: cells[i] for name, cells in FITTED.items()} for i in range(40)]
    return open_source(written(path, rows), Path(), Options(header=True)).x


@settings(max_examples=30)
@given(rows=st.lists(NEW, min_size=2, max_size=12), random=st.randoms(use_true_random=False))
def test_a_row_is_read_alike_whatever_else_its_file_holds(rows, random, like, tmp_path_factory):
    """Shuffled, split, put together: every row has the values that it has alone."""
    folder = tmp_path_factory.mktemp("new")

    def values(some):
        return read_inputs(written(folder / "n.csv", some), like)[0].to_pylist()

    alone = [values([row])[0] for row in rows]
    assert values(rows) == alone
    order = list(range(len(rows)))
    random.shuffle(order)
    assert values([rows[i] for i in order]) == [alone[i] for i in order]
    cut = random.randrange(1, len(rows))
    assert values(rows[:cut]) + values(rows[cut:]) == alone


def test_new_rows_by_the_forms_of_the_fit(like, tmp_path):
    """Words stay as they are written, whole numbers widen, gaps are gaps."""
    row = {"whole": "2.75", "number": "3", "comma": "2,5", "code": "0101", "flag": "True", "version": "1.10"}
    row |= {"truth": "no", "day": "05/06/2024"}
    (found,) = read_inputs(written(tmp_path / "n.csv", [row]), like)[0].to_pylist()
    assert found == {**row, "whole": 2.75, "number": 3.0, "comma": 2.5, "day": datetime.datetime(2024, 6, 5)}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (pa.array([2.0, 2.99, None]), [2.0, 2.99, None]),
        (pa.array([2, 3, None], pa.int32()), [2, 3, None]),
        (pa.array([2**40], pa.uint64()), [2**40]),
        (pa.array(["2", "2.5", "x"]), [2.0, 2.5, None]),
        (pa.nulls(2), [None, None]),
    ],
)
def test_whole_numbers_widen(given, expected):
    """Whatever the type of new rows, nothing is cut, and a gap is no number."""
    like = pa.table({"a": [1, 2, 3]})
    assert conform(pa.table({"a": given}), like, "n")["a"].to_pylist() == expected


def test_a_list_of_files_is_one_table(tmp_path):
    """What a column is, is found over all files; a file alone would say otherwise."""
    for name, cells in {"a": ["0101", "0203"], "b": ["101", "07A1"], "c": ["1", "2"]}.items():
        pd.DataFrame({"code": cells, "n": ["1", "2.5"]}).to_csv(tmp_path / f"{name}.csv", index=False)
    found = open_source([str(tmp_path / f"{name}.csv") for name in "abc"], Path()).x
    assert found["code"].to_pylist() == ["0101", "0203", "101", "07A1", "1", "2"]
    assert found["n"].to_pylist() == [1.0, 2.5] * 3


# Values that only pandas has


# pandas writes no categories of these to Parquet
@pytest.mark.parametrize(("category", "through"), [(False, "frame"), (True, "frame"), (False, "parquet")])
def test_ranges_and_periods(through, category, tmp_path):
    """Ranges are words and periods the dates on which they begin; gaps are gaps; more digits than 64 bits hold are words."""
    ranges = pd.Series(pd.cut([1.0, 2.0, 9.0, np.nan], [0.0, 5.0, 10.0]))
    months = pd.Series([pd.Period("2020-01", "M"), pd.Period("2020-02", "M"), pd.NaT, pd.Period("2021-12", "M")])
    inner = ranges.cat.categories.dtype
    frame = pd.DataFrame(
        {"r": ranges if category else ranges.astype(inner), "p": months.astype("category") if category else months}
    )
    if through == "parquet":
        frame.to_parquet(tmp_path / "t.parquet")
        table = open_source(tmp_path / "t.parquet", Path()).x
    else:
        table = given_table(frame, "X").x
    assert table["r"].to_pylist() == ["(0.0, 5.0]", "(0.0, 5.0]", "(5.0, 10.0]", None]
    assert table["p"].to_pylist() == [moment(datetime.date(y, m, 1)) if y else None for y, m in
                                      ((2020, 1), (2020, 2), (0, 0), (2021, 12))]  # fmt: skip
    big = given_table(pd.DataFrame({"k": pd.Series([10**25, 10**25 + 1], dtype=object)}), "X").x
    assert big["k"].to_pylist() == [str(10**25), str(10**25 + 1)]


# What is declared


@pytest.mark.parametrize("text", ["numbr", "number:;", "date:dmy", "words", "", "word:x", 3])
def test_declared_forms_are_checked(text):
    """One line that names the key, what it got and what there is."""
    with pytest.raises(ContestError, match=r"task\.columns\.a: .* is no form of a column; .*known: number, number:,"):
        Task(kind="tabular-regression", data="t.csv", columns={"a": text})


def test_declared_forms_that_fit_nothing():
    """The column, the file and a cell are named."""
    with pytest.raises(DataError, match=r"task\.columns\.c: t\.csv: no cell is one of numbers, e\.g\. 'red'"):
        column("red", "blue", columns={"c": "number"})
    with pytest.raises(DataError, match=r"task\.columns: t\.csv has no column 'd'; .*c"):
        column("red", columns={"d": "number"})


def test_a_form_depends_on_the_cell_alone():
    """Plain columns, which are read at once, get the values that single cells get."""
    cells = ["1", "-2.5", "+3", "1e5", ".5", "5.", "007", "1_0", "0x1F", "nan", "inf", "1,000", " 4 ", "2024-05-01 12"]
    for holds in ("whole", "number", "date"):
        form = Form(holds=holds, pattern="%Y-%m-%d" if holds == "date" else "")
        alone = [typed(form, pa.chunked_array([[cell]])).values[0].as_py() for cell in cells]
        assert typed(form, pa.chunked_array([cells])).values.to_pylist() == alone


# Dates of several writings, and those of other files


@pytest.mark.parametrize(
    "patterns", [("%Y-%m-%d", "%d.%m.%Y"), ("%d.%m.%y", "%d.%m.%Y"), ("%b %d, %Y", "%d %B %Y", "%Y/%m/%d")]
)
@LAW
@given(days=st.lists(st.dates(datetime.date(1990, 1, 1), datetime.date(2060, 1, 1)), min_size=12, max_size=40))
def test_a_column_of_dates_in_several_writings_is_dates(patterns, days):
    """Each cell by the writing that it has; which there are is said."""
    cells = [day.strftime(patterns[place % len(patterns)]) for place, day in enumerate(days)]
    values, form, notes, _ = column(*cells)
    assert values == [moment(day) for day in days]
    assert set(form.pattern.split("|")) == set(patterns)
    assert all(pattern in "".join(notes) for pattern in patterns)


def test_day_and_month_are_never_mixed():
    """A column of both orders is words: no cell would say which one it has."""
    cells = [day.strftime(("%d/%m/%Y", "%m/%d/%Y")[place % 2]) for place, day in enumerate(DAYS)]
    assert column(*cells)[1].holds == "word"


def test_an_order_that_is_open_is_told_beside_another_writing():
    """Dates of ISO between do not hide that day and month of the others could change places."""
    days = [day.replace(day=1 + day.day % 12) for day in DAYS]
    cells = [day.strftime(("%d/%m/%Y", "%Y-%m-%d")[place % 2]) for place, day in enumerate(days)]
    values, _, _, warnings = column(*cells)
    assert values == [moment(day) for day in days]
    (text,) = warnings
    assert 'c = "date:%m/%d/%Y|%Y-%m-%d"' in text
    other, _, _, _ = column(*cells, columns={"c": "date:%m/%d/%Y|%Y-%m-%d"})
    assert other[1::2] == values[1::2]
    assert other[::2] == [moment(day.replace(month=day.day, day=day.month)) for day in days[::2]]


@pytest.mark.parametrize("pattern", ["%Y-%m", "%m/%Y", "%m-%Y", "%b-%y", "%b %Y"])
def test_months_are_dates(pattern):
    """The first of the month."""
    assert column(*(day.strftime(pattern) for day in DAYS))[0] == [moment(day.replace(day=1)) for day in DAYS]


@pytest.mark.parametrize("pattern", ["%d.%m.%Y", "%m/%d/%Y", "%d %b %Y", "%d/%m/%y"])
def test_dates_of_iso_are_read_in_every_column_of_dates(pattern):
    """New rows that a program wrote, for models fitted on what a person wrote."""
    fitted = settle(pa.table({"c": [day.strftime(pattern) for day in DAYS]}), "t.csv", written=True).table
    for clock in ("", "T00:00:00", " 00:00:00"):
        new = pa.table({"c": [f"{day}{clock}" for day in DAYS]})
        assert settle(new, "n.csv", written=True, like=fitted.schema).table["c"].to_pylist() == list(map(moment, DAYS))


def test_a_column_that_no_cell_fits_is_told_apart():
    """Not one of the cells is what models were fitted on: the warning says what they were written like."""
    fitted = settle(pa.table({"c": ["1,5 €", "2,25 €", "1.000,5 €"]}), "t.csv", written=True).table
    found = settle(pa.table({"c": ["1.5", "2.25", "1000.5"]}), "n.csv", written=True, like=fitted.schema)
    (text,) = found.warnings
    assert "has none of the numbers with a decimal comma that it held when models were fitted ('1.5' (1)" in text


@pytest.mark.parametrize("gaps", [0, 5])
@pytest.mark.parametrize("rows", [9, 10, 40])
def test_many_cells_of_which_none_fits_are_an_error(rows, gaps):
    """Predictions of a whole column that was lost are worth nothing: ten cells that do not fit are no accident."""
    fitted = settle(pa.table({"c": ["1,5", "2,25", "1.000,5"], "d": ["1", "2", "3"]}), "t.csv", written=True).table
    cells = [f"{row}.25" for row in range(rows)]
    new = pa.table({"c": [*cells, *[""] * gaps], "d": ["1"] * (rows + gaps)})
    if rows < 10:
        assert settle(new, "n.csv", written=True, like=fitted.schema).table["c"].null_count == rows + gaps
    else:
        with pytest.raises(DataError, match=r"n\.csv: column 'c' has none of the numbers with a decimal comma"):
            settle(new, "n.csv", written=True, like=fitted.schema)
    one = pa.table({"c": [*cells, "7,5"], "d": ["1"] * (rows + 1)})
    assert settle(one, "n.csv", written=True, like=fitted.schema).table["c"].to_pylist()[-1] == 7.5


@pytest.mark.parametrize(("given_", "first"), [([101, 7], "101"), ([7.0, None], "7"), ([True, False], "True")])
def test_words_that_come_as_another_type_are_told(given_, first):
    """A Parquet file has 101 where the CSV had 0101: another word, and so no word that models know."""
    said: list[str] = []
    like = pa.table({"zip": ["0101", "07A1"]})
    x = conform(pa.table({"zip": given_}), like, "n.parquet", told=said.append)
    assert x["zip"][0].as_py() == first
    assert [f"{first!r} and the like" in text for text in said] == [True]
