"""The command that makes a box and runs a program in it, by bubblewrap.

Two shells deep: the first, in a mount namespace of its own, makes the memory file systems that bound what is written,
and stays until what was left has been taken out; bubblewrap, below it, makes everything else.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from concours.engine.sandbox.box import Box
from concours.engine.sandbox.python import places, variables

OUT: Final = "/sys/out"
"""Where the output lies for the first shell. Nothing of `/sys` goes into a box, so it may be covered there."""

_SCRIPT: Final = """
for group in $GROUPS_OF_BOX; do echo 0 > "$group/cgroup.procs" || exit 1; done
exec 2>&1
user=$((FIRST_USER + $$))
owner=${OWNER:-$user}
mount -t tmpfs -o size=64k tmpfs /sys && mkdir /sys/out /sys/more || exit 1
mount -t tmpfs -o "size=$OUTPUT_BYTES,nr_inodes=$FILES,uid=$owner,gid=$owner,mode=0711" tmpfs /sys/out || exit 1
mount -t tmpfs -o "size=$OUTPUT_BYTES,nr_inodes=$FILES,mode=0755" tmpfs /sys/more || exit 1
mkdir -m 1777 /sys/more/tmp /sys/more/shm || exit 1
for word; do shift; [ "$word" = @USER@ ] && word=$user; set -- "$@" "$word"; done
"$@" </dev/null
echo "{\\"ended\\": $?}" > /proc/self/fd/$TOLD
exec 1>&- 2>&-
read -r _
"""
"""Standard input is the line by which the one who started it holds it; `$TOLD` is where bubblewrap and it tell how it
goes. Users are numbered by the number of this process, which no other box has at the same time."""

_USER: Final = "@USER@"
_FIRST_USER: Final = 1 << 30
_SPACES: Final = ("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup")
_SYSTEM: Final = (
    *("--ro-bind", "/usr", "/usr"),
    *(word for name in ("bin", "lib", "lib32", "lib64", "sbin") for word in ("--symlink", f"usr/{name}", f"/{name}")),
    *("--perms", "0755", "--dir", "/etc"),
    *(
        "--ro-bind-try",
        "/etc/alternatives",
        "/etc/alternatives",
        "--ro-bind-try",
        "/etc/ld.so.cache",
        "/etc/ld.so.cache",
    ),
)
_USUAL: Final = {
    "HOME": "/tmp",  # noqa: S108 (in the box)
    "USER": "sandbox",
    "LOGNAME": "sandbox",
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
    "PYTHONHASHSEED": "0",
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"),
}
_OPEN_FILES: Final = 512


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What whoever makes boxes may do on this machine.

    Attributes:
        outer: what begins the first shell.
        owner: of the folder of the output; empty for the user of the box.
        inner: what else bubblewrap is told.
        user: what gives up the rights that are left, in the box.
    """

    outer: Sequence[str]
    owner: str
    inner: Sequence[str]
    user: Sequence[str]


ROOT: Final = Standing(
    outer=("unshare", "--mount", "--propagation", "private"),
    owner="",
    inner=(
        "--cap-drop",
        "ALL",
        *(word for cap in ("SETUID", "SETGID", "SETPCAP") for word in ("--cap-add", f"CAP_{cap}")),
    ),
    user=(
        *("setpriv", "--reuid", _USER, "--regid", _USER, "--clear-groups", "--no-new-privs"),
        *("--bounding-set=-all", "--inh-caps=-all"),
    ),
)
"""Each box has a user of its own, whom the kernel counts processes for."""

ANYBODY: Final = Standing(
    outer=("unshare", "--user", "--map-root-user", "--mount", "--propagation", "private"),
    owner="0",
    inner=("--unshare-user", "--disable-userns", "--uid", "65534", "--gid", "65534", "--cap-drop", "ALL", "--as-pid-1"),
    user=("setpriv", "--no-new-privs", "sh", "-c", '"$@"; exit $?', "sh"),
)
"""Weaker: boxes of one person share a user, so their processes are counted together, and where there are no control
groups of one's own, memory is looked at from time to time. The first process of a box is of the same user as the
program, which may write to its memory; so it is a shell of the box's own, under the filter, and not bubblewrap's."""


def standing() -> Standing:
    """That of this process."""
    return ROOT if os.geteuid() == 0 else ANYBODY


@dataclass(frozen=True, kw_only=True)
class Command:
    """What is started, with which variables."""

    words: Sequence[str]
    env: Mapping[str, str]


def command(
    box: Box, data: Mapping[str, int], *, told: int, calls: int, groups: Sequence[Path], bound_memory: bool
) -> Command:
    """The command of a box.

    Args:
        data: open files with the bytes that it is given, by where it finds them.
        told: an open pipe, by which it is told how it goes.
        calls: an open file with the filter of system calls.
        groups: control groups to enter.
        bound_memory: whether one of them bounds the memory.
    """
    own, bounds = standing(), box.bounds
    shell = ("setpriv", "--pdeathsig", "KILL", "sh", "-c", _SCRIPT, "sh")
    limits = {"core": 0, "cpu": f"{bounds.cpu_seconds}:{bounds.cpu_seconds + 1}", "nproc": bounds.processes}
    limits |= {
        "nofile": _OPEN_FILES,
        "fsize": bounds.output_bytes,
        **({} if bound_memory else {"data": bounds.memory_bytes}),
    }
    bwrap = ("bwrap", *_SPACES, *own.inner, "--hostname", "sandbox", "--die-with-parent", "--new-session", "--clearenv")
    inside = (*own.user, "prlimit", *(f"--{name}={value}" for name, value in limits.items()), "--", *box.command)
    spoken = ("--json-status-fd", str(told), "--seccomp", str(calls))
    return Command(
        words=(*own.outer, *shell, *bwrap, *_variables(box), *_mounts(box, data), *spoken, "--", *inside),
        env={
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "GROUPS_OF_BOX": " ".join(map(str, groups)),
            "FIRST_USER": str(_FIRST_USER),
            "OUTPUT_BYTES": str(bounds.output_bytes),
            "FILES": str(bounds.files),
            "OWNER": own.owner,
            "TOLD": str(told),
        },
    )


def _variables(box: Box) -> Iterator[str]:
    for name, value in {**_USUAL, **variables(), **box.env}.items():
        yield from ("--setenv", name, value)


def _mounts(box: Box, data: Mapping[str, int]) -> Iterator[str]:
    yield from _SYSTEM
    above = {str(parent) for place in (*places(), *box.files, box.out) for parent in PurePosixPath(place).parents}
    folders = sorted(above - {"/", box.out, *places(), *box.files})
    inner = [folder for folder in folders if PurePosixPath(folder).is_relative_to(box.out)]
    yield from ("--bind", "/sys/more/tmp", "/tmp")  # noqa: S108 (in the box, and before what is mounted below it)
    yield from _folders(folder for folder in folders if folder not in inner)
    for place, path in places().items():
        yield from ("--ro-bind", str(path), place)
    yield from ("--bind", OUT, box.out, *_folders(inner))
    for place, content in sorted(box.files.items()):  # folders before what lies in them
        if isinstance(content, bytes):
            yield from ("--perms", "0444", "--ro-bind-data", str(data[place]), place)
        else:
            yield from ("--ro-bind", str(content), place)
    yield from ("--proc", "/proc", "--dev", "/dev")
    for name in ("sys", "sysrq-trigger"):
        yield from ("--ro-bind-try", f"/proc/{name}", f"/proc/{name}")
    yield from ("--bind", "/sys/more/shm", "/dev/shm")  # noqa: S108 (in the box)
    yield from ("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", box.folder or box.out)


def _folders(paths: Iterable[str]) -> Iterator[str]:
    """Folders on the way to others: whoever makes one for bubblewrap says that all may go through it."""
    for path in paths:
        yield from ("--perms", "0755", "--dir", path)
