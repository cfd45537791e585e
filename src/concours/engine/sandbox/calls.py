"""The filter of system calls (seccomp) that a box runs under, as the bytes of a program for the kernel.

What is left out here is what programs that compute never ask for, and what faults of kernels were in: other
namespaces, mounts, other processes' memory, keys, modules, and sockets of any family but the local one, since not all
families know of namespaces. Calls of another architecture, whose numbers mean others, are unknown.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterator, Mapping
from typing import Final

_MACHINES: Final[Mapping[str, tuple[int, int]]] = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""By name: the column in the table of numbers, and what seccomp calls it."""

_REFUSED: Final[Mapping[str, tuple[int | None, int | None]]] = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "adjtimex": (159, 171),
    "bpf": (321, 280),
    "chroot": (161, 51),
    "clock_adjtime": (305, 266),
    "clock_settime": (227, 112),
    "delete_module": (176, 106),
    "fanotify_init": (300, 262),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "ioperm": (173, None),
    "iopl": (172, None),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "lookup_dcookie": (212, 18),
    "migrate_pages": (256, 238),
    "modify_ldt": (154, None),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "move_pages": (279, 239),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "personality": (135, 92),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "process_madvise": (440, 440),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "setdomainname": (171, 162),
    "sethostname": (170, 161),
    "setns": (308, 268),
    "settimeofday": (164, 170),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
    "vhangup": (153, 58),
}
_CLONE, _CLONE3 = (56, 220), 435
_SOCKETS = ((41, 53), (198, 199))

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_CALL_AT, _MACHINE_AT, _FIRST_AT = 0, 4, 16
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000
_OTHER_NUMBERS = 0x40000000
"""From here on x86_64 counts calls of its third kind of programs."""
_NAMESPACES = 0x7E020000
"""The flags of clone that ask for one."""
_LOCAL = 1
"""AF_UNIX."""


def known() -> bool:
    """Whether there is a filter for this machine."""
    return os.uname().machine in _MACHINES


def program(machine: str | None = None) -> bytes:
    """The filter, as bubblewrap reads it from a file. Raises KeyError on a machine that is not `known`."""
    return b"".join(_steps(*_MACHINES[machine or os.uname().machine]))


def _steps(column: int, machine: int) -> Iterator[bytes]:
    unknown = _step(_RETURN, _REFUSE | errno.ENOSYS)
    yield from (_step(_LOAD, _MACHINE_AT), _step(_EQUAL, machine, 1, 0), unknown)
    yield from (_step(_LOAD, _CALL_AT), _step(_AT_LEAST, _OTHER_NUMBERS, 0, 1), unknown)
    yield from (_step(_EQUAL, _CLONE3, 0, 1), unknown)  # glibc then asks for clone, whose flags can be read
    for numbers in _REFUSED.values():
        if (number := numbers[column]) is not None:
            yield from (_step(_EQUAL, number, 0, 1), _step(_RETURN, _REFUSE | errno.EPERM))
    yield from (_step(_EQUAL, _CLONE[column], 0, 4), _step(_LOAD, _FIRST_AT))
    yield from (_step(_ANY_BIT, _NAMESPACES, 0, 1), _step(_RETURN, _REFUSE | errno.EPERM), _step(_RETURN, _ALLOW))
    for number in _SOCKETS[column]:
        yield from (_step(_EQUAL, number, 0, 4), _step(_LOAD, _FIRST_AT))
        yield from (_step(_EQUAL, _LOCAL, 1, 0), _step(_RETURN, _REFUSE | errno.EACCES), _step(_RETURN, _ALLOW))
    yield _step(_RETURN, _ALLOW)


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
