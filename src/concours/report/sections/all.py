"""Which sections a report has, in their order."""

from __future__ import annotations

from collections.abc import Callable

from concours.core.errors import PluginError
from concours.core.registry import Registry, claims_of
from concours.report.figures import Section
from concours.report.lines import Report
from concours.report.sections.adversarial import adversarial_section
from concours.report.sections.alignments import alignments_section
from concours.report.sections.alliances import alliances_section
from concours.report.sections.anomalies import anomalies_section
from concours.report.sections.answers import answers_section
from concours.report.sections.bracket import bracket_section
from concours.report.sections.card import card_section
from concours.report.sections.continuations import continuations_section
from concours.report.sections.costs import costs_section
from concours.report.sections.deployed import deployed_section
from concours.report.sections.drawings import drawings_section
from concours.report.sections.duels import duels_section
from concours.report.sections.explanations import explanations_section
from concours.report.sections.federation import federation_section
from concours.report.sections.folds import folds_section
from concours.report.sections.forecasts import forecasts_section
from concours.report.sections.generation import generation_section
from concours.report.sections.groups import groups_section
from concours.report.sections.judges import judges_section, pairs_section
from concours.report.sections.learning import learning_section
from concours.report.sections.lives import lives_section
from concours.report.sections.matches import matches_section
from concours.report.sections.mistakes import mistakes_section
from concours.report.sections.objects import objects_section
from concours.report.sections.parts import parts_section
from concours.report.sections.population import population_section
from concours.report.sections.predictions import predictions_section
from concours.report.sections.recommendations import recommendations_section
from concours.report.sections.said import said_section
from concours.report.sections.samples import samples_section
from concours.report.sections.savings import savings_section
from concours.report.sections.scores import ranks_section, scores_section
from concours.report.sections.slices import slices_section
from concours.report.sections.surprise import surprise_section
from concours.report.sections.together import complement_section, credit_section
from concours.report.sections.trades import trades_section
from concours.report.sections.trust import trust_section

_OWN: tuple[Callable[[Report], Section | None], ...] = (
    scores_section,
    ranks_section,
    folds_section,
    costs_section,
    judges_section,
    pairs_section,
    learning_section,
    bracket_section,
    population_section,
    deployed_section,
    federation_section,
    adversarial_section,
    generation_section,
    trust_section,
    complement_section,
    duels_section,
    matches_section,
    alliances_section,
    trades_section,
    savings_section,
    credit_section,
    predictions_section,
    anomalies_section,
    forecasts_section,
    surprise_section,
    recommendations_section,
    continuations_section,
    answers_section,
    drawings_section,
    said_section,
    samples_section,
    mistakes_section,
    objects_section,
    explanations_section,
    alignments_section,
    lives_section,
    parts_section,
    groups_section,
    slices_section,
    card_section,
)


SECTIONS = Registry("sections", {make.__name__.removesuffix("_section"): make for make in _OWN}, of=Callable)
"""What makes each section of a result, or says that there is nothing to show; by name, in their order."""


def sections(r: Report) -> list[Section]:
    """Those that have something to show."""
    return [section for name in SECTIONS if (section := _section(name, r))]


def _section(name: str, r: Report) -> Section | None:
    """A section; where a plugin's cannot be made, the report says so in its place and is whole otherwise."""
    if name in SECTIONS.own and name not in claims_of(SECTIONS.table):
        return SECTIONS[name](r)
    try:
        section = SECTIONS[name](r)
        if section is None or isinstance(section, Section):
            return section
        why = f"its function gave a {type(section).__name__} and no Section"
    except Exception as error:  # noqa: BLE001 (whatever a plugin does)
        why = str(error) if isinstance(error, PluginError) else f"{type(error).__name__}: {error}"
    return Section(id=f"plugin-{name}", title=name, text=(f"This section of a plugin could not be made: {why}",))
