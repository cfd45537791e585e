"""Pages say nothing that is in no catalogue, and catalogues are complete."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from jinja2 import Environment, nodes

from concours.server.web.pages.rendering import Head, environment
from concours.server.web.texts.gathering import gathered, updated
from concours.server.web.texts.languages import NAMES, language, preferred

from . import samples
from .reading import parsed

TEMPLATES = sorted(Path(str(files("concours.server.web"))).glob("templates/*.j2"))
SPOKEN = (
    "aria-label",
    "title",
    "alt",
    "placeholder",
    "content",
    "data-tells",
    "data-done",
    "data-taken",
    "data-broken",
)
SAYS_NOTHING = {"Concours", "· Concours", "API", "OpenID", "CSV", "JSON", "openapi.json", "viewport", "color-scheme"}
"""Names, which are the same in all languages."""
CODE = ("code", "pre", "kbd", "script", "style")


def _bare(text: str) -> str:
    """What is said of a text, without what is no word."""
    text = re.sub(r'[a-z-]+="[^"]*"?', "", text).strip()
    return "" if text in SAYS_NOTHING or not re.search(r"[^\W\d_]{2,}", text) else text


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_has_no_text_outside_the_catalogues(path: Path) -> None:
    """Neither between tags, nor in attributes that are read out, nor as a word of an expression."""
    source = path.read_text()
    tree = Environment(extensions=["jinja2.ext.i18n"]).parse(source)
    html = "".join(
        node.data if isinstance(node, nodes.TemplateData) else "\x00"
        for output in tree.find_all(nodes.Output)
        for node in output.nodes
    )
    said = []
    for element in parsed(html).all():
        if element.tag not in CODE:
            said += [_bare(part) for part in element.said.split("\x00")]
        said += [_bare(part) for name in SPOKEN for part in element.attributes.get(name, "").split("\x00")]
    for output in tree.find_all(nodes.Output):
        for node in output.nodes:
            if isinstance(node, (nodes.Const, nodes.CondExpr)):
                said += [one.value for one in _constants(node) if isinstance(one.value, str) and _sentence(one.value)]
    known = {"width=device-width, initial-scale=1", "light dark"}
    assert [text for text in said if text and text not in known] == []


def _constants(node: nodes.Node) -> list[nodes.Const]:
    if isinstance(node, nodes.Const):
        return [node]
    if isinstance(node, nodes.CondExpr):
        return [*_constants(node.expr1), *(_constants(node.expr2) if node.expr2 else [])]
    return []


def _sentence(text: str) -> bool:
    """Whether a text of an expression is for people, not a class or an attribute."""
    return bool(re.search(r"[A-Z][a-z]|[a-z] [a-z]+ [a-z]", text)) and "=" not in text and "<" not in text


@pytest.mark.parametrize("code", [code for code in NAMES if code != "en"])
def test_a_catalogue_says_all_and_nothing_else(code: str) -> None:
    """Every text is said, with the same places for values; no text is left over."""
    with (files("concours.server.web.texts") / f"{code}.po").open("rb") as file:
        catalogue = read_po(file, locale=code)
    wanted = {message.id: message for message in gathered() if message.id}
    known = {message.id: message for message in catalogue if message.id}
    assert set(wanted) == set(known), "run python -m concours.server.web.texts.gathering"
    for id, message in known.items():
        sources = [id] if isinstance(id, str) else list(id)
        targets = [message.string] if isinstance(message.string, str) else list(message.string)
        assert all(target.strip() for target in targets), f"{id!r} is not said in {code}"
        places = sorted(re.findall(r"%\(\w+\)s|%%", sources[-1]))
        for target in targets:
            assert sorted(re.findall(r"%\(\w+\)s|%%", target)) == places, f"{id!r}: {target!r}"


def test_texts_that_are_known_stay_when_catalogues_are_brought_up_to_date() -> None:
    """And new ones come in empty."""
    with (files("concours.server.web.texts") / "zh.po").open("rb") as file:
        catalogue = read_po(file, locale="zh")
    assert updated(catalogue).get("Rules").string == "规则"


@pytest.mark.parametrize(
    ("chosen", "accepted", "code"),
    [
        (None, "", "en"),
        (None, "zh", "zh"),
        (None, "zh-TW,zh;q=0.8", "zh"),
        (None, "fr, en;q=0.2, zh;q=0.1", "en"),
        (None, "de", "en"),
        ("zh", "en", "zh"),
        ("xx", "zh", "zh"),
        (None, "zh;q=nothing, ;;, en;q=0.1", "en"),
        (None, "*" * 5000, "en"),
    ],
)
def test_the_language_is_what_was_chosen_or_what_the_browser_asks_for(chosen, accepted, code) -> None:
    """Rubbish asks for nothing."""
    assert preferred(chosen, accepted) == code


def test_numbers_sizes_moments_and_plurals_are_of_the_language() -> None:
    """As a reader of it writes them."""
    english, chinese = language("en"), language("zh")
    assert english.number(12345.5) == "12,345.5"
    assert english.size(18_400_000) == "18.4 MB"
    assert chinese.size(999).startswith("999")
    assert str(english.moment("2026-11-28T09:30:00+00:00")) == (
        '<time datetime="2026-11-28T09:30:00Z">28 Nov 2026, 09:30 UTC</time>'
    )
    assert "2026年11月28日 09:30" in chinese.moment("2026-11-28T09:30:00.000000+00:00")
    template = '{{ ngettext("%(num)s team", "%(num)s teams", n) }}'
    assert environment("en").from_string(template).render(n=1) == "1 team"
    assert environment("en").from_string(template).render(n=2000) == "2,000 teams"
    assert environment("zh").from_string(template).render(n=2) == "2 支团队"


@pytest.mark.parametrize("name", samples.pages())
def test_every_page_is_said_in_chinese(name: str) -> None:
    """Nothing of it is left in English but what people wrote and what is code."""
    text = samples.drawn(name, Head(language="zh", name="ada", administrator=True, form="f" * 43), lambda what: "某文")
    left = []
    for element in parsed(text).all():
        english = element.tag in CODE or element.attributes.get("lang") == "en"
        if not english and element.tag not in ("option",):
            left += re.findall(r"\b[a-z]{3,}(?: [a-z]{2,}){2,}", element.said)
    assert left == []
