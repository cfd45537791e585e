"""What a hostile program reaches from a box: a family of attempts, each of which prints `GOT` where it succeeds."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from concours.engine.sandbox.box import MIB, Bounds

BEGIN = """
import ctypes, errno, os, socket, sys, threading
libc = ctypes.CDLL(None, use_errno=True)
def attempt(what):
    try:
        if what() not in (None, False, -1):
            print('GOT', what)
    except (OSError, KeyError, ValueError) as error:
        print('failed:', error)
"""

READS = {
    "the truth": "open({secret!r})",
    "by the root of the first process": "open('/proc/1/root' + {secret!r})",
    "by the root of another process": "[open('/proc/%s/root' % p + {secret!r}) for p in range(1, 40)]",
    "by the working folder of the maker": "os.listdir('/proc/1/cwd/') or None",
    "the environment of the maker": "{token!r} in open('/proc/1/environ').read() or None",
    "a token in the environment": "os.environ.get({token!r}) or ({token!r} in str(os.environ)) or None",
    "who uses the machine": "open('/etc/passwd')",
    "keys of the machine": "os.listdir('/etc/ssl') if os.path.exists('/etc/ssl/private') else None",
    "the disk itself": "[open(f'/dev/{{d}}') for d in ('vda', 'sda', 'mem', 'kmsg', 'kvm', 'fuse')]",
    "a disk by its number": "os.mknod('/out/disk', 0o60600, os.makedev(254, 0))",
    "files of this machine by the first process": "[n for n in os.listdir('/proc/1/fd') if os.path.isfile('/proc/1/fd/' + n)] or None",
    "open files that were left": "[n for n in range(3, 64) if not fails(os.fstat, n)] or None",
    "processes outside": "[p for p in os.listdir('/proc') if p.isdigit() and int(p) > 60] or None",
    "the system": "os.listdir('/sys/kernel')",
    "a key ring": "-1 if libc.syscall(250, 0, -3, 0) < 0 else 1",
}

WRITES = {
    "beside the output": "open('/x', 'w')",
    "in our package": "open('/opt/concours/concours/__init__.py', 'a')",
    "in the interpreter": "open(os.path.join(sys.base_prefix, 'lib', 'x'), 'w')",
    "in the system": "open('/usr/bin/x', 'w')",
    "settings of the kernel": "open('/proc/sys/kernel/core_pattern', 'w')",
    "devices": "open('/dev/x', 'w')",
    "another root": "os.chroot('/tmp')",
    "a mount": "-1 if libc.mount(b'x', b'/tmp', b'tmpfs', 0, None) else 1",
    "unmounting": "-1 if libc.umount2(b'/out', 2) else 1",
    "namespaces of its own": "-1 if libc.unshare(0x10000000) else 1",
    "somebody else's namespaces": "-1 if libc.setns(os.open('/proc/1/ns/net', 0), 0) else 1",
    "being root": "os.setuid(0) or 1",
    "being in a group": "os.setgroups([0]) or 1",
    "the first process's end": "(os.kill(1, 9), __import__('time').sleep(.05), os.path.exists('/proc/1') and None)[-1]",
    "everybody's end outside": "[os.kill(p, 9) for p in (os.getppid(),) if p > 2] or None",
    "the name of the machine": "socket.sethostname('x') or 1",
    "the clock": "__import__('time').clock_settime(0, 0) or 1",
    "watching another": "-1 if libc.ptrace(16, 1, 0, 0) < 0 else 1",
    "another's memory": "-1 if libc.process_vm_readv(1, None, 0, None, 0, 0) < 0 else 1",
    "io_uring": "-1 if libc.syscall(425, 1, None) < 0 else 1",
    "bpf": "-1 if libc.syscall(321 if os.uname().machine == 'x86_64' else 280, 0, None, 0) < 0 else 1",
}

TALKS = {
    "tcp": "socket.create_connection(('127.0.0.1', {port}), 1)",
    "tcp of version 6": "socket.create_connection(('::1', {port}), 1)",
    "udp": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {port}))",
    "raw": "socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)",
    "packets": "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    "netlink": "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    "the machine below": "socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)",
    "a socket without a file": "socket.socket(socket.AF_UNIX).connect({hidden!r})",
    "a socket in a file": "socket.socket(socket.AF_UNIX).connect({filed!r})",
    "the name of a machine": "socket.getaddrinfo('localhost.example', 80)",
    "interfaces": "[n for n in os.listdir('/sys/class/net')]",
}

FAILS = """
def fails(do, *args):
    try:
        do(*args)
    except OSError:
        return True
    return False
"""


def _attempts(table, **known):
    lines = (f"attempt(lambda: {code.format(**known)})  # {name}" for name, code in table.items())
    return "\n".join((BEGIN, FAILS, *lines, "print('all tried')"))


def _none_succeeds(ran):
    assert ran.lines[-1] == "all tried", ran
    assert not [line for line in ran.lines if line.startswith("GOT")], ran.text


def test_nothing_of_the_machine_is_read(boxed, secret, monkeypatch):
    monkeypatch.setenv("CONCOURS_TOKEN", "a-token-that-is-secret")
    _none_succeeds(boxed(_attempts(READS, secret=str(secret), folder=str(secret.parent), token="CONCOURS_TOKEN")))


def test_nothing_outside_is_written_and_nobody_is_touched(boxed):
    ran = boxed(_attempts(WRITES))
    _none_succeeds(ran)


def test_nobody_is_talked_to(boxed, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as hidden:
        hidden.bind(f"\0concours-{os.getpid()}")
        hidden.listen()
        with socket.socket(socket.AF_UNIX) as filed:
            filed.bind(str(tmp_path / "s"))
            filed.listen()
            known = {
                "port": server.getsockname()[1],
                "hidden": f"\0concours-{os.getpid()}",
                "filed": str(tmp_path / "s"),
            }
            _none_succeeds(boxed(_attempts(TALKS, **known)))


def test_who_knows_a_path_of_the_maker_is_not_helped(boxed, secret):
    """The folder of a given file is not given."""
    (beside := secret.with_name("public.csv")).write_text("public")
    ran = boxed(f"import os; print(open('/data/public.csv').read(), os.path.exists({str(secret)!r}), os.listdir('/data'))",
                files={"/data/public.csv": beside})  # fmt: skip
    assert ran.lines == ["public False ['public.csv']"]


def test_the_attempts_would_succeed_outside(boxed, secret, tmp_path):
    """Or they would show nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        reads = {name: READS[name] for name in ("the truth", "a token in the environment", "who uses the machine")}
        talks = {name: TALKS[name] for name in ("tcp", "udp", "netlink")}
        attempts = _attempts(
            {**reads, **talks, "beside the output": f"open({str(tmp_path / 'x')!r}, 'w')"},
            secret=str(secret),
            port=server.getsockname()[1],
            token="CONCOURS_TOKEN",
        )
        bare = subprocess.run(
            [sys.executable, "-c", attempts], env={"CONCOURS_TOKEN": "x"}, capture_output=True, text=True, check=True
        )
    assert bare.stdout.count("GOT") == len(reads) + len(talks) + 1, bare


BOMBS = {
    "forks": "import os\nwhile True:\n try: os.fork()\n except OSError: pass",
    "threads": "import threading, time\nwhile True:\n try: threading.Thread(target=time.sleep, args=(60,)).start()\n"
    " except RuntimeError: pass",
    "sessions": "import os\nwhile True:\n try:\n  if os.fork() == 0: os.setsid()\n except OSError: pass",
    "who ignores": "import os, signal, time\n[signal.signal(n, signal.SIG_IGN) for n in range(1, 32) if n not in (9, 17, 19)]"
    "\nwhile True: time.sleep(9)",
    "who stops itself": "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)",
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_bounded_and_gone_in_the_end(name, boxed):
    ran = boxed(BOMBS[name], bounds=Bounds(seconds=0.5, processes=32, memory_bytes=256 * MIB))
    assert ran.ended.cause == "out_of_time", ran.ended
    assert ran.ended.seconds < 10


DAEMONS = {
    "a child": "subprocess.Popen(sleep)",
    "a session": "subprocess.Popen(sleep, start_new_session=True)",
    "an orphan without output": "os.fork() or (os.setsid(), os.closerange(0, 64), os.fork() or os.execv(sleep[0], sleep))",
}


@pytest.mark.parametrize("name", DAEMONS)
def test_a_daemon_left_behind_ends_with_the_program(name, boxed):
    ran = boxed(f"import os, subprocess, sys; sleep = ['/bin/sleep', '71.25']; {DAEMONS[name]}; open('left', 'w')")
    assert ran.ended.cause is None
    assert "left" in ran.kept
    assert not subprocess.run(["pgrep", "-f", "sleep 71[.]25"], capture_output=True, check=False).stdout, sys.argv
