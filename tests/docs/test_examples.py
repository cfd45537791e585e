"""The pages of the documentation: their examples run, and they name all that there is to name.

In a page, a block of
- `toml` is a contest; its first line is a comment with the name of the file, and the data is read, checked and split;
  or `pyproject.toml`, and what it describes is installed, to be imported from where the page's files lie;
  or `offers.toml`, the file of a gateway; or a `competition.toml` in the folder of a competition; or `concours.toml`, what
  a platform is told;
- `python` is run, one block after the other; or, if its first line is a comment with the name of a file, written there;
- `console` has commands after `$ `, and lines of what they print, where `…` stands for anything. If one of these lines
  begins with `concours: `, the command is to fail with it. Contests run in this process.

A comment `<!-- not run: reason -->` before a block leaves it out.
"""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from concours import Contest
from concours.cli.app import main
from concours.contest import config
from concours.core import registry
from concours.core.joins import JOINS
from concours.engine.ingest import ingest
from concours.engine.inline import InlineExecutor
from concours.engine.runners import RUNNERS
from concours.entrants.preparation import PREPARATIONS
from concours.runs import session
from concours.server.accounts.openid import OpenId
from concours.server.hosting.folder import from_folder
from concours.server.settings import Settings
from concours.serving.gateway.offers import Offers
from concours.stores.memory import MemoryStore
from concours.tasks.kinds import KINDS
from concours.tasks.metrics.table import METRICS
from concours.tasks.readers.archives import ARCHIVES
from concours.tasks.readers.listing import TABLES
from concours.tasks.readers.pictures import PICTURES

ROOT = Path(__file__).parents[2]
FIRST = ("README", "start", "own-model", "alliances", "python", "commands")
"""Pages whose examples are run where time is short."""
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras, of numpy 2

BLOCK = re.compile(r"(?:<!-- not run: (?P<why>[^>]+) -->\n+)?^```(?P<form>\w+)\n(?P<text>.*?)^```$", re.M | re.S)
NAMED = re.compile(r"# (\S+\.(?:toml|py))\n")


@dataclass(frozen=True)
class Block:
    """An example, and the line of the page where it begins."""

    form: str
    text: str
    line: int

    @property
    def file(self) -> str | None:
        named = NAMED.match(self.text)
        return named[1] if named else None


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = BLOCK.finditer(text)
    return [Block(m["form"], m["text"], text.count("\n", 0, m.start("text"))) for m in found if not m["why"]]


def text_of(*names: str) -> str:
    return "\n".join((ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8") for name in names)


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, id=page.stem, marks=() if page.stem in FIRST else pytest.mark.slow)
        for page in PAGES
        if blocks_of(page)
    ],
)
def test_examples(page, tmp_path, monkeypatch, capfd):
    """What a page tells people to write and to type works, and prints what the page says."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / ".state"))
    monkeypatch.setenv("OPENID_SECRET", "of a platform")
    monkeypatch.setenv("COLUMNS", "80" if page.stem == "start" else "200")  # start.md shows all that is printed
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(session, "executor_for", in_this_process)
    names: dict[str, object] = {"__name__": "__page__"}
    for block in blocks_of(page):
        where = f"{page.name}, line {block.line}"
        if block.form in ("toml", "python") and block.file:
            Path(block.file).write_text(block.text, encoding="utf-8")
        if block.form == "toml":
            read(block, where)
        elif block.form == "python" and not block.file:
            exec(compile(block.text, where, "exec"), names)
        elif block.form == "console":
            for command, shown in commands_of(block.text):
                code, printed = run(command, monkeypatch, capfd)
                refused = any(line.startswith("concours: ") for line in shown)
                assert (code != 0) == refused, f"{where}: {command} ended with {code}: {printed}"
                for line in shown:
                    pattern = re.escape(line.strip()).replace("…", ".*")
                    assert re.search(pattern, printed), f"{where}: {line!r} is not in {printed}"


def read(block: Block, where: str) -> None:
    """What a file of a page is, read as what it is."""
    assert block.file, f"{where}: the first line of a contest is a comment with the name of its file"
    name = Path(block.file).name
    if name == "pyproject.toml":
        install(block.text)
    elif name == "offers.toml":
        Offers.read(Path(block.file))
    elif name == "competition.toml":
        from_folder(Path(block.file).parent)
    elif name == "concours.toml":
        assert OpenId.of(Settings.of(Path(block.file).parent)), where
    else:
        made = Contest.from_file(block.file)
        ingest(made.task, MemoryStore(), seed=made.seed, folder=made.folder)


@pytest.fixture(autouse=True)
def _no_plugins():
    """What a page has installed is gone with it."""
    yield
    registry.forget()


def install(text: str) -> None:
    """The metadata that `pip install -e .` would leave, in the working folder."""
    project = tomllib.loads(text)["project"]
    folder = Path(f"{project['name'].replace('-', '_')}-{project['version']}.dist-info")
    folder.mkdir()
    folder.joinpath("METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    lines = [f"{name} = {value}" for name, value in project["entry-points"]["concours"].items()]
    folder.joinpath("entry_points.txt").write_text("\n".join(["[concours]", *lines]))
    registry.forget()


def in_this_process(name, out, workers, limits, listener, **_where):
    """Instead of workers, which take seconds to start."""
    return InlineExecutor(out.store, RUNNERS, listener=listener)


def commands_of(text: str) -> list[tuple[str, list[str]]]:
    """Commands, each with the lines that are shown below it."""
    result: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            result.append((line[2:], []))
        elif line.strip():
            result[-1][1].append(line)
    return result


def run(command: str, monkeypatch, capfd) -> tuple[int, str]:
    """The exit code of a command, and all that it prints."""
    words = shlex.split(command, comments=True)
    if words[0] == "PYTHONPATH=.":  # is so for all pages
        words = words[1:]
    if words[0] != "concours":
        done = subprocess.run(["bash", "-ec", command], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr
    monkeypatch.setattr(sys, "argv", words)
    capfd.readouterr()
    try:
        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    return code, "".join(capfd.readouterr())


def test_reasons_for_what_is_not_run():
    """Most examples are run."""
    left_out = {page.name: [m["why"] for m in BLOCK.finditer(page.read_text()) if m["why"]] for page in PAGES}
    assert all(len(reasons) <= 3 for reasons in left_out.values()), left_out


def test_keys():
    """Every key that a contest file may have is described."""
    text = text_of("start", "data", "splits-and-metrics", "line-ups", "alliances", "formats")
    tables = [table for table in vars(config).values() if isinstance(table, dict) and table]
    keys = {key for table in tables for key, form in table.items() if isinstance(form, config.Form)}
    assert {"task", "kind", "seconds", "recipe"} < keys
    assert sorted(key for key in keys if not re.search(rf"`{key}`|\[+{key}[\].]|\b{key} += ", text)) == []


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("data", [*KINDS, *TABLES, *ARCHIVES, *PICTURES]),
        ("splits-and-metrics", METRICS),
        ("line-ups", PREPARATIONS),
        ("alliances", JOINS),
    ],
    ids=["data", "metrics", "preparations", "strategies"],
)
def test_names(page, names):
    """Everything that has a name is named in its page."""
    text = text_of(page)
    assert [name for name in names if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)] == []


def test_zoo():
    """The tables of the zoo are those of the code; `python docs/zoo.py` writes them anew."""
    spec = importlib.util.spec_from_file_location("zoo_page", ROOT / "docs" / "zoo.py")
    zoo = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(zoo)
    text = text_of("line-ups")
    assert zoo.renewed(text) == text, "the zoo has changed: python docs/zoo.py"


def test_links():
    """No link to a file leads nowhere."""
    for page in PAGES:
        links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        assert [link for link in links if not (page.parent / link).exists()] == [], page.name
