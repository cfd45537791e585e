"""The page of ratings from battles: one HTML file that needs nothing else, from what `concours rate --json` writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from concours.core.written import counted
from concours.report.axis import fixed
from concours.report.figures import Figure, Grid, Rows, Section, Table
from concours.report.page import environment
from concours.report.picture import Row, interval_plot, rank_plot

Line = Mapping[str, Any]

_DRAWN = 60
"""So many rows a picture has at most."""
_FAINT = 5
"""A share of so few battles is drawn at half its strength."""
_POOR = 0.01
"""Where the fit is less probable than this, the page says that it does not describe the battles."""


@dataclass(frozen=True)
class Page:
    """What `concours rate --json` writes, as the page speaks of it."""

    value: Mapping[str, Any]
    title: str

    @property
    def battles(self) -> int:
        """How many were read."""
        return int(self.value["battles"])

    @property
    def lines(self) -> list[Line]:
        """The rated ones, best first."""
        return [line for line in self.value["ratings"] if line["rating"] is not None]

    @property
    def unrated(self) -> list[Line]:
        """The others."""
        return [line for line in self.value["ratings"] if line["rating"] is None]

    @property
    def noted(self) -> bool:
        """Whether a model was rated with a prior."""
        return any(line["note"] for line in self.lines)

    @property
    def warnings(self) -> list[str]:
        """What to know first."""
        return [text[:1].upper() + text[1:] for text in self.value["warnings"]]

    @property
    def intervals(self) -> str:
        """How they were made."""
        return str(self.value["intervals"])

    @property
    def categories(self) -> list[tuple[str, list[Line]]]:
        """Their boards by name, those with the most battles first."""
        boards = [
            (name, [line for line in lines if line["rating"] is not None])
            for name, lines in self.value["categories"].items()
        ]
        return sorted(boards, key=lambda board: -sum(line["battles"] for line in board[1]))

    def leads(self, lines: list[Line]) -> str:
        """Who may be first on a board, and by how many battles."""
        first = [line["name"] for line in lines if line["rank_best"] == 1]
        return f"{_listed(first, 4)} may be first; {counted(sum(line['battles'] for line in lines) // 2, 'battle')}"

    @property
    def online(self) -> dict[str, str]:
        """What an online pass ended with, by name."""
        return {
            line["name"]: fixed(line["rating"], 0 if "sigma" not in line else 1)
            for line in self.value["online"].get("ratings", ())
        }

    @property
    def online_name(self) -> str:
        """Of the online pass."""
        return {"elo": "Elo", "trueskill": "TrueSkill"}.get(self.value["online"].get("method", ""), "")

    @property
    def lead(self) -> list[str]:
        """What came of it, in sentences."""
        first = [line["name"] for line in self.lines if line["rank_best"] == 1]
        head = self.lines[0]["name"]
        if len(first) == 1:
            said = f"{head} is first: it certainly stands before each of the other {len(self.lines) - 1} models."
        else:
            others = [name for name in first if name != head]
            some = others if len(others) < 5 else [*others[:3], f"{len(others) - 3} more"]
            listed = some[0] if len(some) == 1 else f"{', '.join(some[:-1])} and {some[-1]}"
            prior = ", by a prior," if self.lines[0]["note"] else ""
            said = f"{head} has{prior} the highest rating, but these battles do not tell it from {listed}."
        tiers = max(line["tier"] for line in self.lines)
        many = counted(len(self.lines), "model")
        return [said, f"{many} in {counted(tiers, 'tier')}, by {counted(self.battles, 'battle')}."]

    def number(self, value: float) -> str:
        """A rating; with a decimal where intervals are narrow."""
        half = sorted(line["ci"][1] - line["ci"][0] for line in self.lines)[len(self.lines) // 2]
        return fixed(value, 1 if half < 10 else 0)

    def span(self, best: int, worst: int) -> str:
        """Ranks from the best to the worst."""
        return str(best) if best == worst else f"{best}–{worst}"


def write_ratings(value: Mapping[str, Any], path: Path, *, title: str) -> None:
    """Writes the page for the value of `concours rate --json`, whole or not at all."""
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.write_bytes(render_ratings(value, title=title).encode("utf-8", "replace"))
    unfinished.replace(path)


def render_ratings(value: Mapping[str, Any], *, title: str) -> str:
    """The page: one HTML document without scripts that requests nothing."""
    page = Page(value, title)
    sections = [part for part in (_ratings(page), _ranks(page), _matrix(page), _fit(page), _controls(page)) if part]
    return environment().get_template("ratings.html.j2").render(r=page, sections=sections)


def _ratings(page: Page) -> Section:
    firm = [line for line in page.lines if not line["note"]]
    prior = [line for line in page.lines if line["note"]]
    figures = [_intervals(page, firm, "Rating of each model with its interval")] if firm else []
    if prior:
        figures.append(_intervals(page, prior, "Models that are rated with a prior"))
    return Section(id="ratings", title="Ratings and how sure they are", figures=tuple(figures))


def _intervals(page: Page, lines: list[Line], title: str) -> Figure:
    shown = lines[:_DRAWN]
    rows = [
        Row(
            name=line["name"],
            role="baseline" if line["note"] else "single",
            starred=False,
            value=line["rating"],
            low=line["ci"][0],
            high=line["ci"][1],
            text=page.number(line["rating"]),
        )
        for line in shown
    ]
    return Figure(
        title=title,
        read=(
            "How to read it: a row is a model, its mark the rating, its bar an interval of 95%; further right is "
            f"better.{_some(lines)}"
        ),
        drawing=Rows(plot=interval_plot(rows, greater_is_better=True), axis="rating", better="right"),
        table=Table(
            caption="Rating of each model, its standard error, and the ends of its interval of 95%",
            head=("Model", "rating", "error", "from", "to"),
            rows=tuple(
                (line["name"], *(page.number(value) for value in (line["rating"], line["stderr"], *line["ci"])))
                for line in shown
            ),
        ),
    )


def _ranks(page: Page) -> Section | None:
    shown = page.lines[:_DRAWN]
    if len(shown) < 2:
        return None
    rows = [
        Row(
            name=line["name"],
            role="baseline" if line["note"] else "single",
            starred=False,
            value=line["rank"],
            low=line["rank_best"],
            high=line["rank_worst"],
            text=page.span(line["rank_best"], line["rank_worst"]),
            strong=line["rank_best"] == 1,
        )
        for line in shown
    ]
    tiers: dict[int, list[str]] = {}
    for line in page.lines:
        tiers.setdefault(line["tier"], []).append(line["name"])
    return Section(
        id="ranks",
        title="Possible ranks, and tiers",
        text=("Nobody in a tier can be told apart from the one that heads it, all pairs of models tested together.",),
        figures=(
            Figure(
                title="Possible ranks of each model",
                read=(
                    "How to read it: each bar spans the ranks that a model may have, as far as these battles can tell, "
                    "and its mark is the rank it has. Bars that begin at 1 are of models that may be the best."
                    + _some(page.lines)
                ),
                drawing=Rows(plot=rank_plot(rows), axis="rank", kind="ranks", better="left"),
                table=Table(
                    caption="Rank of each model, and the ranks that the battles cannot rule out",
                    head=("Model", "rank", "best", "worst", "best by overlap", "worst by overlap", "tier"),
                    rows=tuple((line["name"], *(str(line[key]) for key in _RANKS)) for line in shown),
                ),
            ),
        ),
        tables=(
            Table(
                caption="Tiers",
                head=("Tier", "models", "who"),
                rows=tuple((str(tier), str(len(names)), _listed(names)) for tier, names in tiers.items()),
                words=(2,),
            ),
        )
        if len(tiers) > 1
        else (),
    )


_RANKS = ("rank", "rank_best", "rank_worst", "overlap_best", "overlap_worst", "tier")


def _matrix(page: Page) -> Section | None:
    found = page.value["matrix"]
    names = found["names"]
    if len(names) < 2:
        return None
    cells = tuple(tuple("" if seen is None else f"{100 * seen:.0f}" for seen in row) for row in found["seen"])
    shades = tuple(
        tuple(0.0 if seen is None else (2 * seen - 1) * many / (many + _FAINT) for seen, many in zip(*row, strict=True))
        for row in zip(found["seen"], found["battles"], strict=True)
    )
    first = f" Only the first {len(names)} models are shown." if len(names) < len(page.lines) else ""
    return Section(
        id="matrix",
        title="Who beats whom",
        figures=(
            Figure(
                title="Win shares",
                read=(
                    "How to read it: a cell has the share, in percent, that the model of the row got of its battles "
                    "with the model of the column, a tie being half; pairs that never met are left empty, those with "
                    f"few battles are paler.{first}"
                ),
                drawing=Grid(
                    corner="row against column", head=tuple(names), names=tuple(names), cells=cells, shades=shades
                ),
            ),
        ),
    )  # fmt: skip


def _fit(page: Page) -> Section | None:
    fit = page.value["fit"]
    if not fit or not fit["freedom"]:
        return None
    test = f"χ² = {fit['chi2']:.0f} on {counted(fit['freedom'], 'degree')} of freedom, p {chance(fit['p'])}"
    verdict = (
        f"The ratings do not describe all battles ({test}): for some pairs, look at the matrix rather than at the "
        "difference of two ratings."
        if fit["p"] < _POOR
        else f"Nothing speaks against describing each model by one number ({test})."
    )
    triples = fit["intransitive"]
    circles = (
        f"{counted(fit['intransitive_count'], 'triple')} of models certainly go in a circle: "
        + "; ".join(" beats ".join([*each["models"], each["models"][0]]) for each in triples[:5])
        + ("; …" if len(triples) > 5 else ".")
        if triples
        else "No three models certainly go in a circle."
    )
    return Section(
        id="fit",
        title="Does one number a model say it all?",
        text=(verdict, circles),
        tables=(
            Table(
                caption="The pairs that differ most from what the ratings expect; shares are of the first",
                head=("Model", "against", "battles", "seen", "expected", "in standard errors"),
                rows=tuple(
                    (
                        pair["left"],
                        pair["right"],
                        f"{pair['battles']:,}",
                        f"{100 * pair['seen']:.1f}%",
                        f"{100 * pair['expected']:.1f}%",
                        fixed(pair["z"], 1),
                    )
                    for pair in fit["worst"]
                ),
                words=(1,),
            ),
        ),
    )


def chance(p: float) -> str:
    """A probability, after the letter that names it."""
    return f"= {p:.2g}" if p >= 1e-4 else "< 0.0001"


def _controls(page: Page) -> Section | None:
    controls = page.value["controls"]
    if not controls:
        return None
    return Section(
        id="controls",
        title="What else sways a vote",
        text=("Ratings are what remains of a model’s lead beside these.",),
        tables=(
            Table(
                caption="What one standard deviation more on the left side is worth, in points of the rating",
                head=("Control", "points", "from", "to", "a standard deviation"),
                rows=tuple(
                    (
                        control["name"],
                        *(fixed(value, 1) for value in (control["points"], *control["ci"])),
                        f"{control['unit']:.3g}",
                    )
                    for control in controls
                ),
            ),
        ),
    )


def _some(lines: list[Line]) -> str:
    return f" Only the first {_DRAWN} are drawn." if len(lines) > _DRAWN else ""


def _listed(names: list[str], most: int = 12) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
