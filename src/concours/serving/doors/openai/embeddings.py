"""Texts as vectors: `/v1/embeddings`, of a model that makes some."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from concours.serving.doors.door import Door, Wanted
from concours.serving.doors.openai.asked import body_of, require_known
from concours.serving.model import Served
from concours.serving.refused import Refused, as_openai
from concours.serving.wire import Ask, Told
from concours.stores.blobs import texts_in

_encode: Final = msgspec.json.Encoder().encode
_FORMS: Final = ("float", "base64")
_MOST: Final = 2048
"""Texts of a request, as OpenAI has it."""


def read(served: Served, ask: Ask) -> Wanted:
    """What is wanted: texts. Raises Refused."""
    body = body_of(ask.body)
    require_known(body, ("input", "encoding_format"))
    given, form = body.get("input"), body.get("encoding_format") or "float"
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not 0 < len(texts) <= _MOST or not all(isinstance(each, str) for each in texts):
        raise Refused(f"input must be a text, or a list of up to {_MOST}; tokens are not read")
    if form not in _FORMS:
        raise Refused(f"encoding_format = {form!r}: one of {', '.join(_FORMS)}")
    if texts_in(served.like) is None:
        raise Refused(f"rows of {served.name} are no texts, so it makes no vectors of them")
    notes = list[str]()
    return Wanted(ask=ask, rows=lambda: served.read(texts, notes.append), more=(texts, form), notes=notes)


def write(served: Served, wanted: Wanted, p: Any, partly: str) -> Told:
    """A vector each, as numbers, or 32-bit ones in base64; what it took is counted in words."""
    del partly
    texts, form = wanted.more
    told = [{"object": "embedding", "index": place, "embedding": _written(row, form)} for place, row in enumerate(p)]
    took = {"prompt_tokens": _words(texts), "total_tokens": _words(texts)}
    body = {"object": "list", "data": told, "model": wanted.ask.query.get("model", served.name), "usage": took}
    return Told(wanted.ask.id, _encode(body), rows=len(p))


def _written(row: NDArray[np.float64], form: str) -> Any:
    return base64.b64encode(row.astype("<f4").tobytes()).decode() if form == "base64" else row.tolist()


def _words(texts: Sequence[str]) -> int:
    return sum(len(text.split()) for text in texts)


def _vectors(served: Served, x: Any) -> Any:
    return served.vectors(x)


EMBEDDINGS: Final = Door(read=read, write=write, refuse=as_openai, predict=_vectors, answers=False)
