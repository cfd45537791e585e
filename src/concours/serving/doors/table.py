"""The table of doors, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from concours.serving.doors.door import Door
from concours.serving.doors.explain import EXPLAIN
from concours.serving.doors.oip import OIP
from concours.serving.doors.oip_grpc import OIP_GRPC
from concours.serving.doors.openai.chat import CHAT
from concours.serving.doors.openai.completions import COMPLETIONS
from concours.serving.doors.openai.embeddings import EMBEDDINGS
from concours.serving.doors.openai.form import Form
from concours.serving.doors.openai.predicting import predicting
from concours.serving.doors.openai.responses import RESPONSES
from concours.serving.doors.plain import PLAIN

FORMS: Final[Mapping[str, Form]] = {
    "openai-chat": CHAT,
    "openai-completions": COMPLETIONS,
    "openai-responses": RESPONSES,
}
"""The ways of OpenAI's protocol in which words are passed, by the name of their door."""

DOORS: Final[Mapping[str, Door]] = {
    **{name: predicting(form) for name, form in FORMS.items()},
    "openai-embeddings": EMBEDDINGS,
    "plain": PLAIN,
    "explain": EXPLAIN,
    "oip": OIP,
    "oip-grpc": OIP_GRPC,
}
