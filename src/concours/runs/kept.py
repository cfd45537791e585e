"""What a run folder says of its contest, read at the door: after it, values are of the types that they should be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from concours.compete.search import read_space
from concours.contest.formats import FORMATS, options_of
from concours.contest.setup import Setup
from concours.core.entrant import Candidate
from concours.core.errors import ConcoursError, ContentRefused, RunFolderError
from concours.core.joins import JOINS
from concours.core.registry import claims_of
from concours.core.visible import visible
from concours.runs.folder import RunFolder
from concours.tasks.kinds import kind_named


def kept_setup(folder: RunFolder) -> Setup | None:
    """The setup of the contest in a folder, or None where there is none yet.

    Raises:
        RunFolderError: it is damaged, or says what no contest can be held by; or a plugin is not installed here.
    """
    value = folder.read("setup.json")
    if value is None:
        return None
    _require_plugins(folder, value.get("plugins"))
    with folder.believing("setup.json"):
        setup = Setup.from_json(value)
        _require(setup)
    return setup


def kept_candidates(folder: RunFolder, setup: Setup | None) -> dict[str, Candidate] | None:
    """The complete candidates of a contest by name, or None where they, or its setup, are not there.

    Raises:
        RunFolderError: they are damaged, or none of this setup's.
    """
    found = folder.read_as("candidates.json", list[Candidate])
    if found is None or setup is None:
        return None
    known = {candidate.entrant.digest for candidate in found}
    with folder.believing("candidates.json"):
        for candidate in found:
            _require_complete(candidate, setup)
            joint = candidate.entrant.joint
            if joint and not known.issuperset(joint.parents):
                raise ContentRefused(f"it lacks a member of {candidate.entrant.name}")
    return {candidate.entrant.name: candidate for candidate in found}


def _require_plugins(folder: RunFolder, written: Any) -> None:
    """What names of other tables stand for is not known without these."""
    for entry, distribution in written.items() if isinstance(written, dict) else ():
        table, _, name = entry.partition(".")
        if name not in claims_of(table):
            raise RunFolderError(
                f"the contest in {folder.path} was made with {visible(entry)} of the plugin "
                f"{visible(str(distribution))}, which is not installed here; install it, if you trust it"
            )


def _require(setup: Setup) -> None:
    if any(JOINS[strategy.how].limited for strategy in setup.strategies) != bool(setup.limits):
        raise ContentRefused('limits: expected some with the strategy "budgeted", and none without')
    try:
        kind_named(setup.problem.kind)
        given = options_of(setup.format, {name: value for name, value in setup.options.items() if value is not None})
        for candidate in setup.candidates:
            if candidate.entrant.search:
                read_space(candidate.entrant.search)
            _require_recorded(candidate)
    except ConcoursError as error:
        raise ContentRefused(str(error)) from None
    if given.keys() != setup.options.keys():
        raise ContentRefused(f"options: expected {', '.join(FORMATS[setup.format].options)}")


def _require_recorded(candidate: Candidate) -> None:
    """That one whose predictions are there has some, and of the training part only what tells anything."""
    entrant = candidate.entrant
    if entrant.had.fitted or entrant.had.asked:
        return
    if not candidate.recorded or (candidate.oof and not entrant.honest):
        raise ContentRefused(f"{entrant.name}: expected predictions of a part, by what it has seen: {entrant.seen}")


def _require_complete(candidate: Candidate, setup: Setup) -> None:
    """That it has what its kind of contest gives: predictions, and numbers for each class where there are classes."""
    name, classes = candidate.entrant.name, setup.problem.output.width
    parts, tested = (candidate.oof, candidate.test), setup.problem.test is not None
    whole = candidate.oof is not None and (candidate.test is not None) == tested
    partly = not candidate.entrant.had.fitted and any(parts) and (candidate.test is None or tested)
    if not whole and not partly:
        raise ContentRefused(f"{name}: expected predictions of the training part, and of the test part if there is one")
    rows: list[Sequence[float]] = [candidate.calibration["prior"]] if candidate.calibration else []
    rows += [candidate.decision["weights"], *candidate.decision["fold_weights"]] if candidate.decision else []
    if any(len(row) != classes for row in rows):
        raise ContentRefused(
            f"{name}: expected calibration and decision to have a number for each of {classes} classes"
        )
