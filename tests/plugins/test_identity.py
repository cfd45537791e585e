"""The identity of jobs that plugins do: it changes with the text that their rows reach, and with nothing else."""

from __future__ import annotations

import json
import shutil

import pytest

JOBS = """
import json
from concours.core.job import Job
from concours.engine.identity import code_digests
from concours.engine.runners import RUNNERS

measure = {"metrics": ["surprise"], "classes": 3}
joint = {"how": "top-two"}
jobs = {
    "runner": Job(runner="pond-order", params={"metrics": ["accuracy"], "classes": 3}),
    "metric": Job(runner="score", params=measure),
    "entrant": Job(runner="fit", params={"recipe": "pond.models:Centroid"}),
    "joint": Job(runner="curve", params={"model": {"entrant": {"recipe": "mean", "joint": joint}}, "parents": {}}),
    "ours": Job(runner="fit", params={"recipe": "sklearn.svm:SVC"}),
    "our metric": Job(runner="score", params={**measure, "metrics": ["accuracy"]}),
}
print(json.dumps({name: code_digests(RUNNERS)(job) for name, job in jobs.items()}))
"""
OURS = {"ours", "our metric"}
THEIRS = {"runner", "metric", "entrant", "joint"}


@pytest.fixture
def digests(pond, tmp_path):
    """The code digests of some jobs, by what of a plugin does them, after some change of its files."""
    shutil.copytree(pond.folder, tmp_path / "site")
    site = type(pond)(tmp_path / "site")

    def found(**texts: str) -> dict[str, str]:
        for name, text in texts.items():
            file = site.folder / f"{name.replace('__', '/')}.py"
            file.write_text((file.read_text() if file.exists() else "") + text)
        done = site.python("-c", JOBS, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    found.site = site  # type: ignore[attr-defined]
    return found


def changed(one, other):
    return {name for name in one if one[name] != other[name]}


def test_text_that_a_row_reaches_counts(digests):
    """A number in a module that all of them read, without another version; a module that only the joint reaches; and
    not one that lies beside them and no row reaches.
    """
    first = digests()
    assert digests(pond__aside="WARMTH = 5\n") == first
    assert changed(first, digests(pond__joining="\nMORE = 1\n")) == {"joint"}
    assert changed(first, digests(pond__numbers="\nWARMTH = 3.0\n")) == THEIRS


def test_jobs_of_our_own_do_not_hang_on_plugins(digests, pond):
    """What is installed beside is no part of what others do: the digests are those without the plugin."""
    with_it = digests()
    shutil.rmtree(next(digests.site.folder.glob("*.dist-info")))
    text = JOBS.replace("for name, job in jobs.items()", 'for name, job in jobs.items() if name.startswith("our")')
    without = json.loads(digests.site.python("-c", text, cwd=digests.site.folder).stdout)
    assert without == {name: with_it[name] for name in OURS}


def test_text_of_other_distributions_does_not_count_but_their_versions_do(digests):
    """As in `site-packages`, where others lie in the same folder: what theirs is, their version says."""
    folder = digests.site.folder
    folder.joinpath("neighbour.py").write_text("VALUE = 1\n")
    digests.site.install("neighbour", {})
    record = folder / "neighbour-1.0.dist-info" / "RECORD"
    record.write_text("neighbour.py,,\nneighbour-1.0.dist-info/METADATA,,\n")
    first = digests(pond__numbers="\nimport neighbour\n")
    assert digests(neighbour="VALUE = 2\n") == first
    metadata = record.with_name("METADATA")
    metadata.write_text(metadata.read_text().replace("1.0", "1.1"))
    assert changed(first, digests()) == THEIRS
