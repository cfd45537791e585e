"""Prompts of promptfoo: texts and chats with `{{names}}`, each a way in which models are asked."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from concours.api.imports.files import json_of
from concours.api.imports.imported import Notes
from concours.api.imports.promptfoo_files import spread
from concours.api.imports.templates import as_prompt, columns_in
from concours.core.errors import DataError

_ROLES = (["user"], ["system", "user"], ["developer", "user"])


@dataclass(frozen=True)
class Prompt:
    """A prompt as promptfoo has it.

    Attributes:
        label: by which people know it.
        template: of what is asked.
        system: of what is said before.
    """

    label: str
    template: str
    system: str = ""

    def ways(self, columns: Collection[str]) -> dict[str, str] | None:
        """The parameters of an entrant; none where a template does more than naming columns.

        A system text that names columns is said at the beginning of the prompt.
        """
        system = as_prompt(self.system, ())
        template = self.template if system is not None else f"{self.system}\n\n{self.template}"
        prompt = as_prompt(template, columns)
        if prompt is None or not columns_in(template):
            return None
        return {"prompt": prompt, **({"system": self.system} if system else {})}


def prompts_of(given: Any, folder: Path, notes: Notes) -> list[Prompt]:
    """The prompts of a configuration; those that are programs, or turns of a conversation, are noted.

    Raises:
        DataError: a prompt is no text, or its file is missing or damaged.
    """
    found = [prompt for prompt in _all(given, folder, notes) if prompt is not None]
    if given is None:
        found = [Prompt("prompt", "{{prompt}}")]
    if not found:
        raise DataError("prompts: none of them can be carried over, since none is a text or a chat of one turn")
    different = list({(prompt.template, prompt.system): prompt for prompt in found}.values())
    return [replace(one, label=one.label or f"prompt {number}") for number, one in enumerate(different, 1)]


def _all(given: Any, folder: Path, notes: Notes) -> Iterator[Prompt | None]:
    several = list(given.items()) if isinstance(given, dict) else given
    for item in several if isinstance(several, list) else [several]:
        if isinstance(item, tuple):  # prompts by their files, with a label each
            item = {"id": item[0], "label": item[1]}
        label, raw = "", item
        if isinstance(item, dict):
            raw, label = item.get("raw", item.get("id")), str(item.get("label") or "")
        if raw is None or not isinstance(raw, (str, list)):
            raise DataError("prompts: expected texts, or mappings with raw or id")
        if isinstance(raw, list):
            yield _chat(raw, label, notes)
            continue
        for content, path in spread(raw, folder, "prompts", notes):
            yield from _of_content(content, path, label, notes)


def _of_content(content: Any, path: Path | None, label: str, notes: Notes) -> Iterator[Prompt | None]:
    name = label or (path.stem if path else "")
    if isinstance(content, list) and path and path.suffix == ".csv":
        for row in content:
            yield _text(str(row.get("prompt", "")), str(row.get("label") or ""), notes)
    elif isinstance(content, list):
        yield _chat(content, name, notes)
    elif not isinstance(content, str):
        raise DataError(f"prompts: {name}: expected a text, or a list of messages")
    elif path:
        parts = [part.strip() for part in content.split("\n---\n")]
        for number, part in enumerate(parts, 1):
            yield _text(part, name if len(parts) == 1 else f"{name} {number}", notes)
    else:
        yield _text(content, name, notes)


def _text(text: str, label: str, notes: Notes) -> Prompt | None:
    """A text, which may be a chat in JSON."""
    if text.lstrip().startswith("[{") or text.lstrip().startswith("[\n"):
        try:
            messages = json_of(text, "prompts")
        except DataError:  # a text may begin with a bracket
            return Prompt(label, text)
        return _chat(messages, label, notes)
    return Prompt(label, text)


def _chat(messages: Any, label: str, notes: Notes) -> Prompt | None:
    if not isinstance(messages, list) or not all(isinstance(one, dict) for one in messages):
        raise DataError(f"prompts: {label}: expected a list of messages")
    texts = [one.get("content") for one in messages]
    if [one.get("role") for one in messages] not in _ROLES or not all(isinstance(text, str) for text in texts):
        notes.leave(f"prompt {label}".strip(), "a question is one turn of text, with a system text before it at most")
        return None
    return Prompt(label, str(texts[-1]), str(texts[0]) if len(texts) > 1 else "")
