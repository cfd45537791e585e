"""Open Inference, version 2, at a gateway: shapes are read, everything else passes as it is, binary tensors too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import msgspec

from concours.serving.gateway.offers import Offer
from concours.serving.gateway.work import Protocol, Sent, Told, Work
from concours.serving.refused import Refused, as_plain

LENGTH: Final = "inference-header-content-length"
"""The header that says how much of a body is JSON, before binary tensors."""
_MOST_ROWS: Final = 1_000_000_000


class _Tensor(msgspec.Struct):
    name: str
    shape: list[int]
    datatype: str = ""
    data: msgspec.Raw = msgspec.Raw()
    parameters: dict[str, Any] = {}


class _Asked(msgspec.Struct):
    inputs: list[_Tensor]


class _Answered(msgspec.Struct):
    outputs: list[_Tensor]


def read(word: str, version: str, head: Mapping[str, str], content: bytes) -> Work:
    """A request to infer.

    Raises:
        Refused: its JSON is none, or has no inputs with shapes; or its header says that more is JSON than came.
    """
    try:
        asked = msgspec.json.decode(content[: _json_length(head, content)], type=_Asked)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(f"the body is no request of Open Inference: {error}") from None
    except ValueError as error:
        raise Refused(str(error)) from None
    if not asked.inputs:
        raise Refused("inputs is empty: expected a tensor for each input of the model")
    for tensor in asked.inputs:
        if any(not 0 <= size <= _MOST_ROWS for size in tensor.shape):
            raise Refused(f"input {tensor.name!r}: a shape has whole numbers from 0 to {_MOST_ROWS:,}")
    goes_on = {name: head[name] for name in ("content-type", LENGTH) if name in head}
    return Work(
        protocol="oip",
        word=word,
        path=version,
        content=content,
        head=goes_on,
        rows=max(tensor.shape[0] if tensor.shape else 1 for tensor in asked.inputs),
    )


def _json_length(head: Mapping[str, str], content: bytes) -> int:
    """Of the JSON, in bytes. Raises ValueError."""
    said = head.get(LENGTH)
    if said is None:
        return len(content)
    if not (said.isascii() and said.isdigit() and len(said) < 19 and int(said) <= len(content)):
        raise ValueError(
            f"Inference-Header-Content-Length must be a whole number of bytes, at most the {len(content):,} that came"
        )
    return int(said)


def address(offer: Offer, version: str, *, deed: str = "") -> str:
    """The URL of an offer's model, or of something that can be done with it."""
    of_version = f"/versions/{quote(version, safe='')}" if version else ""
    return f"{offer.base}/v2/models/{quote(offer.model, safe='')}{of_version}{deed}"


def _sent(offer: Offer, work: Work) -> Sent:
    return Sent(url=address(offer, work.path, deed="/infer"), content=work.content, head=work.head)


def _told(work: Work, head: Mapping[str, str], content: bytes) -> Told:
    length = _json_length(head, content)
    answer = msgspec.json.decode(content[:length], type=_Answered)
    return Told(tokens_in=0, tokens_out=0, said=_label(answer.outputs, content[length:]) if work.rows == 1 else None)


def _label(outputs: list[_Tensor], binary: bytes) -> str | None:
    """The first text among the outputs of one row."""
    at = 0
    for tensor in outputs:
        size = tensor.parameters.get("binary_data_size")
        size = size if type(size) is int and size >= 0 else 0
        if tensor.datatype == "BYTES" and all(length == 1 for length in tensor.shape):
            try:
                found = binary[at + 4 : at + size] if size else _first(msgspec.json.decode(tensor.data or b"[]"))
                return found.decode() if isinstance(found, bytes) else found
            except ValueError:
                return None
        at += size
    return None


def _first(data: Any) -> str | None:
    while isinstance(data, list) and data:
        data = data[0]
    return data if isinstance(data, str) else None


OIP: Final = Protocol(sent=_sent, told=_told, refusal=as_plain)
