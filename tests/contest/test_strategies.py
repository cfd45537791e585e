"""Strategies in contest files: plain names, and alliances of alliances."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from concours import Contest
from concours.contest.config import read_contest
from concours.contest.strategies import Strategy, read_strategies, rounds
from concours.core.errors import ContentRefused, ContestError
from concours.core.joins import JOINS
from concours.core.typed import typed
from concours.tasks.series.finding import sample

BOTH = {"name": "both", "how": "greedy", "of": ["stack", "average"]}
CONTEST = """
[task]
kind = "tabular-classification"
data = "sklearn:iris"
[compete]
lineup = "none"
[[entrant]]
recipe = "logistic"
[[entrant]]
recipe = "knn"
[cooperate]
strategies = {}
"""


def test_names_and_tables_are_read() -> None:
    """A name is a way to join, of all single entrants; a table says whom it joins, in any order of the list."""
    found = read_strategies([BOTH, "average", "stack", "average"], ["knn"])
    assert [strategy.name for strategy in found] == ["both", "average", "stack"]
    assert found[0] == Strategy(name="both", how="greedy", of=("stack", "average"))
    assert [[strategy.name for strategy in ready] for ready in rounds(found)] == [["average", "stack"], ["both"]]
    assert [typed(Strategy, strategy.to_json()) for strategy in found] == list(found)


@pytest.mark.parametrize("how", [how for how, join in JOINS.items() if join.of != "weights" and not join.declared])
def test_every_way_to_join_may_join_alliances(how: str) -> None:
    """Also one of entrants and an alliance of an alliance; but alliances have no weights that could be merged."""
    inner, outer = {**BOTH, "how": how}, {"name": "top", "how": how, "of": ["both", "knn"]}
    found = read_strategies([outer, "stack", inner, "average"], ["knn"])
    assert [[strategy.name for strategy in ready] for ready in rounds(found)] == [
        ["stack", "average"],
        ["both"],
        ["top"],
    ]


@pytest.mark.parametrize("how", [how for how, join in JOINS.items() if join.alike and not join.declared])
def test_what_merges_weights_may_be_joined_and_joins_no_alliance(how: str) -> None:
    """It is made before those that join it, and refused where it names an alliance."""
    soup, top = {"name": "soup of some", "how": how, "of": ["knn", "svm"]}, {**BOTH, "of": ["soup of some", "stack"]}
    found = read_strategies([top, "stack", soup], ["knn", "svm"])
    assert [[strategy.name for strategy in ready] for ready in rounds(found)] == [["stack", "soup of some"], ["both"]]
    with pytest.raises(ContestError, match="'both' merges weights of single entrants, and 'stack' is an alliance"):
        read_strategies([{**BOTH, "how": how, "of": ["stack", "knn"]}, "stack"], ["knn"])


@pytest.mark.parametrize("how", [how for how, join in JOINS.items() if join.of == "weights" and not join.alike])
def test_what_changes_one_network_may_be_joined_and_changes_no_alliance(how: str) -> None:
    """It is made before those that join it, of one entrant alone."""
    less, top = {"name": "less", "how": how, "of": ["knn"]}, {**BOTH, "of": ["less", "stack"]}
    found = read_strategies([top, "stack", less], ["knn", "svm"])
    assert [[strategy.name for strategy in ready] for ready in rounds(found)] == [["stack", "less"], ["both"]]
    with pytest.raises(ContestError, match="'less' changes weights of single entrants, and 'stack' is an alliance"):
        read_strategies([{**less, "of": ["stack"]}, "stack"], ["knn"])
    with pytest.raises(ContestError, match="of must be the name of one entrant"):
        read_strategies([{**less, "of": ["knn", "svm"]}], ["knn", "svm"])


WRONG: dict[str, tuple[list[Any], str]] = {
    "a name that is no way": (["gredy"], "'gredy' is not known; did you mean 'greedy'"),
    "an unknown way": ([{**BOTH, "how": "gredy"}], r"1 \(both\).how: 'gredy' is not known; did you mean 'greedy'"),
    "itself": ([{**BOTH, "of": ["both", "knn"]}], "'both' joins itself; name others"),
    "a name that is none": (["stack", {**BOTH, "of": ["stack", "kn"]}], "'both' joins 'kn', which is neither a strategy nor .*'knn'"),
    "a way that is not taken": ([BOTH, "stack"], "'both' joins 'average', which is not among the strategies; add"),
    "a circle": ([{**BOTH, "of": ["top", "knn"]}, {"name": "top", "how": "stack", "of": ["both", "knn"]}],
                 "both, top join one another in a circle"),
    "a circle, and who joins it": ([{**BOTH, "of": ["top", "knn"]}, {"name": "top", "how": "stack", "of": ["both", "knn"]},
                                    {"name": "over", "how": "stack", "of": ["top", "knn"]},
                                    {"name": "above", "how": "stack", "of": ["over", "tree"]}],
                                   "strategies: both, top join one another in a circle"),
    "one alone": ([{**BOTH, "of": ["knn"]}], r"of must be 2 or more different names, got \['knn'\]"),
    "one twice": ([{**BOTH, "of": ["knn", "knn"]}], "a list of different names"),
    "no list": ([{**BOTH, "of": "knn"}], "a list of different names, got 'knn'"),
    "no how": ([{"name": "both", "of": ["knn", "tree"]}], "how is missing; a table has name, how and of"),
    "an unknown key": ([{**BOTH, "off": ["knn"]}], r"1 \(both\).off: unknown key; did you mean 'of'"),
    "a way's name": ([{**BOTH, "name": "vote"}], "'vote' is the name of a way to join; choose another"),
    "an entrant's name": (["stack", "average", {**BOTH, "name": "knn"}], "'knn' is the name of an entrant"),
    "two of a name": (["stack", "average", BOTH, {**BOTH, "how": "stack"}], "'both' is the name of two strategies"),
    "a name of two lines": ([{**BOTH, "name": "a\nb"}], "a name must be of letters, on one line"),
    "a number": ([3], "3 is neither a name nor a table"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_in_a_line(name: str) -> None:
    """Which strategy, and what to write instead."""
    written, message = WRONG[name]
    with pytest.raises(ContestError, match=message) as caught:
        read_strategies(written, ["knn", "tree"])
    assert "\n" not in str(caught.value)


def test_a_baseline_is_neither_joined_nor_a_name(tmp_path: Path) -> None:
    """Two lines of one name on the board would be taken for one another; it is said before anything is fitted."""
    file = tmp_path / "contest.toml"
    for table, message in {
        '{ name = "dummy", how = "greedy", of = ["stack", "knn"] }': "'dummy' is the name of an entrant; choose another",
        '{ name = "both", how = "greedy", of = ["stack", "dummy"] }': "'both' joins 'dummy', a baseline, which no",
    }.items():
        file.write_text(CONTEST.format(f'["stack", {table}]'))
        with pytest.raises(ContestError, match=message):
            Contest.from_file(file).with_options(out=tmp_path / "run").run()
        assert not (tmp_path / "run" / "setup.json").exists()


def test_in_a_file(tmp_path: Path) -> None:
    """What is wrong whatever the line-up is is said where the file is read, the rest before any data is."""
    file = tmp_path / "contest.toml"
    file.write_text(CONTEST.format('["stack", { name = "both", how = "greedy", of = ["stack", "knn"] }]'))
    assert read_contest(file)["cooperate"] == ["stack", {"name": "both", "how": "greedy", "of": ["stack", "knn"]}]
    for wrong, message in {
        '[{ name = "both", how = "best", of = ["stack", "knn"] }]': "'best' is not known",
        '[{ name = "both", how = "greedy", of = ["both", "knn"] }]': "'both' joins itself",
        "[1]": "cooperate.strategies must be a list of texts, and of tables with name, how and of",
    }.items():
        file.write_text(CONTEST.format(wrong))
        with pytest.raises(ContestError, match=message):
            read_contest(file)
    file.write_text(CONTEST.format('["stack", { name = "both", how = "greedy", of = ["stack", "kn"] }]'))
    with pytest.raises(ContestError, match="neither a strategy nor an entrant; did you mean 'knn'"):
        Contest.from_file(file).with_options(out=tmp_path / "run").run()
    assert not (tmp_path / "run" / "setup.json").exists()


def test_what_suits_the_target_counts_for_tables_too(tmp_path: Path) -> None:
    """A vote of numbers is refused, also where it joins alliances."""
    file = tmp_path / "contest.toml"
    text = CONTEST.format('["stack", { name = "both", how = "vote", of = ["stack", "knn"] }]')
    file.write_text(
        text.replace("classification", "regression").replace("iris", "diabetes").replace("logistic", "ridge")
    )
    with pytest.raises(ContestError, match="'vote' does not suit a regression"):
        Contest.from_file(file).with_options(out=tmp_path / "run").run()


def test_no_alliance_has_the_name_of_what_a_population_brings(tmp_path: Path) -> None:
    """The network whose schedule emerged stands on the board under a name of its own."""
    file = tmp_path / "contest.toml"
    text = CONTEST.format('["stack", { name = "population", how = "greedy", of = ["stack", "plain"] }]')
    text = text.replace('"tabular-classification"', '"image-classification"').replace("iris", "digits")
    text = text.replace('recipe = "logistic"', 'name = "plain"\nrecipe = "dnn-scheduled"')
    file.write_text(text.replace('lineup = "none"', 'lineup = "none"\nformat = "population"'))
    with pytest.raises(ContestError, match="an entrant or a strategy is called 'population' already"):
        Contest.from_file(file).with_options(out=tmp_path / "run").run()


@pytest.mark.parametrize("costs", [{"knn": 1.0, "svm": 2.0}, {"knn": 1.0}, {"knn": 1.0, "tree": 0.0}])
def test_costs_that_were_kept_are_of_those_that_are_joined(costs: dict[str, float]) -> None:
    """A strategy of a run folder is checked as one of a contest file is."""
    kept = {"name": "thrift", "how": "cascade", "of": ["knn", "tree"]}
    assert typed(Strategy, {**kept, "costs": {"knn": 1.0, "tree": 2.0}}).costs["tree"] == 2.0
    with pytest.raises(ContentRefused, match="^costs: expected a table of a number above 0 for each name of `of`$"):
        typed(Strategy, {**kept, "costs": costs})


def test_a_population_is_of_classes_or_numbers(tmp_path: Path) -> None:
    """A forecast is neither, which is told of the format that was asked for."""
    contest = Contest(
        task=sample(tmp_path, 0), lineup="none", format="population", engine="inline", cooperate=(), out=tmp_path / "r"
    )
    with pytest.raises(ContestError, match="^compete.format: 'population' does not suit: its networks say classes or "):
        contest.run()
