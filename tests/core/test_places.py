"""Modules of the folder that somebody works in are not imported by accident."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import concours
from concours.core.places import leave_working_folder, named_places

SOURCE = os.path.dirname(os.path.dirname(concours.__file__))


@pytest.mark.parametrize(
    ("given", "kept"), [("", ""), (":", ""), ("/a:", "/a"), (":/a::/b:", "/a:/b"), (".:/a", ".:/a"), ("/a", "/a")]
)
def test_empty_places(given, kept):
    """An empty place of PYTHONPATH is the working folder, put there by a colon too many."""
    assert named_places(given) == kept


@pytest.mark.parametrize(("path", "stays"), [("", False), ("/elsewhere", False), (".", True), ("{here}", True)])
def test_the_working_folder_is_left(tmp_path, monkeypatch, path, stays):
    """It stays where modules are looked for only if it is named; all other places stay in their order."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", path.format(here=tmp_path))
    monkeypatch.setattr(sys, "path", ["/a", str(tmp_path), "", "/b"])
    leave_working_folder()
    assert sys.path == (["/a", str(tmp_path), "", "/b"] if stays else ["/a", "/b"])


def test_a_folder_that_is_worked_on_stays(tmp_path, monkeypatch):
    """A package that is installed to be edited is found in its own folder too; what Python adds by itself is not."""
    place = tmp_path / "site-packages"
    place.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", "")
    monkeypatch.setattr(sys, "path", [str(tmp_path), "/a", str(place), "", str(tmp_path), "/b"])
    leave_working_folder()
    assert sys.path == ["/a", str(place), str(tmp_path), "/b"]
    monkeypatch.chdir(place)
    leave_working_folder()
    assert sys.path == ["/a", str(tmp_path), "/b"]


@pytest.mark.parametrize(
    "words", [["-m", "concours"], ["-c", "from concours.cli import main; main()"]], ids=["-m", "script"]
)
def test_a_file_named_like_a_package(tmp_path, words):
    """Files that lie about, named like what Concours needs, are not run by its commands."""
    for name in ("typer", "numpy", "rich", "psutil"):
        (tmp_path / f"{name}.py").write_text("open('mark', 'w')\nraise SystemExit(77)\n")
    ended = subprocess.run(
        [sys.executable, *words, "--version"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{SOURCE}:"},
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stdout.strip()) == (0, f"concours {concours.__version__}"), ended.stderr
    assert not (tmp_path / "mark").exists()
