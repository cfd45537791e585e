"""Prompts: a template with the names of columns in braces, a system text, and shots; what is sent for a row."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from concours.core.errors import ContestError, nearest

_PART = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_SHOWN = 60
SEPARATOR = "\n\n"
"""Between an answer and the next question, for a model that only goes on with texts."""


@dataclass(frozen=True)
class Prompt:
    """What is sent for a row.

    Attributes:
        template: text in which `{column}` stands for what the row has in that column; `{{` and `}}` are braces. Nothing
            else is read in it, and nothing in what a cell holds.
        system: what is said before, as it is; nothing where it is empty.

    Raises:
        ContestError: the template names no column, or a brace stands alone.
    """

    template: str
    system: str = ""

    def __post_init__(self) -> None:
        if not self.columns:
            raise ContestError(
                f"prompt {_short(self.template)} names no column, so every row would be asked the same: put the name "
                "of one into braces, as in {question}"
            )

    @cached_property
    def _parts(self) -> tuple[tuple[str, str | None], ...]:
        """Texts, each with the column that follows it, or none."""
        parts, text, end = [], "", 0
        for found in _PART.finditer(self.template):
            text += self.template[end : found.start()]
            end = found.end()
            if found[0] in ("{{", "}}"):
                text += found[0][0]
            elif found[1] is None:
                raise ContestError(
                    f"prompt {_short(self.template)} has a {found[0]!r} alone, at character {found.start() + 1}: write "
                    f"{found[0] * 2!r} for a brace"
                )
            else:
                parts.append((text, found[1].strip()))
                text = ""
        return (*parts, (text + self.template[end:], None))

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns that it names, each once, in their order."""
        return tuple(dict.fromkeys(name for _, name in self._parts if name is not None))

    @property
    def ending(self) -> str:
        """The text behind the last column, without blanks around it."""
        return self._parts[-1][0].strip()

    def check(self, columns: Collection[str]) -> None:
        """Checks that the data has the columns.

        Raises:
            ContestError: it has not; names the nearest.
        """
        for name in self.columns:
            if name not in columns:
                raise ContestError(
                    f"prompt {_short(self.template)} names a column {name!r}, which the data has not: "
                    f"{nearest(name, columns)}; write {{{{ and }}}} for braces"
                )

    def filled(self, row: Mapping[str, str]) -> str:
        """The text for a row.

        Raises:
            ContestError: as of `check`.
        """
        try:
            return "".join(text if name is None else text + row[name] for text, name in self._parts)
        except KeyError:
            self.check(row)
            raise

    def messages(
        self, row: Mapping[str, str], shots: Sequence[tuple[Mapping[str, str], str]] = ()
    ) -> list[dict[str, str]]:
        """The messages of a chat: the system text, each shot as a question and its answer, and the row.

        Args:
            shots: rows with what is to be said of them.
        """
        said = [{"role": "system", "content": self.system}] if self.system else []
        for shot, answer in shots:
            said += [{"role": "user", "content": self.filled(shot)}, {"role": "assistant", "content": answer}]
        return [*said, {"role": "user", "content": self.filled(row)}]

    def text(self, row: Mapping[str, str], shots: Sequence[tuple[Mapping[str, str], str]] = ()) -> str:
        """The same as one text, for completions: parts with an empty line between them, an answer behind its question.

        It ends with the row as it is filled, so a template whose end is a blank keeps it.
        """
        parts = [self.system] if self.system else []
        for shot, answer in shots:
            question = self.filled(shot)
            parts.append(question + ("" if question[-1:].isspace() else " ") + answer)
        return "\n\n".join([*parts, self.filled(row)])


def as_text(messages: Sequence[Mapping[str, str]]) -> str:
    """Messages as one text, for a model that only goes on with texts.

    A question ends with the line `Answer:`, unless it ends with a colon itself, and an answer with an empty line.
    """
    parts = []
    for message in messages:
        said, asked = message["content"], message["role"] == "user"
        parts.append(said if not asked or said.rstrip().endswith(":") else f"{said}\nAnswer:")
        parts.append(" " if asked and not parts[-1][-1:].isspace() else "" if asked else SEPARATOR)
    return "".join(parts).rstrip(" ")


def _short(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")
