"""Hidden rows in OpenAI's protocol: asked as the model that competed was asked, in the form of a caller's request."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import pyarrow as pa

from concours.core.errors import ContestError
from concours.core.lineage import why_unanswering
from concours.core.problem import Part
from concours.engine.choosing import way_of
from concours.engine.rows import get_rows
from concours.engine.words import how_of
from concours.entrants.endpoints.params import Asking
from concours.entrants.endpoints.prompts import SEPARATOR, as_text
from concours.entrants.endpoints.speaker import Said
from concours.runs.predict import kept_rows
from concours.serving.gateway.hidden import Places
from concours.serving.gateway.openai import DEEDS, read
from concours.serving.gateway.work import Work
from concours.serving.model import Served
from concours.stores.blobs import texts_in

_STAYS: Final = ("model", "stream", "stream_options", "user", "store", "service_tier", "safety_identifier")
"""What of a caller's request changes no answer."""


@dataclass(frozen=True)
class SpokenRows:
    """See `hidden.Posing`.

    Attributes:
        path: where rows are asked about, of `DEEDS`.
        rows: messages or a text each.
        sampling: parameters with which who competed was asked.
        asked: whether who competed is a language model that was asked in words; else rows go as one asks a model that
            Concours serves.
    """

    path: str
    rows: Sequence[Any]
    sampling: Mapping[str, Any]
    asked: bool

    @classmethod
    def of(cls, served: Served, test: Part, run: str) -> SpokenRows:
        """Those of the test part of a run. Raises ContestError: they cannot be asked about in words."""
        candidate, store = served.result.candidate(served.name), served.result.folder.store
        if why := why_unanswering(candidate, served.candidates):
            raise ContestError(f"nobody knows how {served.name!r} of {run} was asked: {why}; choose another line")
        if candidate.entrant.joint is None and candidate.entrant.had.calls:
            how = how_of(candidate.entrant.recipe, candidate.entrant.params)
            if how.by != "said" or how.rotate or how.shots or how.samples > 1:
                raise ContestError(
                    f"{served.name!r} of {run} was asked with examples, or several times a row, or for probabilities: "
                    "choose a line that was asked each row by one request without shots, samples, rotate and by"
                )
            return cls._asked(served, how, get_rows(store, test.x))
        kept = kept_rows(store, test.x)
        if not isinstance(kept, pa.Table):
            raise ContestError(f"rows of {run} are no words, in which an offer of protocol openai could be asked")
        if texts_in(kept) is not None or kept.num_columns == 1:
            texts = [str(text) for text in kept.column(0).to_pylist()]
        else:
            texts = [json.dumps(row, ensure_ascii=False, default=str) for row in kept.to_pylist()]
        return cls("chat/completions", [[{"role": "user", "content": text}] for text in texts], {}, asked=False)

    @classmethod
    def _asked(cls, served: Served, how: Asking, x: Any) -> SpokenRows:
        way = way_of(how)(how, x, served.output)
        questions = [question for row in range(len(x)) for question in way.questions(row, ())]
        each = [list(question.messages) for question in questions if isinstance(question, Said)]
        if getattr(how, "route", "chat") == "completions":
            stop = {"stop": [SEPARATOR]} if how.stop is None else {}
            return cls("completions", [as_text(messages) for messages in each], how.sampling | stop, asked=True)
        return cls("chat/completions", each, how.sampling, asked=True)

    def form(self, work: Work) -> Mapping[str, Any] | None:
        """The keys of a request, in their order, with what stays of their values."""
        if work.path != self.path or work.rows != 1:
            return None
        deed = DEEDS[self.path]
        bounds = [name for name in deed.limits if name in work.body]  # who calls may bound answers by another name
        sampling = {
            bounds[0] if bounds and name in deed.limits else name: value for name, value in self.sampling.items()
        }
        stays = {name: value for name, value in work.body.items() if name in (*_STAYS, *sampling, deed.asked)}
        return {**stays, deed.asked: None, **sampling}

    def posed(self, form: Mapping[str, Any], places: Places) -> Work:
        """See `hidden.Posing`."""
        work, _ = read(self.path, msgspec.json.encode({**form, DEEDS[self.path].asked: self.rows[places[0]]}))
        return work

    def texts(self, said: str | None, head: Mapping[str, str], content: bytes, rows: int) -> Sequence[str] | None:
        """See `hidden.Posing`."""
        del head, content, rows
        return None if said is None else [said]
