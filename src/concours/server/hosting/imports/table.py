"""The formats of other platforms that are read, a row each, recognised by what lies in a folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from concours.server.hosting.imports import codabench, evalai, kaggle, mlebench, ramp
from concours.server.hosting.imports.imported import Imported


@dataclass(frozen=True, kw_only=True)
class Format:
    """One format.

    Attributes:
        known: whether a folder is of it, found out without running anything.
        read: from the folder, the time now and a folder to lay things aside in. Raises DataError.
    """

    name: str
    known: Callable[[Path], bool]
    read: Callable[[Path, datetime, Path], Imported]


FORMATS: Final = (
    Format(name="Codabench", known=codabench.is_bundle, read=codabench.read),
    Format(name="EvalAI", known=evalai.is_challenge, read=evalai.read),
    Format(name="RAMP", known=ramp.is_kit, read=ramp.read),
    Format(name="mle-bench", known=mlebench.is_grader, read=mlebench.read),
    Format(name="Kaggle", known=kaggle.is_metric, read=kaggle.read),
)
