"""Writes the tables of the zoo into `line-ups.md`, between two marks, from the code: python docs/zoo.py"""

from __future__ import annotations

from pathlib import Path

from concours.core.kind import Form
from concours.core.optional import EXTRAS
from concours.entrants.zoo import ZOO, ModelSpec, specs
from concours.tasks.kinds import KINDS

PAGE = Path(__file__).with_name("line-ups.md")
BEGIN, END = "<!-- zoo: begin -->\n", "<!-- zoo: end -->\n"
_LIBRARIES = {
    "sklearn": "scikit-learn",
    "torch": "PyTorch",
    "transformers": "Transformers",
    "lightgbm": "LightGBM",
    "catboost": "CatBoost",
    "xgboost": "XGBoost",
    "statsforecast": "StatsForecast",
    "implicit": "implicit",
}


def renewed(text: str) -> str:
    """The page with today's tables."""
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + "\n" + "\n".join(_table(*one) for one in _forms()) + "\n" + END + rest.partition(END)[2]


def _forms() -> list[tuple[str, Form]]:
    """What a table is headed by, and the form."""
    kinds = [(f"**{kind.name}**", kind.form) for kind in KINDS.values()]
    wider = [(kind.name, kind.widest) for kind in KINDS.values() if kind.mixed]
    return [*kinds, *((f"**{name}**, with columns of sentences", form) for name, form in wider)]


def _table(heading: str, form: Form) -> str:
    lineups = form.lineups
    order = [*lineups["full"], *(name for name in ZOO if name not in lineups["full"])]
    rows = "".join(_row(name, specs(name)[form.name], form) for name in order if form.name in specs(name))
    head = "| name | estimator | library | prepared as | extra | effort | in line-ups |\n"
    head += "| --- | --- | --- | --- | --- | --- | --- |\n"
    return f"{heading}\n\n{head}{rows}"


def _row(name: str, spec: ModelSpec, form: Form) -> str:
    module, _, estimator = spec.recipe.partition(":")
    ours = _LIBRARIES.get(spec.package or "", "Concours")
    library = _LIBRARIES.get(module.partition(".")[0], ours)
    extra = EXTRAS.get(spec.package or "", "")
    found = [lineup for lineup, names in form.lineups.items() if name in names]
    where = ", ".join(found) or ("always, as the baseline" if name == form.baseline else "by name only")
    cells = [f"`{name}`", estimator, library, spec.prepare or form.usual, extra, "yes" * spec.effort, where]
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
