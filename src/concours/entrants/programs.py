"""Programs of any language as models: rows go in at their standard input, predictions come out at their output."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Literal

from concours.core.errors import DataError, RecipeError

MOST_BYTES = 1 << 30
"""Of what a program writes."""
_LAST = 4096


@dataclass(frozen=True, kw_only=True)
class Params:
    """What the recipe of a program takes.

    Attributes:
        by: what runs it, with its arguments, such as `["awk", "-f"]`; none where it runs by itself.
        arguments: for the program.
        form: in which it reads rows: `csv`, or `arrow`, a stream of Arrow's IPC.
        seconds: that it may take for all rows of a part; none for as long as a job may.
    """

    by: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    form: Literal["csv", "arrow"] = "csv"
    seconds: float | None = None

    def amiss(self) -> str:
        """What is wrong of its values."""
        return "" if self.seconds is None or self.seconds > 0 else "seconds: a number above 0 was expected"


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program, and how it is run.

    Attributes:
        content: of its file.
        name: of its file.
    """

    content: bytes
    name: str
    params: Params

    @property
    def who(self) -> str:
        """For messages."""
        return f"the program {self.name}"

    def said(self, rows: bytes) -> bytes:
        """What it writes when it reads these rows, in an empty folder, which goes afterwards.

        Raises:
            RecipeError: it cannot be started.
            DataError: it ended with an error, which the last line of its errors tells; it took too long, or wrote more
                than may be.
        """
        with TemporaryDirectory(prefix="concours-program-") as folder:
            file = Path(folder) / self.name
            file.write_bytes(self.content)
            file.chmod(file.stat().st_mode | stat.S_IXUSR)
            command = [*self.params.by, str(file), *self.params.arguments]
            try:
                process = subprocess.Popen(
                    command,
                    cwd=folder,
                    process_group=0,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                )
            except OSError as error:
                raise RecipeError(self._unstarted(command[0], error)) from None
            return self._heard(process, rows)

    def _unstarted(self, first: str, error: OSError) -> str:
        if self.params.by:
            return f"{self.who} cannot be started by {first!r}: {error.strerror}; is that installed?"
        return (
            f"{self.who} cannot be started: {error.strerror}; it must be built for this machine, begin with a line "
            '#!…, or be run by another, e.g. params = { by = ["awk", "-f"] }'
        )

    def _heard(self, process: subprocess.Popen[bytes], rows: bytes) -> bytes:
        assert process.stdin is not None  # noqa: S101 (for the type checker)
        assert process.stdout is not None  # noqa: S101
        assert process.stderr is not None  # noqa: S101
        errors: list[bytes] = []
        late = threading.Event()

        def end() -> None:
            late.set()
            _kill(process)

        helpers = [
            threading.Thread(target=_write, args=(process.stdin, rows), daemon=True),
            threading.Thread(target=_tail, args=(process.stderr, errors), daemon=True),
        ]
        timer = threading.Timer(self.params.seconds or threading.TIMEOUT_MAX, end)
        timer.daemon = True
        try:
            for each in (timer, *helpers):
                each.start()
            found = process.stdout.read(MOST_BYTES + 1)
            if len(found) > MOST_BYTES:
                raise DataError(f"{self.who} wrote more than {MOST_BYTES:,} bytes")
            code = process.wait()
        finally:
            timer.cancel()
            _kill(process)
            for each in helpers:
                each.join()
            process.stdout.close()
        if late.is_set():
            raise DataError(f"{self.who} had not ended after {self.params.seconds:g} seconds, as params.seconds allows")
        if code:
            last = b"".join(errors).decode(errors="replace").strip().rpartition("\n")[2][:200]
            how = f"was ended by signal {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
            raise DataError(f"{self.who} {how}" + (f": {last}" if last else ", and said nothing of why"))
        return found


def _write(pipe: IO[bytes], rows: bytes) -> None:
    """A program need not read all that it is given."""
    with suppress(OSError), pipe:
        pipe.write(rows)


def _tail(pipe: IO[bytes], found: list[bytes]) -> None:
    """Keeps the end of what comes."""
    with pipe:
        while part := pipe.read1(_LAST):  # type: ignore[attr-defined]
            found[:] = [b"".join([*found, part])[-_LAST:]]


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Ends a program with all that it has started in its group."""
    with suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
