"""Challenges of EvalAI: `challenge_config.yaml`, an evaluation script, annotations, and templates of pages."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from concours.api.imports.yaml_files import mapping_of
from concours.core.errors import DataError
from concours.server.hosting.archive import unpack
from concours.server.hosting.imports.imported import Imported, Reading, competition_of, keys_of, listed, whole
from concours.server.hosting.imports.programs import program
from concours.server.hosting.texts import slug_of

NAMES: Final = ("challenge_config.yaml", "challenge_config.yml")
COMMAND: Final = "python3 /app/program/score_evalai.py /app/program /app/input /app/output"
_PAGES: Final = (
    ("description", "Overview"),
    ("evaluation_details", "Evaluation"),
    ("submission_guidelines", "Submission"),
)
_IGNORED: Final = {
    "remote_evaluation": "entries are scored by the platform's workers",
    "image": "there are no pictures of competitions",
    "domain": "say it in the subtitle",
    "tags": "there are none",
    "allowed_email_domains": "who may join is decided on the platform",
    "blocked_emails_domains": "who may join is decided on the platform",
}


def is_challenge(folder: Path) -> bool:
    """Whether a folder is such a challenge."""
    return any((folder / name).is_file() for name in NAMES)


def read(folder: Path, now: datetime, aside: Path) -> Imported:
    """A challenge whose scorer is its evaluation script.

    Raises:
        DataError: a file is missing, damaged or too large.
    """
    content = mapping_of(next(folder / name for name in NAMES if (folder / name).is_file()))
    reading = Reading(folder, now)
    for key, why in _IGNORED.items():
        if content.get(key) not in (None, "", False, [], {}):
            reading.leave(key, why)
    title = str(content.get("title") or "Challenge").strip()[:200]
    pages = []
    for key, called in _PAGES:
        if text := reading.text(content.get(key), key):
            pages.append(reading.page(slug_of(called), called, text))
    terms = reading.text(content.get("terms_and_conditions"), "terms_and_conditions")
    rules = reading.page("rules", "Rules", terms)["file"] if terms else ""
    _keep_script(content, reading, aside)
    names, measures, boards = _boards(content)
    value = {
        "title": title,
        "slug": slug_of(title),
        "subtitle": str(content.get("short_description") or "").strip()[:200],
        "pages": pages,
        "rules": rules,
        "phases": _phases(content, reading, names, pages),
        "boards": boards,
        "scorer": {"program": "scorer/program", "command": COMMAND, "measures": measures},
        "alliance": {"shown": False},
    }
    competition = competition_of(value)
    return Imported(
        format="a challenge of EvalAI", competition=competition, files=reading.files, left=tuple(reading.left)
    )


def _keep_script(content: Mapping[str, Any], reading: Reading, aside: Path) -> None:
    place = reading.inside(content.get("evaluation_script") or "evaluation_script", "evaluation_script")
    if place is not None and place.is_file() and place.suffix.lower() == ".zip":
        place = unpack(place, Path(tempfile.mkdtemp(dir=aside)) / "inner")
        inner = [one for one in place.iterdir() if one.name != "__MACOSX"]
        place = inner[0] if len(inner) == 1 and inner[0].is_dir() else place
    if place is None or not place.is_dir():
        raise DataError("challenge_config.yaml names no evaluation_script that is in the challenge")
    reading.files["scorer/program/evaluation_script"] = place
    reading.files["scorer/program/score_evalai.py"] = program("score_evalai")


Names = dict[str, dict[str, dict[str, str]]]
"""By the id of a phase and the codename of a split: what each label is called among the measures."""


def _boards(content: Mapping[str, Any]) -> tuple[Names, list[dict[str, Any]], list[dict[str, Any]]]:
    """What the numbers of splits are called, the measures, and a board for each leaderboard and split."""
    leaderboards = {str(one.get("id")): one for one in listed(content.get("leaderboard"))}
    splits = {str(one.get("id")): str(one.get("codename")) for one in listed(content.get("dataset_splits"))}
    pairs = listed(content.get("challenge_phase_splits"))
    shown = dict.fromkeys((str(p.get("leaderboard_id")), str(p.get("dataset_split_id"))) for p in pairs)
    several = len({split for _, split in shown}) > 1
    names: Names = {}
    measures: dict[str, dict[str, Any]] = {}
    boards: dict[tuple[str, str], dict[str, Any]] = {}
    for pair in pairs:
        board, split = str(pair.get("leaderboard_id")), str(pair.get("dataset_split_id"))
        schema = leaderboards.get(board, {}).get("schema")
        labels = [str(one) for one in schema.get("labels", [])] if isinstance(schema, Mapping) else []
        if not labels or split not in splits or not isinstance(schema, Mapping):
            raise DataError(
                "challenge_phase_splits: a leaderboard with labels and a dataset split of its ids were expected"
            )
        first = str(schema.get("default_order_by") or labels[0])
        labels = sorted(labels, key=lambda label: label != first)
        called = {label: (f"{splits[split]} {label}" if several else label)[:200] for label in labels}
        names.setdefault(str(pair.get("challenge_phase_id")), {})[splits[split]] = called
        described = schema.get("metadata") if isinstance(schema.get("metadata"), Mapping) else {}
        for label in labels:
            up = pair.get("is_leaderboard_order_descending", True) if label == first else True
            own = described.get(label) if isinstance(described, Mapping) else None
            if isinstance(own, Mapping) and "sort_ascending" in own:
                up = not own["sort_ascending"]
            measures.setdefault(called[label], {"name": called[label], "greater_is_better": bool(up)})
        boards.setdefault(
            (board, split),
            {
                "key": slug_of(f"{splits[split]}-{board}")[:60],
                "title": splits[split][:200],
                "metrics": list(called.values()),
                "hidden": whole(pair.get("visibility")) == 1,
            },
        )
    if not measures:
        raise DataError(
            "challenge_config.yaml has no challenge_phase_splits: nothing says what is shown of which phase"
        )
    return names, list(measures.values()), list(boards.values())


def _phases(
    content: Mapping[str, Any], reading: Reading, names: Names, pages: list[dict[str, str]]
) -> list[dict[str, Any]]:
    given = listed(content.get("challenge_phases"))
    if not given:
        raise DataError("challenge_config.yaml has no challenge_phases")
    keys = keys_of([one.get("codename") or one.get("name") for one in given], "phase")
    whole_begin = reading.moment(content.get("start_date"), "start_date")
    whole_end = reading.moment(content.get("end_date"), "end_date")
    found = []
    for key, phase in zip(keys, given, strict=True):
        begins = reading.moment(phase.get("start_date"), f"{key}: start_date") or whole_begin or reading.now.isoformat()
        ends = reading.moment(phase.get("end_date"), f"{key}: end_date") or whole_end
        if ends and ends <= begins:
            reading.leave(f"{key}: end_date", "it is not later than it begins: the phase has no end")
            ends = ""
        limits = {}
        for ours, theirs in (("per_day", "max_submissions_per_day"), ("total", "max_submissions")):
            if (number := whole(phase.get(theirs))) is not None:
                limits[ours] = min(number, 1_000_000)
        if phase.get("max_submissions_per_month"):
            reading.leave(f"{key}: max_submissions_per_month", "there are limits of a day and of a phase")
        annotation = reading.inside(phase.get("test_annotation_file"), f"{key}: test_annotation_file")
        if annotation is None or not annotation.is_file():
            raise DataError(f"phase {key}: its test_annotation_file is not in the challenge")
        setup = {
            "codename": str(phase.get("codename") or key),
            "annotation": annotation.name,
            "names": names.get(str(phase.get("id")), {}),
        }
        reading.files[f"truth/{key}/{annotation.name}"] = annotation
        reading.files[f"truth/{key}/phase.json"] = json.dumps(setup, sort_keys=True).encode()
        if text := reading.text(phase.get("description"), f"{key}: description"):
            pages.append(reading.page(f"phase-{key}", str(phase.get("name") or key), text))
        found.append(
            {
                "key": key,
                "title": str(phase.get("name") or key)[:200],
                "begins": begins,
                "ends": ends,
                "truth": f"truth/{key}",
                "limits": limits,
                "board": "visible" if phase.get("leaderboard_public", True) else "hidden",
            }
        )
    found.sort(key=lambda one: str(one["begins"]))
    return found
