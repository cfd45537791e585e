"""A box gives back what a program prints, tells and leaves, and how it ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from concours.core.errors import NoSandbox
from concours.engine.sandbox import calls, command
from concours.engine.sandbox.box import MIB, Bounds, Box, Ended
from concours.engine.sandbox.groups import trees
from concours.engine.sandbox.run import available, run


def test_lines_progress_and_output_come_back(boxed):
    ran = boxed(
        "import os; print('hello'); print('::progress {\"epoch\": 2}'); os.mkdir('deep');"
        "open('deep/p.csv', 'w').write(open('/data/in').read())",
        files={"/data/in": b"id,prediction\n"},
    )
    assert ran.lines == ["hello"]
    assert ran.progress == [{"epoch": 2.0}]
    assert ran.kept == {"deep/p.csv": b"id,prediction\n"}
    assert ran.ended.cause is None


def test_files_and_folders_are_there_to_read_alone(boxed, tmp_path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "main.py").write_text("print(open('/data/x').read()); open('/code/main.py', 'w')")
    ran = boxed((sys.executable, "/code/main.py"), files={"/code": tmp_path / "code", "/data/x": b"rows"})
    assert ran.lines[0] == "rows"
    assert "Read-only file system" in ran.text
    assert ran.ended.cause == "exception"


def test_what_is_installed_beside_us_and_our_own_package_can_be_imported(boxed):
    ran = boxed((sys.executable, "-c", "import numpy, concours.core.digests; print('fine')"))
    assert ran.lines == ["fine"], ran.ended


ENDS = {
    "a code": ("raise SystemExit('no such column')", {}, "exception", "exit code 1: no such column"),
    "a signal": ("import os; os.abort()", {}, "crash", "SIGABRT"),
    "time": ("import time; time.sleep(60)", {"seconds": 0.3}, "out_of_time", "0.3 s"),
    "memory": ("x = b'x' * (1 << 30)", {"memory_bytes": 64 * MIB}, "out_of_memory", "64 MiB"),
    "memory of several": (
        "import os\nfor _ in range(8): os.fork() or [bytearray(b'x' * (24 << 20)), __import__('time').sleep(9)]\nraise SystemExit(os.wait()[1])",
        {"memory_bytes": 64 * MIB, "seconds": 5},
        "out_of_memory",
        "64 MiB",
    ),
    "processor": ("while True: pass", {"cpu_seconds": 1}, "out_of_time", "computed"),
    "disk": ("open('f', 'wb').write(b'x' * (3 << 20))", {"output_bytes": 2 * MIB}, "output_limit", "2 MiB"),
    "disk elsewhere": (
        "open('/tmp/f', 'wb').write(b'x' * (2 << 20)); open('/dev/shm/f', 'wb').write(b'x' * (1 << 20))",
        {"output_bytes": 2 * MIB},
        "output_limit",
        "2 MiB",
    ),
    "files": ("for i in range(99): open(str(i), 'w')", {"files": 50}, "output_limit", "50 files"),
    "a flood": ("while True: print('x' * 4096)", {"log_bytes": MIB}, "output_limit", "printed"),
    "a flood of one line": (
        "import sys\nwhile True: sys.stdout.write('x' * 4096)",
        {"log_bytes": MIB},
        "output_limit",
        "printed",
    ),
}


@pytest.mark.parametrize("name", ENDS)
def test_bounds_are_met_with_a_reason(name, boxed):
    code, bounds, cause, said = ENDS[name]
    ended = boxed(code, bounds=Bounds(**{"seconds": 20, **bounds})).ended
    assert ended.cause == cause, ended
    assert said in ended.reason
    assert "\n" not in ended.reason
    assert not ended.outputs


LEFT = {
    "a link": "os.symlink('/etc/passwd', 'it')",
    "a link to a folder": "os.symlink('/', 'it')",
    "a link to itself": "os.symlink('it', 'it')",
    "a pipe": "os.mkfifo('it')",
    "a socket": "import socket; socket.socket(socket.AF_UNIX).bind('it')",
    "two names": "open('a', 'w').write('x'); os.link('a', 'it')",
    "many bytes that are nowhere": "os.truncate(os.open('it', os.O_CREAT | os.O_RDWR), 1 << 20)",
    "a name that is no text": "open(b'it\\xff\\n', 'w')",
    "a folder without end": "[(os.mkdir('it'), os.chdir('it')) for _ in range(40)]",
    "one that nobody may read": "open('it', 'w').write('mine'); os.chmod('it', 0)",
}


@pytest.mark.parametrize("name", LEFT)
def test_what_is_no_plain_file_is_named_and_left(name, boxed):
    ran = boxed(
        f"import os; open('good', 'w').write('good'); {LEFT[name]}", bounds=Bounds(output_bytes=MIB, seconds=20)
    )
    assert ran.kept.pop("good") == b"good", ran
    assert ran.kept in ({}, {"it": b"mine"})  # who is root may read it
    assert ran.kept or any("it" in path for path in ran.ended.refused), ran.ended


def test_whoever_stops_listening_stops_the_program(tmp_path, boxed):
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    pieces = run(Box(command=("sh", "-c", "echo begun; sleep 60")), lambda file: "")
    assert next(pieces) == "begun"
    pieces.close()
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before


def test_a_box_ends_with_the_process_that_made_it(boxed):
    boxed("0")
    code = (
        "from concours.engine.sandbox.running import started\nfrom concours.engine.sandbox.box import Box\n"
        "for piece in started(Box(command=('sh', '-c', 'echo begun; setsid sleep 61.5 & sleep 61.5')), None):\n"
        "    print(piece, flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as maker:
        assert maker.stdout.readline() == "begun\n"
        os.kill(maker.pid, signal.SIGKILL)
        maker.wait()
    deadline = time.monotonic() + 10
    while sleepers := [line for line in map(_command, psutil.pids()) if "61.5" in line]:
        assert time.monotonic() < deadline, sleepers
        time.sleep(0.02)


def test_boxes_beside_one_another_have_users_of_their_own(boxed):
    if command.standing() is command.ANYBODY:
        assert boxed(("id", "-u")).text == "65534"
        return
    assert boxed(("id", "-u")).text != boxed(("id", "-u")).text


def test_where_bubblewrap_is_missing_nothing_runs_and_the_cure_is_named(monkeypatch):
    monkeypatch.setattr("concours.engine.sandbox.run.which", lambda tool, path: None if tool == "bwrap" else tool)
    available.cache_clear()
    try:
        with pytest.raises(NoSandbox, match="apt-get install bubblewrap"):
            next(run(Box(command=("touch", "/tmp/it ran")), lambda file: ""))
    finally:
        available.cache_clear()


@pytest.mark.parametrize("place", ["data", "/", "/a/../b", "//a", "/a/"])
def test_a_place_in_a_box_is_an_absolute_path(place):
    with pytest.raises(ValueError, match="absolute path"):
        Box(command=("true",), files={place: b""})


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_is_whole_and_lets_most_calls_pass(machine):
    """An interpreter of the few steps that the filter is made of, beside the kernel's."""
    assert _judged(calls.program(machine), machine, 0) == "allowed"  # read, or io_setup
    refused = {"x86_64": (101, 165, 272, 321, 425), "aarch64": (117, 40, 97, 280, 425)}[machine]
    assert {_judged(calls.program(machine), machine, number) for number in refused} == {"refused"}
    assert _judged(calls.program(machine), "another", 0) == "refused"
    socket = {"x86_64": 41, "aarch64": 198}[machine]
    families = {family: _judged(calls.program(machine), machine, socket, family) for family in range(46)}
    assert [family for family, found in families.items() if found == "allowed"] == [1]
    clone = {"x86_64": 56, "aarch64": 220}[machine]
    assert _judged(calls.program(machine), machine, clone, 0x01200011) == "allowed"
    assert _judged(calls.program(machine), machine, clone, 0x10000011) == "refused"


def _judged(program: bytes, machine: str, number: int, first: int = 0) -> str:
    import struct

    steps = [struct.unpack("=HBBI", program[at : at + 8]) for at in range(0, len(program), 8)]
    named = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}.get(machine, 3)
    at, held = 0, 0
    while True:
        code, if_true, if_false, value = steps[at]
        at += 1
        if code == 0x20:
            held = {0: number, 4: named, 16: first}[value]
        elif code == 0x06:
            return "allowed" if value == 0x7FFF0000 else "refused"
        else:
            holds = {0x15: held == value, 0x35: held >= value, 0x45: bool(held & value)}[code]
            at += if_true if holds else if_false


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


CGROUPS = {
    "version 1": (
        "cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0\ncgroup /sys/fs/cgroup/pids cgroup rw,pids 0 0",
        "9:pids:/\n4:memory:/a/b",
        [],
        {"/sys/fs/cgroup/memory/a/b", "/sys/fs/cgroup/pids"},
    ),
    "both, and the newer holds nothing": (
        "cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0",
        "4:memory:/\n0::/",
        [],
        {"/sys/fs/cgroup/memory"},
    ),
    "a service": (
        "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0",
        "0::/system.slice/concours.service",
        ["/sys/fs/cgroup/system.slice", "/sys/fs/cgroup"],
        {"/sys/fs/cgroup/system.slice"},
    ),
    "a group of one's own": (
        "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0",
        "0::/user.slice/own",
        ["/sys/fs/cgroup/user.slice/own", "/sys/fs/cgroup/user.slice"],
        {"/sys/fs/cgroup/user.slice/own"},
    ),
    "none": ("proc /proc proc rw 0 0", "", [], set()),
}


@pytest.mark.parametrize("name", CGROUPS)
def test_control_groups_are_made_where_bounds_are_held(name):
    mounts, own, controlling, expected = CGROUPS[name]
    assert {str(folder) for folder in trees(mounts, own, lambda folder: str(folder) in controlling)} == expected


@pytest.mark.parametrize(("kills", "there"), [(0, True), (2, True), (3, False)])
def test_a_trial_that_was_killed_by_chance_is_no_answer(monkeypatch, kills, there):
    """A platform that once takes no code takes none until it is started again."""
    left = [NoSandbox("the sandbox could not be made: Killed")] * kills

    def begun(box, keep):
        if left:
            raise left.pop()
        yield Ended(cause=None, reason="")

    monkeypatch.setattr("concours.engine.sandbox.run.started", begun)
    available.cache_clear()
    try:
        assert (available() == "") is there
    finally:
        available.cache_clear()
