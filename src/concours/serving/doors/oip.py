"""The Open Inference Protocol, version 2, over HTTP: JSON, and its extension for binary data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from concours.serving.doors.door import Door, Wanted
from concours.serving.doors.keys_once import require_keys_once
from concours.serving.doors.plain import source_of
from concours.serving.model import Served
from concours.serving.refused import Refused, as_plain
from concours.serving.tensors import Tensor, cells_of, from_bytes, from_values, outputs_of, predicted, to_bytes
from concours.serving.wire import Ask, Told
from concours.tasks.outputs.output import Values

LENGTH: Final = "inference-header-content-length"
"""The header that says how many bytes of a body are JSON, where binary data follows."""
_BINARY: Final = "application/octet-stream"
_decode, _encode = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Outputs:
    """Which outputs are wanted, by name, each with whether as binary data; and the id of the request."""

    names: Mapping[str, bool]
    id: str


def read(served: Served, ask: Ask) -> Wanted:
    """What a request wants. Raises Refused."""
    head, raw = _parted(ask)
    tensors, place = list[Tensor](), 0
    for value in _listed(head, "inputs"):
        name, datatype, shape = _named(value)
        size = value.get("parameters", {}).get("binary_data_size")
        if size is None:
            tensors.append(from_values(name, datatype, shape, value.get("data")))
            continue
        if not isinstance(size, int) or size < 0 or place + size > len(raw):
            raise Refused(f"input {name!r}: binary_data_size is {size!r}, and {len(raw) - place} bytes are left")
        tensors.append(from_bytes(name, datatype, shape, raw[place : place + size]))
        place += size
    if place != len(raw):
        raise Refused(f"{len(raw) - place} bytes follow the binary data of the inputs")
    return wanted_of(served, ask, tensors, _outputs(served, head))


def wanted_of(served: Served, ask: Ask, tensors: Sequence[Tensor], outputs: Outputs) -> Wanted:
    """What is wanted of tensors, by whichever form of the protocol they came."""
    notes: list[str] = []
    cells, source = cells_of(served, tensors)

    def rows() -> Any:
        if cells is None:
            return served.read(source, notes.append)
        named = [dict(zip(served.names, row, strict=True)) for row in cells]
        return served.read(source_of(served, named), notes.append)

    return Wanted(ask=ask, cells=cells, rows=rows, more=outputs, notes=notes)


def _parted(ask: Ask) -> tuple[dict[str, Any], bytes]:
    text = ask.query.get(LENGTH)
    length = len(ask.body)
    if text is not None:
        if not text.isdecimal() or int(text) > length:
            raise Refused(f"{LENGTH} is {text!r}, and the body has {length} bytes")
        length = int(text)
    try:
        head = _decode(ask.body[:length])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(f"the head of the request is no JSON: {error}") from None
    if not isinstance(head, dict):
        raise Refused("the request is no JSON object")
    require_keys_once(ask.body[:length], head)
    return head, ask.body[length:]


def _listed(head: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found = head.get(key, [])
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise Refused(f"{key} must be a list of objects")
    if any(not isinstance(each.get("parameters", {}), dict) for each in found):
        raise Refused(f"{key}: parameters must be an object")
    return found


def _named(value: Mapping[str, Any]) -> tuple[str, str, list[int]]:
    name, datatype, shape = value.get("name"), value.get("datatype"), value.get("shape")
    if not isinstance(name, str) or not isinstance(datatype, str):
        raise Refused("an input must have a name and a datatype")
    if not isinstance(shape, list) or not all(type(each) is int and each >= 0 for each in shape):
        raise Refused(f"input {name!r}: shape is {shape!r}, and must be a list of whole numbers")
    return name, datatype, shape


def _outputs(served: Served, head: Mapping[str, Any]) -> Outputs:
    parameters = head.get("parameters", {})
    binary = isinstance(parameters, dict) and bool(parameters.get("binary_data_output", False))
    known = [each["name"] for each in outputs_of(served)]
    asked = {
        str(each.get("name")): bool(each.get("parameters", {}).get("binary_data", binary))
        for each in _listed(head, "outputs")
    }
    if unknown := [name for name in asked if name not in known]:
        raise Refused(f"output {unknown[0]!r} is not one of the model's, which are {', '.join(known)}")
    id = head.get("id", "")
    if not isinstance(id, str):
        raise Refused(f"id is {id!r}, and must be a text")
    return Outputs(asked or dict.fromkeys(known, binary), id)


def write(served: Served, wanted: Wanted, p: Values, partly: str) -> Told:
    """The answer, in JSON, with binary data behind it where that is wanted."""
    outputs, parts, said = wanted.more, list[bytes](), list[dict[str, Any]]()
    for tensor in predicted(served, p):
        if tensor.name not in outputs.names:
            continue
        one: dict[str, Any] = {"name": tensor.name, "datatype": tensor.datatype, "shape": tensor.shape}
        if outputs.names[tensor.name]:
            parts.append(to_bytes(tensor))
            one["parameters"] = {"binary_data_size": len(parts[-1])}
        else:
            one["data"] = tensor.data.ravel().tolist()
        said.append(one)
    parameters = {"partly": partly} if partly else {}
    if wanted.notes:
        parameters["notes"] = " | ".join(wanted.notes)
    body: dict[str, Any] = {"model_name": wanted.ask.query.get("model", served.name), "outputs": said}
    body |= {"id": outputs.id} if outputs.id else {}
    body |= {"parameters": parameters} if parameters else {}
    head = _encode(body)
    if not parts:
        return Told(wanted.ask.id, head, rows=len(p))
    return Told(wanted.ask.id, head + b"".join(parts), type=_BINARY, head={LENGTH: str(len(head))}, rows=len(p))


OIP: Final = Door(read=read, write=write, refuse=as_plain)
