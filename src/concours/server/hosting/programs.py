"""How programs are run in a competition: those that are submitted, and those of the host."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from concours.compete.hosted import Hosted
from concours.compete.hosted_measures import Submitted
from concours.core.digests import Digest
from concours.core.own_scoring import OwnScoring
from concours.core.problem import Goal
from concours.server.hosting.competition import DATA, Competition, Phase
from concours.server.hosting.opened import Asked


def board_of(
    name: str, competition: Competition, phase: Phase, asked: Asked | None, files: Mapping[str, Digest]
) -> Hosted:
    """The board of a phase, where it is none of an arena.

    Args:
        name: to whom its signals are addressed.
        asked: none where a scorer of the host's alone reads the files.
        files: as of `submitted_of`.
    """
    submitted = submitted_of(competition, phase, files)
    if asked is None or competition.scorer:
        return Hosted(problem=scoring_of(competition, phase, files), name=name, submitted=submitted)
    ladder = competition.guard == "ladder"
    return Hosted(problem=asked.problem, name=name, sheet=asked.sheet, submitted=submitted, ladder=ladder)


def submitted_of(competition: Competition, phase: Phase, files: Mapping[str, Digest]) -> Submitted:
    """What submitted programs of a phase are run with: the public data, and the host's own program where one runs them.

    A program of the host's gives them the phase's `inputs`, and nothing else.

    Args:
        files: of the competition's folder by path, and what programs are given (`opened.Opened.sent`).
    """
    scorer, inputs = competition.scorer, competition.inputs_of(phase)
    params: dict[str, Any] = _limits(phase)
    if scorer and scorer.ingestion:
        params["ingestion_command"] = scorer.ingestion_command
        given = _below(inputs, files) if inputs else {}
        return Submitted(files=given, ingestion=files[scorer.ingestion], params=params)
    if competition.task:
        params |= {"task": dict(competition.task), "asked": inputs}
    return Submitted(files={path: digest for path, digest in files.items() if _is_public(path)}, params=params)


def scoring_of(competition: Competition, phase: Phase, files: Mapping[str, Digest]) -> OwnScoring:
    """By a host's own scorer, which compares what was sent with the truth of the phase.

    Args:
        files: as of `submitted_of`.

    Raises:
        TypeError: there is no such scorer.
    """
    scorer, truth = competition.scorer, competition.truth_of(phase)
    if scorer is None:
        raise TypeError(f"{competition.slug} has no scorer of its own")
    program = scorer.file or scorer.program
    id = competition.task.get("id")
    return OwnScoring(
        name=competition.title,
        metrics=tuple(Goal(name=one.name, greater_is_better=one.greater_is_better) for one in scorer.measures),
        scorer=files[program],
        truth=files[truth],
        rest=files[phase.rest] if phase.rest else None,
        params={
            **_limits(phase),
            "scorer_called": _called(program, folder=bool(scorer.program)),
            "truth_called": PurePosixPath(truth).name,
            **({"command": scorer.command} if scorer.command else {}),
            **({"id": id} if id else {}),
        },
    )


def _limits(phase: Phase) -> dict[str, Any]:
    limits = phase.limits
    return {"seconds": limits.seconds, "memory_gb": limits.memory_gb, "disk_gb": limits.disk_gb}


def _is_public(path: str) -> bool:
    return path.startswith(f"{DATA}/")


def _below(folder: str, files: Mapping[str, Digest]) -> dict[str, Digest]:
    """The files of a folder, or the one, as the data that a program finds."""
    if folder in files:
        return {f"{DATA}/{PurePosixPath(folder).name}": files[folder]}
    within = {
        path.removeprefix(f"{folder}/"): digest for path, digest in files.items() if path.startswith(f"{folder}/")
    }
    return {f"{DATA}/{path}": digest for path, digest in within.items()}


def _called(path: str, *, folder: bool) -> str:
    return PurePosixPath(path).name + (".zip" if folder else "")
