"""All jobs that a platform has done: the engine's, and those of hosting."""

from __future__ import annotations

from collections import ChainMap
from typing import Final

from concours.engine.runners import RUNNERS as ENGINE
from concours.engine.work import Runners
from concours.server.hosting.opening import RUNNERS as HOSTING

RUNNERS: Final[Runners] = ChainMap(dict(HOSTING), ENGINE)  # type: ignore[arg-type]
TABLE: Final = "concours.server.scoring.runners:RUNNERS"
