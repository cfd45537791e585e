"""The documentation as a site: everything has its place in it, and what is made from the code is up to date.

`make check` builds it, and a page, an anchor or a name that a page refers to and that is not there is an error.
"""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

import concours
from concours import testing

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def script(name: str) -> Any:
    """A script of the folder as a module."""
    spec = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def text_of(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def pages_of(nav: Any) -> list[str]:
    """The pages of a part of the navigation."""
    if isinstance(nav, str):
        return [nav]
    return [page for part in (nav.values() if isinstance(nav, dict) else nav) for page in pages_of(part)]


def test_navigation():
    """Every page can be found in the navigation, and nothing else is in it."""
    named = set(pages_of(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]))
    assert named == {page.name for page in DOCS.glob("*.md")}


@pytest.mark.parametrize(
    ("name", "page"),
    [("commands", "commands.md"), ("contest_file", "contest-file.md")],
    ids=["commands", "contest-file"],
)
def test_made_from_code(name, page):
    """The reference of the commands and that of the contest file say what the code says."""
    assert script(name).page() == text_of(page), f"the code has changed: python docs/{name}.py"


def test_notebook():
    """The page of the notebook, whose code runs like that of any page, is the notebook; and a notebook program can open it."""
    notebook = json.loads(text_of("notebook.ipynb"))
    assert script("notebook").rendered(notebook) == text_of("notebook.md"), "python docs/notebook.py"
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    for cell in notebook["cells"]:
        assert cell.keys() == {"cell_type", "id", "metadata", "source"} | (
            {"execution_count", "outputs"} if cell["cell_type"] == "code" else set()
        )


def test_reference():
    """Every public name is in the reference of Python."""
    described = set(re.findall(r"^::: (\S+)$", text_of("python.md"), re.M))
    public = [f"concours.{name}" for name in concours.__all__]
    public += [f"concours.testing.{name}" for name in testing.__all__]
    assert [name for name in public if name not in described] == []


@pytest.mark.parametrize("figure", sorted((DOCS / "figures").glob("*.svg")), ids=lambda path: path.stem)
def test_figures(figure):
    """A figure is sound, is shown somewhere, says what it shows, and has colours for dark pages."""
    drawing = ElementTree.fromstring(figure.read_text(encoding="utf-8"))
    everything = "\n".join(page.read_text(encoding="utf-8") for page in [*DOCS.glob("*.md"), ROOT / "mkdocs.yml"])
    assert f"figures/{figure.name}" in everything
    if figure.stem != "mark":
        assert drawing.find("{http://www.w3.org/2000/svg}title").text
        assert "prefers-color-scheme: dark" in figure.read_text(encoding="utf-8")
