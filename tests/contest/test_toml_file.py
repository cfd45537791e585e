"""Contest files that are none: each is refused in one line that names the key or the line, before anything is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from concours.contest.config import read_contest
from concours.core.errors import ConcoursError

TASK = '[task]\nkind = "tabular-classification"\ndata = "t.csv"\ntarget = "y"\n'
TREE = '[[entrant]]\nname = "tree"\nrecipe = "sklearn.tree:DecisionTreeClassifier"\n'


def refused(tmp_path: Path, content: bytes) -> str:
    file = tmp_path / "c.toml"
    file.write_bytes(content)
    with pytest.raises(ConcoursError) as caught:
        read_contest(file)
    message = str(caught.value)
    assert message.isprintable() and len(message) < 700
    return message


PLACES = {
    "task.positive": TASK + "positive = {}\n",
    "task.split.test": TASK + "split = {{ test = {} }}\n",
    "task.split.folds": TASK + "split = {{ folds = {} }}\n",
    "seed": "seed = {}\n" + TASK,
    "compete.budget.seconds": TASK + "[compete.budget]\nseconds = {}\n",
    "compete.options.rungs": TASK + "[compete]\nformat = 'halving'\noptions = {{ rungs = {} }}\n",
    "limits.memory_gb": TASK + "[limits]\nmemory_gb = {}\n",
    "entrant 1.params.depth": TASK + TREE + "params = {{ depth = {} }}\n",
    "entrant 1.search.depth": TASK + TREE + "search = {{ depth = [1, {}] }}\n",
}


@pytest.mark.parametrize("value", ["inf", "-inf", "nan", "2026-01-31", "07:30:00", "2026-01-31T07:30:00Z", "1" * 400])
@pytest.mark.parametrize("key", PLACES)
def test_values_that_no_key_takes(key, value, tmp_path):
    """What is not finite, a date, or beyond 64 bits, wherever it stands; a label alone may be a number of any length."""
    content = PLACES[key].format(value).encode()
    if key == "task.positive" and value.isdecimal():
        (tmp_path / "c.toml").write_bytes(content)
        assert read_contest(tmp_path / "c.toml")["task"].positive == int(value)
        return
    assert key in refused(tmp_path, content)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("task.split.repeats", 10**8),
        ("task.split.folds", 10**8),
        ("seed", -1),
        ("compete.budget.seconds", 10**12),
        ("limits.memory_gb", 10**12),
    ],
)
def test_counts_end(key, value, tmp_path):
    """No count sets off work without end: the bound is in the message."""
    content = PLACES.get(key, TASK + "split = {{ repeats = {} }}\n").format(value)
    said = refused(tmp_path, content.encode())
    assert key in said and ("at most" in said or " to " in said), said


DEEP = {
    "lists": b"a = " + b"[" * 100_000 + b"]" * 100_000,
    "tables": b"a = " + b"{a=" * 5_000 + b"1" + b"}" * 5_000,
    "dots": b"[task]\n" + b".".join([b"a"] * 20_000) + b" = 1\n",
    "params": (TASK + TREE).encode() + b"params = { a = " + b"[" * 60 + b"]" * 60 + b" }\n",
}


@pytest.mark.parametrize("how", DEEP)
def test_what_lies_within_itself(how, tmp_path):
    """Lists and tables within one another, in brackets or by dotted keys, end no command."""
    said = refused(tmp_path, DEEP[how])
    assert "within" in said or "not TOML" in said


BYTES = {
    "UTF-8 with a mark": (b"\xef\xbb\xbf" + TASK.encode(), "byte order mark"),
    "UTF-16": (TASK.encode("utf-16"), "byte order mark"),
    "latin": (TASK.encode() + b'name = "caf\xe9"\n', "line 5 is not UTF-8"),
    "zeros": (bytes(1000), "not TOML"),
    "a number beyond all": (b"seed = " + b"9" * 10_000, "not TOML"),
    "a date that is none": (b"seed = 2026-02-31", "not TOML"),
    "a line end in a text": (b'[task]\nkind = "a\nb"\n', "line 2"),
    "too large": (b"#" * (1 << 22) + b"\n", "4,194,305 bytes"),
    "a key without end": (b"[task]\n" + b"k" * 100_000 + b" = 1\n", "unknown key"),
    "a text without end": (TASK.replace('"y"', '["y"]').encode() + b'drop = "' + b"k" * 100_000 + b'"\n', "task"),
}


@pytest.mark.parametrize("what", BYTES)
def test_what_is_no_toml(what, tmp_path):
    """Marks, other encodings, numbers and keys without end: one line, of bounded length."""
    content, words = BYTES[what]
    assert words in refused(tmp_path, content)


@pytest.mark.parametrize(
    "path", ["/dev/zero", "/dev/null", "missing.toml", ".", "n" * 3000, "n/" * 3000, "caf\udce9.toml", "a\0b"]
)
def test_paths_that_are_no_file(path, tmp_path, monkeypatch):
    """Devices, folders, names that are too long or not UTF-8."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConcoursError) as caught:
        read_contest(Path(path))
    assert len(str(caught.value)) < 700
