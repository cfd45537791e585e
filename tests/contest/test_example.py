"""The example of language models, as its page has it, behind its stand-in."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

import concours as product
from concours.testing.endpoints import Loopback

pytest.importorskip("httptools")

HERE = Path(__file__).parents[2] / "examples" / "large-models"


def stand_in() -> ModuleType:
    spec = importlib.util.spec_from_file_location("stand_in", HERE / "stand_in.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.parametrize("name", ["questions", "texts"])
def test_it_runs_as_its_page_says(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every alliance is made, and the board's scores stand in the page."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    model = stand_in()
    with Loopback(model.says) as server:
        for file in HERE.glob("*.jsonl"):
            (tmp_path / file.name).write_text(file.read_text())
        text = (HERE / f"{name}.toml").read_text()
        assert f"127.0.0.1:{model.PORT}" in text
        (tmp_path / f"{name}.toml").write_text(text.replace(f"http://127.0.0.1:{model.PORT}/v1", server.base_url))
        board = product.Contest.from_file(f"{name}.toml").with_options(engine="inline").run().standings
    assert {line.status for line in board} == {"ok"}
    page = (HERE / "README.md").read_text()
    for line in board:
        assert line.entrant.role == "baseline" or f"{line.score:.4f}" in page
