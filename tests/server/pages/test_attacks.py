"""What people write is text on every page, whatever it holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.server.web.markdown import marked_up
from concours.server.web.pages.rendering import Head

from . import samples
from .reading import Element, parsed

HEAD = Head(name="ada", administrator=True, form="f" * 43)
MARK = "zzz"
OPENINGS = (
    "",
    "x",
    '"',
    "'",
    "`",
    "-->",
    "]]>",
    "</title>",
    "</textarea>",
    "</script>",
    "</style>",
    "</pre>",
    "\n",
    " ",
)
DEEDS = (
    f"<script>{MARK}()</script>",
    f"<img src=x onerror={MARK}()>",
    f"<svg/onload={MARK}()>",
    f'<a href="javascript:{MARK}()">x</a>',
    f"<iframe srcdoc='<script>{MARK}()</script>'></iframe>",
    f"<style>@import '//{MARK}.example'</style>",
    f"<form action=//{MARK}.example><input name=form></form>",
    f'<base href="//{MARK}.example">',
    f"<meta http-equiv=refresh content='0;url=//{MARK}.example'>",
    f"onmouseover={MARK}() x=",
    f"autofocus onfocus={MARK}()",
    f"{{{{ {MARK} }}}}",
    "{% raw %}",
    f"<math><mtext><table><mglyph><style><img src=x onerror={MARK}()>",
    f"[x](javascript:{MARK}())",
    f"![x](//{MARK}.example/y.png)",
    f"[x](data:text/html,<script>{MARK}()</script>)",
    f"<https://{MARK}.example>",
    f'```{MARK}" onclick="{MARK}()\n```',
)
PAYLOADS = [opening + deed for deed in DEEDS for opening in OPENINGS]
SAFE = re.compile(r"(?:https?:|mailto:|/|#|\?|\.)", re.ASCII)


def harm(page: str) -> Iterator[str]:
    """What of a page would do something that nobody wrote a template for."""
    for element in parsed(page).all():
        yield from _harm(element)


def _harm(element: Element) -> Iterator[str]:
    for name, value in element.attributes.items():
        if name.startswith("on") or name in ("srcdoc", "style", "formaction", "http-equiv"):
            yield f"{element.tag} {name}"
        if name in ("href", "src", "action", "data") and not SAFE.match(value):
            yield f"{element.tag} {name}={value[:60]}"
        if name in ("src", "action") and (MARK in value or value.startswith("//")):
            yield f"{element.tag} {name}={value[:60]}"
    if element.tag in ("iframe", "object", "embed", "style", "frame", "meta", "base") and MARK in str(element):
        yield element.tag
    if element.tag == "script" and (
        element.said.strip() or not element.attributes.get("src", "").startswith("/static/")
    ):
        yield "script"


def pages_of(text: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    for name in samples.pages(text):
        yield name, samples.drawn(name, HEAD, text)


def counted(page: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for element in parsed(page).all():
        if element.tag not in (
            "p",
            "em",
            "strong",
            "ul",
            "ol",
            "li",
            "a",
            "code",
            "pre",
            "div",
            "h3",
            "h4",
            "blockquote",
        ):
            found[element.tag] = found.get(element.tag, 0) + 1
    return found


@pytest.mark.parametrize("payload", PAYLOADS[:: len(OPENINGS)] + PAYLOADS[1 :: len(OPENINGS) + 1])
def test_texts_of_people_make_no_elements_and_no_attributes(payload: str) -> None:
    """In every field of every page: the page has the elements that it has with harmless texts, and none that acts."""
    for name, page in pages_of(lambda what: payload):
        assert list(harm(page)) == [], name


def test_pages_have_the_same_elements_whatever_is_written_in_them() -> None:
    """But for those that Markdown makes."""
    harmless = {name: counted(page) for name, page in pages_of(lambda what: "a text")}
    for payload in ('"><b>x</b>', "</textarea><h1>x</h1>", "</title><section>x", "'><input name=sure>"):
        for name, page in pages_of(lambda what, payload=payload: payload):
            assert counted(page) == harmless[name], (name, payload)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                *OPENINGS,
                *DEEDS,
                "[",
                "](",
                ")",
                "!",
                "<",
                ">",
                "&lt;",
                "&#106;",
                "\\",
                "*",
                "|",
                "---\n",
                "javascript:",
                "\t",
            ]
        ),
        max_size=8,
    ).map("".join)
)
def test_markdown_never_acts(text: str) -> None:
    """Whatever pieces it is made of: no script, no address but of the web, no picture of elsewhere."""
    html = str(marked_up(text, images="/c/x/files/"))
    assert list(harm(html)) == [], html
    for element in parsed(html).all():
        if element.tag == "img":
            assert element.attributes["src"].startswith("/c/x/files/")
        if element.tag == "a" and "href" in element.attributes:
            assert "nofollow" in element.attributes["rel"]


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("# A\n\n## B", "<h2>A</h2>\n<h3>B</h3>\n"),
        ("a < b & *c*", "<p>a &lt; b &amp; <em>c</em></p>\n"),
        ("![p](data/a b.png)", "<p>![p](data/a b.png)</p>\n"),
        ("![p](data/a.png)", '<p><img src="/f/data/a.png" alt="p"></p>\n'),
        ("![p](data/../truth/a.png)", "<p>p</p>\n"),
        ("![p](https://e.example/a.png)", "<p>p</p>\n"),
        ("<b>x</b>", "<p>&lt;b&gt;x&lt;/b&gt;</p>\n"),
        ("~~x~~", "<p><s>x</s></p>\n"),
    ],
)
def test_markdown_is_what_its_writer_expects(text: str, html: str) -> None:
    """Headings begin below the page's own; pictures are those of the competition."""
    assert marked_up(text, images="/f/") == html
