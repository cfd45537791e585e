"""The beginning of JSON files and of files of text, to see what they are before they are read."""

from __future__ import annotations

import json
import re
from typing import Any

from concours.tasks.readers.archives import Entry, Files
from concours.tasks.readers.damage import damage_named
from concours.tasks.readers.pictures import PICTURES

_HEAD = 1 << 20
_OF_PICTURE = re.compile(
    rf"""["']?[^,;\t|]*(?:{"|".join(map(re.escape, PICTURES))})(?:#\d+)?["']?\s*[,;\t|]\s*\S""", re.IGNORECASE
)
_ENDINGS = (".json", ".json.gz", ".json.bz2", ".json.xz")


def are_records(files: Files, name: str) -> bool:
    """Whether a `.json` file of a folder or archive is a table: a list of objects, or an object a line."""
    if not name.lower().endswith(_ENDINGS):
        return False
    entry = files.entry(name)
    with damage_named(name), entry.open() as file:
        listed = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")
    return len(first_records(entry, 2)) > (0 if listed else 1)


def tells_pictures(files: Files, name: str) -> bool:
    """Whether most lines of a file of text begin with the name of a picture, and say something of it."""
    lines = [line for line in _head(files.entry(name)).splitlines()[:20] if line.strip()]
    return 2 * sum(_OF_PICTURE.match(line) is not None for line in lines) > len(lines)


def first_records(entry: Entry, most: int = 50) -> list[dict[str, Any]]:
    """The first objects of a list, or of the lines, of a JSON file; none where it is neither."""
    text = _head(entry)
    if text.startswith("["):
        return _of_list(text, most)
    found = []
    for line in text.splitlines()[:most]:
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            break
        if not isinstance(value, dict):
            return []
        found.append(value)
    return found


def head_of(entry: Entry) -> dict[str, Any] | str:
    """A JSON file that is one object; of one too long to be read whole, its beginning."""
    text = _head(entry)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, dict) else text


def _head(entry: Entry) -> str:
    with damage_named(entry.name), entry.open() as file:
        return file.read(_HEAD).decode("utf-8-sig", errors="ignore").strip()


def _of_list(text: str, most: int) -> list[dict[str, Any]]:
    decoder, place = json.JSONDecoder(), 1
    found: list[dict[str, Any]] = []
    while len(found) < most:
        while place < len(text) and text[place] in ", \t\r\n":
            place += 1
        try:
            value, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            break
        if not isinstance(value, dict):
            return []
        found.append(value)
    return found
