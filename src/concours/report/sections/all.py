"""Which sections a report has, in their order."""

from __future__ import annotations

from collections.abc import Callable

from concours.report.figures import Section
from concours.report.lines import Report
from concours.report.sections.adversarial import adversarial_section
from concours.report.sections.alliances import alliances_section
from concours.report.sections.bracket import bracket_section
from concours.report.sections.card import card_section
from concours.report.sections.costs import costs_section
from concours.report.sections.duels import duels_section
from concours.report.sections.explanations import explanations_section
from concours.report.sections.folds import folds_section
from concours.report.sections.generation import generation_section
from concours.report.sections.learning import learning_section
from concours.report.sections.mistakes import mistakes_section
from concours.report.sections.population import population_section
from concours.report.sections.predictions import predictions_section
from concours.report.sections.scores import ranks_section, scores_section
from concours.report.sections.slices import slices_section
from concours.report.sections.together import complement_section, credit_section

SECTIONS: tuple[Callable[[Report], Section | None], ...] = (
    scores_section,
    ranks_section,
    folds_section,
    costs_section,
    learning_section,
    bracket_section,
    population_section,
    adversarial_section,
    generation_section,
    complement_section,
    duels_section,
    alliances_section,
    credit_section,
    predictions_section,
    mistakes_section,
    explanations_section,
    slices_section,
    card_section,
)


def sections(r: Report) -> list[Section]:
    """Those that have something to show."""
    return [section for make in SECTIONS if (section := make(r))]
