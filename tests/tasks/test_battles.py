"""Battles are read from every form of file and frame, in pieces, to the same counts; what is wrong is named."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import socket
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from concours.cli.app import app
from concours.core.errors import DataError
from concours.kernels.votes import Counts
from concours.tasks import battle_files
from concours.tasks.battle_columns import found_columns
from concours.tasks.battle_files import Source
from concours.tasks.battles import Tally
from concours.tasks.readers import damage

FRAME = pd.DataFrame(
    {
        "model_a": ["x", "y", "z", "x", "y", "x"],
        "model_b": ["y", "z", "x", "z", "x", "x"],
        "winner": ["model_a", "model_b", "tie", "tie (bothbad)", "model_a", "model_b"],
        "weight": [1.0, 2.0, 1.0, 0.5, 1.0, 1.0],
        "kind": ["p", "q", "p", "q", "p", "p"],
        "voter": ["v1", "v2", "v1", "v3", "v2", "v2"],
    }
)
NONE = {"left": None, "right": None, "winner": None}


def tallied(data, *, given=NONE, keep=False, **more) -> Tally:
    source = Source(data)
    tally = Tally(found_columns(source.names, given, more, source.where), keep=keep)
    for batch in source.batches(tally.columns):
        tally.add(batch)
    return tally


def same(one: Counts, two: Counts) -> bool:
    arrays = ("left", "right", "category", "battles", "weight", "square")
    return one.names == two.names and all(np.array_equal(getattr(one, key), getattr(two, key)) for key in arrays)


def written(folder: Path, form: str) -> Path:
    path = folder / f"battles.{form}"
    if form.startswith("parquet"):
        FRAME.to_parquet(path)
    elif form.startswith("jsonl"):
        FRAME.to_json(path, orient="records", lines=True)
    elif form == "csv2":
        path = folder / "battles.csv"
        FRAME.to_csv(path, index=False, sep=";")
    else:
        FRAME.to_csv(path, index=False, sep="\t" if form.startswith("tsv") else ",")
    return path


@pytest.mark.parametrize("form", ["csv", "csv.gz", "csv2", "tsv", "parquet", "jsonl", "jsonl.gz"])
def test_files(tmp_path, form):
    """Every form of file gives what the frame gives, weights and categories too."""
    more = {"weight": "weight", "category": "kind"}
    assert same(tallied(written(tmp_path, form), **more).counts, tallied(FRAME, **more).counts)


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-8-sig"])
def test_encodings(tmp_path, encoding):
    """Text in other encodings is read as it was meant."""
    text = "model_a,model_b,winner\ncafé,y,tie\ny,café,model_a\n"
    (tmp_path / "battles.csv").write_text(text, encoding=encoding)
    assert tallied(tmp_path / "battles.csv").counts.names == ("café", "y")


def test_a_column_twice(tmp_path):
    """Two columns of one name are refused."""
    (tmp_path / "battles.csv").write_text("model_a,model_b,winner,winner\nx,y,tie,tie\n")
    with pytest.raises(DataError, match="two columns are called 'winner'"):
        Source(tmp_path / "battles.csv")


@pytest.mark.parametrize(
    "made",
    [
        lambda: pl.from_pandas(FRAME),
        lambda: pa.Table.from_pandas(FRAME),
        lambda: FRAME.astype(object),
        lambda: FRAME.assign(model_a=FRAME.model_a.astype("category")),
        lambda: FRAME.assign(winner=FRAME.winner.str.upper()),
    ],
    ids=["polars", "arrow", "objects", "categories", "capitals"],
)
def test_frames(made):
    """Frames of every make give the same counts."""
    assert same(tallied(made()).counts, tallied(FRAME).counts)


def test_names_may_be_numbers():
    """Models that are numbers are called by them, whole ones without a point."""
    frame = FRAME.assign(model_a=[1, 2, 3, 1, 2, 1], model_b=[2.0, 3.0, 1.0, 3.0, 1.0, 1.0])
    assert tallied(frame).counts.names == ("1", "2", "3")


def test_categories_that_no_row_has_are_no_models():
    """A pandas categorical may know more names than it holds."""
    frame = FRAME.assign(model_a=pd.Categorical(FRAME.model_a, categories=[*sorted(set(FRAME.model_a)), "nobody"]))
    assert "nobody" not in tallied(frame).counts.names


def test_columns_of_others():
    """Columns as of evalica and of games are recognised; any can be named."""
    sides = FRAME.rename(columns={"model_a": "left", "model_b": "right"})
    sides["winner"] = sides["winner"].str.replace("model_a", "left").str.replace("model_b", "right")
    assert same(tallied(sides).counts, tallied(FRAME).counts)
    games = tallied(pd.DataFrame({"winner": ["x", "y"], "loser": ["y", "z"]})).counts
    assert games.battles[:, 0].tolist() == [1, 1]
    named = FRAME.rename(columns={"model_a": "one", "model_b": "two", "winner": "who"})
    assert same(tallied(named, given={"left": "one", "right": "two", "winner": "who"}).counts, tallied(FRAME).counts)


def test_pieces_are_as_one(monkeypatch):
    """However small the batches, counts and kept rows are the same."""
    frame = pd.concat([FRAME.sample(frac=1, random_state=seed) for seed in range(20)])
    options = {"weight": "weight", "clusters": ("voter",), "category": "kind"}
    whole = tallied(frame, keep=True, **options)
    monkeypatch.setattr(battle_files, "ROWS", 7)
    parts = tallied(frame, keep=True, **options)
    assert same(whole.counts, parts.counts)
    one, two = whole.kept(), parts.kept()
    assert np.array_equal(one.votes.left, two.votes.left)
    assert np.array_equal(one.clusters[0], two.clusters[0])
    names = np.array(whole.counts.names)
    assert names[one.votes.left].tolist() == frame.model_a.tolist()
    assert np.array(one.voters[0])[one.clusters[0]].tolist() == frame.voter.tolist()


def test_propensities_and_controls():
    """A battle weighs the inverse of its propensity; a control is a column, or two of which the relation is taken."""
    frame = FRAME.assign(p=[0.5, 0.25, 1, 1, 1, 1], gain=1.0, size_a=[3, 1, 0, 1, 1, 1], size_b=[1, 3, 0, 1, 1, 1])
    tally = tallied(frame, keep=True, propensity="p", controls=("gain", "size"))
    kept = tally.kept()
    assert kept.votes.weight.tolist() == [2, 4, 1, 1, 1, 1]
    assert kept.controls[:3].tolist() == [[1, 0.5], [1, -0.5], [1, 0]]


def bad(**columns) -> pd.DataFrame:
    return FRAME.assign(**columns)


@pytest.mark.parametrize(
    ("frame", "more", "message"),
    [
        (bad(winner=["model_a", "model_c", *["tie"] * 4]), {}, "'winner' is 'model_c' in row 2; expected model_a"),
        (bad(winner=["model_a", None, *["tie"] * 4]), {}, "'winner' is nothing in row 2"),
        (bad(model_b=["y", "z", None, "z", "x", "x"]), {}, "'model_b' is missing in row 3"),
        (bad(model_b=["y", "", "z", "z", "x", "x"]), {}, "'model_b' is missing in row 2"),
        (bad(weight=[1, 1, 1, 1e-200, 1, 1]), {"weight": "weight"}, "a battle weighs 1e-200 in row 4; 0 or a number from"),
        (bad(p=[1, 0.5, 7, 1, 1, 1]), {"propensity": "p"}, "'p' is 7 in row 3; a probability of at most 1"),
        (bad(weight=[1, 1, np.nan, 1, 1, 1]), {"weight": "weight"}, "'weight' is nan in row 3"),
        (bad(weight=[1, 1, 1, -2, 1, 1]), {"weight": "weight"}, "'weight' is -2 in row 4; a finite number of at least 0"),
        (bad(weight=["a"] * 6), {"weight": "weight"}, "'weight' must hold numbers, got 'a'"),
        (bad(p=[1, 1, 0, 1, 1, 1]), {"propensity": "p"}, "'p' is 0 in row 3; a probability above 0"),
        (FRAME, {"weight": "wieght"}, "no column 'wieght'; did you mean 'weight'?"),
        (FRAME, {"category": "king"}, "no column 'king'; did you mean 'kind'?"),
        (FRAME, {"controls": ("lenght",)}, "neither a column 'lenght' nor lenght_a and lenght_b"),
        (FRAME.drop(columns="winner"), {}, "no column 'winner'"),
        (FRAME.drop(columns="model_a"), {}, "no columns of models that are known"),
        (FRAME.iloc[:0], {}, "there are no battles"),
        (pd.DataFrame({"model_a": [f"m{i}" for i in range(6000)], "model_b": "x", "winner": "tie"}), {},
         "'model_a' has more than 5,000 names"),
        (42, {}, "battles must be a file, a data frame or an Arrow table, got int"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(frame, more, message):
    """One line: what, where, what was expected."""
    with pytest.raises(DataError) as raised:
        tallied(frame, **more).counts  # noqa: B018
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_files_that_are_none(tmp_path):
    """What does not exist, is empty, a folder, or no table, is told in one line."""
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "blank.csv").write_text("\n\n")
    (tmp_path / "torn.jsonl").write_text('{"model_a": "x"\n{')
    (tmp_path / "none.parquet").write_bytes(b"PAR1 no")
    (tmp_path / "ragged.csv").write_text("model_a,model_b,winner\nx,y,tie\nx,y\n")
    (tmp_path / "false.csv.gz").write_bytes(b"model_a,model_b,winner\n")
    for name in (
        "absent.csv",
        ".",
        "empty.csv",
        "blank.csv",
        "torn.jsonl",
        "none.parquet",
        "ragged.csv",
        "false.csv.gz",
    ):
        with pytest.raises((DataError, OSError)) as raised:
            tallied(tmp_path / name).counts  # noqa: B018
        assert "\n" not in str(raised.value)


def test_a_row_far_down_is_named(tmp_path, monkeypatch):
    """The row of a mistake is counted from the beginning of the file, over all batches."""
    monkeypatch.setattr(battle_files, "_LINES", 1 << 12)
    lines = [json.dumps({"model_a": "x", "model_b": "y", "winner": "tie"})] * 1000
    lines[777] = lines[0].replace("tie", "draw?")
    with gzip.open(tmp_path / "many.jsonl.gz", "wt") as file:
        file.write("\n".join(lines))
    with pytest.raises(DataError, match=r"'winner' is 'draw\?' in row 778"):
        tallied(tmp_path / "many.jsonl.gz")


HEAD = "model_a,model_b,winner\n"
LINE = '{"model_a": "x", "model_b": "y", "winner": "tie"}\n'
DEEP = LINE.replace("}", ', "more": ' + "[" * 5000 + "]" * 5000 + "}")
FILES = {
    "deep.jsonl": (DEEP.encode(), "line 1: objects within objects, too deep to be a table"),
    "deep-below.jsonl": ((LINE * 300 + DEEP).encode(), "line 301: objects within objects"),
    "deep.jsonl.gz": (gzip.compress(DEEP.encode()), "objects within objects"),
    "unclosed.json": (b'{"a":' * 200_000, "objects within objects"),
    "huge-line.jsonl": (LINE.replace("tie", "t" * (1 << 25)).encode(), "cannot be read as a table of battles"),
    "huge-line.csv": ((HEAD + "x,y," + "t" * (1 << 23)).encode(), "cannot be read as a table of battles|'winner' is"),
    "latin.csv": ((HEAD + "x,y,tie\n" * 40_000 + "caf\xe9,y,tie\n").encode("latin-1"), "cannot be read|is no text"),
    "nuls.csv": (b"\0" * 5000, "is no text|cannot be read|has no columns"),
    "bytes.csv": (bytes(range(128, 256)) * 60, "is no text|cannot be read|has no columns"),
    "nul.csv": ((HEAD + "x,y,t\0ie\n").encode(), "'winner' is"),
    "sheet.csv": (b"PK\x03\x04" + b"\0" * 50, "is a workbook of a spreadsheet or another packed file"),
    "other.csv": (b"PAR1" + b"\0" * 50, "is a Parquet file: call it .parquet"),
    "cut.csv.gz": (gzip.compress((HEAD + "x,y,tie\n" * 9000).encode())[:-30], "is damaged"),
    "text.parquet": (HEAD.encode(), "cannot be read as a table of battles"),
    "number.jsonl": (b"7\n8\n", "cannot be read as a table of battles"),
}


@pytest.mark.parametrize("name", FILES)
def test_files_that_are_not_believed(name, tmp_path):
    """What is too deep, too long, no text, cut off, or not what its name says: one line that names the file or place."""
    content, said = FILES[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=said) as raised:
        tallied(tmp_path / name).counts  # noqa: B018
    assert "\n" not in str(raised.value)
    assert str(raised.value).startswith((name, name.removesuffix(".gz"), "'winner'"))


@pytest.mark.parametrize("name", ["zero", "pipe.csv", "socket", "folder.csv", "absent.csv", "battle.csv", "\udcff.csv"])
def test_what_is_no_file_is_not_opened(name, tmp_path):
    """A device that never ends, a pipe that nobody writes to, a folder, a name that is not there or not UTF-8."""
    made = {
        "zero": lambda path: path.symlink_to("/dev/zero"),
        "pipe.csv": os.mkfifo,
        "socket": _bound,
        "folder.csv": Path.mkdir,
    }
    made.get(name, lambda path: None)(tmp_path / name)
    (tmp_path / "battles.csv").write_text(HEAD)
    said = "is no file but a device|is a folder; a file of battles|does not exist|its name is not UTF-8"
    with pytest.raises(DataError, match=said) as raised:
        Source(tmp_path / name)
    assert "\n" not in str(raised.value)
    assert name != "battle.csv" or "did you mean 'battles.csv'?" in str(raised.value)


def _bound(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(path))  # such names are short


@pytest.mark.parametrize("packing", ["gz", "bz2", "xz"])
def test_packed_files(packing, tmp_path):
    """Text in each packing that files of data are read in; streams that unpack to no end are refused as bombs."""
    pack = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}[packing]
    (tmp_path / f"b.csv.{packing}").write_bytes(pack((HEAD + "x,y,tie\ny,x,model_a\n").encode()))
    assert tallied(tmp_path / f"b.csv.{packing}").counts.battles.sum() == 2


def test_a_bomb_is_refused(tmp_path, monkeypatch):
    """A file that unpacks to more than an honest one would: refused as it comes out, not once it is in memory."""
    monkeypatch.setattr(damage, "_BOMB_BYTES", 1 << 20)
    monkeypatch.setattr(damage, "_BOMB_RATIO", 100)
    monkeypatch.setattr(damage, "LARGE", 1 << 20)
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress((HEAD + "x,y,tie\n" * 1_000_000).encode()))
    with pytest.raises(DataError, match="is refused as a bomb"):
        tallied(tmp_path / "bomb.csv.gz")


@pytest.mark.parametrize("command", ["rate", "pair", "audit"])
@pytest.mark.parametrize("name", ["deep.jsonl", "sheet.csv", "pipe.csv"])
def test_each_command_says_so(command, name, tmp_path):
    """The three that read battles: one line, and no other end."""
    path = tmp_path / name
    os.mkfifo(path) if name == "pipe.csv" else path.write_bytes(FILES[name][0])
    done = CliRunner().invoke(app, [command, str(path)])
    assert isinstance(done.exception, DataError)
    assert done.exception.exit_code == 2
    assert "\n" not in str(done.exception)
