"""Answers on disk."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
import time

import pytest

from concours.core.errors import ContentRefused, RunFolderError
from concours.entrants.endpoints import kept
from concours.entrants.endpoints.kept import Answers, Owner
from concours.entrants.endpoints.replies import read
from concours.testing.endpoints import chat


def _reply(text, seconds=0.5):
    return read(json.dumps(chat(text)), seconds)


def test_answers_are_kept_as_they_came(tmp_path):
    """Another opening of the file gives equal replies; the first answer stays; the file holds JSON texts."""
    with Answers(tmp_path / "new" / "a.sqlite") as answers:
        answers.put("k1", _reply("Paris"))
        answers.put("k1", _reply("London"))
    with Answers(tmp_path / "new" / "a.sqlite") as answers:
        assert answers.get(["k1", "k2"]) == {"k1": _reply("Paris")}
        assert answers.get([]) == {}
        assert len(answers) == 1
    rows = sqlite3.connect(tmp_path / "new" / "a.sqlite")
    assert json.loads(rows.execute("SELECT raw FROM answers").fetchone()[0]) == chat("Paris")
    rows.close()


def test_many_are_looked_up_at_once(answers):
    """More keys than a statement may have."""
    replies = {f"k{i}": _reply(str(i)) for i in range(1203)}
    for key, reply in replies.items():
        answers.put(key, reply)
    assert answers.get([*replies, "other"]) == replies


WRITES = """
import json, sys
from concours.entrants.endpoints.kept import Answers
from concours.entrants.endpoints.replies import read
from concours.testing.endpoints import chat
with Answers(sys.argv[1]) as answers:
    for i in range(50):
        answers.put(f"{sys.argv[2]}-{i}", read(json.dumps(chat(str(i))), 0.5))
"""


def _writes(path, name):
    with Answers(path) as answers:
        for i in range(50):
            answers.put(f"{name}-{i}", _reply(f"{name} {i}"))


def test_processes_and_threads_write_at_once(tmp_path):
    """Nobody finds the file locked, and nothing is lost."""
    path = tmp_path / "a.sqlite"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    threads = [threading.Thread(target=_writes, args=(path, f"t{i}")) for i in range(3)]
    command = [sys.executable, "-c", WRITES, str(path)]
    processes = [subprocess.Popen([*command, f"p{i}"], env=environment) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [process.wait(60) for process in processes] == [0, 0]
    with Answers(path) as answers:
        assert len(answers) == 250


def test_one_asks_and_the_others_wait(answers):
    """A key that somebody asks for is given to nobody else until it is answered, released, or its asker is gone."""
    first, second = Owner(), Owner()
    assert answers.take(["a", "b"], first) == ({}, ["a", "b"])
    assert answers.take(["b", "c"], second) == ({}, ["c"])
    assert answers.take(["a"], first) == ({}, ["a"])
    answers.put("a", _reply("A"))
    assert answers.take(["a", "b"], second) == ({"a": _reply("A")}, [])
    answers.release(first, ["b"])
    assert answers.take(["b"], second) == ({}, ["b"])
    assert answers.take(["b"], first, over=["b"]) == ({}, [])
    answers.release(second)
    assert answers.take(["b", "c"], first) == ({}, ["b", "c"])


def test_the_flights_of_the_dead_end(answers, monkeypatch):
    """A process that is gone asks for nothing; of another machine nobody knows, so its flights end when not renewed."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    ours, far = Owner(), Owner(host="elsewhere")
    answers.take(["a"], Owner(pid=gone.pid))
    answers.take(["b"], far)
    assert answers.take(["a", "b"], ours) == ({}, ["a"])
    now = time.time()
    monkeypatch.setattr(kept.time, "time", lambda: now + 0.9 * kept.LEASE_S)
    answers.renew(far)
    monkeypatch.setattr(kept.time, "time", lambda: now + 1.5 * kept.LEASE_S)
    assert answers.take(["b"], ours) == ({}, [])
    monkeypatch.setattr(kept.time, "time", lambda: now + 2 * kept.LEASE_S)
    assert answers.take(["b"], ours) == ({}, ["b"])


def test_what_is_no_file_of_answers_is_told(tmp_path):
    """Another file, a damaged row, a folder: one line each."""
    (tmp_path / "text").write_text("no database, " * 100)
    with pytest.raises(ContentRefused, match="text: no whole SQLite file .*move it away"):
        Answers(tmp_path / "text")
    with pytest.raises(RunFolderError, match="cannot be used"):
        Answers(tmp_path)
    with pytest.raises(RunFolderError, match="cannot be made"):
        Answers(tmp_path / "text" / "a.sqlite")
    with Answers(tmp_path / "a.sqlite") as answers:
        answers.put("k", _reply("A"))
        answers._file.changed("UPDATE answers SET raw = 'half'")
        with pytest.raises(ContentRefused, match="what lies under k is no answer"):
            answers.get(["k"])
