"""Plugins as they lie in an environment: a folder with modules and the metadata of a distribution."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from concours.core import registry

POND = Path(__file__).with_name("pond")
ROWS = {
    "entrants.centroid": "pond.rows:CENTROID",
    "metrics.surprise": "pond.rows:SURPRISE",
    "joins.top-two": "pond.rows:TOP_TWO",
    "formats.lengths": "pond.rows:LENGTHS",
    "runners.pond-order": "pond.rows:ORDER",
    "sections.lengths": "pond.rows:lengths",
    "kinds.pond-classification": "pond.rows:PONDS",
}


@dataclass(frozen=True)
class Site:
    """A folder from which modules are imported, as `site-packages` is."""

    folder: Path

    def install(self, name: str, rows: Mapping[str, str], *, version: str = "1.0") -> None:
        """The metadata of a distribution with these entry points."""
        place = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        place.mkdir(parents=True)
        place.joinpath("METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        lines = [f"{entry} = {reference}" for entry, reference in rows.items()]
        place.joinpath("entry_points.txt").write_text("\n".join(["[concours]", *lines, ""]))
        registry.forget()

    def write(self, **modules: str) -> None:
        """Modules of one file each."""
        self.folder.mkdir(exist_ok=True)
        for name, text in modules.items():
            self.folder.joinpath(f"{name}.py").write_text(text)

    def python(self, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Python in a process of its own in which the folder is one to import from."""
        ours = [str(Path(sys.modules["concours"].__file__ or "").parents[1]), str(self.folder)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(ours), "COLUMNS": "80"}
        return subprocess.run(
            [sys.executable, *words], cwd=cwd, env=environment, capture_output=True, text=True, timeout=150
        )

    def concours(self, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """A command."""
        return self.python("-m", "concours", *words, cwd=cwd)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """An empty one, which this process imports from too."""
    found = Site(tmp_path / "site")
    found.folder.mkdir()
    monkeypatch.syspath_prepend(str(found.folder))
    before = set(sys.modules)
    registry.forget()
    yield found
    registry.forget()
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(found.folder)):
            del sys.modules[name]


def lay_pond(folder: Path) -> Site:
    """A folder with the plugin that has a row for each table."""
    shutil.copytree(POND, folder / "pond", ignore=shutil.ignore_patterns("__pycache__"))
    site = Site(folder)
    site.install("pond-of-concours", ROWS)
    return site


@pytest.fixture(scope="session")
def pond(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The plugin that has a row for each table, for other processes alone."""
    yield lay_pond(tmp_path_factory.mktemp("pond"))
    registry.forget()
