"""Tables that a spreadsheet may open: no text in them is a formula, and what it was can be told."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.api.writing import write_table
from concours.tasks.formulas import meant, texts_meant, without_formulas
from concours.tasks.outputs.text import Text
from concours.tasks.predicted import Wanted, read_file

FORMULAS = [
    "=1+1",
    "+1+1",
    "-1+cmd|'/c calc'!A0",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "＝1+1",
    "'=1",
    "''+A1",
    "--",
    "-x",
    "=",
    "-a\r=1+1",
]
TEXTS = ["-1", "+2.5", "-.5e-3", "a=1", "1+1", "it's", "'quoted'", "", " =1", "naïve"]


def runs(text: str) -> bool:
    """The naive twin: whether a spreadsheet would take a text for more than a number or words."""
    if not text or text[0] not in "=+-@\t\r\n＝＋－＠":
        return False
    return re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text, re.A) is None


any_text = st.lists(st.sampled_from([*"=+-@'1.e x\t\r\n＝", "-1", "=1"]), max_size=6).map("".join)


@given(st.lists(any_text | st.sampled_from(FORMULAS + TEXTS), min_size=1, max_size=8))
def test_the_law(texts):
    """Of any texts none is a formula afterwards, only formulas have changed, and what they were is told."""
    table, count = without_formulas(pa.table({"t": pa.array(texts, pa.string())}))
    shown = table["t"].to_pylist()
    assert not any(map(runs, shown))
    assert all(s in (t, f"'{t}") for s, t in zip(shown, texts, strict=True))
    assert [s != t for s, t in zip(shown, texts, strict=True)] == [runs(t.lstrip("'")) for t in texts]
    assert count == sum(s != t for s, t in zip(shown, texts, strict=True))
    assert texts_meant(table["t"])[0].to_pylist() == texts and texts_meant(table["t"])[1] == count
    assert meant(shown, {t for t in texts if f"'{t}" not in texts}) == [
        t if f"'{t}" not in texts else s for s, t in zip(shown, texts, strict=True)
    ]


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".csv.gz", ""])
def test_files_of_spreadsheets(ending, tmp_path):
    """Labels, ids and names of columns are behind an apostrophe; numbers stay numbers, gaps gaps; asked for, all is as it is."""
    table = pa.table({"=id": pa.array([*FORMULAS, None]), "n": pa.array([-1.5] * len(FORMULAS) + [2.0])})
    file = tmp_path / f"p{ending}"
    assert write_table(table, file) == len(FORMULAS) + 1
    if not ending.endswith(".gz"):
        rows = list(
            csv.reader(io.StringIO(file.read_bytes().decode(), newline=""), delimiter="\t" if ending == ".tsv" else ",")
        )
        assert rows[0] == ["'=id", "n"]
        assert [row[0] for row in rows[1:-1]] == [f"'{text}" for text in FORMULAS]
        assert {row[1] for row in rows[1:-1]} == {"-1.5"} and rows[-1][0] == "" and len(rows) == len(FORMULAS) + 2
    assert write_table(table, file, formulas=True) == 0


def test_files_of_programs(tmp_path):
    """JSON and Parquet have texts as they are: no spreadsheet runs what is in them."""
    table = pa.table({"=id": FORMULAS})
    assert write_table(table, tmp_path / "p.json") == 0
    assert [row["=id"] for row in json.loads((tmp_path / "p.json").read_text())] == FORMULAS


PLAIN = ["It's raining, he said.", 'She says "no" to that.', "Nothing; or a little.", "Two birds."]
"""By which a reader sees what parts and quotes cells; of a few odd texts alone it guesses."""
written = any_text | st.sampled_from(
    [*FORMULAS, *TEXTS, "None", "null", "NA", "12", "13.50", "2026-05-31", "true", "- Ja."]
)


@settings(max_examples=40)
@given(st.lists(written.filter(lambda text: text.strip()), min_size=1, max_size=6))
@pytest.mark.parametrize("name", ["p.csv", "p.tsv.gz", "p.csv.zip", "p.jsonl", "p.parquet"])
def test_texts_come_back_from_every_file(name, tmp_path_factory, texts):
    """Texts that are predicted are read as they were, whatever they look like; but for blanks around, as all cells."""
    texts = [*(text.replace("\t", "x") if ".tsv" in name else text for text in texts), *PLAIN]
    file, ids = tmp_path_factory.mktemp("said") / name, [f"row {row}" for row in range(len(texts))]
    changed = write_table(pa.table({"id": ids, "prediction": pa.array(texts, pa.string())}), file)
    table = read_file(file, Wanted(classes=(), texts=True))
    found = Text().given(table, file.name)
    said = Text().answers(found.named, None).tolist()
    assert [text.strip() for text in said] == [text.strip() for text in texts]
    assert bool(found.notes) == bool(changed)


def test_there_and_back(tmp_path, monkeypatch, concours):
    """Predictions with labels and ids that are formulas are written behind apostrophes, with a word, and are scored."""
    monkeypatch.chdir(tmp_path)
    rows = [f"=k{i},{i % 2}.{i},{'=yes' if i % 2 else '-no'}\n" for i in range(60)]
    Path("t.csv").write_text("=id,x,y\n" + "".join(rows))
    Path("c.toml").write_text(
        "[task]\nkind = 'tabular-classification'\ndata = 't.csv'\ntarget = 'y'\nid = '=id'\nsplit = { test = 0.3, folds = 2 }\n"
        "[compete]\nlineup = 'none'\n[cooperate]\nstrategies = []\n"
        "[[entrant]]\nname = 'tree'\nrecipe = 'sklearn.tree:DecisionTreeClassifier'\n"
    )
    assert concours("run c.toml --engine inline --out out")[0] == 0
    code, _, err = concours("predict out t.csv -o p.csv")
    assert (code, "121 texts stand behind an apostrophe" in err, "--formulas" in err) == (0, True, True)
    assert all(
        line.startswith("'=k") and line.split(",")[1] in ("'=yes", "'-no")
        for line in Path("p.csv").read_text().split()[1:]
    )
    assert concours("predict out t.csv -o raw.csv --formulas")[2].count("apostrophe") == 0
    scores = [concours("score", "c.toml", file)[1].split("\n", 1)[1] for file in ("p.csv", "raw.csv")]
    assert scores[0] == scores[1] and "1 " in scores[0]
    assert "apostrophe" in concours("score c.toml --rows ids.csv")[2] and Path("ids.csv").read_text().startswith(
        "'=id\n'=k"
    )
