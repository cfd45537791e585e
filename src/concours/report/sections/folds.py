"""Cross-validation, fold by fold."""

from __future__ import annotations

from statistics import fmean

from concours.report.figures import Figure, Rows, Section, Table
from concours.report.lines import Report
from concours.report.picture import Row, interval_plot


def folds_section(r: Report) -> Section | None:
    """How each model did on each fold; none where that was not looked at."""
    found = r.insight("by_fold")
    if not found or not r.lines:
        return None
    scores = {name: row for name, row in zip(found["names"], found["scores"], strict=True) if None not in row}
    lines = [line for line in r.by_cv_score if line.name in scores]
    if not lines:
        return None
    rows = [
        Row(
            name=line.name,
            role=line.role,
            starred=line.default,
            value=(mean := fmean(scores[line.name])),
            low=min(scores[line.name]),
            high=max(scores[line.name]),
            text=r.number(mean),
            points=tuple(scores[line.name]),
        )
        for line in lines
    ]
    count = len(found["scores"][0])
    first = [scores[line.name] for line in lines if line.role != "baseline"]
    leads = [min if not r.greater else max for _ in range(count)]
    winners = (
        {
            lines[[scores[line.name][fold] for line in lines].index(best(row[fold] for row in first))].name
            for fold, best in enumerate(leads)
        }
        if first
        else set()
    )
    text = (
        f"The training part was divided into {count} folds; each model predicted each fold without having seen it. "
        + (f"One model leads on every fold: {next(iter(winners))}." if len(winners) == 1 else
           f"{len(winners)} different models lead on one fold or another." if winners else ""),
    )  # fmt: skip
    return Section(
        id="folds",
        title="Cross-validation by fold",
        text=text,
        figures=(
            Figure(
                title=f"{r.metric} on each fold",
                read=(
                    f"How to read it: a small dot is the {r.metric} on one fold, the large mark the mean of the folds. Models "
                    "stand in the order of cross-validation; where the dots of a model lie far apart, its score depends on "
                    "which rows it gets."
                ),
                drawing=Rows(
                    plot=interval_plot(rows, greater_is_better=r.greater), axis=r.metric, better=r.side
                ),
                table=Table(
                    caption=f"{r.metric} of each model on each fold",
                    head=("Model", *(f"fold {fold + 1}" for fold in range(count)), "mean"),
                    rows=tuple(
                        (line.name, *(r.number(score) for score in scores[line.name]), r.number(fmean(scores[line.name])))
                        for line in lines
                    ),
                ),
            ),
        ),
    )  # fmt: skip
