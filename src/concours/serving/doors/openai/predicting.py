"""A model of a task, talked to: what is asked last is a row, and the answer is the prediction in words."""

from __future__ import annotations

import time
from typing import Any, Final

import numpy as np

from concours.runs.ask import columns_in, row_of
from concours.serving.doors.door import Door, Wanted
from concours.serving.doors.openai.asked import Asked, body_of
from concours.serving.doors.openai.form import Form
from concours.serving.doors.openai.said import Head, Likely, Said
from concours.serving.model import Served
from concours.serving.refused import Refused, as_openai
from concours.serving.wire import Ask, Told
from concours.tasks.outputs.output import Values

_LEAST: Final = 1e-300
"""A probability of nothing has no logarithm."""


def predicting(form: Form) -> Door:
    """The door of a form."""

    def read(served: Served, ask: Ask) -> Wanted:
        asked = form.read(body_of(ask.body))
        if asked.likeliest is not None and not _tells(served):
            raise Refused(f"logprobs: {served.name} gives no probabilities of classes")
        question, notes = asked.question, list[str]()

        def rows() -> Any:
            return served.read(row_of(served.like, served.output, columns_in(question)), notes.append)

        return Wanted(ask=ask, rows=rows, more=asked, notes=notes)

    def write(served: Served, wanted: Wanted, p: Values, partly: str) -> Told:
        said = _said(served, wanted, p)
        body, type = form.answer(head_of(wanted.ask), wanted.more, said)
        head = {"x-concours-partly": partly} if partly else {}
        if wanted.notes:
            head["x-concours-notes"] = " | ".join(wanted.notes)[:1000].encode("ascii", "replace").decode()
        return Told(wanted.ask.id, body, type=type, head=head, rows=1)

    return Door(read=read, write=write, refuse=as_openai)


def head_of(ask: Ask) -> Head:
    """What an answer to a request says of itself."""
    return Head(ask.id, int(time.time()), ask.query.get("model", ""))


def _tells(served: Served) -> bool:
    return served.output.estimator == "classifier" and bool(served.output.labels)


def _said(served: Served, wanted: Wanted, p: Values) -> Said:
    """A prediction in words; what it took is counted in tokens by language models that were asked, else in words."""
    answer = served.output.answers(p, served.deciding)[0]
    text = "" if answer is None else str(answer)
    asked: Asked = wanted.more
    likely = () if asked.likeliest is None else (_likely(served, text, np.asarray(p)[0], asked.likeliest),)
    calls = wanted.heard.values()
    into, out = (sum(getattr(each, name) or 0 for each in calls) for name in ("tokens_in", "tokens_out"))
    counted = any(each.tokens_in is not None for each in calls)
    question = len(asked.question.split())
    return Said(text, "stop", into if counted else question, out if counted else len(text.split()), likely)


def _likely(served: Served, text: str, p: Any, count: int) -> Likely:
    """The classes as if each were a token."""
    labels = list(map(str, served.output.labels))
    told = {label: float(np.log(max(share, _LEAST))) for label, share in zip(labels, p.tolist(), strict=True)}
    return Likely(text, told[text], tuple(sorted(told.items(), key=lambda each: -each[1])[:count]))
