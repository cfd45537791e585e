"""The process in which a user's agent runs: lines of JSON come in, an answer a line goes out by a pipe of its own.

The first line says what the agent is, each further one what it sees. What it prints goes nowhere.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from concours.entrants.agents.making import Act, act_of

_TOLD = 200


def main() -> None:
    """Answers until nothing more comes."""
    answers = os.fdopen(int(sys.argv[1]), "wb")
    act: Act | None = None
    for line in sys.stdin.buffer:
        told = json.loads(line)
        try:
            if act is None:
                act = act_of(told["recipe"], told["params"], told["source"], Path.cwd())
                answer = json.dumps({"ready": True})
            else:
                answer = json.dumps({"action": _asked(act, told)})
        except Exception as error:  # noqa: BLE001 (whatever a user's code raises)
            said = str(error).strip().splitlines()
            answer = json.dumps({"failed": f"{type(error).__name__}: {said[0] if said else ''}"[:_TOLD]})
        answers.write(answer.encode() + b"\n")
        answers.flush()


def _asked(act: Act, told: dict[str, Any]) -> int:
    """An action as a whole number. Raises TypeError where it is none."""
    seen = np.array(told["observation"], dtype=told["dtype"]).reshape(told["shape"])
    action = act(seen, np.array(told["mask"], dtype=np.int8))
    if not isinstance(action, str | bytes | bool | np.bool_):
        with suppress(TypeError, ValueError, OverflowError, RuntimeError):  # of what is no number, or no whole one
            if (number := int(action)) == action:
                return number
    raise TypeError(f"act must give the number of an action, got {action!r}")


if __name__ == "__main__":
    main()
