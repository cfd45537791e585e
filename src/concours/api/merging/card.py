"""The card of a merged model: what it was made of, how, and what holds for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from concours import __version__
from concours.api.merging.licences import licence_for, licence_of
from concours.api.merging.wished import Wish, method_of
from concours.core.visible import visible


def licences_of(models: Mapping[str, Path]) -> dict[str, str | None]:
    """Of each model by its name what its card says. Raises DataError where they contradict one another."""
    found = {name: licence_of(path) for name, path in models.items()}
    licence_for(found)
    return found


def card(title: str, wish: Wish, licences: Mapping[str, str | None], notes: Sequence[str]) -> str:
    """The text of a card, with a head that others' tools read."""
    licence = licence_for(licences)
    head = ["---", *([f"license: {licence}"] if licence else []), "library_name: transformers", "base_model:"]
    head += [f"- {_quoted(_shown(name))}" for name in wish.models]
    head += ["base_model_relation: merge", "tags:", "- merge", "- concours", "---", ""]
    return "\n".join([*head, *_body(title, wish, licences, notes)])


def _body(title: str, wish: Wish, licences: Mapping[str, str | None], notes: Sequence[str]) -> list[str]:
    source = (method_of(wish.method).merge.__doc__ or "").partition("Source: ")[2].split("\n\n")[0]
    is_ = {name: "the base" if name == wish.base else "a parent" for name in licences}
    rows = [
        f"| {_cell(_shown(name))} | {is_[name]} | {_cell(licence or 'not told by its card')} |"
        for name, licence in licences.items()
    ]
    unknown = [name for name, licence in licences.items() if not licence]
    about = (
        f"The weights of {len(wish.models)} models, merged by `{wish.method}` with Concours {__version__}. Merging "
        "evaluates nothing: `concours merge … --check CONTEST.toml` puts the model on a board beside its parents."
    )
    lines = [f"# {visible(title)}", "", about, "", "| model | is | licence |", "| --- | --- | --- |", *rows, ""]
    if unknown:
        lines += ["Before you pass it on, find out what the licence of each is that its card does not tell.", ""]
    if source:
        lines += [f"Method: {' '.join(source.split())}", ""]
    if notes:
        lines += [*(f"- {visible(note)}" for note in notes), ""]
    return [*lines, "As it was described:", "", "```yaml", _text(wish), "```", ""]


def _shown(name: str) -> str:
    """A model as it may be told to others: of a folder its name, not where it lies."""
    return Path(name).name if Path(name).is_dir() else name


def _text(wish: Wish) -> str:
    text = wish.text.rstrip().replace("```", "` ` `")
    for name in sorted(wish.models, key=len, reverse=True):
        text = text.replace(name, _shown(name))
    return text


def _quoted(name: str) -> str:
    return '"' + visible(name).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _cell(text: str) -> str:
    return visible(text).replace("|", "\\|")
