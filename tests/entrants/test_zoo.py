"""The zoo: every entry for every kind keeps the laws of entrants, and line-ups name what there is."""

from __future__ import annotations

from typing import Any

import pytest

from concours.core.entrant import Entrant
from concours.core.optional import installed
from concours.entrants.preparation import PREPARATIONS
from concours.entrants.zoo import ZOO, Size, specs
from concours.tasks.kinds import KINDS
from concours.testing import check_entrant

FORMS = {form.name: (kind.name, form) for kind in KINDS.values() for form in (kind.form, kind.widest)}
SPECS = [(name, form) for name, forms in ZOO.items() for form in forms]
BEGUN = ("pretrained", "trainer", "embedded")
"""Those that are nothing without a model to begin from: `test_pretrained.py` and `test_embedded.py` have their laws."""
PLAYED = {form for form, (kind, _) in FORMS.items() if "meet" in KINDS[kind].output.can}
"""Forms of those that play games, and are no estimators: `tests/engine/test_agents.py` has their laws."""
LAWFUL = [(name, form) for name, form in SPECS if name not in BEGUN and form not in PLAYED]
QUICK: dict[str, dict[str, Any]] = {
    "concours.entrants.neural:": {"epochs": 2},
    "concours.entrants.text_networks:": {"epochs": 2},
    "concours.entrants.centres:": {"epochs": 2},
    "concours.entrants.tabular:": {"epochs": 2},
    "concours.entrants.translators:": {"epochs": 2, "pieces": 40, "width": 32},
    "concours.entrants.recognisers:": {"epochs": 2, "width": 16},
    "concours.entrants.language_models:": {"epochs": 1, "width": 32, "buckets": 256},
    "concours.entrants.clip_networks:": {"epochs": 2},
    "concours.entrants.recommending_networks:": {"epochs": 2},
    "concours.entrants.drawing:": {"epochs": 2},
    "concours.entrants.unet:": {"epochs": 2, "width": 4},
    "concours.entrants.filtered:PixelForest": {"trees": 10},
    "concours.entrants.filtered:PixelBoosting": {"rounds": 10},
    "concours.entrants.boosters:": {"rounds": 10},
    "concours.entrants.blobs:": {"rounds": 10},
    "concours.entrants.extractive:Boosted": {"rounds": 10},
    "concours.entrants.forecasting:Boosted": {"max_iter": 10},
    "concours.entrants.forecast_networks:": {"epochs": 2},
    "concours.entrants.forecast_deep:": {"epochs": 2, "width": 16},
    "concours.entrants.sequence_networks:SequenceLSTM": {"epochs": 2},
    "concours.entrants.sequence_networks:": {"epochs": 2, "width": 16},
    "concours.entrants.several_networks:": {"epochs": 2},
    "concours.entrants.anomaly_networks:": {"epochs": 2},
    "concours.entrants.anomaly_labelled:LabelledBoosting": {"max_iter": 10},
    "concours.entrants.anomaly_series:PastForest": {"n_estimators": 10},
    "concours.entrants.anomaly_detectors:Isolation": {"n_estimators": 10},
    "sklearn.ensemble:Hist": {"max_iter": 10},
    "sklearn.ensemble:Random": {"n_estimators": 10},
    "sklearn.ensemble:Extra": {"n_estimators": 10},
}


def quick(recipe: str) -> dict[str, Any]:
    """Parameters with which a recipe fits in a moment."""
    return next((params for beginning, params in QUICK.items() if recipe.startswith(beginning)), {})


@pytest.mark.parametrize(("name", "form"), LAWFUL, ids=["-".join(pair) for pair in LAWFUL])
def test_every_entry_keeps_the_laws(name: str, form: str) -> None:
    """It resolves, is built, fits what its preparation makes of a few rows, repeats, and its models are kept as such."""
    breed = ZOO[name][form]
    if breed.package and not installed(breed.package):
        pytest.skip(f"{breed.package} is not installed")
    entrant = Entrant(name=name, recipe=name, params=quick(breed.recipe))
    kind, _ = FORMS[form]
    assert check_entrant(entrant, kind=kind, sentences=form.startswith("mixed:")) != "refit"


def test_lineups_name_what_there_is() -> None:
    """Each entrant of a line-up is an entry for its kind, once; the baseline is one for every kind."""
    for name, (_, form) in FORMS.items():
        assert form.lineups.keys() == {"fast", "full"}
        assert name in specs(form.baseline)
        for names in form.lineups.values():
            assert len(names) == len(set(names))
            assert all(name in specs(entry) for entry in names)
        assert set(form.lineups["fast"]) <= set(form.lineups["full"])


def test_preparations_are_known() -> None:
    """A name that no preparation has would fail in every fold."""
    named = {breed.prepare for forms in ZOO.values() for breed in forms.values()} - {"", "none"}
    assert named <= PREPARATIONS.keys()


@pytest.mark.parametrize(("name", "form"), SPECS, ids=["-".join(pair) for pair in SPECS])
def test_more_costs_no_less(name: str, form: str) -> None:
    """What a fit is expected to take is positive, and does not fall with rows, columns or classes."""
    seconds = ZOO[name][form].seconds
    least = seconds(Size(rows=100, columns=5, width=2))
    assert 0 < least < 60
    for more in ({"rows": 10_000}, {"columns": 500}, {"width": 20}):
        assert seconds(Size(**{"rows": 100, "columns": 5, "width": 2} | more)) >= least
