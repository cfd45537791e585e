"""What a report is made of: sections, with figures, each with a sentence that says how to read it and a table behind.

A section is a value, so that the same ones are written as HTML and as Markdown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from markupsafe import Markup

from concours.report.axis import Axis
from concours.report.picture import Plot

_LABEL_WIDTH, _LABEL_HEIGHT = 34.0, 6.0
"""Of a label in a plane, in percent."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """The numbers of a picture as texts. The first cell of a row names it.

    Attributes:
        words: numbers of the columns that hold words rather than numbers, besides the first.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Rows:
    """One row a thing, on one axis.

    Attributes:
        kind: `scores` has a dot with an interval; `ranks` a bar of possible ranks.
        better: the side where the better values lie; none where neither is.
    """

    plot: Plot
    axis: str
    kind: Literal["scores", "ranks"] = "scores"
    better: Literal["", "left", "right"] = ""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A line, or marks, in a plane; positions in percent from the left and from the bottom.

    Attributes:
        hue: which of the colours, from 0.
        form: how it is drawn.
        band: the lower and the upper end at each position, or nothing.
    """

    name: str
    points: tuple[tuple[float, float], ...]
    hue: int = 0
    form: Literal["line", "dots", "cloud", "dashes"] = "line"
    band: tuple[tuple[float, float, float], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Label:
    """A text beside a point of a plane."""

    x: float
    y: float
    text: str
    role: str = "any"
    starred: bool = False


def apart(labels: Sequence[Label]) -> tuple[Label, ...]:
    """The labels, moved up and down as far as they would lie on one another, in the order of their heights."""
    placed: list[Label] = []
    for label in sorted(labels, key=lambda label: label.y):
        near = [other.y for other in placed if abs(other.x - label.x) < _LABEL_WIDTH]
        placed.append(replace(label, y=max([label.y, *(y + _LABEL_HEIGHT for y in near)])))
    return tuple(placed)


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A bar of a histogram in percent: from where to where, and how high."""

    low: float
    high: float
    height: float
    text: str


@dataclass(frozen=True, kw_only=True)
class Plane:
    """Two axes, with lines, marks or bars between them.

    Attributes:
        diagonal: whether the line of equal values is drawn.
        square: whether both axes are of one length.
        caption: what tells it from the planes beside it.
    """

    x: Axis
    y: Axis
    curves: tuple[Curve, ...] = ()
    labels: tuple[Label, ...] = ()
    bars: tuple[Bar, ...] = ()
    diagonal: bool = False
    square: bool = False
    caption: str = ""


@dataclass(frozen=True)
class Planes:
    """Planes beside one another."""

    planes: tuple[Plane, ...]


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A table whose cells are shaded: `shades` in [-1, 1], negative ones in the other colour. It is its own table.

    Attributes:
        words: numbers of the columns of `cells` that hold words rather than numbers.
    """

    corner: str
    head: tuple[str, ...]
    names: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    shades: tuple[tuple[float, ...], ...]
    words: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Card:
    """One row of the data, with what was said of it: an input, and texts beside it.

    Attributes:
        picture, sound: addresses of the kind `data:`; `fields` are columns and values; `words` a text with, for each
            word, its weight in [-1, 1].
        cells: weights in [-1, 1] of parts of the picture, rows of them.
        long: whether values stand beneath their names.
    """

    title: str
    said: tuple[tuple[str, str], ...]
    picture: str = ""
    sound: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    words: tuple[tuple[str, float], ...] = ()
    cells: tuple[tuple[float, ...], ...] = ()
    wide: bool = False
    long: bool = False


@dataclass(frozen=True)
class Cards:
    """Rows of the data beside one another."""

    cards: tuple[Card, ...]


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """A text of somebody else: all of it, or its beginning and its end, and how many characters are left out."""

    text: str
    left_out: int = 0
    end: str = ""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What somebody answered.

    Attributes:
        mark: `right`, `wrong`, or something between; empty where nobody judged it.
        said: what was said in full, each with what is to be known of it.
        more: how many others there are of these.
    """

    name: str
    answer: Excerpt
    mark: str = ""
    starred: bool = False
    said: tuple[tuple[str, Excerpt], ...] = ()
    more: int = 0


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question, in its parts, with the right answer and what everybody answered."""

    title: str
    replies: tuple[Reply, ...]
    fields: tuple[tuple[str, Excerpt], ...] = ()
    right: Excerpt | None = None


@dataclass(frozen=True)
class Questions:
    """Questions below one another."""

    questions: tuple[Question, ...]


@dataclass(frozen=True, kw_only=True)
class Share:
    """A member of an alliance: its weight with the length of its bar in percent, and its credit, empty if unknown."""

    name: str
    weight: str
    length: float
    credit: str = ""


@dataclass(frozen=True, kw_only=True)
class Joint:
    """An alliance as a list of members, the greatest weight first."""

    name: str
    starred: bool
    caption: tuple[str, ...]
    shares: tuple[Share, ...]


@dataclass(frozen=True)
class Joints:
    """Alliances beside one another; all bars have one scale."""

    alliances: tuple[Joint, ...]


@dataclass(frozen=True, kw_only=True)
class Linked:
    """Two lists of words below one another, beside one another, with lines between.

    Attributes:
        said: what else is to be known of it.
        links: a line each: the place of its word on the left, and on the right, and its strength in (0, 1].
    """

    title: str
    left: tuple[str, ...]
    right: tuple[str, ...]
    links: tuple[tuple[int, int, float], ...]
    said: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Links:
    """Lists of words beside one another."""

    pairs: tuple[Linked, ...]


@dataclass(frozen=True, kw_only=True)
class Step:
    """A ply in words, and the position after it as lines of letters: `X` and `O` are stones, `·` an empty place."""

    text: str
    board: tuple[str, ...]

    @property
    def drawn(self) -> bool:
        """Whether the lines are a board: as long as one another, and more than one."""
        return len(self.board) > 1 and len({len(line) for line in self.board}) == 1


@dataclass(frozen=True)
class Replay:
    """A game, of which one step at a time is shown; the list of steps is there in any case."""

    steps: tuple[Step, ...]


Drawing = Rows | Planes | Grid | Cards | Questions | Joints | Links | Replay


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A picture with how to read it, and its numbers.

    Attributes:
        keys: what the colours mean: number of the colour and text.
        roles: whether the marks of the roles are explained.
        narrow: whether another one has room beside it.
        table: the numbers; none where the picture is made of words and numbers itself.
    """

    title: str
    read: str
    drawing: Drawing
    table: Table | None = None
    keys: tuple[tuple[int, str], ...] = ()
    roles: bool = False
    narrow: bool = False

    @property
    def form(self) -> str:
        """Which kind of drawing it is, as the template names it."""
        return type(self.drawing).__name__.lower()


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the report: what it says in sentences, and its figures."""

    id: str
    title: str
    text: tuple[str | Markup, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = field(default=())
