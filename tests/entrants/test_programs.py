"""Programs of any language as entrants: what they read and write, and what is said where they do something else."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from concours import Contest, Entrant, Result, Split, Task
from concours.core.digests import digest_bytes
from concours.core.errors import DataError, RecipeError, TrustError
from concours.core.job import Job
from concours.engine.programs import FORMS, Speaking, as_table
from concours.entrants.programs import Params, Program
from concours.runs.predict import predict
from concours.tasks.outputs.table import OUTPUTS

LABELS = ["no", "yes"]
ROWS = pd.DataFrame({"x": [0.5, 1.5, 2.5], "word": ["a", None, "a,b"]})


def speaking(text: str, *, labels: Any = tuple(LABELS), output: Any = None, **params: Any) -> Speaking:
    """A script of the shell as it answers."""
    told = output or ({"name": "classes", "classes": len(labels)} if labels else {"name": "number"})
    job = Job(runner="ask_frozen", inputs={}, params={"output": told, "labels": list(labels)}, label="")
    return Speaking(job, Program(content=f"#!/bin/sh\n{text}\n".encode(), name="it.sh", params=Params(**params)))


def test_rows_go_in_as_csv_and_probabilities_come_out() -> None:
    """With a header, a gap as an empty cell and a comma in quotes; columns of classes in any order."""
    echo = speaking('cat > in.csv; test "$(sed -n 3p in.csv)" = "1.5," || exit 9; grep -q \'2.5,"a,b"\' in.csv || exit 8\n'
                    'printf "p_yes,p_no\\n0.9,0.1\\n0.4,0.6\\n1,0\\n"')  # fmt: skip
    assert echo.predict(ROWS).tolist() == [[0.1, 0.9], [0.6, 0.4], [0.0, 1.0]]


def test_labels_and_numbers_and_texts_are_taken_as_a_file_has_them() -> None:
    """The same forms as a file of predictions; so every kind of task that has files has programs."""
    assert speaking("printf 'prediction\\nyes\\nno\\nyes\\n'").predict(ROWS).tolist() == [[0, 1], [1, 0], [0, 1]]
    assert speaking("printf 'prediction\\n1.5\\n-2\\n3e2\\n'", labels=()).predict(ROWS).tolist() == [[1.5], [-2], [300]]
    said = speaking("printf 'prediction\\nein Hund\\nzwei\\ndrei\\n'", labels=(), output={"name": "text"}).predict(ROWS)
    assert OUTPUTS["text"]().written(said) == ["ein Hund", "zwei", "drei"]


@pytest.mark.parametrize("form", ["csv", "arrow"])
@pytest.mark.parametrize("what", ["table", "texts", "matrix", "grey", "colour"])
def test_rows_are_the_same_in_either_form(form: str, what: str) -> None:
    """Read back by pandas and by Arrow, row for row."""
    rows: Any = {
        "table": ROWS,
        "texts": np.array(["one", 'two, "three"\nfour'], dtype=object),
        "matrix": np.arange(6.0).reshape(2, 3),
        "grey": np.arange(12, dtype=np.uint8).reshape(2, 2, 3),
        "colour": np.arange(36, dtype=np.uint8).reshape(2, 2, 3, 3),
    }[what]
    table = as_table(rows)
    written = FORMS[form](table)
    if form == "arrow":
        assert pa.ipc.open_stream(written).read_all().equals(table)
        return
    read = pd.read_csv(io.BytesIO(written))
    assert list(read.columns) == table.column_names
    assert len(read) == len(rows)
    if "pixels" in read:
        assert [list(map(int, cell.split())) for cell in read["pixels"]] == rows.reshape(2, -1).tolist()
        assert (read[["height", "width", "colours"]] == [2, 3, (rows.ndim == 4 and 3) or 1]).all(axis=None)


def test_a_stream_of_arrow_comes_back() -> None:
    """By a script that reads and writes nothing else."""
    code = (
        "import sys, pyarrow as pa; t = pa.ipc.open_stream(sys.stdin.buffer).read_all()\n"
        "o = pa.table({'p_no': [x / 5 for x in t['x'].to_pylist()], 'p_yes': [1 - x / 5 for x in t['x'].to_pylist()]})\n"
        "with pa.ipc.new_stream(sys.stdout.buffer, o.schema) as w: w.write_table(o)\n"
    )
    job = Job(
        runner="ask_frozen", inputs={}, params={"output": {"name": "classes", "classes": 2}, "labels": LABELS}, label=""
    )
    params = Params(by=(sys.executable,), form="arrow")
    found = Speaking(job, Program(content=code.encode(), name="it.py", params=params)).predict(ROWS)
    np.testing.assert_allclose(found, [[0.1, 0.9], [0.3, 0.7], [0.5, 0.5]])


WRITES = "printf '{}'"


@pytest.mark.parametrize(
    ("text", "params", "said"),
    [
        ("echo weights are missing >&2; exit 3", {}, "ended with exit code 3: weights are missing"),
        ("exit 4", {}, "ended with exit code 4, and said nothing of why"),
        ("kill -9 $$", {}, "was ended by signal SIGKILL"),
        ("sleep 60", {"seconds": 0.2}, "had not ended after 0.2 seconds, as params.seconds allows"),
        ("sleep 60 & wait", {"seconds": 0.2}, "had not ended after 0.2 seconds"),
        ("true", {}, "wrote nothing; a table of predictions with a header was expected"),
        (WRITES.format("prediction\\nyes\\n"), {}, "wrote 1 prediction for 3 rows"),
        (WRITES.format("p_no,p_yes\\n1,0\\n1,0\\n1,0\\n1,0\\n"), {}, "wrote 4 predictions for 3 rows"),
        (WRITES.format("p_no\\n1\\n1\\n1\\n"), {}, "column 'p_yes' is missing; a column for each class was expected"),
        (WRITES.format("p_no,p_maybe\\n1,0\\n1,0\\n1,0\\n"), {}, "column 'p_maybe' is of no class"),
        (WRITES.format("p_no,p_yes\\n1,0\\n0.7,0.7\\n1,0\\n"), {}, "do not sum to one, first a sum of 1.4 in line 3"),
        (WRITES.format("prediction\\nyes\\nnein\\nno\\n"), {}, "1 predictions are no class, first 'nein' in line 3"),
        (WRITES.format("p_no,p_yes\\n1,0\\nnan,0\\n1,0\\n"), {}, "missing, NaN or infinite in 1 rows"),
        (WRITES.format("Welcome!\\nall\\nis\\nwell\\n"), {}, "a column 'prediction', or p_no, p_yes was expected"),
        (WRITES.format("p_no,p_yes\n1,0\nso\n1,0\n"), {}, "what it wrote: line 3 has 1 cell where the first has 2$"),
        (r"printf '\377\377\377\377rubbish'", {}, "it.sh: "),
    ],
)  # fmt: skip
def test_what_is_no_answer(text: str, params: Any, said: str) -> None:
    """One line says which program did what, and what was expected."""
    with pytest.raises(DataError, match=said) as told:
        speaking(text, **params).predict(ROWS)
    assert str(told.value).startswith("the program it.sh")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("content", "params", "said"),
    [
        (b"no program", {}, "cannot be started: Exec format error; it must be built for this machine"),
        (b"", {"by": ["no-such-interpreter"]}, "cannot be started by 'no-such-interpreter': No such file"),
    ],
)
def test_what_cannot_be_started(content: bytes, params: Any, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        Program(content=content, name="it", params=Params(**params)).said(b"x\n1\n")


def test_it_need_not_read_its_rows_and_may_write_much() -> None:
    """Neither side waits for the other: a pipe holds some thousand bytes."""
    many = b"x\n" + b"1\n" * 200_000
    assert Program(content=b"#!/bin/sh\necho done\n", name="it", params=Params()).said(many) == b"done\n"
    assert Program(content=b"#!/bin/sh\ncat\n", name="it", params=Params()).said(many) == many
    loud = b"#!/bin/sh\nyes wrong | head -n 100000 >&2\necho done\n"
    assert Program(content=loud, name="it", params=Params()).said(b"") == b"done\n"


@pytest.fixture
def contest(tmp_path: Path) -> Contest:
    """A program of awk beside an entrant that is fitted."""
    (tmp_path / "thumb.awk").write_text(
        'BEGIN { FS = ","; print "prediction" }\n'
        'NR > 1 { print $3 < 2.5 ? "setosa" : $3 < cut ? "versicolor" : "virginica" }\n'
    )
    thumb = Entrant("thumb", "program:thumb.awk", {"by": ["awk", "-v", "cut=4.9", "-f"]}, seen="none")
    line = Entrant("line", "sklearn.linear_model:LogisticRegression", {"max_iter": 500}, prepare="auto")
    return Contest(
        task=Task(
            kind="tabular-classification", data="sklearn:iris", metrics=("accuracy",), split=Split(test=0.3, folds=2)
        ),
        entrants=[thumb, line],
        lineup="none",
        cooperate=["average"],
        engine="inline",
        folder=tmp_path,
        out=tmp_path / "run",
    )


def test_a_program_stands_on_a_board_and_predicts_new_rows(contest: Contest, tmp_path: Path) -> None:
    """It is content: the run folder has it, and needs the file no more; whoever got the folder is asked about it."""
    result = contest.run()
    told = {line.entrant.name: line for line in result.standings}
    assert told["thumb"].status == "ok"
    assert told["thumb"].score > 0.85
    assert set(result.alliances["average"].weights) == {"thumb", "line"}
    (tmp_path / "thumb.awk").unlink()
    assert len(predict(result, "sklearn:iris", model="thumb")) == 150
    (tmp_path / "run").rename(tmp_path / "elsewhere")
    with pytest.raises(TrustError, match=r"program:thumb.awk \(awk -v cut=4.9 -f thumb.awk\)"):
        predict(Result.load(tmp_path / "elsewhere"), "sklearn:iris", model="thumb")


def test_another_program_of_the_same_name_is_another_entrant(contest: Contest, tmp_path: Path) -> None:
    """By its content, as everything that travels with a contest."""
    digest = digest_bytes((tmp_path / "thumb.awk").read_bytes())
    assert contest.run().candidates["thumb"].entrant.params["content"] == digest
