"""Inputs that nobody means: good files of every kind, changed at random, and the commands that are given them."""

from __future__ import annotations

import gzip
import io
import json
import random
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet

CONTEST = """seed = 1
[task]
kind = "tabular-classification"
data = "t.csv"
target = "sold"
id = "id"
metrics = ["accuracy", "log_loss"]
split = { test = 0.3, folds = 2 }

[compete]
lineup = "none"

[cooperate]
strategies = ["average"]

[limits]
seconds = 60.0

[[entrant]]
name = "bayes"
recipe = "sklearn.naive_bayes:GaussianNB"

[[entrant]]
name = "tree"
recipe = "sklearn.tree:DecisionTreeClassifier"
params = { max_depth = 3 }
"""
COMMANDS = "\x1b[2J\x1b]0;owned\x07\r\u202e\nx [/red]"
NASTY: list[Any] = [
    None, True, -1, 0, 10**8, 2**63, 10**400, -0.0, 1e308, float("inf"), float("nan"), "", " ", ".", "..", "/", "a\0b",
    COMMANDS, "x" * 70_000, "../../escape", "/etc/passwd", "/dev/zero", "~", "-", "--help", "sha256:" + "0" * 64, "sha256:../x",
    "sklearn:nothing", "openml:0", "numpy:zeros", "os:system", "./evil.py:Model", "builtins:eval", [], {}, [[]], {"": ""}, [None] * 3,
    {"a": {"a": {"a": [1, {"b": None}]}}}, ["x", 1, None, True], "\udcff", "ｆｕｌｌ", "=1+1", "%s%n{0}{x.__class__}",
]  # fmt: skip
TOKENS = [
    b"\xff\xfe", b"\xef\xbb\xbf", b"\0", b"\x1b[2J", b'"', b"'", b",", b";", b"\r", b"\n\n", b"[", b"]" * 9, b"{" * 300, b"[" * 3000,
    b"\\", b"\\u0000", b"nan", b"inf", b"-inf", b"1e999", b"9" * 5000, b"2026-02-31", b"x" * 140_000, b"\xe9", b"NULL", b"%", b"=1+1",
    b"\xff\xff\xff\x7f", b"\x00\x00\x00\x80", b"\xff" * 8, b"[[entrant]]\n", b"[task]\n", b"PK\x03\x04", b"\x93NUMPY",
]  # fmt: skip


def changed(content: bytes, chance: random.Random) -> bytes:
    """Bytes with one to six changes: bits, cuts, copies, tokens that mean something to some reader."""
    out = bytearray(content)
    for _ in range(chance.choice([1, 1, 1, 2, 3, 6])):
        at = chance.randrange(len(out) + 1)
        how = chance.randrange(7)
        if how == 0 and at < len(out):
            out[at] ^= 1 << chance.randrange(8)
        elif how == 1:
            del out[at : at + chance.choice([1, 4, 64, 100_000])]
        elif how == 2:
            begin = chance.randrange(len(out) + 1)
            out[at:at] = out[begin : begin + chance.choice([1, 8, 200])]
        elif how == 3 and at < len(out):
            out[at] = chance.choice([0, 10, 34, 127, 128, 255])
        else:
            token = chance.choice(TOKENS)
            out[at : at + (len(token) if chance.random() < 0.5 else 0)] = token
    return bytes(out)


def changed_json(value: Any, chance: random.Random) -> Any:
    """A JSON value with one of its parts replaced, taken out, or put where another is."""
    places: list[tuple[Any, Any]] = []
    left = [value]
    while left:
        inner = left.pop()
        keys = list(inner) if isinstance(inner, dict) else range(len(inner)) if isinstance(inner, list) else []
        places += [(inner, key) for key in keys]
        left += [inner[key] for key in keys]
    if not places:
        return chance.choice(NASTY)
    inner, key = chance.choice(places)
    how = chance.randrange(4)
    if how == 0:
        del inner[key]
    elif how == 1:
        other, place = chance.choice(places)
        inner[key] = json.loads(json.dumps(other[place])) if place in other or isinstance(other, list) else None
    else:
        inner[key] = chance.choice(NASTY)
    return value


def toml_value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(k)} = {toml_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value if value is not None else "none").replace("\x7f", "\\u007f").replace("\\udcff", "?")


def contest_file(chance: random.Random) -> bytes:
    """A contest file: bytes of it changed, or a key that it has, or could have, with a value that it does not mean."""
    if chance.random() < 0.35:
        return changed(CONTEST.encode(), chance)
    lines = CONTEST.splitlines()
    more = ["weight", "drop", "positive", "classes", "labels", "text", "source", "encoding", "on_bad_row", "columns", "missing",
            "name", "header", "test", "format", "options", "final", "budget", "limits", "search", "prepare", "params", "repeats"]  # fmt: skip
    for _ in range(chance.choice([1, 1, 2])):
        at = chance.randrange(len(lines))
        value = toml_value(chance.choice(NASTY))
        key, equals, _ = lines[at].partition(" = ")
        if equals and chance.random() < 0.6:
            lines[at] = f"{key} = {value}"
        elif chance.random() < 0.2:
            lines[at] = f"split = {{ {chance.choice(['test', 'folds', 'by', 'group', 'time', 'repeats'])} = {value} }}"
        else:
            lines.insert(at, f"{chance.choice(more)} = {value}")
    return "\n".join(lines).encode()


# Data in every form


def table(rows: int = 60) -> pa.Table:
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=rows).round(3), rng.normal(size=rows).round(3)
    return pa.table(
        {
            "id": np.arange(rows),
            "a": a,
            "b": pa.array([None if i % 11 == 0 else float(v) for i, v in enumerate(b)]),
            "colour": [["red", "green", "blue"][i % 3] for i in range(rows)],
            "sold": ["yes" if v > 0 else "no" for v in a + rng.normal(size=rows) / 3],
        }
    )


def csv_of(found: pa.Table, delimiter: str = ",") -> bytes:
    lines = [found.column_names, *(map(str, row.values()) for row in found.to_pylist())]
    return "".join(delimiter.join(cells).replace("None", "") + "\n" for cells in lines).encode()


def _buffer(write: Callable[[io.BytesIO], Any]) -> bytes:
    out = io.BytesIO()
    write(out)
    return out.getvalue()


def _ipc(found: pa.Table, out: io.BytesIO, *, stream: bool, packing: str | None) -> None:
    begin = pa.ipc.new_stream if stream else pa.ipc.new_file
    with begin(out, found.schema, options=pa.ipc.IpcWriteOptions(compression=packing)) as writer:
        writer.write_table(found, max_chunksize=25)


def _zip(files: dict[str, bytes], out: io.BytesIO) -> None:
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def _tar(files: dict[str, bytes], out: io.BytesIO, mode: str) -> None:
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def _pictures(form: str) -> dict[str, bytes]:
    from PIL import Image

    rng = np.random.default_rng(6)
    made = {}
    for i in range(12):
        picture = Image.fromarray(rng.integers(0, 255, (6, 5), dtype=np.uint8))
        made[f"{'cat' if i % 2 else 'dog'}/{i}.{form}"] = _buffer(lambda out, p=picture: p.save(out, form))
    return made


def files_of_data(found: pa.Table) -> dict[str, bytes]:
    """The same table in every form that is read, and pictures and texts."""
    text, records = csv_of(found), found.to_pylist()
    arrays = {
        "X": np.column_stack([found["a"].to_numpy(), np.arange(len(found)) % 7]),
        "y": np.asarray(found[-1].to_pylist()),
    }
    arff = "@relation t\n@attribute a numeric\n@attribute sold {yes,no}\n@data\n"
    arff += "".join(f"{row['a']},{list(row.values())[-1]}\n" for row in records)
    texts = {f"{'pos' if i % 2 else 'neg'}/{i}.txt": f"a text, the {i}th of them".encode() for i in range(20)}
    return {
        "t.csv": text,
        "t.tsv": csv_of(found, "\t"),
        "t.csv.gz": gzip.compress(text),
        "t.json": json.dumps(records).encode(),
        "t.jsonl": "".join(json.dumps(row) + "\n" for row in records).encode(),
        "t.arff": arff.encode(),
        "t.parquet": _buffer(lambda out: pyarrow.parquet.write_table(found, out)),
        "u.parquet": _buffer(
            lambda out: pyarrow.parquet.write_table(found, out, compression="none", use_dictionary=False)
        ),
        "t.feather": _buffer(lambda out: _ipc(found, out, stream=False, packing="lz4")),
        "u.feather": _buffer(lambda out: _ipc(found, out, stream=False, packing=None)),
        "t.arrow": _buffer(lambda out: _ipc(found, out, stream=True, packing="zstd")),
        "t.npz": _buffer(lambda out: np.savez(out, **arrays)),
        "t.npy": _buffer(lambda out: np.save(out, arrays["X"])),
        "t.zip": _buffer(lambda out: _zip({"train.csv": text, "test.csv": text[:900]}, out)),
        "t.tar": _buffer(lambda out: _tar({"t.csv": text}, out, "w")),
        "t.tar.gz": _buffer(lambda out: _tar(texts, out, "w:gz")),
        "png.zip": _buffer(lambda out: _zip(_pictures("png"), out)),
        "jpeg.tar": _buffer(lambda out: _tar(_pictures("jpeg"), out, "w")),
        "gif.zip": _buffer(lambda out: _zip(_pictures("gif"), out)),
    }


def battles() -> bytes:
    rng = np.random.default_rng(7)
    rows = [
        f"m{i % 4},m{(i + 1 + i % 3) % 4},{'model_a' if rng.random() < 0.6 else 'tie'},v{i % 9}\n" for i in range(200)
    ]
    return ("model_a,model_b,winner,voter\n" + "".join(rows)).encode()


# What is done with them: each lays its files into the folder, and says the words of the command

Family = Callable[[random.Random, Path], list[str]]


def contests(chance: random.Random, at: Path) -> list[str]:
    (at / "c.toml").write_bytes(contest_file(chance))
    run = ["run", "c.toml", "--engine", "inline", "--out", "mine"]
    return run if chance.random() < 0.5 else ["score", "c.toml", "p.csv"]


def data(chance: random.Random, at: Path) -> list[str]:
    files = files_of_data(table())
    name = chance.choice(sorted(files))
    (at / name).write_bytes(changed(files[name], chance))
    target = ["--target", "sold"] if chance.random() < 0.5 else []
    return ["new", name, "-o", "n.toml", "--force", *target]


def predictions(chance: random.Random, at: Path) -> list[str]:
    files = files_of_data(table().select(["id", "a", "sold"]).rename_columns(["id", "a", "prediction"]))
    name = chance.choice([name for name in sorted(files) if name[0] == "t" and "tar" not in name])
    (at / f"p{name[1:]}").write_bytes(changed(files[name], chance))
    return ["score", "c.toml", f"p{name[1:]}"]


def rows(chance: random.Random, at: Path) -> list[str]:
    files = files_of_data(table())
    name = chance.choice(sorted(files))
    (at / name).write_bytes(changed(files[name], chance))
    like = ["--like", "p.csv"] if chance.random() < 0.3 else []
    return ["predict", "out", name, "-o", "q.csv", *like]


def folders(chance: random.Random, at: Path) -> list[str]:
    """A file of a run folder, as bytes or as JSON, with lines whose checksums hold."""
    files = [path for path in sorted((at / "out").iterdir()) if path.suffix in (".json", ".jsonl")]
    file = chance.choice(files)
    content = file.read_bytes()
    if chance.random() < 0.3:
        content = changed(content, chance)
    elif file.suffix == ".json":
        content = json.dumps(changed_json(json.loads(content), chance)).encode()
    else:
        lines = content.splitlines()
        place = chance.randrange(len(lines))
        body = json.dumps(changed_json(json.loads(lines[place].partition(b" ")[2]), chance)).encode()
        lines[place] = b"%08x %b" % (zlib.crc32(body), body)
        content = b"\n".join(lines) + b"\n"
    file.write_bytes(content)
    return chance.choice(
        [
            ["show", "out"],
            ["show", "out", "--json"],
            ["verify", "out"],
            ["predict", "out", "t.csv", "-o", "q.csv"],
            ["report", "out", "--format", "md", "-o", "r.md"],
            ["compare", "out", "out"],
            ["gc", "out"],
            ["run", "c.toml", "--engine", "inline", "--out", "out"],
        ]
    )


def models(chance: random.Random, at: Path) -> list[str]:
    """An object of the store."""
    objects = [path for path in sorted((at / "out" / "store").rglob("*")) if path.is_file()]
    for _ in range(chance.choice([1, 1, 3])):
        file = chance.choice(objects)
        file.chmod(0o644)
        file.write_bytes(changed(file.read_bytes(), chance))
    return chance.choice(
        [["predict", "out", "t.csv", "-o", "q.csv"], ["verify", "out"], ["report", "out", "-o", "r.html"]]
    )


def votes(chance: random.Random, at: Path) -> list[str]:
    (at / "b.csv").write_bytes(changed(battles(), chance))
    return [chance.choice(["rate", "pair", "audit"]), "b.csv"]


FAMILIES: dict[str, Family] = {
    "contests": contests,
    "data": data,
    "predictions": predictions,
    "rows": rows,
    "folders": folders,
    "models": models,
    "votes": votes,
}
