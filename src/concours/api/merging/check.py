"""A merged model on the board of a contest, beside its parents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from concours.api.contest import Contest
from concours.core.entrant import Entrant
from concours.core.errors import ContestError
from concours.core.joins import JOINS
from concours.tasks.kinds import kind_named

_SCHEME: Final = "transformers"


def checking(contest: Path, out: Path, parents: Mapping[str, Path]) -> Contest:
    """The task of a contest, with a merged model and its parents as entrants, asked as its first language model is.

    Raises:
        ContestError: its task is none that language models answer, or as of any contest file.
    """
    made = Contest.from_file(contest)
    if "words" not in kind_named(made.task.kind).input.can:
        raise ContestError(
            f"{contest.name}: {made.task.kind} is no task that language models are asked about; --check takes one of "
            "questions, choices or texts"
        )
    alike = next((each for each in made.entrants if each.recipe.partition(":")[0] in (_SCHEME, "hf")), None)
    base = alike or Entrant(name=out.name, recipe=f"{_SCHEME}:{out.absolute()}")
    named = {str(out): out, **parents}
    folders = {_called(name, [*named]): path for name, path in named.items()}
    entrants = [
        replace(base, name=name, recipe=f"{_SCHEME}:{path.absolute()}", role="single") for name, path in folders.items()
    ]
    return replace(
        made,
        entrants=entrants,
        lineup="none",
        cooperate=(),
        out=Path("runs") / f"{contest.stem}-{out.name}",
    )


def _called(name: str, all_: Sequence[str]) -> str:
    """What a model is called on the board: by its folder, unless another is called so too, or a way to join is."""
    last = Path(name).name
    own = name if [Path(each).name for each in all_].count(last) > 1 else last
    return f"{own} (model)" if own in JOINS else own
