"""JSON as tables: however the rows are laid out, the same table; what is no table is named with its line."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from concours.core.errors import DataError
from concours.tasks.readers.source import open_source

ROWS = [
    {"size": 1.5, "name": 'elm, "the" one\nof two', "gap": None, "old": True, "n": 3},
    {"size": 2, "name": "žito", "gap": 7, "old": False, "n": 4},
    {"size": -0.25, "name": "", "gap": None, "old": True, "n": 5},
]
COLUMNS = {key: [row[key] for row in ROWS] for key in ROWS[0]}


def lines(rows, end="\n") -> str:
    return end.join(json.dumps(row) for row in rows)


FORMS = {
    "a.jsonl": lines(ROWS),
    "blank_lines.jsonl": "\n" + lines(ROWS, "\n\n") + "\n\n",
    "windows.ndjson": lines(ROWS, "\r\n") + "\r\n",
    "lines.json": lines(ROWS) + "\n",
    "list.json": json.dumps(ROWS),
    "pretty.json": json.dumps(ROWS, indent=4),
    "list.jsonl": json.dumps(ROWS, indent=1),
    "objects_over_lines.jsonl": "\n".join(json.dumps(row, indent=2) for row in ROWS),
    "columns.json": json.dumps(COLUMNS, indent=2),
    "wrapped.json": json.dumps({"status": "ok", "count": 3, "data": ROWS}, indent=2),
    "wrapped_twice.json": json.dumps({"result": {"items": ROWS, "page": 1}}),
    "split.json": json.dumps(
        {"columns": list(ROWS[0]), "index": [0, 1, 2], "data": [list(row.values()) for row in ROWS]}
    ),
    "index.json": json.dumps({str(i): row for i, row in enumerate(ROWS)}),
    "frame.json": json.dumps(
        {key: {str(i): value for i, value in enumerate(column)} for key, column in COLUMNS.items()}
    ),
}


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("form", FORMS)
def test_one_table_in_many_forms(form, mark, tmp_path):
    """Lines, lists, columns, wrapped or pretty-printed, with a byte order mark or without: the values are the same."""
    (tmp_path / form).write_bytes((mark + FORMS[form]).encode())
    assert open_source(form, tmp_path).x.to_pydict() == COLUMNS


def test_what_pandas_writes(tmp_path):
    """Each of its forms that has names is read back; other encodings are as well."""
    frame = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]})
    for orient in ("records", "columns", "index", "split", "table"):
        frame.to_json(tmp_path / "t.json", orient=orient)
        found = open_source("t.json", tmp_path).x
        assert found.select(["a", "b"]).to_pydict() == {"a": [1, 2, 3], "b": ["x", "y", "z"]}, orient
    (tmp_path / "u.json").write_bytes(json.dumps(ROWS).encode("utf-16"))
    assert open_source("u.json", tmp_path).x.to_pydict() == COLUMNS


TEXTS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=12).map(
    lambda text: "t" + text
)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kinds=st.lists(st.sampled_from(["whole", "real", "text", "truth"]), min_size=1, max_size=4),
    count=st.integers(1, 5),
    data=st.data(),
)
def test_a_list_reads_as_lines_do(kinds, count, data, tmp_path):
    """Whatever is in the values, a list of objects, plain or pretty, and objects a line give the same table and types."""
    of = {
        "whole": st.integers(-(2**63), 2**63 - 1),
        "real": st.floats(-1e9, 1e9),
        "text": TEXTS,
        "truth": st.booleans(),
    }
    rows = [{f"c{i}": data.draw(of[kind]) for i, kind in enumerate(kinds)} for _ in range(count)]
    for name, text in (("a.jsonl", lines(rows)), ("b.json", json.dumps(rows)), ("c.json", json.dumps(rows, indent=2))):
        (tmp_path / name).write_text(text, encoding="utf-8")
    first = open_source("a.jsonl", tmp_path).x
    assert open_source("b.json", tmp_path).x.equals(first)
    assert open_source("c.json", tmp_path).x.equals(first)


def test_objects_within_objects(tmp_path):
    """They are columns with dotted names, in a list and in lines; where one is missing, its columns are."""
    rows = [{"who": {"id": 1, "at": {"town": "Bern"}}, "v": 1.5}, {"who": {"id": 2}, "v": 2.5}, {"v": 3.5}]
    expected = {"who.id": [1, 2, None], "who.at.town": ["Bern", None, None], "v": [1.5, 2.5, 3.5]}
    (tmp_path / "a.json").write_text(json.dumps(rows))
    (tmp_path / "a.jsonl").write_text(lines(rows))
    assert open_source("a.json", tmp_path).x.to_pydict() == expected
    assert open_source("a.jsonl", tmp_path).x.to_pydict() == expected


@pytest.mark.parametrize("form", ["a.json", "a.jsonl"])
def test_values_of_several_kinds(form, tmp_path):
    """They are read as texts, as they are written, with a warning that names the key; NaN is missing; long whole
    numbers stay exact."""
    rows = ['{"a": 1.10, "id": 123456789012345678901, "x": NaN}', '{"a": "none", "id": 5, "x": 2.5}']
    (tmp_path / form).write_text("[" + ",\n".join(rows) + "]" if form == "a.json" else "\n".join(rows))
    found = open_source(form, tmp_path)
    assert found.x.to_pydict() == {"a": ["1.10", "none"], "id": ["123456789012345678901", "5"], "x": [None, 2.5]}
    assert found.warnings[0] == (
        f"{form}: 'a' holds a number (first in row 1) and a text (first in row 2): all are read as texts"
    )


WRONG = {
    "cut.json": ('[\n{"a": 1},\n{"a": 2', "cut.json: line 3 is not JSON"),
    "comma.json": ('[\n{"a": 1}\n{"a": 2}]', "comma.json: line 3 is not JSON"),
    "line.jsonl": ('{"a": 1}\n{"a": 2\n{"a": 3}\n', "line.jsonl: line 2 is not JSON"),
    "no_object.json": ('[{"a": 1},\n {"a": 2},\n 7]', "no_object.json: line 3 holds a number; expected an object a line, or a list"),
    "no_object.jsonl": ('{"a": 1}\n[2]\n', "no_object.jsonl: line 2 holds a list"),
    "lists.json": ("[[1, 2], [3, 4]]", "lists.json: line 1 holds a list"),
    "number.json": ("5", "number.json holds a number"),
    "empty.json": ("[]", "empty.json has no rows"),
    "blank.json": (" \n", "blank.json is empty"),
    "two.json": ('{"x": [{"a": 1}], "y": [{"a": 2}]}', "two.json has several lists of objects, under x, y"),
    "uneven.json": ('{"a": [1, 2], "b": [1]}', "uneven.json: 'b' has 1 values where 'a' has 2"),
    "twice.jsonl": ('{"a": 1}\n{"a": 1, "a": 2}\n', "twice.jsonl: line 2: an object has the key 'a' twice"),
    "list_inside.json": ('[{"a": 1, "tags": ["x"]}]', "column 'tags' holds list.*as columns of their own, or as one text"),
    "mixed.json": ('[{"a": 1}, {"a": {"b": 2}}]', "'a' is a number in row 1 and an object in row 2"),
    "clash.json": ('[{"a": {"b": 1}, "a.b": 2}]', r"two columns are called 'a\.b'"),
    "deep.json": ("[" * 5000, "deep.json: line 1"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_table(name, tmp_path):
    """The error is one line that names the file, the line or the key, and what was expected."""
    text, words = WRONG[name]
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=words) as caught:
        open_source(name, tmp_path)
    assert "\n" not in str(caught.value)
