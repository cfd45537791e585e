"""The process in which a user's agent runs: lines of JSON come in, an answer a line goes out by a pipe of its own.

The first line says what the agent is, each further one what it sees. What it prints goes nowhere.
"""

from __future__ import annotations

import json
import os
import sys
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
                answer: dict[str, Any] = {"ready": True}
            else:
                answer = {"action": _asked(act, told)}
        except Exception as error:  # noqa: BLE001 (whatever a user's code raises)
            said = str(error).strip().splitlines()
            answer = {"failed": f"{type(error).__name__}: {said[0] if said else ''}"[:_TOLD]}
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


def _asked(act: Act, told: dict[str, Any]) -> int:
    """An action as a whole number. Raises TypeError where it is none."""
    seen = np.array(told["observation"], dtype=told["dtype"]).reshape(told["shape"])
    action = act(seen, np.array(told["mask"], dtype=np.int8))
    if isinstance(action, bool | str) or action is None or int(action) != action:
        raise TypeError(f"act must give the number of an action, got {action!r}")
    return int(action)


if __name__ == "__main__":
    main()
