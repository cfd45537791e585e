"""The report page: what it says of a result, and that nothing in a result can break it."""

from __future__ import annotations

import re
from copy import deepcopy
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from concours.core.boards import BAGGED
from concours.report.axis import decimals, fixed
from concours.report.lines import Line, Report
from concours.report.markdown import render_markdown
from concours.report.page import render_report, write_report
from concours.report.picture import Row, interval_plot, rank_plot
from concours.report.summary import certain, summary
from concours.report.units import seconds

VOID = {"meta", "link", "br"}


def line(name: str, role: str = "single", score: float | None = 0.1, **changes: Any) -> dict[str, Any]:
    """A line of `result.json`; without a score, of one that failed."""
    scored = score is not None
    value = {
        "rank": None,
        "rank_best": None,
        "rank_worst": None,
        "name": name,
        "role": role,
        "cv_score": {"score": score, "stderr": 0.01} if scored else None,
        "score": score,
        "ci": [score - 0.02, score + 0.02] if score is not None else None,
        "metrics": {"log_loss": score, "accuracy": 0.91} if scored else {},
        "fit_seconds": 1.5 if scored else None,
        "predict_seconds": 0.004 if scored else None,
        "status": "ok" if scored else "failed",
        "reason": "" if scored else "ValueError: no luck",
    }
    return value | changes


def ranked(name: str, rank: int, best: int, worst: int, **changes: Any) -> dict[str, Any]:
    """A line with its range of ranks."""
    return line(name, **{"rank": rank, "rank_best": best, "rank_worst": worst} | changes)


def result(**changes: Any) -> dict[str, Any]:
    """The content of a `result.json`."""
    value = {
        "schema": 1,
        "task": {
            "name": "wine",
            "kind": "tabular-classification",
            "digest": "sha256:7a5c",
            "rows": 1800,
            "rows_train": 1440,
            "rows_test": 360,
            "classes": ["red", "white"],
            "metrics": ["log_loss", "accuracy"],
        },
        "greater_is_better": False,
        "complete": True,
        "standings": [
            ranked("greedy", 1, 1, 2, role="alliance", score=0.071),
            ranked("svm", 2, 1, 3, score=0.082),
            ranked("forest", 3, 2, 3, score=0.151),
            ranked("dummy", 4, 4, 4, role="baseline", score=2.302),
            line("net", score=None),
        ],
        "alliances": {"greedy": {"strategy": "greedy", "weights": {"forest": 0.25, "svm": 0.75}}},
        "default": "greedy",
        "lineup": [
            {"name": "svm", "recipe": "sklearn.svm:SVC", "params": {"C": 10.0, "kernel": "rbf"}, "prepare": "table"}
        ],
        "seed": 17,
        "final": "refit",
        "warnings": ["3 rows had no target"],
        "versions": {"python": "3.11.7", "concours": "0.1.0"},
        "digest": "sha256:c0ffee",
    }
    return value | changes


def failed(**changes: Any) -> dict[str, Any]:
    """A result in which nothing could be fitted."""
    away = line("net", score=None, status="skipped", reason="pip install 'concours[torch]'")
    lines = [line("svm", score=None), line("forest", score=None), away]
    return result(standings=lines, alliances={}, default=None, complete=False, **changes)


def running() -> dict[str, Any]:
    """A result before the evaluation."""
    value = result(complete=False, alliances={})
    for item in value["standings"]:
        item |= {"score": None, "ci": None, "metrics": {}, "rank_best": None, "rank_worst": None}
    value["standings"][-1] |= {"status": "running", "reason": ""}
    return value


def without_test() -> dict[str, Any]:
    """A result that was evaluated by out-of-fold predictions."""
    value = result()
    value["task"] |= {"rows_train": 1800, "rows_test": 0}
    return value


def text(page: str) -> str:
    """What a reader sees, in one line."""
    body = re.sub(r"<(style|title|desc)\b.*?</\1>", " ", page[page.index("<body>") :], flags=re.S)
    body = re.sub(r"</(td|th|dt|dd|p|h\d|li)>", " ", body)
    return " ".join(re.sub(r"<[^>]+>", "", body).split())


class Outline(HTMLParser):
    """Checks that tags are balanced, and keeps the headings, header cells, captions and identifiers."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.seen if name == tag]


PAGES = {
    "whole": result(),
    "no test part": without_test(),
    "running": running(),
    "all failed": failed(),
    "nobody": result(standings=[], alliances={}, default=None),
    "one": result(standings=[ranked("svm", 1, 1, 1)], alliances={}, default="svm"),
    "greater is better": result(greater_is_better=True),
    "regression": result(
        task=result()["task"] | {"classes": [], "kind": "tabular-regression", "metrics": ["rmse", "r2"]}
    ),
    "single class": result(task=result()["task"] | {"classes": [True]}),
    "no names": result(task=result()["task"] | {"name": ""}, versions={}, lineup=[], warnings=[]),
}


@pytest.mark.parametrize("value", PAGES.values(), ids=PAGES)
def test_every_page_is_whole_and_keeps_to_itself(value: dict[str, Any]) -> None:
    """Whatever became of a contest, its page is well formed, has no script, and names nothing to be fetched."""
    page = render_report(value)
    outline = Outline(page)
    assert outline.open == []
    assert not re.search(r"https?:|//[a-z]|\burl\(|@import|<script|<img|<iframe|\bsrc=|\bon\w+=", page)
    assert [link["href"] for link in outline.all("link")] == ["data:,"]
    assert "default-src 'none'" in page
    assert "None" not in text(page) and "nan" not in text(page).split()


@pytest.mark.parametrize("value", PAGES.values(), ids=PAGES)
def test_every_page_can_be_read_without_seeing_it(value: dict[str, Any]) -> None:
    """Headings go down in order, header cells have a scope, tables a caption, pictures a title; identifiers exist once."""
    outline = Outline(render_report(value))
    levels = [int(tag[1]) for tag, _ in outline.seen if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all("scope" in cell for cell in outline.all("th"))
    assert len(outline.all("caption")) == len(outline.all("table"))
    ids = [attrs["id"] for _, attrs in outline.seen if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {name for _, attrs in outline.seen for name in (attrs.get("aria-labelledby") or "").split()} <= set(ids)
    assert all(box["tabindex"] == "0" for box in outline.all("div") if box.get("class") == "scroll")


def test_summary_says_who_is_best_and_how_sure_that_is() -> None:
    """A manager learns from three sentences the winner, what joining brought, and what it is worth."""
    best, gain, worth = [text(f"<body>{sentence}") for sentence in summary(Report(result()))]
    assert best == (
        "The best of 4 models by cross-validation is greedy, an alliance of 2 models; on 360 rows that nothing was chosen by, "
        "its log loss is 0.071 (95% interval 0.051 to 0.091; lower is better); it cannot be told apart from svm."
    )
    assert gain == (
        "The best alliance, greedy, has 0.071 where the best single entrant, svm, has 0.082; "
        "the difference is within the noise, so it is not shown that joining helps."
    )
    assert (
        worth
        == "The baseline, dummy, which a model must beat to be of use, has 2.302; greedy is certainly better, by 96%."
    )


def test_summary_is_honest_where_the_default_is_not_ahead() -> None:
    """A default that others certainly beat, an alliance that does harm, and a baseline that wins are said so."""
    lines = [ranked("svm", 1, 1, 1), ranked("dummy", 2, 2, 2, role="baseline", score=0.2)]
    lines.append(ranked("greedy", 3, 3, 3, role="alliance", score=0.3))
    lines[2]["cv_score"] = {"score": 0.05, "stderr": 0.01}
    said = text(render_report(result(standings=lines)))
    assert "there 2 others are certainly better" in said
    assert "here joining does harm, by more than chance explains" in said
    assert "greedy does not beat it" in said
    assert "The default, greedy, is not among these" in said
    assert "by cross-validation none does" in text(render_report(result(standings=lines, default="dummy")))


def test_summary_names_a_clear_winner() -> None:
    """Where one model is certainly ahead of all, no rival is named."""
    lines = [ranked("svm", 1, 1, 1), ranked("forest", 2, 2, 2, score=0.3)]
    said = text(render_report(result(standings=lines, default="svm", alliances={})))
    assert "lower is better), certainly ahead of every other." in said
    assert "No alliance was made" in said and "There is no baseline on the board" in said
    assert "Only svm (default)" in said.replace("★", "").replace("  ", " ")


def test_overlapping_ranges_that_decide_nothing_are_said_to_overlap() -> None:
    """Between certainly better and certainly noise there is a third case, which is not passed off as one of the two."""
    lines = [
        ranked("average", 1, 1, 1, role="alliance", cv_score={"score": 0.5, "stderr": 0.1}),
        ranked("greedy", 2, 2, 3, role="alliance", score=0.2),
        ranked("svm", 3, 2, 4, score=0.3),
        ranked("dummy", 4, 3, 4, role="baseline", score=0.4),
    ]
    said = text(render_report(result(standings=lines)))
    assert "their possible ranks, 2–3 and 2–4, overlap, so neither is shown to be better" in said


def ranges(first: tuple[int, int, int], second: tuple[int, int, int]) -> tuple[Line, Line]:
    lines = [ranked(str(index), *numbers) for index, numbers in enumerate((first, second))]
    one, two = Report(result(standings=lines)).lines
    return one, two


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((1, 1, 2), (3, 3, 5), True),
        ((3, 3, 5), (1, 1, 2), True),
        ((1, 1, 3), (2, 1, 4), False),
        ((2, 2, 5), (3, 3, 5), False),
        ((2, 2, 4), (3, 3, 5), None),
    ],
)
def test_certainty_comes_from_ranges_of_ranks(
    first: tuple[int, int, int], second: tuple[int, int, int], expected: bool | None
) -> None:
    """Apart: certainly better. First that nobody beats, or last that beats nobody: not. Otherwise ranges do not tell."""
    assert certain(*ranges(first, second), 5) is expected


def test_board_shows_ranks_ranges_scores_and_reasons() -> None:
    """Every number of the result is on the board, the failed ones come last with their reason, the default is starred."""
    page = render_report(result())
    said = text(page)
    board = said[(start := said.index("Board Ranked")) : said.index("Scores and how", start)]
    assert re.search(
        r"1 1–2 greedy★ \(default\) alliance 0\.0710\.051 to 0\.091 0\.910 0\.0710 ± 0\.0100 1\.5 s 4 ms", board
    )
    assert re.search(r"4 4 dummy baseline 2\.302", board)
    assert board.index("dummy") < board.index("Not ranked") < board.index("net failed ValueError: no luck")
    assert page.count('<tr class="default">') == 1


def test_data_and_receipt_are_complete() -> None:
    """What is needed to do the contest again, and what was odd about its data, is on the page."""
    said = text(render_report(result()))
    for part in (
        "1,800 rows: 1,440 to train and select on, 360 to judge on",
        "2 classes red, white",
        "3 rows had no target",
    ):
        assert part in said
    for part in (
        "sha256:c0ffee",
        "sha256:7a5c",
        "Seed 17",
        "python 3.11.7",
        "sklearn.svm:SVC",
        'C = 10.0, kernel = "rbf"',
    ):
        assert part in said.replace("&#34;", '"')


def test_members_are_sorted_by_weight() -> None:
    """The greatest share of an alliance comes first, with the longest bar."""
    page = render_report(result())
    section = page[page.index('id="alliances"') :]
    assert section.index("75.0%") < section.index("25.0%")
    assert re.findall(r'<rect width="([\d.]+)%"', section) == ["100.0", "33.3"]


def test_names_and_reasons_are_escaped() -> None:
    """Text of users stays text, wherever it stands."""
    evil = "<script>alert('&')</script>"
    value = result(
        standings=[ranked(evil, 1, 1, 2), ranked("b", 2, 1, 2, role="alliance"), line("c", score=None, reason=evil)]
    )
    value |= {
        "default": evil,
        "alliances": {"b": {"strategy": evil, "weights": {evil: 1.0}}},
        "warnings": [evil],
        "final": evil,
    }
    value |= {
        "lineup": [{"name": evil, "recipe": evil, "params": {evil: evil}, "prepare": evil}],
        "versions": {evil: evil},
    }
    value["task"] |= {"name": evil, "classes": [evil], "metrics": [evil, evil + "2"]}
    page = render_report(value)
    assert "<script" not in page and "&lt;script&gt;" in page
    assert Outline(page).open == []


def test_all_failed_is_a_clear_page() -> None:
    """Where nothing was scored, the page says so and why, draws nothing, and does not claim to be running."""
    page = render_report(failed())
    said = text(page)
    assert "No model came out of this contest: of 3 entrants, 2 failed and 1 could not take part." in said
    assert "pip install" in said and "ValueError: no luck" in said
    assert 'class="plot' not in page and "still running" not in said


def test_running_contest_is_said_to_run() -> None:
    """Before the evaluation the page ranks by cross-validation score, and says that it is not the end."""
    said = text(render_report(running()))
    assert "still running" in said and "So far, the best of 4 models by cross-validation is greedy" in said
    assert "0.071 (95% interval 0.051 to 0.091" in said and "net running" in said
    assert "Who may be first" not in said
    assert "No entrant has been scored yet" in text(
        render_report(failed() | {"standings": [line("svm", score=None, status="running", reason="")]})
    )


def test_missing_test_part_is_said_to_leak() -> None:
    """Without rows that judge, the reader is told that the choice was made on the rows that rank."""
    said = text(render_report(without_test()))
    assert "There is no test part" in said and "leaks mildly" in said and "none kept apart to judge on" in said
    assert "leaks" not in text(render_report(result()))


@pytest.mark.parametrize("render", [lambda value: text(render_report(value)), render_markdown])
def test_what_to_expect_of_a_default_that_the_same_rows_chose(render: Any) -> None:
    """The corrected score stands in the summary and below the board, and nothing of it where other rows judge."""
    value = without_test()
    value["standings"][0] |= {"corrected": 0.0784, "ci": [0.05, 0.12]}
    said = render(value)
    assert "expect 0.078 on new ones, as these chose it" in said
    assert "★ was chosen by the rows that judge: expect 0.078 on new ones; its interval allows for that." in said
    assert "expect 0" not in render(result())


def test_a_board_of_bags_says_that_they_are_better() -> None:
    """The cross-validation score is of one fold's model; where one fit on all rows predicts, nothing is said of bags."""
    assert f"{BAGGED}." in text(render_report(result(final="bag")))
    assert f"{BAGGED}." in render_markdown(result(final="bag"))
    assert BAGGED not in text(render_report(result(final="refit")))


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), None])
def test_numbers_that_are_none_leave_the_board_standing(bad: float | None) -> None:
    """A metric, an interval or a score that is not a finite number is a dash, or is out of the ranking; never a crash."""
    value = result()
    value["standings"][0] |= {"metrics": {"log_loss": 0.071, "accuracy": bad}, "fit_seconds": bad}
    value["standings"][1] |= {"ci": [bad, bad], "cv_score": {"score": 0.08, "stderr": bad}}
    value["standings"][2] |= {"score": bad}
    page = render_report(value)
    assert "nan" not in page and "inf%" not in page
    said = text(page)
    assert "–" in said and said.index("Not ranked") < said.index("forest no score")


@pytest.mark.parametrize("evaluated", [True, False])
def test_who_counts_by_the_test_part_alone_waits_for_it(evaluated: bool) -> None:
    """Before the evaluation its line says why it has no score yet; after it, a score that is none is no number."""
    value = result() if evaluated else running()
    value["standings"].append(line("given", score=None, status="test_only", reason="it has seen the training part"))
    said = text(render_report(value))
    assert ("given no score its score is not a finite number" in said) == evaluated
    assert ("given no score it has seen the training part" in said) != evaluated


def test_default_that_is_not_on_the_board_is_no_trouble() -> None:
    """A result whose default lost its score still has a page."""
    value = result(default="net")
    assert "models by cross-validation" not in text(render_report(value))
    assert "The first of 4 models on the board is greedy" in text(render_report(value))


def test_long_and_foreign_names_are_kept_whole_in_tables_and_cut_in_pictures() -> None:
    """A name of 200 letters cannot push a picture apart, and is still there to read."""
    name = "长" * 40 + "x" * 160
    value = result(standings=[ranked(name, 1, 1, 2), ranked("b", 2, 1, 2)], default=name)
    page = render_report(value)
    assert name in page and "长" * 11 + "…" in page
    assert max(int(width) for width in re.findall(r"--label: (\d+)px", page)) <= 24 + 8 * 24


def test_an_outlier_cuts_the_axis() -> None:
    """One far score does not squeeze the others; it is marked by an arrow with its number."""
    rows = [row(name, value) for name, value in (("a", 0.071), ("b", 0.082), ("c", 0.151), ("d", 2.302))]
    plot = interval_plot(rows, greater_is_better=False)
    assert [mark.cut for mark in plot.marks] == ["", "", "", "right"] and plot.cut == "right"
    assert plot.marks[2].at > 80
    page = render_report(result())
    assert 'class="beyond"' in page and "The axis is cut" in page
    mirrored = [row(name, -r.value) for name, r in zip("abcd", rows, strict=True)]
    assert interval_plot(mirrored, greater_is_better=True).cut == "left"


def test_an_even_field_is_not_cut() -> None:
    """The axis is whole where that costs little, and where cutting would hide more than a third of the models."""
    assert not interval_plot([row(str(i), i / 10) for i in range(9)], greater_is_better=False).cut
    assert not interval_plot([row("a", 0.1), row("b", 5.0)], greater_is_better=False).cut
    assert not interval_plot(
        [row(str(i), value) for i, value in enumerate((1, 1, 50, 50))], greater_is_better=False
    ).cut


@pytest.mark.parametrize("value", [0.0, 1.0, -3e-12, 5e8, 1e300])
def test_plots_of_a_single_value_have_an_axis(value: float) -> None:
    """No spread at all, however large or small the number, still makes an axis with ticks inside it."""
    plot = interval_plot([row("a", value, 0.0), row("b", value, 0.0)], greater_is_better=True)
    assert plot.ticks and all(0 <= tick.at <= 100 for tick in plot.ticks)
    assert all(0 < mark.at < 100 for mark in plot.marks)


def test_ticks_of_ranks_are_whole_and_few() -> None:
    """Ranks are counted in whole numbers from 1, and their labels do not run into one another."""
    plot = rank_plot([row(str(i), i, 0.0) for i in range(1, 51)])
    assert [tick.text for tick in plot.ticks][:3] == ["1", "5", "10"] and len(plot.ticks) <= 13


def row(name: str, value: float, half: float = 0.02) -> Row:
    return Row(
        name=name, role="single", starred=False, value=value, low=value - half, high=value + half, text=str(value)
    )


@pytest.mark.parametrize(
    ("value", "places", "expected"),
    [
        (0.0714, 3, "0.071"),
        (-0.0004, 3, "0.000"),
        (-1.5, 1, "−1.5"),
        (54245.2, 0, "54,245"),
        (None, 2, "–"),
        (2.5e9, 0, "2.50e9"),
    ],
)
def test_numbers_are_written_for_people(value: float | None, places: int, expected: str) -> None:
    """A true minus sign, no negative zero, separated thousands, powers of ten where digits do not help."""
    assert fixed(value, places) == expected


def test_decimals_follow_the_uncertainty() -> None:
    """Two digits of the typical uncertainty, whatever the unit; zeros and missing values do not count."""
    assert decimals([0.036, 0.02, 0.04], digits=2) == 3
    assert decimals([6.3], digits=2) == 1
    assert decimals([600.0], digits=2) == 0
    assert decimals([0.0], digits=2) == 2
    assert decimals([1.0, 0.91], digits=3) == 3


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.00042, "0.42 ms"), (0.036, "36 ms"), (0.34, "0.34 s"), (2.41, "2.4 s"), (75.3, "75 s"), (222, "3 min 42 s"), (7500, "2 h 5 min"), (None, "–")],
)  # fmt: skip
def test_durations_are_written_for_people(value: float | None, expected: str) -> None:
    """Every duration is in the unit that suits it."""
    assert seconds(value) == expected


def test_the_file_is_written_whole_and_the_same_each_time(tmp_path: Path) -> None:
    """A report is replaced at once, leaves nothing beside it, depends on the value alone, and does not change it."""
    value = result()
    before = deepcopy(value)
    write_report(value, tmp_path / "report.html")
    first = (tmp_path / "report.html").read_bytes()
    write_report(value, tmp_path / "report.html")
    assert (tmp_path / "report.html").read_bytes() == first and value == before
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_letters_that_have_no_encoding_do_not_stop_the_report(tmp_path: Path) -> None:
    """A lone surrogate, which JSON can hold, is replaced."""
    write_report(result(warnings=["\ud800"]), tmp_path / "report.html")
    assert "?" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_how_an_entrant_came_to_be_and_what_an_alliance_uses_are_said() -> None:
    """The trials of a search, and limits beside what is used of them."""
    found = "the best of 20 trials by cross-validation score: C = 3.2"
    light = {"strategy": "budgeted", "weights": {"svm": 1.0}, "limits": {"size_mb": 20}, "uses": {"size_mb": 3.1}}
    page = render_report(result(standings=[ranked("svm", 1, 1, 1, note=found)], alliances={"budgeted": light}))
    assert found in page
    assert "uses size_mb 3.1 of 20" in page


def test_what_there_was_no_time_for_is_named_with_its_cure() -> None:
    """A report under a budget that is used up does not look whole: it says what is missing and how to make it."""
    insights = {"late": ["which columns matter", "learning curves"], "again": "concours report runs/x"}
    page = text(render_report(result(), insights))
    assert "which columns matter and learning curves are missing here" in page
    assert "concours report runs/x" in page
    assert "missing here" not in text(render_report(result(), {"late": []}))
    assert "concours report runs/x" in render_markdown(result(), insights)


def test_items_are_called_as_the_data_calls_them() -> None:
    """What was held out and what was recommended are codes in the insight; a page has their names, and is no list of all."""
    names = [f"film {code}" for code in range(40)]
    task = result()["task"] | {"classes": names, "kind": "recommendation", "metrics": ["ndcg@10"]}
    mistakes = {"rows": [3], "true": [[1, 30]], "named": [[*range(7)]], "loss": [1.0], "sure": None}
    card = {"rows": 9, "target": {}, "said": "the best 7 of 40 items", "columns": [], "columns_all": 0}
    page = text(render_report(result(task=task), {"diagnose": {"mistakes": mistakes}, "card": card}))
    assert "film 1, film 30" in page
    assert "film 0, film 1, film 2, film 3, film 4 and 2 more" in page
    assert "the best 7 of 40 items" in page
    assert "film 39" not in page
    assert "nDCG@10" in page


@pytest.mark.parametrize(
    ("svm_s", "said"), [(1.0, "svm is both the quickest"), (1.55, "nobody takes much less"), (6.0, "4 times less")]
)
def test_a_cost_that_is_much_the_same_is_no_saving(svm_s: float, said: str) -> None:
    others = [ranked(name, 2, 1, 3, score=0.2, fit_seconds=1.5) for name in ("forest", "net")]
    lines = [ranked("svm", 1, 1, 3, fit_seconds=svm_s), *others]
    page = text(render_report(result(standings=lines, alliances={}, default="svm")))
    assert said in page


def test_few_members_that_are_the_best_are_compared_with_nobody() -> None:
    few = {"members": [0, 2], "score": 0.07, "difference": 0.0, "stderr": 0.0, "best_members": [0, 2]}
    found = {"names": ["svm", "net", "forest"], "best": 0, "mistakes": 0, "rescued": [None] * 3, "smallest": few}
    page = text(render_report(result(), {"complement": {**found, "correlation": [[0.5] * 3] * 3}}))
    assert "svm and forest, is the best that greedy selection finds" in page
    more = {**few, "best_members": [0, 1, 2], "difference": 0.01, "stderr": 0.02}
    page = text(render_report(result(), {"complement": {**found, "correlation": [[0.5] * 3] * 3, "smallest": more}}))
    assert "which is 0.01 ± 0.02 from that one’s" in page
