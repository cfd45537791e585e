"""Merging: from a wish to a folder with a model, its tokenizer and its card."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import concours
from concours.api.merging.card import card, licences_of
from concours.api.merging.parents import side_by_side
from concours.api.merging.plan import planned
from concours.api.merging.tokenizers import OTHERS, TOKENIZER, agree, carry
from concours.api.merging.wished import Wish
from concours.core.digests import Digest, digest_json
from concours.core.errors import ContestError, DataError, MissingPackage
from concours.core.optional import install_command, installed
from concours.entrants.local.folders import folder_of
from concours.stores.checkpoints.folders import Checkpoint, few, opened_checkpoint
from concours.stores.checkpoints.machines import Device, Machine, Processor
from concours.stores.checkpoints.pieces import Piece
from concours.stores.checkpoints.streaming import Written, cores, merge_into


@dataclass(frozen=True, kw_only=True)
class Merged:
    """What came of a merge.

    Attributes:
        parents: the folder of each model by its name.
        tensors, bytes: of the new model.
        before: how many of its tensors an earlier run had made.
        notes: what a person should know.
    """

    out: Path
    parents: Mapping[str, Path]
    tensors: int
    bytes: int
    before: int
    notes: tuple[str, ...]


def merge(
    wish: Wish,
    out: Path,
    *,
    device: str = "cpu",
    again: bool = False,
    told: Callable[[Piece, int], None] = lambda piece, of: None,
) -> Merged:
    """Merges models into a folder, which is there when all of it is written; a run that was killed goes on.

    Args:
        device: `cpu`, or what torch calls a device, `cuda`.
        again: whether a folder that is there, with the card that this merge would write, is taken for what it makes.
        told: is told each tensor that is made, and how many there are.

    Raises:
        DataError: models are missing, damaged, or do not fit together; or their licences contradict one another.
        ContestError: the wish cannot be fulfilled. MissingPackage: torch is needed. NoSpace: the disk is full.
    """
    machine = machine_of(device)
    folders = {name: folder_of(name) for name in wish.models}
    _require_different(folders)
    licences = licences_of(folders)
    parents = side_by_side({name: opened_checkpoint(path) for name, path in folders.items()}, stacked=wish.stacked)
    pieces, config = planned(wish, parents)
    taken = wish.tokenizer or wish.models[0]
    notes = (*wish.notes, *parents.notes, *agree(folders, taken, united=wish.united))

    text = card(out.name, wish, licences, notes)

    def beside(folder: Path) -> None:
        if config:
            (folder / "config.json").write_text(f"{json.dumps(config, indent=2)}\n", encoding="utf-8")
        carry(TOKENIZER, folders[taken], folder)
        carry(OTHERS, folders[wish.models[0]], folder)
        (folder / "README.md").write_text(text, encoding="utf-8")

    written = (
        Written(len(pieces), {})
        if again and _has(out, text)
        else merge_into(
            out,
            pieces,
            plan=_plan(pieces, parents.models, device),
            machine=machine,
            workers=cores(),
            beside=beside,
            told=lambda piece: told(piece, len(pieces)),
        )
    )
    return Merged(
        out=out,
        parents=folders,
        tensors=len(pieces),
        bytes=sum(piece.bytes for piece in pieces),
        before=written.before,
        notes=(*notes, *_carried(written.infinite)),
    )


def _has(out: Path, text: str) -> bool:
    file = out / "README.md"
    return file.is_file() and file.read_bytes() == text.encode()


def _carried(infinite: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Lines that say which tensors have infinite numbers, and from whom."""
    for models in sorted({tuple(found) for found in infinite.values()}):
        names = [name for name, found in infinite.items() if tuple(found) == models]
        yield (
            f"warning: infinite numbers of {', '.join(models)} are carried over ({few(names)}); unless they mask "
            "something, that model is broken"
        )


def _require_different(folders: Mapping[str, Path]) -> None:
    names: dict[Path, str] = {}
    for name, path in folders.items():
        if (other := names.setdefault(path.resolve(), name)) != name:
            raise DataError(f"{other} and {name} are one folder; call it by one name")


def machine_of(device: str) -> Machine:
    """Where a merge is computed. Raises ContestError or MissingPackage where there is no such device."""
    if device == "cpu":
        return Processor()
    if not installed("torch"):
        raise MissingPackage(f"torch is needed to merge on {device}; get it with: {install_command('torch')}")
    import torch

    if not torch.cuda.is_available():
        raise ContestError(f"--device {device}: torch sees no such device here; leave it out to merge on the processor")
    return Device(device)


def _plan(pieces: list[Piece], models: Mapping[str, Checkpoint], device: str) -> Digest:
    """Of all that decides the bytes of the weights: what is made of which files, and by which program."""
    stamps = {
        str(file): [(found := file.stat()).st_size, found.st_mtime_ns]
        for model in models.values()
        for file in model.files
    }
    rows: list[Any] = [
        [piece.name, piece.dtype, list(piece.shape), piece.method, dict(piece.given or {})]
        + [[str(tensor.file), tensor.name] for tensor in piece.parents]
        for piece in pieces
    ]
    return digest_json([concours.__version__, np.__version__, device, rows, stamps])
