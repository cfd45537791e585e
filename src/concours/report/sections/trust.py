"""What makes a federation trustworthy: what is promised, what an attack found, whose merit it is, who looks like a liar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any

from concours.core.written import counted
from concours.kernels.privacy.promise import greatest_area, most_found
from concours.report.axis import NOTHING, short
from concours.report.figures import Figure, Rows, Section, Table
from concours.report.lines import Report
from concours.report.picture import Row, interval_plot
from concours.report.units import share

_Z = 1.96
_HOW = {"loss": "its loss", "shadows": "shadow models"}
_READ = (
    "In the table below the length is beside that of sites with as many rows; the cosine is with the median of all others’ "
    "updates; likeness is the cosine that a quarter of the others reach; distance is the place among all of that to the "
    "nearest half, 100% the farthest. A site is named beyond 100% of what honest sites that differ may come to."
)
_WHY = {
    "empty": "it sends nothing",
    "long": "its updates are much longer than those of sites with as many rows",
    "against": "its updates point against the median of all others’",
    "unlike": "its updates are like nobody else’s",
}


def trust_section(r: Report) -> Section | None:
    """Of a federation, from `format` in the result; none where nothing was looked into."""
    found = r.value.get("format") or {}
    trust = found.get("trust") or {}
    if not trust:
        return None
    names = found["sites"]
    figures = [_credit(trust, names, r), _attacks(trust)]
    return Section(
        id="trust",
        title="Whether to trust it",
        text=(*_promise(trust), *_attacked(trust), *_merit(trust, names, r), *_suspected(trust, names)),
        figures=tuple(figure for figure in figures if figure),
        tables=tuple(table for table in (_suspects(trust, names),) if table),
    )


def _told(trust: Mapping[str, Any], what: str) -> Mapping[str, Any] | None:
    """What was found; none where it was not looked into, or could not be told."""
    found: Mapping[str, Any] | None = trust.get(what)
    return None if found is None or "reason" in found else found


def _failed(trust: Mapping[str, Any], what: str, words: str) -> list[str]:
    found = trust.get(what) or {}
    return [f"{words} is not told: {found['reason']}."] if "reason" in found else []


# What is promised, and what an attack found.


def _promise(trust: Mapping[str, Any]) -> list[str]:
    privacy = trust.get("privacy")
    if not privacy:
        said = (
            "No privacy was promised: sites keep their rows, but what they send is as it comes of training, and tells of "
            "rows what the attacks below find, or more."
        )
        return [said]
    at_sites = privacy["where"] == "site"
    who, what = ("each row of a site", "a row’s gradient") if at_sites else ("each site as a whole", "a site’s update")
    low, high = privacy["noise"]
    noise = short(low) if low == high else f"{short(low)} to {short(high)}"
    limits = (
        "It covers what sites send in training, and no more: the counts, means and deviations of columns by which inputs "
        "are scaled, how many rows a site has, and the scores on this page come of rows as they are."
        if at_sites
        else "It covers the models that the server makes, for whoever sees no more than these; the server itself, and the "
        "figures of rounds and sites on this page, see what sites send as it is."
    )
    return [
        (
            f"ε = {short(privacy['epsilon'])} at δ = {privacy['delta']:.0e} is kept for {who}: {what} is no longer than "
            f"{short(privacy['bound'])}, and has noise added of {noise} times that, "
            f"{'at the sites' if at_sites else 'by the server'}. {limits}"
        ),
        (
            "This ran in one place, with noise from the contest’s seed, so that it comes to the same again: whoever knows the "
            "seed can take the noise off. It shows what privacy costs and what an attack finds, and protects nobody yet; a "
            "site that is deployed draws its noise from its own system."
        ),
    ]


def _attacked(trust: Mapping[str, Any]) -> list[str]:
    found = _told(trust, "attack")
    if not found:
        return _failed(trust, "attack", "What an attack finds")
    ours = found["attacks"][0]
    by = max(ours, key=lambda how: ours[how]["area"])
    best = ours[by]
    low, high = best["area_interval"]
    seen = (
        "finds out next to nothing"
        if low <= 0.5
        else "tells members from others"
        if low > 0.6
        else "finds out a little"
    )
    said = (
        f"An attacker who has the {trust['models'][0]} model asks of {counted(best['members'], 'row')} that it was trained "
        f"on and {counted(best['others'], 'other')} which is which, and {seen}: by {_HOW[by]}, the better way here, the area "
        f"under its ROC curve is {short(best['area'])} ({short(low)} to {short(high)}), where 0.5 is guessing. Shadow models "
        f"were {found['shadows']}, trained on halves of these rows, and added no noise: an attacker of more means may find more."
    )
    privacy = trust.get("privacy")
    if not privacy:
        return [said]
    epsilon, delta = privacy["epsilon"], privacy["delta"]
    bound = (
        f"No attack whatever can do better than an area of {short(greatest_area(epsilon, delta))}, nor find more than "
        f"{share(float(most_found(0.01, epsilon, delta)))} of the members with 1% of false alarms, while the promise holds."
    )
    return [said, bound]


def _attacks(trust: Mapping[str, Any]) -> Figure | None:
    found = _told(trust, "attack")
    if not found:
        return None
    lines = [
        (f"{name}, {_HOW[how]}", told)
        for name, each in zip(trust["models"], found["attacks"], strict=True)
        for how, told in each.items()
    ]
    rows = [
        Row(
            name=name,
            role="any",
            starred=False,
            value=told["area"],
            low=told["area_interval"][0],
            high=told["area_interval"][1],
            text=short(told["area"]),
        )
        for name, told in lines
    ]
    return Figure(
        title="What an attack on membership finds",
        read=(
            "How to read it: a row is a model and how it was attacked; the mark is the area under the attack’s ROC curve, the "
            "bar an interval of 95%. The line at 0.5 is guessing; 1 finds every row that was trained on."
        ),
        drawing=Rows(
            plot=interval_plot(rows, greater_is_better=False, whole=True, nothing=0.5),
            axis="area under the attack’s ROC curve",
        ),
        table=Table(
            caption="Attacks on membership",
            head=("Model and attack", "Area", "95%", "Members found", "95%", "False alarms", "95%"),
            rows=tuple(
                (
                    name,
                    short(told["area"]),
                    _between(told["area_interval"], short),
                    share(told["found"]),
                    _between(told["found_interval"], share),
                    share(told["alarms"]),
                    _between(told["alarms_interval"], share),
                )
                for name, told in lines
            ),
        ),
    )


def _between(ends: Sequence[float], word: Any) -> str:
    return f"{word(ends[0])} to {word(ends[1])}"


# Whose merit it is.


def _merit(trust: Mapping[str, Any], names: Sequence[str], r: Report) -> list[str]:
    found = _told(trust, "credit")
    if not found:
        return _failed(trust, "credit", "What each site added")
    gain = found["last"] - found["first"]
    surely = NormalDist().inv_cdf(1 - 0.025 / len(names))
    harm = [
        names[site]
        for site, (value, stderr) in enumerate(zip(found["shapley"], found["stderr"], strict=True))
        if value < -surely * stderr
    ]
    said = (
        f"Over the rounds the model gained {short(gain)} ± {short(found['gain_stderr'], 2)} in {r.metric} on "
        f"{counted(found['rows'], 'row')} that no site trained on. The parts of the sites add up to that: they are Shapley "
        f"values over what any of them would have made of each round, from {counted(found['looked'], 'model')} that were put "
        "together of the updates; nothing was trained again."
    )
    return [
        said,
        *([f"Harmful here by more than chance, at 95% for all sites together: {_listed(harm)}."] if harm else []),
    ]


def _credit(trust: Mapping[str, Any], names: Sequence[str], r: Report) -> Figure | None:
    found = _told(trust, "credit")
    if not found:
        return None
    order = sorted(range(len(names)), key=lambda site: -found["shapley"][site])
    rows = [
        Row(
            name=names[site],
            role="any",
            starred=False,
            value=found["shapley"][site],
            low=found["shapley"][site] - _Z * found["stderr"][site],
            high=found["shapley"][site] + _Z * found["stderr"][site],
            text=short(found["shapley"][site], 2),
        )
        for site in order
    ]
    return Figure(
        title="Credit of the sites",
        read=(
            f"How to read it: the mark is a site’s part of what the rounds gained in {r.metric}, the bar an interval of 95%, of "
            "the rows that judge and of the orders that were drawn. Left of 0 a site did harm."
        ),
        drawing=Rows(
            plot=interval_plot(rows, greater_is_better=True, whole=True),
            axis=f"part of the gain in {r.metric}",
            better="right",
        ),
        table=Table(
            caption=f"What each site added in {r.metric}, and what the rounds would lose without it",
            head=("Site", "Credit", "±", "Lost without it", "±"),
            rows=tuple(
                (names[site], *(short(found[key][site], 2) for key in ("shapley", "stderr", "lost", "lost_stderr")))
                for site in order
            ),
        ),
    )


# Who looks like a liar.


def _suspected(trust: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    found = _told(trust, "suspects")
    if not found:
        return _failed(trust, "suspects", "Who looks like a liar")
    named = [one for one in found["sites"] if one["why"]]
    if not named:
        said = (
            f"No site looks like a liar by its updates in {counted(found['looked'], 'round')}. That is no proof of honesty: a "
            "lie no greater than the differences among honest sites is not seen."
        )
        return [said, _READ]
    liars = [f"{names[one['site']]} looks like a liar: {_listed([_WHY[why] for why in one['why']])}." for one in named]
    return [
        *liars,
        _READ,
        "About one federation of twenty whose sites are all honest has one that is named; and who is not named may still lie.",
    ]


def _suspects(trust: Mapping[str, Any], names: Sequence[str]) -> Table | None:
    found = _told(trust, "suspects")
    if not found:
        return None
    lines = sorted(found["sites"], key=lambda one: -max(one["beyond"]))
    return Table(
        caption="How the updates of each site lie among those of the others; medians over the rounds",
        head=("Site", "Length", "Cosine", "Likeness", "Distance", "Beyond", "Rounds", "Looks like a liar"),
        rows=tuple(
            (
                names[one["site"]],
                f"{short(one['length'], 2)}×",
                short(one["cosine"], 2),
                short(one["likeness"], 2),
                share(one["place"], 0),
                share(max(0.0, *one["beyond"]), 0),
                str(one["rounds"]),
                "; ".join(_WHY[why] for why in one["why"]) or NOTHING,
            )
            for one in lines
        ),
        words=(7,),
    )


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
