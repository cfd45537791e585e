"""From what is asked to tokens: the chat template is applied once, and no text begins twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from concours.core.errors import RecipeError
from concours.entrants.endpoints.prompts import as_text
from concours.entrants.local.loading import Loaded

Messages = Sequence[Mapping[str, str]]
Tokens = list[int]


def speaks_in_turns(loaded: Loaded) -> bool:
    """Whether it has a chat template."""
    return bool(loaded.tokenizer.chat_template)


def tokens_of_chat(loaded: Loaded, messages: Messages) -> Tokens:
    """What a model reads of a chat.

    The template of a chat brings the token that a text begins with, where there is one; without a template, messages
    are one text.

    Raises:
        RecipeError: the template refuses such messages.
    """
    return encoded(loaded, text_of_chat(loaded, messages), special=not speaks_in_turns(loaded))


def text_of_chat(loaded: Loaded, messages: Messages) -> str:
    """The text of it. Raises RecipeError where its template refuses such messages."""
    if not speaks_in_turns(loaded):
        return as_text(messages)
    try:
        said: str = loaded.tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=True)
    except Exception as error:  # noqa: BLE001 (templates are of others, and raise what they like)
        system = "; leave system out, and say it in the prompt" if messages[0]["role"] == "system" else ""
        why = " ".join(str(error).split())[:120]
        raise RecipeError(f"its chat template refuses what is asked ({why}){system}") from None
    return said


def encoded(loaded: Loaded, text: str, *, special: bool) -> Tokens:
    """Tokens of a text, with those that texts begin with where they are `special` and the text has none."""
    begins = loaded.tokenizer.bos_token
    special = special and not (begins and text.startswith(begins))
    found: Tokens = loaded.tokenizer.encode(text, add_special_tokens=special)
    return found


def tokens_of_pair(loaded: Loaded, text: str, more: str, *, special: bool = True) -> tuple[Tokens, Tokens]:
    """Tokens of a text, and of what is said behind it.

    Both are read as one text. A blank at the end of the text belongs to what follows, as it does in tokens, and a text
    of nothing is the token that texts begin with: as lm-evaluation-harness has it.
    """
    bare = text.rstrip()
    if not bare:
        return [loaded.begin], encoded(loaded, text + more, special=False)
    before, whole = encoded(loaded, bare, special=special), encoded(loaded, text + more, special=special)
    return whole[: len(before)], whole[len(before) :]
