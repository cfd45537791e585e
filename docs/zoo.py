"""Writes the tables of the zoo into `line-ups.md`, between two marks, from the code: python docs/zoo.py"""

from __future__ import annotations

from pathlib import Path

from concours.core.optional import EXTRAS
from concours.entrants.zoo import LINEUPS, MIXED, ZOO, ModelSpec, specs
from concours.tasks.kinds import KINDS, Kind

PAGE = Path(__file__).with_name("line-ups.md")
BEGIN, END = "<!-- zoo: begin -->\n", "<!-- zoo: end -->\n"
_LIBRARIES = {
    "sklearn": "scikit-learn",
    "torch": "PyTorch",
    "lightgbm": "LightGBM",
    "catboost": "CatBoost",
    "xgboost": "XGBoost",
}


def renewed(text: str) -> str:
    """The page with today's tables."""
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + "\n" + "\n".join(_table(*one) for one in _forms()) + "\n" + END + rest.partition(END)[2]


def _forms() -> list[tuple[str, Kind, str]]:
    """What a table is headed by, the kind, and its form."""
    kinds = [(f"**{kind.name}**", kind, kind.form) for kind in KINDS.values()]
    tables = [kind for kind in KINDS.values() if kind.form in MIXED]
    return [*kinds, *((f"**{kind.name}**, with columns of sentences", kind, MIXED[kind.form]) for kind in tables)]


def _table(heading: str, kind: Kind, form: str) -> str:
    lineups = LINEUPS[form]
    order = [*lineups["full"], *(name for name in ZOO if name not in lineups["full"])]
    rows = "".join(_row(name, specs(name)[form], kind, form) for name in order if form in specs(name))
    head = "| name | estimator | library | prepared as | extra | effort | in line-ups |\n"
    head += "| --- | --- | --- | --- | --- | --- | --- |\n"
    return f"{heading}\n\n{head}{rows}"


def _row(name: str, spec: ModelSpec, kind: Kind, form: str) -> str:
    module, _, estimator = spec.recipe.partition(":")
    ours = _LIBRARIES.get(spec.package or "", "Concours")
    library = _LIBRARIES.get(module.partition(".")[0], ours)
    extra = EXTRAS.get(spec.package or "", "")
    found = [lineup for lineup, names in LINEUPS[form].items() if name in names]
    where = ", ".join(found) or ("always, as the baseline" if name == "dummy" else "by name only")
    cells = [f"`{name}`", estimator, library, spec.prepare or kind.preparation, extra, "yes" * spec.effort, where]
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
