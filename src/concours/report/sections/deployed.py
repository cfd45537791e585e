"""A federation of real sites: who sent what in which round, and who was away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from concours.core.written import counted
from concours.report.axis import linear, short
from concours.report.figures import Curve, Figure, Plane, Planes, Section, Table
from concours.report.lines import Report

_HUES = 8
"""Colours there are."""


def deployed_section(r: Report) -> Section | None:
    """The rounds, from `format` in the result; none where no real sites took part."""
    found = r.value.get("format") or {}
    if found.get("name") != "deployed" or not found.get("rounds"):
        return None
    return Section(
        id="sites",
        title="What the sites sent",
        text=(*_sentences(found), *_protected(found)),
        figures=tuple(figure for figure, _ in _shown(found) if figure),
        tables=tuple(table for figure, table in _shown(found) if not figure),
    )


def _shown(found: Mapping[str, Any]) -> Sequence[tuple[Figure | None, Table]]:
    """Tables, each with the picture that it stands below, where what that shows is known."""
    told = any(each.get("loss") is not None for each in found["rounds"])
    seen = any(each.get("norms") for each in found["rounds"])
    return (
        (_losses(found) if told else None, _by_round(found)),
        (_lengths(found) if seen else None, _by_site(found)),
    )


def _sentences(found: Mapping[str, Any]) -> Sequence[str]:
    rounds, sites = found["rounds"], found["sites"]
    sent = sum(sum(each.get("bytes", ())) for each in rounds)
    first = (
        f"{counted(len(sites), 'site')} trained {found['of']!r} together in {counted(len(rounds), 'round')} "
        f"({found['strategy']}), {sent / 1e6:,.1f} MB in all. Their rows stayed where they are: weights and counts left."
    )
    told = [first, "No site has seen a row of the server's, so all of these judge what came of it."]
    if away := sorted({site for each in rounds for site in each["away"]}):
        told.append(f"Not there in every round: {', '.join(away)}. A round goes on without who is away.")
    return told


def _protected(found: Mapping[str, Any]) -> Sequence[str]:
    """What others could see of a site, and of a row."""
    privacy, told = found.get("privacy"), []
    if found.get("secure"):
        told.append(
            "The server knows the sum of what sites sent in a round, and nothing of what one of them sent. So parts and "
            "lengths, whose merit it is and who looks like a liar are not known; one site that lies moves the sum as far "
            "as it likes."
        )
    if privacy is None:
        told.append("No privacy was promised: what left tells something of the rows that it was trained on.")
        return told
    low, high = (short(end) for end in privacy["noise"])
    noise = f"{low if low == high else f'{low} to {high}'} times that"
    bound, kept = short(privacy["bound"]), f"ε = {short(privacy['epsilon'])} at δ = {privacy['delta']:.0e} is kept for"
    if privacy["where"] == "site":
        told.append(
            f"{kept} each row of a site: every site cut the gradient of a row to a length of {bound} and added noise "
            f"of {noise}, drawn from its own system, which nobody can draw again. It covers all that came of rows; how "
            "many a site has is told as it is."
        )
    else:
        told.append(
            f"{kept} each site as a whole: the server cut what each sent to a length of {bound} and added noise of "
            f"{noise}, drawn from its system. It covers the federated model, for whoever sees no more than that; the server, and the "
            "figures below, see what sites sent as it is."
        )
    return told


def _by_site(found: Mapping[str, Any]) -> Table:
    lines, secure = [], found.get("secure")
    for site in found["sites"]:
        own = [(each, each["sites"].index(site)) for each in found["rounds"] if site in each["sites"]]
        last = own[-1] if own and not secure else None
        seen = ("rows", "weights", "norms")
        rows, part, length = (last[0][what][last[1]] if last else None for what in seen)
        known = (
            "" if rows is None else f"{rows:,}",
            "" if part is None else f"{part:.1%}",
            "" if length is None else f"{length:.3g}",
        )
        sent = sum(each["bytes"][place] for each, place in own) / 1e6
        lines.append((site, f"{len(own)} of {len(found['rounds'])}", *(() if secure else known), f"{sent:,.2f}"))
    caption = "What each site sent" if secure else "What each site sent: rows, part and length of its last update"
    return Table(
        caption=caption,
        head=("site", "rounds", *(() if secure else ("rows", "part", "length")), "MB sent"),
        rows=tuple(lines),
    )


def _losses(found: Mapping[str, Any]) -> Figure:
    """The loss at the sites over the rounds."""
    rounds = list(enumerate(found["rounds"], 1))
    losses = [(number, each["loss"]) for number, each in rounds if each.get("loss") is not None]
    x, y = (
        linear("round", [1.0, float(max(2, len(rounds)))], fit=True),
        linear("loss", [loss for _, loss in losses] or [0.0, 1.0]),
    )
    points = tuple((x.at(number), y.at(loss)) for number, loss in losses)
    return Figure(
        title="Training loss at the sites in each round",
        read="How to read it: the mean loss of the sites' last epoch, by their rows; lower is better. Nobody chose by it.",
        drawing=Planes((Plane(x=x, y=y, curves=(Curve(name="sites", hue=0, points=points),)),)),
        table=_by_round(found),
    )


def _by_round(found: Mapping[str, Any]) -> Table:
    """Who sent, and who did not and why."""
    told = any(each.get("loss") is not None for each in found["rounds"])
    lines = []
    for number, each in enumerate(found["rounds"], 1):
        loss = "" if each.get("loss") is None else short(each["loss"])
        why = "; ".join([*each["away"].values(), *([each["lost"]] if "lost" in each else [])])
        lines.append((str(number), *([loss] if told else []), ", ".join(each["sites"]) or "nobody", why))
    words = (2, 3) if told else (1, 2)
    head = ("Round", *(["training loss"] if told else []), "who sent", "who did not")
    return Table(caption="Round by round", head=head, rows=tuple(lines), words=words)


def _lengths(found: Mapping[str, Any]) -> Figure:
    """How far each site's update reached in each round; its table says what each sent in all."""
    rounds = list(enumerate(found["rounds"], 1))
    known = [norm for _, each in rounds for norm in each.get("norms", ()) if norm is not None]
    x = linear("round", [1.0, float(max(2, len(rounds)))], fit=True)
    y = linear("length", known or [0.0, 1.0])
    curves = [
        Curve(
            name=site,
            hue=place % _HUES,
            points=tuple(
                (x.at(number), y.at(norm))
                for number, each in rounds
                if site in each["sites"] and (norm := each["norms"][each["sites"].index(site)]) is not None
            ),
        )
        for place, site in enumerate(found["sites"])
    ]
    return Figure(
        title="How far each site's update reached",
        read="How to read it: the length of what each site sent in a round. One far longer than all others may lie.",
        drawing=Planes((Plane(x=x, y=y, curves=tuple(curves)),)),
        keys=tuple((place % _HUES, site) for place, site in enumerate(found["sites"])) if len(curves) <= _HUES else (),
        table=_by_site(found),
    )
