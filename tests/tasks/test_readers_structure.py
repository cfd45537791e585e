"""The structure of text files: one table of known values in many forms; headers, quotes, rows of other widths."""

from __future__ import annotations

import csv
import io
import zipfile
from itertools import product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from concours.core.errors import DataError
from concours.tasks.readers.header import header_evidence
from concours.tasks.readers.opened import Opened, Options
from concours.tasks.readers.source import open_source

NAMES = ["tree", "height", "note", "kind"]
ROWS = [
    [f"T{i:02d}", f"{2 + i * 37 % 91 / 10:.1f}", f"seen {i} times, near the {'brook' if i % 3 else 'old; wall'}", kind]
    for i, kind in enumerate(["elm", "oak", "oak", "elm", "ash"] * 8)
]


def opened(path: Path, **options) -> Opened:
    return open_source(path.name, path.parent, Options(**options))


def cells(found: Opened) -> list[list[str]]:
    """The cells of a table as texts, row by row."""
    return [[str(value) for value in row.values()] for row in found.x.to_pylist()]


def text_of(rows, *, delimiter=",", quoting=csv.QUOTE_MINIMAL, end="\n") -> str:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=end).writerows(rows)
    return out.getvalue()


BEFORE = {
    "nothing": lambda d, end: "",
    "sep": lambda d, end: f"sep={d}{end}",
    "quoted sep": lambda d, end: f'"sep={d}"{end}',
    "title": lambda d, end: f"Survey of trees{end}",
    "title and blank": lambda d, end: f"Survey of trees{d}exported 1 May 2026{end}{end}",
    "padded title": lambda d, end: f"Survey of trees{d * 3}{end}{d * 3}{end}",
    "comments": lambda d, end: f"# exported by the lab{end}# units: m{end}",
    "comment of as many cells": lambda d, end: f"# a{d}b{d}c{d}d{end}",
    "merged titles": lambda d, end: f"Tree{d * 2}Seen{d}{end}",
    "title of as many cells": lambda d, end: f"Survey{d}of{d}all{d}trees{end}{end}",
    "blank lines": lambda d, end: end * 2,
}
MARKS = {"utf-8": "utf-8", "mark": "utf-8-sig", "utf-16": "utf-16"}


@pytest.mark.parametrize("before", BEFORE)
def test_one_table_in_many_dialects(before, tmp_path):
    """Delimiter × quotes × line end × mark × what stands before the header × trailing delimiters: names and values are
    the known ones, the line of the header is told, and so is what was skipped."""
    path = tmp_path / "t.csv"
    for number, (delimiter, quoting, end, mark, trailing) in enumerate(
        product(
            ",;\t|", (csv.QUOTE_MINIMAL, csv.QUOTE_ALL), ("\n", "\r\n", "\r"), MARKS, ("none", "rows", "all", "header")
        )
    ):
        if (number + len(before)) % 5:  # a fifth of them, others for each
            continue
        if before == "padded title" and trailing != "none":
            continue
        head = text_of([NAMES], delimiter=delimiter, quoting=quoting, end=end)
        body = text_of(ROWS, delimiter=delimiter, quoting=quoting, end=end)
        head = head.replace(end, delimiter + end) if trailing in ("all", "header") else head
        body = body.replace(end, delimiter + end) if trailing in ("all", "rows") else body
        lead = BEFORE[before](delimiter, end)
        path.write_bytes((lead + head + body).encode(MARKS[mark]))
        found = opened(path)
        case = (delimiter, quoting, end, mark, trailing)
        assert found.x.column_names == NAMES, case
        assert cells(found) == ROWS, case
        assert found.header == lead.count(end) + 1, case
        assert any("skipped" in note for note in found.notes) == (
            before not in ("nothing", "sep", "quoted sep", "blank lines")
        )


@pytest.mark.parametrize("delimiter", ",;|")
@pytest.mark.parametrize("named", [True, False])
def test_a_header_one_name_short(named, delimiter, tmp_path):
    """Names of rows without a name, as R writes them, and pandas' empty first name, are the column `index`."""
    first = [["", *NAMES] if named else NAMES]
    path = tmp_path / "t.csv"
    path.write_text(text_of([*first, *([str(i + 1), *row] for i, row in enumerate(ROWS))], delimiter=delimiter))
    found = opened(path)
    assert found.x.column_names == ["index", *NAMES]
    assert cells(found) == [[str(i + 1), *row] for i, row in enumerate(ROWS)]
    assert any("called index" in note for note in found.notes)


@pytest.mark.parametrize("quoted", [True, False])
@pytest.mark.parametrize("delimiter", [" ", ",", "\t"])
def test_tables_that_r_writes(delimiter, quoted, tmp_path):
    """`write.table` names rows and not their column, sets cells apart by blanks, and puts words in quotes, or not."""
    mark = '"' if quoted else ""
    trees = [f"{letter}tree" for letter in "abcdefghijklmnopqrstuvwxyz"]
    lines = [delimiter.join(f"{mark}{name}{mark}" for name in ("height", "kind"))]
    lines += [
        delimiter.join((f"{mark}{trees[i]}{mark}", f"{i * 7 % 11}.5", f"{mark}{'oak' if i % 3 else 'elm'}{mark}"))
        for i in range(26)
    ]
    (tmp_path / "t.txt").write_text("\n".join(lines) + "\n")
    found = opened(tmp_path / "t.txt").x
    assert found.column_names == ["index", "height", "kind"]
    assert found["index"].to_pylist() == trees
    assert found["height"].to_pylist() == [i * 7 % 11 + 0.5 for i in range(26)]


def test_a_name_that_is_missing(tmp_path):
    """Rows that have a cell more than names, and no names of rows, are refused: names would stand over wrong columns."""
    (tmp_path / "t.csv").write_text(
        "tree,height\n" + "".join(f"T{i:02d},{i}.5,{'elm' if i % 2 else 'oak'}\n" for i in range(30))
    )
    with pytest.raises(
        DataError, match=r"line 1 has 2 cells where the others have 3 .*'tree,height' \(a name is missing\?\)"
    ):
        opened(tmp_path / "t.csv")


def test_cells_in_columns_by_blanks(tmp_path):
    """Columns that blanks set apart, one or many, are a table where they have names; sentences are not."""
    (tmp_path / "t.txt").write_text("  mpg   cyl\n" + "".join(f"  {20 + i}.5     {i % 3 + 4}\n" for i in range(20)))
    assert opened(tmp_path / "t.txt").x.to_pydict() == {
        "mpg": [20.5 + i for i in range(20)],
        "cyl": [i % 3 + 4 for i in range(20)],
    }
    lines = "".join(f"{i}  {i / 4}   {-i}e-3  \n" for i in range(20))
    (tmp_path / "bare.dat").write_text(lines)
    assert opened(tmp_path / "bare.dat").x.to_pydict() == {
        "0": list(range(20)),
        "1": [i / 4 for i in range(20)],
        "2": [-i / 1000 for i in range(20)],
    }
    (tmp_path / "p.csv").write_text("".join(f"we saw {['no', 'some', 'many'][i % 3]} trees\n" for i in range(20)))
    assert opened(tmp_path / "p.csv").x.num_columns == 1


HEADERS = {
    "years": (["place", "2019", "2020"], [[f"C{i:02d}", f"{i * 0.37 - 2:.2f}", f"{i % 7 - 3}.5"] for i in range(30)]),
    "index": (["", "width", "shape"], [[str(i), f"{i * 0.3:.2f}", "flat" if i % 3 else "tall"] for i in range(30)]),
    "question": (
        ["How satisfied are you with the way in which the most recent request that you made was handled by us, from 1 to 5?", "y"],
        [[str(i % 5 + 1), "yes" if i % 2 else "no"] for i in range(30)],
    ),
    "a value": (["age", "score", "other"], [[str(20 + i), f"{i / 7:.2f}", ["male", "female", "other"][i % 3]] for i in range(30)]),
    "places": (["0", "1", "2", "3", "4"], [[f"{i * k % 11 + 7}.5" for k in range(1, 6)] for i in range(30)]),
    "months": (["place", "2020-01", "2020-02"], [[f"{chr(97 + i)} town", f"{i}.5", f"{i * 3 % 7}.5"] for i in range(26)]),
    "decades": (["place", "1990", "2000", "2010"], [[f"{chr(97 + i)} town", f"{i}", f"{1000 + i}", f"{9 * i}"] for i in range(26)]),
    "pixels": ([str(i) for i in range(64)], [[str(i * k * k % 199) for k in range(64)] for i in range(1, 30)]),
    "ages": (["0-4", "5-9", "town"], [[str(i), str(i * i), f"town {i % 4}"] for i in range(30)]),
    "words only": (["colour", "form"], [[["red", "green", "blue"][i % 3], ["round", "long"][i % 2]] for i in range(30)]),
    "dates": (["when", "load"], [[f"2024-0{i % 9 + 1}-1{i % 9}", f"{i}"] for i in range(30)]),
    "money": (["income", "paid"], [[f"${i}00.50", f"{i},500"] for i in range(1, 30)]),
    "one column": (["length"], [[f"{i}.5"] for i in range(30)]),
    "texts": (["label", "text"], [["ham" if i % 3 else "spam", f"this is the message of number {i}, it is for you"] for i in range(30)]),
}  # fmt: skip
BARE = {
    "numbers": [[f"{i * 0.37:.2f}", f"{i + 40}", f"{i % 7}"] for i in range(30)],
    "a class": [["ham" if i % 3 else "spam", f"this is the message of number {i}, it is for you"] for i in range(30)],
    "a gap first": [["" if i % 4 == 0 else f"{i}.5", f"{i}", "flat" if i % 2 else "tall"] for i in range(30)],
    "codes": [[f"C{i:02d}", ["up", "down"][i % 2], f"{i / 3:.3f}"] for i in range(30)],
    "years below": [[f"town{i % 5}", str(2019 - i % 4), f"{i}.1"] for i in range(30)],
    "growing": [[str(3 * i + 1), str(3 * i + 2), str(3 * i + 3), str(3 * i + 4)] for i in range(30)],
    "categories": [["a" if i % 2 else "b", ["x", "y", "z"][i % 3], ["u", "v"][i // 2 % 2]] for i in range(30)],
    "dates": [[f"2024-0{i % 9 + 1}-1{i % 9}", f"{i}.5"] for i in range(30)],
}


@pytest.mark.parametrize("kind", HEADERS)
def test_headers_that_are_seen(kind, tmp_path):
    """Names are weighed: a year, an empty first one, a long question, a name that is also a value does not hide them."""
    names, rows = HEADERS[kind]
    (tmp_path / "t.csv").write_text(text_of([names, *rows]))
    found = opened(tmp_path / "t.csv")
    assert (found.header, found.x.column_names, len(found.x)) == (1, [n or "index" for n in names], len(rows))


@pytest.mark.parametrize("kind", BARE)
def test_rows_that_are_no_header(kind, tmp_path):
    """The first row of a table without names stays a row."""
    (tmp_path / "t.csv").write_text(text_of(BARE[kind]))
    found = opened(tmp_path / "t.csv")
    assert (found.header, len(found.x)) == (0, len(BARE[kind]))
    assert found.x.column_names == [str(i) for i in range(len(BARE[kind][0]))]


@pytest.mark.parametrize("kind", BARE)
def test_what_a_caller_knows_decides(kind, tmp_path):
    """A known name makes its line the header, a number of a column does not; a declared header is believed."""
    rows = BARE[kind]
    (tmp_path / "t.csv").write_text(text_of(rows))
    width = len(rows[0])
    known = rows[0][-1]
    assert opened(tmp_path / "t.csv", names=("nothing", known)).header == (
        1 if known not in map(str, range(width)) else 0
    )
    assert opened(tmp_path / "t.csv", names=(str(width - 1),)).header == 0
    assert opened(tmp_path / "t.csv", header=True).header == 1
    assert opened(tmp_path / "t.csv", header=False).header == 0


def test_names_that_are_numbers_are_known(tmp_path):
    """A target called 2019 decides for the header; of data without names, their places decide against it, unless they
    stand there; and a line of words over such rows is refused, not read as a row."""
    (tmp_path / "y.csv").write_text("2019,a\n" + "2018,b\n2017,b\n" * 5)
    assert opened(tmp_path / "y.csv").header == 0
    assert opened(tmp_path / "y.csv", names=("2019",)).header == 1
    (tmp_path / "n.csv").write_text("0,1,2\n" + "0.5,2,1\n" * 4)
    assert opened(tmp_path / "n.csv", names=("0", "1", "2")).header == 1
    (tmp_path / "w.csv").write_text("x,y,z\n" + "0.5,2,1\n" * 4)
    assert opened(tmp_path / "w.csv").header == 1
    with pytest.raises(DataError, match=r"w\.csv: line 1 looks like names \('x,y,z'\)"):
        opened(tmp_path / "w.csv", names=("0", "1", "2"))


@pytest.mark.parametrize("line", [1, 2, 4])
def test_the_line_of_the_header(line, tmp_path):
    """Declared, it is taken there, and what stands before it is no row, whatever it looks like."""
    lead = "9.5,8.5\n" * (line - 1)
    (tmp_path / "t.csv").write_text(lead + "1,2\n" + "3,4\n" * 5)
    found = opened(tmp_path / "t.csv", header=line)
    assert (found.x.column_names, len(found.x), found.header) == (["1", "2"], 5, line)
    with pytest.raises(DataError, match=r"t\.csv: header = 99, and no row begins in that line"):
        opened(tmp_path / "t.csv", header=99)


@settings(max_examples=60)
@given(
    columns=st.lists(st.sampled_from(["number", "word", "date", "code"]), min_size=1, max_size=6),
    seed=st.integers(0, 999),
)
def test_the_law_of_evidence(columns, seed):
    """Of any table, a row of it never looks more like names than names do."""
    made = {
        "number": lambda i: f"{(i * 7919 + seed) % 997 / 10}",
        "word": lambda i: ["elm", "oak", "ash"][(i + seed) % 3],
        "date": lambda i: f"2024-{(i + seed) % 12 + 1:02d}-{i % 28 + 1:02d}",
        "code": lambda i: f"K{(i * 31 + seed) % 1000:03d}",
    }
    rows = [[made[kind](i) for kind in columns] for i in range(20)]
    names = [f"name of {'abcdef'[i]}" for i in range(len(columns))]
    assert header_evidence(names, rows) > 0 >= header_evidence(rows[0], rows[1:])


@pytest.mark.parametrize("place", [1, 5, 20, 39, 40])
@pytest.mark.parametrize("column", [0, 2, 3])
@pytest.mark.parametrize("last_end", ["\n", ""])
def test_a_quote_that_never_ends(place, column, last_end, tmp_path):
    """It is an error that names its line, in any row and column, with any end of the file; no row is swallowed."""
    lines = [",".join(row) for row in [NAMES, *([r[0], r[1], r[2].replace(",", ""), r[3]] for r in ROWS)]]
    parts = lines[place].split(",")
    parts[column] = '"' + parts[column]
    lines[place] = ",".join(parts)
    (tmp_path / "t.csv").write_text("\n".join(lines) + last_end)
    for skip in ("fail", "skip"):
        with pytest.raises(DataError, match=rf"t\.csv: line {place + 1}: the quote that begins .* never ends"):
            opened(tmp_path / "t.csv", on_bad_row=skip)


@pytest.mark.parametrize(("first", "second"), [(3, 4), (3, 20), (39, 40)])
@pytest.mark.parametrize("form", ["both begin", "one ends"])
def test_two_quotes_that_pair_up(first, second, form, tmp_path):
    """Quotes of two rows that would make one cell of the rows between are an error that names the first line."""
    lines = [",".join([r[0], r[1], r[3]]) for r in [NAMES, *ROWS]]
    lines[first] = lines[first].rpartition(",")[0] + ',"' + ROWS[first - 1][3]
    start, _, end = lines[second].rpartition(",")
    lines[second] = f'{start},"{end}' if form == "both begin" else f'{start},{end}"'
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(
        DataError, match=rf"t\.csv: line {first + 1}: the quote that begins .* in line {second + 1} only"
    ):
        opened(tmp_path / "t.csv")


def test_a_quote_far_down(tmp_path):
    """Beyond the part of a file that its form is found from, an open quote is found too, with its line."""
    lines = ["a,b,c", *(f"{i},{i / 4},k" for i in range(60_000))]
    lines[50_001] = '50000,12500.0,"k'
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match=r"line 50002: the quote that begins '\"k' never ends"):
        opened(tmp_path / "t.csv")


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    places=st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=3),
    delimiter=st.sampled_from(",;|"),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_a_stray_quote_costs_no_row(places, delimiter, end, tmp_path):
    """Wherever quotes slip into a file without any: all rows are read, or the error names the line of one of them. (Quotes
    around nearly all of a file leave nothing to tell its form by.)"""
    assume(max(places) - min(places) < 0.8)
    text = text_of(
        [["n", "size", "kind"], *([str(i), f"{i / 4}", "oak" if i % 3 else "elm"] for i in range(30))],
        delimiter=delimiter,
        end=end,
    )
    at = sorted({int(place * (len(text) - 2 * len(end))) for place in places}, reverse=True)
    at = [place + (text[place - 1 : place + 1] == "\r\n") for place in at]  # not within a line end
    for place in at:
        text = text[:place] + '"' + text[place:]
    lines = {number for number, line in enumerate(text.split(end), 1) if '"' in line}
    (tmp_path / "t.csv").write_bytes(text.encode())
    said, rows = "", 30
    try:
        rows = len(opened(tmp_path / "t.csv", header=True).x)
    except DataError as error:
        said = str(error)
    assert rows == 30
    assert not said or any(f"line {line}" in said for line in lines), said


PROSE = st.text("ab ,\"'\n;", min_size=1, max_size=40).filter(lambda text: text.strip() == text)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(PROSE, min_size=3, max_size=8), delimiter=st.sampled_from(",;|"), end=st.sampled_from(["\n", "\r\n"])
)
def test_honest_texts_of_many_lines(texts, delimiter, end, tmp_path):
    """Whatever a writer puts into quotes comes back, line ends and delimiters and quotes in it too."""
    rows = [[f"{i}.5", text, "good" if i % 2 else "bad"] for i, text in enumerate(texts)]
    text = text_of([["score", "review", "mood"], *rows], delimiter=delimiter, quoting=csv.QUOTE_ALL, end=end)
    (tmp_path / "t.csv").write_bytes(text.encode())
    found = opened(tmp_path / "t.csv", written=("review",))
    assert found.x.column_names == ["score", "review", "mood"]
    assert cells(found) == rows


def test_blanks_before_quotes(tmp_path):
    """A blank between a delimiter and a quote belongs to no cell; within quotes it does."""
    (tmp_path / "t.csv").write_text('a, b, c\n1, "x, y", "she said ""no"", once"\n2, "z,  \nw", plain\n')
    assert opened(tmp_path / "t.csv").x.to_pydict() == {
        "a": [1, 2],
        "b": ["x, y", "z,  \nw"],
        "c": ['she said "no", once', "plain"],
    }


def test_mixed_line_ends(tmp_path):
    """Line ends of three systems in one file end lines."""
    (tmp_path / "t.csv").write_bytes(b"a,b\r\n1,2\n3,4\r5,6\r\n")
    assert opened(tmp_path / "t.csv").x.to_pydict() == {"a": [1, 3, 5], "b": [2, 4, 6]}


def test_the_odd_line_is_named(tmp_path):
    """Where line 1 is the odd one, it is named, and the cure is no key that leaves out all others."""
    rows = text_of([row[:3] for row in ROWS])
    (tmp_path / "short.csv").write_text("tree,height\n" + rows)
    (tmp_path / "title.csv").write_text("1,2\n" + "".join(f"{i},2.5,{i % 3}\n" for i in range(20)))
    with pytest.raises(
        DataError, match=r"title\.csv: line 1 has 2 cells where the others have 3 \(20 of the first 21 rows\)"
    ):
        opened(tmp_path / "title.csv")
    left = opened(tmp_path / "title.csv", on_bad_row="skip")
    assert len(left.x) == 20
    assert left.warnings == ("title.csv: 1 rows were left out for their number of cells; first: row 1, 1,2",)
    (tmp_path / "mid.csv").write_text("a,b,c\n" + "1,2,3\n" * 9 + "# second part\n" + "4,5,6\n" * 9 + "7,8,9,\n")
    with pytest.raises(DataError, match="line 11 has 1 cell where the first has 3, and looks like a comment; 2 rows"):
        opened(tmp_path / "mid.csv")
    (tmp_path / "prose.csv").write_text("".join(f"{'so, ' * (i % 4)}it goes\n" for i in range(40)))
    for skip in ("fail", "skip"):
        with pytest.raises(DataError) as caught:
            opened(tmp_path / "prose.csv", on_bad_row=skip)
        assert "on_bad_row" not in str(caught.value)


def test_a_cell_without_a_name(tmp_path):
    """Rows that end in a delimiter are read; a row that has something behind it is an error with its line."""
    (tmp_path / "t.csv").write_text("a,b\n" + "1,2,\n" * 300 + "1,2,3\n" + "1,2,\n")
    with pytest.raises(DataError, match="line 302 has 3 cells, and the header in line 1 has 2: '3' has no name"):
        opened(tmp_path / "t.csv")


def test_quotes_with_something_behind(tmp_path):
    """They are read without quotes, and that is said with the line; where cells are missed by them, the line is named."""
    (tmp_path / "t.csv").write_text('n,name\n1,Ann\n2,"Big" Joe\n')
    found = opened(tmp_path / "t.csv")
    assert found.x["name"].to_pylist() == ["Ann", "Big Joe"]
    assert found.warnings == (
        "t.csv: line 3: '\"Big\" Joe' goes on behind its quote; such cells are read without quotes",
    )
    (tmp_path / "u.csv").write_text("a,b,c\n" + '"1","x","y"\n' * 9 + '"2","x,"y"\n' + '"1","x","y"\n' * 9)
    with pytest.raises(
        DataError, match="line 11 has 2 cells where the first has 3, and something behind the quote that ends"
    ):
        opened(tmp_path / "u.csv")


def test_empty_names(tmp_path):
    """A column without a name that has cells gets one by its place."""
    (tmp_path / "t.csv").write_text("a,,b\n" + "1,x,2\n2,y,3\n")
    assert opened(tmp_path / "t.csv").x.column_names == ["a", "unnamed_2", "b"]
    (tmp_path / "d.csv").write_text("a,b,a\n1,2,3\n")
    with pytest.raises(DataError, match="two columns are called 'a'"):
        opened(tmp_path / "d.csv")


def test_an_empty_name_over_words_is_no_merged_title(tmp_path):
    """A header without one of its names is the header, also where the first row has an odd word among numbers."""
    (tmp_path / "t.csv").write_text("n,,b\n1,unknown,3\n" + "".join(f"{i},{i}.5,4\n" for i in range(20)))
    assert opened(tmp_path / "t.csv").x.column_names == ["n", "unnamed_2", "b"]
    (tmp_path / "m.csv").write_text("Size,,Price\nheight,width,euros\n" + "1.5,2,30\n2.5,3,40\n" * 9)
    found = opened(tmp_path / "m.csv")
    assert found.x.column_names == ["height", "width", "euros"]
    assert any("line 1 before it skipped: 'Size,,Price'" in note for note in found.notes)


@pytest.mark.parametrize("more", [1, 2, 5])
def test_rows_that_end_in_delimiters(tmp_path, more):
    """However many there are behind the last cell, and in the header or not."""
    for name in ("a,b", "a,b" + "," * more):
        (tmp_path / "t.csv").write_text(name + "\n" + ("1,2" + "," * more + "\n") * 30)
        assert opened(tmp_path / "t.csv").x.to_pydict() == {"a": [1] * 30, "b": [2] * 30}


@pytest.mark.parametrize("text", ["a,b,y", "a,b,y\n", "one line of text", "<table><tr><td>a</td></tr></table>"])
def test_a_header_alone(tmp_path, text):
    """Whether or not its line ends."""
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(DataError, match=r"^t\.csv has a header but no rows$"):
        opened(tmp_path / "t.csv")


@pytest.mark.parametrize("name", ["book.xlsx", "book.csv"])
def test_a_workbook_is_named(tmp_path, name):
    """A file that is no text is refused by what it is, with what to do, whatever it is called."""
    with zipfile.ZipFile(tmp_path / name, "w") as book:
        book.writestr("xl/workbook.xml", "<workbook/>")
    with pytest.raises(DataError, match=rf"^{name} is a workbook of a spreadsheet .*: save the sheet as CSV"):
        opened(tmp_path / name)
