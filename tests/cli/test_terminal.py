"""The terminal is not commanded: whatever files hold is shown, on every surface, and none of it is obeyed."""

from __future__ import annotations

import io
import json
import os
import re
from pathlib import Path

import pytest
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from concours.cli import terminal
from concours.cli.console import Console
from concours.cli.progress import Progress
from concours.core.event import Failed
from concours.core.job import Job
from concours.core.ports import Notice

EVIL = "e\x1b[2K\r[red]\x9b1A\u202e\x07\nconcours: all is well [/x]"
SHOWN = r"e\x1b[2K\r[red]\x9b1A\u202e\x07\nconcours: all is well [/x]"
NAME = EVIL.replace("/", "")  # of a file
TABLE = "a,b,y\n" + "".join(f"{i},{i % 3},{'yes' if i % 2 else 'no'}\n" for i in range(40))


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A folder of its own, wide enough that no text is folded."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / ".state"))
    monkeypatch.setenv("COLUMNS", "400")
    return tmp_path


def obeyed(text: str) -> str:
    """What a terminal would obey in a text: all but line ends, colours and the styles of rich."""
    bare = re.sub(r"\x1b\[[\d;]*m", "", text)
    return "".join(c for c in bare if not (c.isprintable() or c == "\n"))


def csv_cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def contest(**changes: str) -> str:
    keys = {"kind": "tabular-classification", "data": "t.csv", "target": "y"} | changes
    lines = [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
    return (
        "[task]\n" + "\n".join(lines) + "\nsplit = { test = 0.3, folds = 2 }\n[compete]\nlineup = 'none'\n"
        "[cooperate]\nstrategies = []\n[[entrant]]\nname = 'tree'\nrecipe = 'sklearn.tree:DecisionTreeClassifier'\n"
    )


def test_columns_labels_and_names_of_files(concours, home):
    """From `new` to `predict`: a column, a label, an id and a file that command are shown, and JSON says the same."""
    label, column = EVIL.replace("\n", " "), csv_cell("b" + EVIL)
    rows = TABLE.replace("yes", label).replace("a,b,y", f"a,{column},y").splitlines(keepends=True)
    Path("t.csv").write_text("".join([rows[0], *rows[1:]]).replace("\r", "\x08"))
    told = [concours("new", "t.csv", "--target", "y"), concours("new", "t.csv", "--force", "--json")]
    Path("c.toml").write_text(contest())
    for words in (
        ("run", "c.toml", "--engine", "inline", "--out", "out"),
        ("show", "out"),
        ("show", "out", "--json"),
        ("predict", "out", "t.csv", "-o", f"p{NAME}.csv"),
        ("score", "c.toml", f"p{NAME}.csv"),
        ("verify", "out"),
        ("verify", "out", "--json"),
        ("report", "out", "-o", f"r{NAME}.html"),
        ("report", "out", "--format", "json", "-o", "r.json"),
        ("gc", "out"),
    ):
        told.append(concours(*words))
    assert [code for code, *_ in told] == [0] * len(told), told
    assert not obeyed("".join(out + err for _, out, err in told))
    assert "e\\x1b[2K" in "".join(out for _, out, _ in told)
    assert json.loads(told[4][1])["task"]["classes"] == [
        "e\x1b[2K\x08[red]\x9b1A\u202e\x07 concours: all is well [/x]",
        "no",
    ]


@pytest.mark.parametrize("key", ["target", "drop", "metrics", "data", "kind", "id", "columns"])
def test_errors_are_one_line(concours, key):
    """What a contest file names is written out in the one line that refuses it; so are its keys."""
    value = {"drop": [EVIL], "metrics": [EVIL]}.get(key, EVIL)
    Path("t.csv").write_text(TABLE)
    text = contest()
    text = re.sub(f"^{key} = .*$", "", text, flags=re.MULTILINE)
    Path("c.toml").write_text(text.replace("[task]\n", f"[task]\n{key} = {json.dumps(value)}\n"))
    Path("k.toml").write_text(text.replace("[task]\n", f"[task]\n{json.dumps(EVIL)} = 1\n"))
    for file in ("c.toml", "k.toml"):
        code, out, err = concours("run", file, "--engine", "inline", "--out", "out")
        assert (code, out, err.count("\n")) == (2, "", 1), err
        assert "x1b[2K" in err and not obeyed(err)


def test_words_of_a_command(concours):
    """Names that a shell put there, options and folders alike."""
    for words in (
        ("show", EVIL),
        ("show", "out", f"--{EVIL}"),
        ("rate", f"{EVIL}.csv"),
        (EVIL,),
        ("compare", EVIL, EVIL),
    ):
        code, out, err = concours(*words)
        assert (code, out) == (2, "") and r"\x1b[2K" in err and not obeyed(err), err
        assert err.count("\n") == 1 and err.startswith("concours: ")


def test_boards_of_battles(concours):
    """Models, voters and categories of a file of votes."""
    rows = [f"{csv_cell(EVIL)},plain,{'model_a' if i % 3 else 'model_b'},{csv_cell('v' + EVIL)}\n" for i in range(60)]
    file = f"{NAME}.csv"
    Path(file).write_text("model_a,model_b,winner,voter\n" + "".join(rows))
    for words in (
        ("rate", file),
        ("rate", file, "--by", "voter"),
        ("rate", file, "--json", "-"),
        ("pair", file),
        ("audit", file),
    ):
        code, out, err = concours(*words)
        assert code == 0 and not obeyed(out + err), err
        assert "x1b[2K" in out or "u001b[2K" in out


@pytest.mark.parametrize("what", ["string", "text", "cell", "title", "padded"])
@pytest.mark.parametrize("width", [30, 300])
def test_a_console_obeys_styles_alone(what, width):
    """Strings, texts and tables of rich: no command passes, in a terminal of any width; our own styles do."""
    file = io.StringIO()
    out = Console(file=file, force_terminal=True, width=width, highlight=False, color_system="standard")
    table = Table(title=terminal.escape(EVIL) if what == "title" else None)
    table.add_column(terminal.escape(EVIL))
    table.add_row(Text(EVIL), style="red")
    made = {"string": f"[bold]{terminal.escape(EVIL)}[/]", "text": Text(EVIL, "bold"), "padded": Padding(table, 1)}
    out.print(made.get(what, table))
    assert "\x1b[" in file.getvalue()
    assert not obeyed(file.getvalue())
    assert what != "string" or width < 100 or SHOWN in file.getvalue()


def test_progress():
    """The live table: the name of an entrant and the reason of a failure."""
    progress = Progress(None)
    job = Job(runner="fit", label=f"{EVIL}: fold 1", inputs={}, params={}, seed=0)
    progress(Notice(topic="started", job=job))
    progress(Notice(topic="ended", job=job, event=Failed(job=job.digest, cause="error", reason=EVIL)))
    file = io.StringIO()
    Console(file=file, force_terminal=True, width=300, highlight=False).print(progress.render())
    assert not obeyed(file.getvalue())


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pseudo-terminal here")
def test_the_question_whether_to_trust(monkeypatch):
    """The line that says what would run cannot be rewritten by what it names."""
    asked: list[str] = []
    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": staticmethod(lambda: True)})())
    monkeypatch.setattr("typer.confirm", lambda question, err: bool(asked.append(question)))
    assert terminal.confirmed(f"c.toml runs code from {EVIL}") is False
    assert asked == [f"c.toml runs code from {SHOWN}. Do you trust it?"]


@pytest.mark.parametrize("encoding", ["iso-8859-1", "cp1252"])
def test_a_terminal_without_our_letters(encoding, monkeypatch, concours):
    """A star or a dash that the terminal's encoding lacks is written out, and is no defect."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr("sys.stderr", stream)
    code, *_ = concours("show", "模型 ★")
    stream.flush()
    assert code == 2 and rb"\u6a21\u578b \u2605 does not exist" in stream.buffer.getvalue()
