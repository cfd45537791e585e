"""Control groups, where this machine lets them be made: whoever is in one is ended with it."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil
import pytest

from concours.engine.group import ControlGroup, group_of, make_group

HIDES = """
import os, sys, time
from pathlib import Path
from concours.engine.group import ControlGroup
ControlGroup(Path(sys.argv[1])).enter()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(3600)
    os._exit(0)
os.wait()
print("hidden", flush=True)
time.sleep(3600)
"""


@pytest.fixture
def group() -> ControlGroup:
    """A group below that of this process."""
    group = make_group(os.getpid())
    if group is None:
        pytest.skip("no control groups can be made here")
    return group


def test_who_is_in_a_group_is_ended_with_it(group: ControlGroup) -> None:
    """Also a daemon: it has another session, another process group, and no parent that is left."""
    process = subprocess.Popen([sys.executable, "-c", HIDES, str(group.folder)], stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline() == b"hidden\n"
    members = group.members()
    assert len(members) == 2
    group.end()
    process.wait()
    process.stdout.close()
    assert not group.folder.exists()
    assert not [pid for pid in members if psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie"]
    group.end()


def test_a_group_is_found_by_who_made_it(group: ControlGroup) -> None:
    """Whoever watches over a keeper ends its group when it could not. One that was left empty is taken over, by a later
    keeper of the same number; one that somebody is in is not.
    """
    assert group_of(os.getpid()) == group
    assert make_group(os.getpid()) == group
    process = subprocess.Popen([sys.executable, "-c", HIDES, str(group.folder)], stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline() == b"hidden\n"
    assert make_group(os.getpid()) is None
    group.end()
    process.wait()
    process.stdout.close()
    assert not group.folder.exists()
