"""Markdown of people as HTML that cannot do harm."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

LONGEST: Final = 200_000
"""Letters that are shown of a text."""

_TAGS = {
    *("p", "br", "hr", "blockquote", "pre", "code", "em", "strong", "s", "ul", "ol", "li", "a", "img"),
    *("h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"),
}
_ATTRIBUTES = {"a": {"href", "title"}, "img": {"src", "alt", "title"}, "ol": {"start"}, "code": {"class"}}
_SCHEMES = {"http", "https", "mailto"}
_FENCE = re.compile(r"language-[A-Za-z0-9+#-]{1,30}")

_READER = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"])


def marked_up(text: str, *, images: str = "", level: int = 2) -> Markup:
    """Markdown as HTML.

    Raw HTML is shown as it was written. Links are not followed by machines. Pictures are those of the competition
    alone: `data/x.png` or `pages/x.png` becomes an address below `images`; without one, and from elsewhere, a picture
    is its description.

    Args:
        level: of the greatest heading, from 2; deeper ones follow.
    """
    return _marked_up(text[:LONGEST], images, level)


@lru_cache(maxsize=512)
def _marked_up(text: str, images: str, level: int) -> Markup:
    tokens = _READER.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + level - 1)}"
        for inner in token.children or ():
            if inner.type == "image" and not _ours(str(inner.attrGet("src") or ""), images):
                inner.type, inner.content = "text", inner.content
    html = _READER.renderer.render(tokens, _READER.options, {})

    def kept(tag: str, name: str, value: str) -> str | None:
        if tag == "img" and name == "src":
            return images + value
        if tag == "code" and not _FENCE.fullmatch(value):
            return None
        return value

    clean = nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        link_rel="nofollow ugc noopener noreferrer",
        attribute_filter=kept,
    )
    return Markup(_scrolled(clean))


def _ours(source: str, images: str) -> bool:
    """Whether a picture lies in the data of the competition."""
    return bool(images) and re.fullmatch(r"(?:data|pages)/[\w.@ /%-]+", source) is not None and ".." not in source


def _scrolled(html: str) -> str:
    """Wide tables and code scroll by themselves, and can be reached by the keyboard."""
    html = html.replace("<table>", '<div class="scroll" tabindex="0" role="group"><table>')
    return html.replace("</table>", "</table></div>").replace("<pre>", '<pre tabindex="0">')
