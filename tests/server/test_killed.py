"""Whatever is killed whenever, what was accepted is scored exactly once, no limit is lost, and the audit log is whole."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from loaded import Running, command, free_port, hold, load, prepared, unfinished, wait

from concours.engine.sandbox.run import available

_VICTIMS = ("concours up", "scoring.conductor", "engine.worker", "working.own", "bwrap")


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kills", [pytest.param(12, marks=pytest.mark.slow), pytest.param(50, marks=pytest.mark.night)])
def test_whatever_is_killed_whenever(platform, tmp_path, kills):
    """The platform itself, its conductor, its workers and the programs that they run, under load."""
    if why := available():
        pytest.skip(why)
    secrets = prepared(platform)
    port = free_port()
    accepted: dict[str, int] = {}
    with (tmp_path / "log").open("wb") as log:
        running = Running(command(platform.settings, port), log)
        try:
            with load(f"http://127.0.0.1:{port}", secrets, accepted):
                killed = _kill(running, random.Random(0), kills)
            running.ensure()
            wait(lambda: not unfinished(platform), 300, lambda: (tmp_path / "log").read_text()[-4000:])
        finally:
            running.end()
    assert sum(killed.values()) == kills and len(killed) >= 3, killed
    hold(platform, accepted)


def _kill(running, draw, kills):
    """Kills at random instants; how many of each sort."""
    killed = Counter()
    while sum(killed.values()) < kills:
        time.sleep(draw.uniform(0.05, 1.5))
        running.ensure()
        what = draw.choices(_VICTIMS, weights=(1, 3, 3, 2, 2))[0]
        if found := running.victims(what):
            with suppress(ProcessLookupError):
                os.kill(draw.choice(found).pid, signal.SIGKILL)
                killed[what] += 1
    return killed
