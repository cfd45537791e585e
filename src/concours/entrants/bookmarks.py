"""Bookmarks: where a training stood after an epoch, so that after a kill it goes on from there, to the same bytes.

A page holds all that an epoch changes: tensors, random states, and notes as JSON. It says what the training began with
as well, by a digest, and is opened by no other one. It is read as plain tensors: nothing is unpickled.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from concours.core import scratch
from concours.entrants.attributes import attributes_of
from concours.entrants.optimisers import Flat

_HEAD = "page"
_ASIDE = "aside."
_CHANCE = "chance"
_WORDS = 624
"""Of the state of a Mersenne twister."""

Tensors = Mapping[str, Tensor]


class Chance(Protocol):
    """Where random numbers come from, with a state: bytes, as a tensor of uint8."""

    def get_state(self) -> Tensor: ...
    def set_state(self, state: Tensor, /) -> Any: ...


@dataclass(frozen=True)
class Page:
    """What was noted when a page was kept, and tensors that were laid aside with it."""

    notes: Mapping[str, Any]
    aside: Tensors


class Bookmark:
    """The bookmark of one training, in the scratch of what is being done (`core.scratch`); without one it does nothing.

    Args:
        moving: gives the tensors that an epoch changes in place, by name.
        chances: where the training's random numbers come from.
        given: what it reads and does not change, such as rows.
        how: its settings, in a form that is the same for the same settings alone.
        modules: networks, whose attributes besides tensors must stay as they are: one that keeps something else in them
            is trained without a bookmark.
        agreed: what all that train together go by of what each has read; by default it is alone.
    """

    def __init__(
        self,
        moving: Callable[[], Tensors],
        chances: Sequence[Chance],
        *,
        given: Iterable[Tensor],
        how: str,
        modules: Sequence[nn.Module] = (),
        agreed: Callable[[bytes | None], bytes | None] = lambda own: own,
    ) -> None:
        self._slot, self._moving, self._chances = scratch.current().slot(), moving, chances
        self._given, self._modules, self._known, self._agreed = tuple(given), modules, "", agreed
        self._attributes: Sequence[str] | None = None
        if self._slot.keeps:
            self._begun = hashlib.sha256(how.encode())
            self._attributes = self._attributes_now()
            _learn(self._begun, [*moving().items(), *self._states().items()])

    def find(self) -> Page | None:
        """Goes on from the page that was kept: puts tensors and random states back, and gives what else was noted.

        None, and nothing is changed, where none was kept, or it is damaged, or of something else.
        """
        content = self._agreed(self._slot.read())
        if content is None or self._attributes is None:
            return None
        try:
            tensors = safetensors.torch.load(content)
            head = json.loads(bytes(tensors.pop(_HEAD).numpy()))
            if head["begun"] != self._beginning or not self._put_back(tensors):
                return None
            aside = {name.removeprefix(_ASIDE): tensors[name] for name in tensors if name.startswith(_ASIDE)}
            page = Page(dict(head["notes"]), aside)
        except (SafetensorError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, RecursionError):
            return None
        self._slot.go_on()
        return page

    def keep(self, notes: Mapping[str, Any], aside: Tensors) -> None:
        """Keeps a page, if it is time to: notes as JSON, and tensors besides those that move."""
        if not self._slot.due() or self._attributes is None or self._attributes_now() != self._attributes:
            return
        head = json.dumps({"begun": self._beginning, "notes": dict(notes)}).encode()
        laid = {f"{_ASIDE}{name}": tensor for name, tensor in aside.items()}
        tensors = {_HEAD: _bytes(head), **self._moving(), **self._states(), **laid}
        # a copy each: many are views of one vector, which the format knows nothing of
        copies = {
            name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()
        }
        self._slot.write(safetensors.torch.save(copies))

    @property
    def _beginning(self) -> str:
        """The digest of what the training began with. The rows are read only when a page is written or found."""
        if not self._known:
            _learn(self._begun, [(str(number), tensor) for number, tensor in enumerate(self._given)])
            self._known = self._begun.hexdigest()
        return self._known

    def _attributes_now(self) -> Sequence[str] | None:
        found = [attributes_of(module) for module in self._modules]
        return None if None in found else [text for text in found if text is not None]

    def _states(self) -> dict[str, Tensor]:
        return {f"{_CHANCE}{number}": chance.get_state() for number, chance in enumerate(self._chances)}

    def _put_back(self, tensors: Tensors) -> bool:
        """Puts all of it back, or nothing."""
        moving, states = self._moving(), self._states()
        if any(not _alike(tensors[name], own) for name, own in (*moving.items(), *states.items())):
            return False
        try:
            self._set(tensors)
        except (ValueError, KeyError, TypeError, RuntimeError):
            self._set(states)
            raise
        with torch.no_grad():
            for name, own in moving.items():
                own.copy_(tensors[name])
        return True

    def _set(self, states: Tensors) -> None:
        for number, chance in enumerate(self._chances):
            chance.set_state(states[f"{_CHANCE}{number}"])


def moving_of(network: nn.Module, flat: Flat, prefix: str = "") -> dict[str, Tensor]:
    """What a step changes of a network whose parameters lie in a vector: that, its moments, the network's buffers."""
    numbers = {"weights": flat.weights, "first": flat.first, "second": flat.second}
    buffers = {f"buffer.{name}": buffer for name, buffer in network.named_buffers()}
    return {f"{prefix}{name}": tensor for name, tensor in {**numbers, **buffers}.items()}


def all_chances(device: torch.device) -> list[Chance]:
    """The random numbers of a process, which a network may take besides its own: torch's, numpy's, Python's."""
    chances: list[Chance] = [torch.default_generator, _Numpy(), _Python()]
    if device.type == "cuda":
        chances.append(torch.cuda.default_generators[torch.cuda.current_device()])
    if device.type == "mps":
        chances.append(_Mps())
    return chances


class _Numpy:
    def get_state(self) -> Tensor:
        state: Any = np.random.get_state(legacy=False)  # noqa: NPY002
        return _bytes(json.dumps(state, default=lambda array: array.tolist()).encode().ljust(8192))

    def set_state(self, state: Tensor) -> None:
        found = json.loads(bytes(state.numpy()))
        if found["bit_generator"] != "MT19937":
            raise ValueError("numpy's global generator is another one than it always is")
        key = np.array(found["state"]["key"], dtype=np.uint32)
        if key.shape != (_WORDS,) or not 0 <= found["state"]["pos"] <= _WORDS:
            raise ValueError("this is no state of numpy's generator")
        np.random.set_state({**found, "state": {**found["state"], "key": key}})  # noqa: NPY002


class _Python:
    def get_state(self) -> Tensor:
        return _bytes(json.dumps(random.getstate()).encode().ljust(8192))

    def set_state(self, state: Tensor) -> None:
        version, words, gauss = json.loads(bytes(state.numpy()))
        random.setstate((version, tuple(words), gauss))


class _Mps:
    def get_state(self) -> Tensor:
        return torch.mps.get_rng_state()

    def set_state(self, state: Tensor) -> None:
        torch.mps.set_rng_state(state)


def _bytes(content: bytes) -> Tensor:
    return torch.frombuffer(bytearray(content), dtype=torch.uint8)


def _alike(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype


def _learn(digest: Any, tensors: Iterable[tuple[str, Tensor]]) -> None:
    for name, tensor in tensors:
        plain = tensor.detach().cpu().contiguous()
        digest.update(f"{name} {plain.dtype} {tuple(plain.shape)};".encode())
        if plain.numel():  # an empty one cannot be seen as bytes
            digest.update(plain.reshape(-1).view(torch.uint8).numpy())
