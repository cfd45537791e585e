"""How the predictions of a single entrant are had: it is fitted, asked as it is, or they are there already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

Seen = Literal["none", "out-of-fold", "train", "unknown"]
"""Which rows of the task a model has been fitted on, as somebody declares: none; of each row of the training part all
but some with that row (`out-of-fold`), and none of the test part; those of the training part; or nobody knows."""

SEEN: Final = get_args(Seen)

HONEST: Final = ("none", "out-of-fold")
"""What must have been seen for predictions of the training part to tell anything."""


@dataclass(frozen=True, kw_only=True)
class Had:
    """A way in which predictions are had.

    Attributes:
        what: in words for people.
        fitted: whether a job fits it on each fold; what is not is taken as it is, neither calibrated nor decided on.
        checked: the kind of the job that finds out whether it can take part; empty where nothing is to be run.
        asked: the kind of the job that asks it once a row; empty where no job does.
        answers: whether it can be asked for new rows.
        seen: what may be declared of it.
    """

    what: str
    fitted: bool = False
    checked: str = ""
    asked: str = ""
    answers: bool = True
    seen: tuple[Seen, ...] = ()


HAD: Final[Mapping[str, Had]] = {
    "fitted": Had(what="fitted on each fold", fitted=True, checked="check"),
    "frozen": Had(
        what="a model that is not fitted here, and is asked once a row",
        checked="check_frozen",
        asked="ask_frozen",
        seen=("none", "train", "unknown"),
    ),
    "recorded": Had(what="predictions in a file", answers=False, seen=("none", "out-of-fold", "train", "unknown")),
}
"""By name."""

SCHEMES: Final[Mapping[str, str]] = {"onnx": "frozen", "recorded": "recorded"}
"""What a recipe begins with, before a colon, where the rest is a file that is read and not run: how it is had."""


def content_file(recipe: str) -> str | None:
    """The file of a recipe `scheme:file`, which is content and no code; none of other recipes."""
    scheme, colon, file = recipe.partition(":")
    return file if colon and scheme in SCHEMES else None


def had_by(recipe: str, *, frozen: bool) -> Had:
    """How the predictions of a recipe are had; `frozen` says that it is not to be fitted."""
    scheme = recipe.partition(":")[0]
    known = SCHEMES.get(scheme) if content_file(recipe) is not None else None
    return HAD[known or ("frozen" if frozen else "fitted")]


def caveat(seen: Seen) -> str:
    """Why one that has seen this stands on a board by the test part alone; empty where it need not."""
    return {
        "none": "",
        "out-of-fold": "",
        "train": "it has seen the rows of the training part",
        "unknown": 'nobody says which rows it has seen, perhaps those of the test part too (seen = "none" if it has '
        "seen no row of the task)",
    }[seen]
