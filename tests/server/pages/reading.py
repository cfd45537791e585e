"""Pages as browsers read them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


@dataclass
class Element:
    """An element of a page, its attributes, what stands in it."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Element] = field(default_factory=list)
    said: str = ""

    def all(self) -> Iterator[Element]:
        """It and all that are in it, in the order of the page."""
        yield self
        for child in self.children:
            yield from child.all()

    @property
    def text(self) -> str:
        """All that is said in it."""
        return self.said + "".join(child.text for child in self.children)


def parsed(text: str) -> Element:
    """The elements of a page."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return reader.root


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Element("")
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(found)
        if tag not in VOID:
            self.open.append(found)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        for place in range(len(self.open) - 1, 0, -1):
            if self.open[place].tag == tag:
                del self.open[place:]
                return

    def handle_data(self, data: str) -> None:
        self.open[-1].said += data


def fields_of(text: str) -> dict[str, str]:
    """What a browser would send of the largest form of a page."""
    forms = [_fields(form) for form in parsed(text).all() if form.tag == "form"]
    return max(forms, key=len)


def _fields(form: Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for element in form.all():
        name, kind = element.attributes.get("name", ""), element.attributes.get("type", "")
        if element.tag == "input" and name and kind not in ("checkbox", "radio", "file"):
            found[name] = element.attributes.get("value", "")
        elif element.tag == "input" and kind in ("checkbox", "radio") and "checked" in element.attributes:
            found[name] = element.attributes["value"]
        elif element.tag == "textarea":
            found[name] = element.text.removeprefix("\n")
        elif element.tag == "select":
            options = [one.attributes for one in element.children]
            found[name] = next((one for one in options if "selected" in one), options[0])["value"]
    return found
