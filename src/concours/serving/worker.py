"""The process of a model: it loads it, says so, and answers what it is asked until nobody is there to ask.

The server starts it as `python -m concours.serving.worker FD` (`serving.pool`), with a socket on which both speak
`serving.wire`.
"""

from __future__ import annotations

import gc
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from concours.core.errors import ConcoursError
from concours.engine.deterministic import deterministic
from concours.runs.result import Result
from concours.serving.about import about
from concours.serving.answering import Answering, Steps
from concours.serving.crew import crewed
from concours.serving.doors.table import DOORS, FORMS
from concours.serving.export.model import Exported
from concours.serving.model import Served
from concours.serving.speaking import Speaking
from concours.serving.wire import Ask, Ready, asks, packed, receive, waits
from concours.serving.writers.table import writer_of


@dataclass(frozen=True, kw_only=True)
class Spec:
    """What a process serves.

    Attributes:
        run: the run folder.
        model: on its board; the default where none is named.
        agreed: what may run of what is asked about.
        within: how far an answer may be from that of `predict`; 0: equal to the last bit.
        export: the form in which the model answers, of `EXPORTS`; empty: as it is.
        watched: whether what is answered is told too.
        processes: among so many the members of an alliance may be divided.
    """

    run: Path
    model: str | None = None
    agreed: frozenset[str] = frozenset()
    within: float = 0.0
    export: str = ""
    watched: bool = False
    processes: int = 1

    def to_json(self) -> dict[str, Any]:
        """As JSON; `of` is the inverse."""
        return {**asdict(self), "run": str(self.run), "agreed": sorted(self.agreed)}

    @classmethod
    def of(cls, value: dict[str, Any]) -> Spec:
        """The inverse of `to_json`."""
        return cls(**{**value, "run": Path(value["run"]), "agreed": frozenset(value["agreed"])})


EXPORTS: Final[Mapping[str, Callable[..., Exported]]] = {"onnx": Exported.of_served}
"""Forms in which a model may answer, by name."""


def opened(spec: Spec) -> tuple[Steps, Ready]:
    """The model of a process, warm, and what is said of it. Raises ConcoursError where it cannot be served."""
    served = Served.of(Result.load(spec.run), spec.model, spec.agreed)
    if spec.export:
        served, divided = EXPORTS[spec.export](served, framed=spec.watched), ""
    else:
        served, divided = crewed(served, spec.processes)
    together, notes = _together(served, spec.within)
    answering, writer = Answering(served, DOORS, together, watched=spec.watched), writer_of(served)
    steps = answering if writer is None else Speaking(answering, writer, FORMS)
    said = about(served, together=together, continuous=steps.continuous)
    return steps, Ready(msgspec.json.encode(said), tuple(note for note in (divided, *notes) if note))


def _together(served: Served, within: float) -> tuple[bool, Sequence[str]]:
    """Whether requests may be answered together, and what is to be said of how they are answered."""
    if isinstance(served, Exported):
        return True, (served.told,)
    if served.calls:  # nobody pays for a trial
        return False, ()
    apart = served.apart()
    if apart <= within:
        return True, ()
    alone = (
        f"{served.name}: an answer can hang on the rows that are asked with it (by {apart:.1e} on held rows), so each "
        "request is answered by itself; --within allows a distance from predict"
    )
    return False, (alone,)


def work(connection: socket.socket) -> None:
    """Answers until the other side is gone."""
    message = receive(connection)
    if message is None:
        return
    try:
        with deterministic(threads=1, seed=0):
            answering, ready = opened(Spec.of(msgspec.msgpack.decode(message)))
    except ConcoursError as error:
        connection.sendall(packed(Ready(failed=str(error))))
        return
    connection.sendall(packed(ready))
    gc.freeze()  # what is there stays: to look through it for what has become garbage would take longer than a request
    with deterministic(threads=1, seed=0, alone=True):  # entered anew, as what was opened has imported more
        _answer(connection, answering)


def _answer(connection: socket.socket, answering: Steps) -> None:
    while True:
        new: list[Ask] = []
        if not answering.busy or waits(connection):
            message = receive(connection)
            if message is None:
                return
            new = asks.decode(message)
        if told := answering.step(new):
            connection.sendall(packed(told))


def main() -> None:
    """Runs a process."""
    for each in (signal.SIGINT, signal.SIGTERM):  # the server decides when it ends: by going
        signal.signal(each, signal.SIG_IGN)
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        work(connection)


if __name__ == "__main__":
    main()
