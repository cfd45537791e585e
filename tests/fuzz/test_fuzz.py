"""Whatever a file holds: a command ends well, or says in one line what is wrong, and changes nothing but its run folder.

A hundred inputs here, by `driver.py`, which says what is watched; some thousand by `make night`. A fault is
done again by `python tests/fuzz/driver.py FAMILY NUMBER 1 FOLDER`, which keeps its files.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are watched as Linux has them")
sys.path.insert(0, str(Path(__file__).parent))

import driver  # noqa: E402 (it lies beside)
import inputs  # noqa: E402

DRIVER = Path(__file__).with_name("driver.py")
FEW = {"contests": 18, "data": 30, "predictions": 12, "rows": 10, "folders": 14, "models": 8, "votes": 10}
MANY = 600


def found(family: str, first: int, count: int) -> tuple[list[dict[str, object]], str]:
    """The faults of so many inputs, and what else was said."""
    done = subprocess.run(
        [sys.executable, DRIVER, family, str(first), str(count)], capture_output=True, text=True, check=False
    )
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert lines and lines[-1].get("tried") == count, done.stderr[-2000:]
    return lines[:-1], done.stderr


@pytest.mark.timeout(600)
@pytest.mark.slow
@pytest.mark.parametrize("family", FEW)
def test_a_hundred_inputs(family):
    """Exit code 0, 2 or 130, no traceback, no signal, no defect, no command to the terminal, nothing changed elsewhere."""
    assert sum(FEW.values()) >= 100
    assert found(family, 0, FEW[family])[0] == []


@pytest.mark.night
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("family", FEW)
def test_some_thousand_inputs(family):
    """The same, of other numbers: 600 of each of seven families."""
    assert found(family, 1000, MANY)[0] == []


@pytest.mark.parametrize("family", inputs.FAMILIES)
def test_inputs_are_the_same_each_time(family, tmp_path):
    """A number is enough to make an input again; no two of the first are alike."""
    made = []
    for again in range(2):
        for number in range(3):
            work = tmp_path / f"{again}{number}"
            (work / "out" / "store").mkdir(parents=True)
            (work / "out" / "run.json").write_text(json.dumps({"a": [1, {"b": 2}], "c": None}))
            (work / "out" / "store" / "object").write_bytes(bytes(range(200)))
            words = inputs.FAMILIES[family](random.Random(f"{family} {number}"), work)
            files = {str(p.relative_to(work)): p.read_bytes() for p in sorted(work.rglob("*")) if p.is_file()}
            made.append(
                (
                    words,
                    {name: content for name, content in files.items() if not name.endswith((".gz", ".zip", ".tar"))},
                )
            )
    assert made[:3] == made[3:]


def test_the_watch_sees(tmp_path):
    """The driver notices what it looks for: a file elsewhere, a program, a signal, a traceback, a command to the terminal."""
    script = (
        "import os, sys; sys.path.insert(0, sys.argv[1]); import driver; from pathlib import Path\n"
        "home, log = Path(sys.argv[2]), os.open(sys.argv[3], os.O_WRONLY | os.O_CREAT)\n"
        "driver.watch(home, log)\n"
        "open(home / 'mine', 'w').close()\n"
        "open(home.parent / 'else', 'w').close(); os.mkdir(home.parent / 'folder'); os.system('true')\n"
    )
    home = tmp_path / "home"
    home.mkdir()
    subprocess.run([sys.executable, "-c", script, DRIVER.parent, home, tmp_path / "log"], check=True)
    noted = (tmp_path / "log").read_text()
    assert [what in noted for what in ("/else", "/folder", "os.system", "/mine")] == [True, True, True, False]
    (tmp_path / "stdout").write_text("a\x1b[2J")
    (tmp_path / "stderr").write_text(
        "Traceback (most recent call last):\nconcours: unexpected KeyError: 'a' (a defect of Concours)\n"
    )
    (tmp_path / "noted").write_text("")
    told = driver.faults(["show"], 1 << 8, tmp_path, {"work/a": "1"}, {"work/a": "2", "work/out/b": "3"})
    words = "\n".join(told)
    assert all(what in words for what in ("exit code 1", "a traceback", "a defect", "commanded", "changed: ['work/a']"))
    assert "SIGSEGV" in driver.faults(["show"], 11, tmp_path, {}, {})[0]
