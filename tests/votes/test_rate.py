"""Ratings, pairs and audits as people ask for them, from frames."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import concours
from concours.core.errors import ConcoursError, ContestError, DataError


def battles(seed: int = 0, rows: int = 4000, models: int = 6) -> pd.DataFrame:
    """Battles with voters, prompts, categories and a style that sways."""
    rng = np.random.default_rng(seed)
    names = np.array([f"m{code}" for code in range(models)])
    theta = np.linspace(0.8, -0.8, models)
    left = rng.integers(0, models, rows)
    right = (left + rng.integers(1, models, rows)) % models
    style = rng.normal(size=rows)
    won = rng.random(rows) < 1 / (1 + np.exp(theta[right] - theta[left] - 0.5 * style))
    winner = np.where(rng.random(rows) < 0.2, "tie", np.where(won, "model_a", "model_b"))
    return pd.DataFrame(
        {
            "model_a": names[left],
            "model_b": names[right],
            "winner": winner,
            "voter": rng.integers(0, 80, rows),
            "prompt": rng.integers(0, 300, rows),
            "kind": rng.choice(["code", "prose"], rows),
            "style": style,
        }
    )


FRAME = battles()
WAYS = {
    "plain": {},
    "davidson": {"ties": "davidson"},
    "rao-kupper": {"ties": "rao-kupper"},
    "clusters": {"cluster": ["voter", "prompt"]},
    "controls": {"control": ["style"]},
    "clustered controls": {"control": ["style"], "cluster": ["voter"], "by": "kind"},
    "bootstrap": {"bootstrap": 200},
    "cluster bootstrap": {"bootstrap": 200, "cluster": ["voter"], "by": "kind"},
    "online": {"online": "trueskill"},
    "categories": {"by": "kind", "anchor": ("m2", 1500.0)},
}


@pytest.mark.parametrize("options", WAYS.values(), ids=list(WAYS))
def test_schema(options):
    """Every way gives a whole board: finite, in order, intervals that hold their ratings, ranks that hold their ranks."""
    value = concours.rate(FRAME, **options).to_json()
    json.dumps(value, allow_nan=False)
    assert value["schema"] == 1
    boards = [value["ratings"], *value["categories"].values()]
    assert len(boards) == (3 if options.get("by") else 1)
    for lines in boards:
        assert [line["name"] for line in lines] == [f"m{code}" for code in range(6)]
        assert [line["rank"] for line in lines] == list(range(1, 7))
        for line in lines:
            assert {
                "name",
                "rating",
                "stderr",
                "ci",
                "rank",
                "rank_best",
                "rank_worst",
                "tier",
                "battles",
                "note",
            } <= set(line)
            assert line["ci"][0] < line["rating"] < line["ci"][1]
            assert 1 <= line["rank_best"] <= line["rank"] <= line["rank_worst"] <= 6
            assert line["overlap_best"] <= line["rank_best"] or options.get("bootstrap")
            assert line["stderr"] > 1
            assert line["battles"] == line["wins"] + line["losses"] + line["ties"]
        tiers = [line["tier"] for line in lines]
        assert tiers[0] == 1 and {*tiers} == {*range(1, max(tiers) + 1)}
    mean = np.mean([line["rating"] for line in value["ratings"]])
    if "anchor" in options:
        assert value["ratings"][2]["rating"] == pytest.approx(1500.0)
    else:
        assert mean == pytest.approx(1000.0)


def test_a_control_of_which_no_battle_tells_is_told() -> None:
    """Where nobody has beaten whoever beat them, no number is made up for it."""
    frame = pd.DataFrame({"model_a": ["a", "a", "b"], "model_b": ["b", "b", "c"], "winner": "model_a"})
    found = concours.rate(frame.assign(length=[1.0, 2.0, 3.0]), control=["length"])
    assert found.controls == ()
    assert any(line.startswith("control length: no battle tells what it is worth") for line in found.warnings)


def test_controls_are_found():
    """What the style was made to be worth is found, and stands out of the ratings' way."""
    found = concours.rate(FRAME, control=["style"])
    (control,) = found.controls
    assert control["ci"][0] < 0.8 * 0.5 * 400 / np.log(10) < control["ci"][1] + 10
    assert control["points"] > 5 * control["stderr"]


def test_more_of_a_part_is_what_the_whole_gives():
    """Battles that are added to a tally give the board of all."""
    import pyarrow as pa

    from concours.votes.rate import rated
    from concours.votes.reading import Asked, tallied

    tally = tallied(FRAME.iloc[:3000], Asked())
    tally.add(pa.Table.from_pandas(FRAME.iloc[3000:]))
    assert rated(tally).to_json() == concours.rate(FRAME).to_json()


def test_newcomers_are_marked():
    """Who never lost, met nobody, or has few battles, is named and does not move the others."""
    more = [("new", "m0", "model_a")] * 8 + [("few", "m1", "model_a"), ("few", "m1", "model_b")]
    more += [("self", "self", "tie")] * 3 + [("isle", "land", "model_a")] * 6 + [("land", "isle", "model_a")] * 6
    frame = pd.concat([FRAME, pd.DataFrame(more, columns=["model_a", "model_b", "winner"])])
    before = {line.name: line.rating for line in concours.rate(FRAME).ratings}
    found = concours.rate(frame)
    after = {line.name: line for line in found.ratings}
    assert all(after[name].rating == pytest.approx(rating, abs=1e-6) for name, rating in before.items())
    assert "never lost" in after["new"].note
    assert "2 battles only" in after["few"].note
    assert "never met" in after["isle"].note
    assert after["self"].rating is None and "not rated" in after["self"].note
    assert found.ratings[-1].name == "self"
    assert any("3 battles of a model with itself" in warning for warning in found.warnings)
    assert any("2 groups that never met" in warning for warning in found.warnings)
    assert all(after[name].high - after[name].low > 300 for name in ("new", "few", "isle"))


def test_a_category_without_a_board():
    """A category of ties, or of one model with itself, has no board, and a warning."""
    more = [("m0", "m1", "tie", "draws"), ("m0", "m0", "model_a", "alone")]
    frame = pd.concat([FRAME, pd.DataFrame(more, columns=["model_a", "model_b", "winner", "kind"])])
    found = concours.rate(frame, by="kind")
    assert list(found.categories) == ["code", "prose"]
    assert sum("no board" in warning for warning in found.warnings) == 2


@pytest.mark.parametrize("options", [*WAYS.values()], ids=list(WAYS))
def test_battles_without_weight_count_for_nothing(options):
    """Whoever plays only in them is not rated, and all others are as if there were none of these."""
    options = {**options, "anchor": ("m2", 1500.0)}
    of = (FRAME.model_a == "m5") | (FRAME.model_b == "m5")
    lines = {
        line.name: line for line in concours.rate(FRAME.assign(w=np.where(of, 0.0, 1.0)), weight="w", **options).ratings
    }
    assert lines["m5"].rating is None and lines["m5"].battles == 0
    if "control" in options:  # a standard deviation of a control is one of all battles
        return
    for line in concours.rate(FRAME[~of], **options).ratings:
        assert lines[line.name].rating == pytest.approx(line.rating, abs=1e-6)
        assert lines[line.name].battles == line.battles


def test_a_board_without_the_anchor():
    """A category in which the anchor does not play is named."""
    frame = FRAME[~((FRAME.kind == "prose") & ((FRAME.model_a == "m0") | (FRAME.model_b == "m0")))]
    found = concours.rate(frame, by="kind", anchor=("m0", 1500.0))
    assert "m0 does not play in every category: the mean is 1000 in prose" in found.warnings


@pytest.mark.parametrize(
    ("frame", "options", "message"),
    [
        (FRAME, {"anchor": ("m9", 1000)}, "no model is called 'm9'; did you mean"),
        (
            pd.concat([FRAME, pd.DataFrame({"model_a": ["solo"], "model_b": ["solo"], "winner": ["tie"]})]),
            {"anchor": ("solo", 1000)},
            "'solo' met nobody but itself",
        ),
        (FRAME, {"ties": "davidsson"}, "did you mean 'davidson'?"),
        (FRAME, {"online": "glicko"}, "known: elo, trueskill; got 'glicko'"),
        (FRAME, {"bootstrap": 1}, "2 rounds at least"),
        (FRAME, {"control": ["style"], "ties": "davidson"}, "controls go with ties 'half' only"),
        (FRAME, {"control": ["style"], "bootstrap": 100}, "does not go with controls"),
        (FRAME, {"cluster": ["voter", "prompt"], "bootstrap": 100}, "one way of clustering"),
        (FRAME.assign(style=1.0), {"control": ["style"]}, "'style' is the same in all battles"),
        (FRAME.assign(winner="tie"), {}, "there are only ties, 4,000"),
        (FRAME.assign(model_a="m", model_b="m"), {}, "there is one model only, 'm'"),
        (FRAME.assign(model_b=FRAME.model_a), {}, "every battle is of a model with itself"),
        (FRAME.assign(weight=0.0), {"weight": "weight"}, "every battle has weight 0"),
        (FRAME.iloc[:0], {}, "there are no battles"),
    ],
)
def test_what_is_wrong_is_named(frame, options, message):
    """One line a mistake."""
    with pytest.raises(ConcoursError) as raised:
        concours.rate(frame, **options)
    assert message in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.parametrize("aim", ["all", "top:3", "m4"])
def test_pairs(aim):
    """Pairs are of models there are, their propensities are probabilities, and the error is expected to fall."""
    found = concours.pair(FRAME, next=7, aim=aim)
    assert len(found.pairs) == 7
    names = {f"m{code}" for code in range(6)}
    assert all({pair.left, pair.right} <= names and 0 < pair.propensity < 1 for pair in found.pairs)
    assert sum(p for _, _, p in found.propensities) == pytest.approx(1.0)
    assert 0 < found.expected < found.uncertainty
    assert found == concours.pair(FRAME, next=7, aim=aim)
    json.dumps(found.to_json(), allow_nan=False)


@pytest.mark.parametrize("aim", ["top:1", "top:x", "m9", "some"])
def test_pairs_of_nothing(aim):
    """An aim that there is not is refused in one line."""
    with pytest.raises(ContestError) as raised:
        concours.pair(FRAME, aim=aim)
    assert "\n" not in str(raised.value)


def test_propensities_undo_what_pairing_did():
    """Votes drawn by uneven propensities, weighed by their inverse, have the weights of an even draw."""
    rng = np.random.default_rng(3)
    even = battles(3, 20000)
    chance = np.where(even.model_a.eq("m0") | even.model_b.eq("m0"), 0.8, 0.2)
    drawn = even.assign(p=chance)[rng.random(len(even)) < chance]
    found = concours.rate(drawn, propensity="p")
    whole = concours.rate(even)
    apart = {line.name: line.rating for line in whole.ratings}
    assert all(abs(line.rating - apart[line.name]) < 4 * line.stderr for line in found.ratings)


def test_audit():
    """The voter who always takes the left, put in, is named; nobody else is."""
    frame = FRAME.copy()
    frame.loc[frame.voter == 5, "winner"] = "model_a"
    found = concours.audit(frame)
    json.dumps(found.to_json(), allow_nan=False)
    assert [each["voter"] for each in found.voters["one_sided"]] == ["5"]
    assert {each["voter"] for each in found.voters["unlike_the_crowd"]} <= {"5"}
    assert found.first_place["leader"] == "m0" and found.first_place["challenger"] == "m1"
    assert any("lean" in finding for finding in found.findings)
    assert concours.audit(FRAME.drop(columns="voter")).voters is None


def test_audit_of_games():
    """Where the winner is always named first, nothing is said of sides."""
    games = pd.DataFrame({"winner": ["a", "b", "c", "b"] * 5, "loser": ["b", "c", "a", "a"] * 5})
    assert concours.audit(games).position is None


def test_sides_of_whom_nothing_establishes():
    """Where one has always won, nothing is said of sides: least of all that they are worth exactly nothing."""
    frame = pd.DataFrame(
        {"model_a": ["a", "b"] * 10, "model_b": ["b", "a"] * 10, "winner": ["model_a", "model_b"] * 10}
    )
    assert concours.audit(frame).position is None


def test_audit_wants_a_column_that_is_there():
    """A voter's column that is not there is refused."""
    with pytest.raises(DataError, match="no column 'vote'"):
        concours.audit(FRAME, voter="vote")
