"""Folders of models: their tensors, in one file of safetensors or in several, and what lies beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from concours.core.errors import DataError
from concours.core.visible import shortened, visible
from concours.stores.checkpoints.tensors import Stored, tensors_in

ONE_FILE: Final = "model.safetensors"
INDEX: Final = "model.safetensors.index.json"
_PICKLES: Final = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")


@dataclass(frozen=True)
class Checkpoint:
    """A model's weights, and the settings that say what it is.

    Attributes:
        path: the folder.
        tensors: by name, in the order in which they lie in its files.
        config: its `config.json`; empty where there is none.
    """

    path: Path
    tensors: Mapping[str, Stored]
    config: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What it is called where it is spoken of."""
        return self.path.name or str(self.path)

    @property
    def files(self) -> list[Path]:
        """Its files of weights."""
        return list(dict.fromkeys(tensor.file for tensor in self.tensors.values()))


def opened_checkpoint(path: Path) -> Checkpoint:
    """The checkpoint of a folder.

    Raises:
        DataError: there is none, its weights are pickles, a file of it is missing, or damaged.
    """
    if not path.is_dir():
        raise DataError(f"{path}: there is no such folder; a model is a folder with *.safetensors")
    config = json_of(path / "config.json") if (path / "config.json").exists() else {}
    files = _files(path)
    found: dict[str, Stored] = {}
    for file, names in files.items():
        if not (path / file).is_file():
            raise DataError(f"{path}: {file} is missing, which {INDEX} names; copy or download it again")
        tensors = tensors_in(path / file)
        if lacking := sorted(names - {*tensors}) if names else []:
            raise DataError(f"{path / file}: {amount(lacking)} not there, which {INDEX} names: {few(lacking)}")
        if twice := sorted({*tensors} & {*found}):
            raise DataError(f"{path}: {amount(twice)} in two files: {few(twice)}; keep one of each")
        found |= tensors
    return Checkpoint(path, found, config)


def json_of(file: Path) -> dict[str, Any]:
    """The content of a JSON file that is to hold a mapping. Raises DataError where it does not."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise DataError(f"{file}: expected a mapping as JSON")
    return content


def few(names: list[str]) -> str:
    """The first names of many."""
    shown = ", ".join(shortened(visible(name), 80) for name in names[:3])
    return f"{shown}, …" if len(names) > 3 else shown


def amount(names: list[str]) -> str:
    """How many tensors, and the verb."""
    return f"{len(names)} tensors are" if len(names) > 1 else "1 tensor is"


def _files(path: Path) -> dict[str, set[str]]:
    """Files of weights, and which tensors an index promises in each."""
    if (path / INDEX).exists():
        index = json_of(path / INDEX).get("weight_map")
        if not isinstance(index, dict) or not all(isinstance(file, str) for file in index.values()):
            raise DataError(f"{path / INDEX}: expected `weight_map`, from names of tensors to names of files")
        if away := sorted({file for file in index.values() if Path(file).name != file}):
            raise DataError(f"{path / INDEX}: files lie beside it, got {visible(away[0])!r}")
        return {file: {name for name, own in index.items() if own == file} for file in sorted(set(index.values()))}
    found = sorted(file.name for file in path.iterdir() if file.suffix == ".safetensors")
    if ONE_FILE in found:
        return {ONE_FILE: set()}
    if len(found) == 1 and found[0] != "adapter_model.safetensors":
        return {found[0]: set()}
    raise DataError(_why_not(path, found))


def _why_not(path: Path, found: list[str]) -> str:
    if "adapter_model.safetensors" in found:
        return f"{path} holds an adapter and no model; merge it into its base first (peft: merge_and_unload)"
    if found:
        return f"{path}: {len(found)} files of safetensors and no {INDEX}: which of them are the model is not told"
    pickles = sorted(file.name for file in path.iterdir() if file.suffix in _PICKLES)
    if pickles:
        return (
            f"{path}: weights are pickles ({few(pickles)}), which run code when they are read; save them as "
            "safetensors: model.save_pretrained(FOLDER)"
        )
    return f"{path} has no weights (*.safetensors)"
