"""Folders of language models: what of one counts, its digest, and where what a digest names lies on this machine.

The weights stay where they are. A digest is computed once, and kept with the sizes and times of the files, in the
user's state folder. A job is told the digest, so no path stands in what is run, and no run folder of others can name a
folder.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from concours.core.digests import Digest, digest_bytes, digest_file, digest_json
from concours.core.errors import RecipeError
from concours.core.optional import installed
from concours.core.state import state_file
from concours.entrants.local.converting import converted

_COUNT = frozenset((".json", ".safetensors", ".jinja", ".txt", ".model"))
"""Endings of the files that a model and its tokenizer are read from."""

_KNOWN = "models"
_HUB = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")

Stamps = Mapping[str, list[int]]
"""Size and time of files, by name."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A model that was found.

    Attributes:
        digest: of all files that count.
        notes: what a person should know of how it was found.
    """

    digest: Digest
    notes: tuple[str, ...] = ()


def in_folder(rest: str, beside: Path) -> Found:
    """The model of `transformers:FOLDER`, or of a `.gguf` file, which becomes a folder below the state folder once.

    Raises:
        RecipeError: there is none, it cannot be converted, or it wants code of its own to be run.
    """
    path = beside / rest
    if path.is_dir():
        return Found(digest=_digested(path))
    if not path.is_file():
        raise RecipeError(f"there is no folder {path}")
    if path.suffix != ".gguf":
        raise RecipeError(f"{path} is no folder of a language model, and no .gguf file")
    from importlib.metadata import version  # takes as long to import as the rest of this module

    name = _remembered(path, {path.name: path}, lambda: digest_file(path))
    folder = state_file(_KNOWN) / f"{name.partition(':')[2][:32]}-{version('transformers')}"
    new = not folder.is_dir()
    found = _digested(converted(path, folder))
    return Found(digest=found, notes=(f"{path.name} was made a folder of safetensors, {folder}",) if new else ())


def in_cache(rest: str, beside: Path) -> Found:
    """The model of `hf:NAME`, in the cache of Hugging Face, from its hub where it is not there yet.

    Raises:
        RecipeError: it is not there, and cannot be had.
    """
    del beside
    return Found(digest=_digested(cached(rest)))


def folder_of(name: str) -> Path:
    """The folder of a model: one of that path, or, of `OWNER/NAME`, in the cache of Hugging Face or from its hub.

    Raises:
        RecipeError: it is not there, and cannot be had.
    """
    path = Path(name)
    if path.is_dir():
        return path
    if path.is_file():
        raise RecipeError(f"{name} is a file; a model is a folder: name that which it lies in")
    if path.is_absolute() or not _HUB.fullmatch(name) or not installed("huggingface_hub"):
        raise RecipeError(f"there is no folder {name}")
    return cached(name)


def cached(rest: str) -> Path:
    """The folder of a model of Hugging Face's hub, in its cache, where it is put if it is not there yet.

    Raises:
        RecipeError: it is not there, and cannot be had.
    """
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(rest, local_files_only=True))
    except Exception:  # noqa: BLE001 (whatever the library raises, it is asked again, of the hub)
        try:
            return Path(snapshot_download(rest, allow_patterns=[f"*{ending}" for ending in sorted(_COUNT)]))
        except Exception as error:  # noqa: BLE001
            raise RecipeError(
                f"{rest} is not in the cache of Hugging Face, and could not be had from its hub: "
                f"{' '.join(str(error).split())[:160]}; without a network name a folder, transformers:…"
            ) from None


def lies(digest: Digest, name: str) -> Path:
    """Where the model of a digest lies.

    Raises:
        RecipeError: nowhere on this machine as far as is known, or it is not what it was.
    """
    for record in sorted(state_file(_KNOWN).glob("*.json")):
        known = json.loads(record.read_text())
        if known["digest"] == digest:
            folder = Path(known["path"])
            with suppress(RecipeError):
                if folder.is_dir() and _digested(folder) == digest:
                    return folder
    raise RecipeError(
        f"the model {name} with the digest {digest[:19]}… is not on this machine, or not what it was: put its folder "
        "back, and run a contest that names it"
    )


def files_of(folder: Path) -> dict[str, Path]:
    """The files of a folder that count, by name. Raises RecipeError where it holds no model that can be read."""
    files = {file.name: file for file in sorted(folder.iterdir()) if file.suffix in _COUNT and file.is_file()}
    _require_model(folder, files)
    return files


def _digested(folder: Path) -> Digest:
    """The digest of a folder, by what its files hold. Raises RecipeError where it holds no model that can be read."""
    files = files_of(folder)
    return _remembered(folder, files, lambda: digest_json({name: digest_file(file) for name, file in files.items()}))


def _require_model(folder: Path, files: Mapping[str, Path]) -> None:
    if "config.json" not in files:
        raise RecipeError(f"{folder} is no folder of a language model: it has no config.json")
    if not any(name.endswith(".safetensors") for name in files):
        raise RecipeError(
            f"{folder} has no weights as *.safetensors, and no others are read: save it with save_pretrained"
        )
    for name in ("config.json", "tokenizer_config.json"):
        if name in files and "auto_map" in _json(files[name]):
            raise RecipeError(f"{files[name]} asks for code of its own (auto_map), which is not run")


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text())
    except (ValueError, OSError):
        raise RecipeError(f"{file} is no JSON") from None


def _remembered(path: Path, files: Mapping[str, Path], compute: Callable[[], Digest]) -> Digest:
    """A digest, computed anew where a file has another size or time than then."""
    path = path.resolve()
    record = state_file(_KNOWN) / f"{digest_bytes(str(path).encode())[7:39]}.json"
    stamps = {name: [(stat := file.stat()).st_size, stat.st_mtime_ns] for name, file in files.items()}
    known = json.loads(record.read_text()) if record.exists() else {}
    if known.get("files") == stamps:
        return Digest(known["digest"])
    found = compute()
    record.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = record.with_suffix(f".{digest_bytes(json.dumps(stamps).encode())[7:15]}")
    aside.write_text(json.dumps({"path": str(path), "digest": found, "files": stamps}))
    aside.replace(record)
    return found
