"""The rows of a task of lm-evaluation-harness: a file beside it, those that it names, or what a hub's cache has."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from concours.api.imports.files import rows_of
from concours.core.errors import DataError

Docs = list[dict[str, Any]]

_FORMS: Final = ("json", "csv", "parquet", "arrow")
"""Names of a `dataset_path` that say how files are read, and are no data set."""
_ENDINGS: Final = (".jsonl", ".json", ".csv", ".tsv", ".parquet")


def rows_for(config: Mapping[str, Any], path: Path) -> tuple[Docs, str]:
    """The rows that a task judges by, and where they were found, in words.

    Looked for are a file beside the task that is called as the task, files that it names, and the cache of the library
    `datasets`; nothing is fetched.

    Raises:
        DataError: there are none: says which file to bring, and where to put it.
    """
    split = next((config[key] for key in ("test_split", "validation_split") if isinstance(config.get(key), str)), None)
    name = config.get("dataset_path")
    if not isinstance(name, str):
        raise DataError(f"{path.name}: dataset_path must be a text")
    if split is None and name not in _FORMS:
        raise DataError(f"{path.name} has neither test_split nor validation_split: it says not what to judge by")
    for found in (
        *_beside(config, path),
        *_named(config, split, path),
        *_cached(name, config.get("dataset_name"), split),
    ):
        if found.is_file():
            return rows_of(found), f"{split or 'all'} of {name}" if name not in _FORMS else found.name
    bring = f"{_name(config, path)}.jsonl"
    raise DataError(
        f"{path.name}: the rows of {name}{_of(config)} are not on this machine: save its split {split!r} as {bring} "
        f"(an object a line; or .csv, .parquet) beside {path.name}, and import it again"
    )


def _of(config: Mapping[str, Any]) -> str:
    given = config.get("dataset_name")
    return f" ({given})" if isinstance(given, str) else ""


def _name(config: Mapping[str, Any], path: Path) -> str:
    given = config.get("task")
    return given if isinstance(given, str) and given and Path(given).name == given else path.stem


def _beside(config: Mapping[str, Any], path: Path) -> Iterator[Path]:
    yield from (path.with_name(f"{_name(config, path)}{ending}") for ending in _ENDINGS)


def _named(config: Mapping[str, Any], split: str | None, path: Path) -> Iterator[Path]:
    """Files that `dataset_kwargs` names: one, a list, or those of each split; or a folder with a file a split."""
    given = config.get("dataset_kwargs")
    files = given.get("data_files") if isinstance(given, dict) else None
    if isinstance(files, dict):
        if split not in files:
            raise DataError(f"{path.name}: data_files has no split {split!r}; it has: {', '.join(files)}")
        files = files[split]
    several = files if isinstance(files, list) else [files] if files else []
    if not all(isinstance(one, str) for one in several):
        raise DataError(f"{path.name}: data_files must be names of files")
    if len(several) > 1:
        raise DataError(f"{path.name}: its split {split!r} lies in {len(several)} files; put them into one")
    for one in several:
        if "://" in one:
            raise DataError(f"{path.name}: {one} is not fetched: save it beside {path.name}, and name it there")
        if not (path.parent / one).is_file():
            raise DataError(f"{path.name}: data_files: there is no file {path.parent / one}")
        yield path.parent / one
    folder = path.parent / str(config["dataset_path"])
    yield from (folder / f"{split}{ending}" for ending in _ENDINGS)


def _cached(name: str, part: Any, split: str | None) -> Iterator[Path]:
    """Files of a data set that was fetched before: as `datasets` keeps it, and as the hub's own cache does."""
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    tables = Path(os.environ.get("HF_DATASETS_CACHE") or home / "datasets")
    hub = Path(os.environ.get("HF_HUB_CACHE") or home / "hub")
    if split is None or ".." in name or name.startswith("/"):
        return
    prepared, short = name.replace("/", "___"), name.rpartition("/")[2]
    part = part if isinstance(part, str) and "/" not in part and ".." not in part else "default"
    yield from sorted(tables.glob(f"{prepared}/{part}/*/*/{short}-{split}.arrow"))
    snapshots = hub / f"datasets--{name.replace('/', '--')}" / "snapshots"
    for pattern in (
        f"*/{part}/{split}-00000-of-00001.parquet",
        f"*/data/{split}-00000-of-00001.parquet",
        f"*/{split}.jsonl",
    ):
        yield from sorted(snapshots.glob(pattern))
