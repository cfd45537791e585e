"""Run folders that were damaged, or come from somebody else: each command says so in one line and touches nothing else."""

from __future__ import annotations

import json
import os
import shutil
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from concours.api.looking import look
from concours.engine.prediction import needed_for
from concours.stores.disk import DiskStore

CONTEST = """
[task]
kind = "tabular-classification"
data = "sklearn:iris"
split = { test = 0.3, folds = 2 }
[compete]
lineup = "none"
[cooperate]
strategies = []
[[entrant]]
name = "tree"
recipe = "sklearn.tree:DecisionTreeClassifier"
[[entrant]]
recipe = "./mine.py:Mine"
"""
MINE = "from sklearn.naive_bayes import GaussianNB\nclass Mine(GaussianNB): pass\n"
RUN = "run c.toml --engine inline --trust --out run"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a contest that has been run: a model of scikit-learn, and one of a user's that is fitted again."""
    from concours.api.contest import Contest

    folder = tmp_path_factory.mktemp("kept")
    (folder / "c.toml").write_text(CONTEST)
    (folder / "mine.py").write_text(MINE)
    Contest.from_file(folder / "c.toml").with_options(engine="inline", out=folder / "run").run()
    return folder


@pytest.fixture
def here(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, as the working folder."""
    shutil.copytree(whole, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "here"


@pytest.mark.parametrize("name", ["tree", "Mine"])
def test_a_flipped_bit_of_what_predict_reads_is_named(name: str, here: Path, concours: Callable[..., tuple]) -> None:
    """Any object that the model needs, rows and labels of one that is fitted again among them: exit 2, and no file."""
    result, store = look(here / "run"), DiskStore(here / "run" / "store")
    needed = needed_for(store, {c.entrant.digest: c for c in result.candidates.values()}, result.candidates[name])
    assert len(needed) > (5 if name == "Mine" else 1)
    for digest in sorted(needed):
        path = store.local_path(digest)
        content = path.read_bytes()
        middle = len(content) // 2
        path.chmod(0o644)
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
        os.utime(path, (0, 0))
        code, _, error = concours("predict", "run", "sklearn:iris", "-o", "p.csv", "--with", name, "--trust")
        assert code == 2
        assert f"concours: object {digest}" in error
        assert "is damaged" in error
        assert not (here / "p.csv").exists()
        path.write_bytes(content)
        os.utime(path, (1, 1))
    assert concours("predict", "run", "sklearn:iris", "-o", "p.csv", "--with", name, "--trust")[0] == 0


@pytest.mark.parametrize("command", ["gc run", "report run --trust", RUN])
@pytest.mark.parametrize("place", ["explanations.jsonl", "journal.jsonl", "lock", ".insights.json.new", "store/tmp"])
def test_links_in_a_run_folder_lead_nowhere(
    place: str, command: str, here: Path, tmp_path: Path, concours: Callable[..., tuple]
) -> None:
    """What a link leads to stays as it is, whichever command meets it; who would read or write it names it, with 2."""
    victim = tmp_path / "victim"
    (victim / "folder").mkdir(parents=True)
    (victim / "folder" / "keep").write_text("precious")
    (victim / "file").write_text("line\nprecious")
    link = here / "run" / place
    shutil.rmtree(link) if link.is_dir() else link.unlink(missing_ok=True)
    link.symlink_to(victim / ("folder" if place == "store/tmp" else "file"))
    code, _, error = concours(command)
    assert (victim / "file").read_text() == "line\nprecious"
    assert [path.read_text() for path in (victim / "folder").iterdir()] == ["precious"]
    assert code == 2
    assert f"{place.rpartition('/')[2]} is a link to {victim}" in error


def test_a_path_in_the_place_of_a_digest_names_nothing(here: Path, concours: Callable[..., tuple]) -> None:
    """A line of the journal with a right checksum: it counts as damaged, and the file that it means stays."""
    victim, journal, lines = here / "victim.txt", here / "run" / "journal.jsonl", []
    victim.write_text("precious")
    for line in journal.read_bytes().splitlines():
        value = json.loads(line.partition(b" ")[2])
        for name in value["event"].get("outputs") or ():
            value["event"]["outputs"][name] = f"sha256:xx{victim}"
        body = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
        lines.append(b"%08x %b\n" % (zlib.crc32(body), body))
    journal.write_bytes(b"".join(lines))
    os.utime(journal, (time.time() - 60, time.time() - 60))
    code, _, error = concours(RUN)
    assert code == 0
    assert "lines of run/journal.jsonl are damaged" in error
    assert victim.read_text() == "precious"
