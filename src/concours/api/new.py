"""New contests: from a file or a folder to a contest file with a comment on each choice."""

from __future__ import annotations

import os
import shlex
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from concours.api.lineups import lineup_for
from concours.api.models import EXAMPLE, LINEUP, joined, listed
from concours.api.new_warnings import LISTED, RARE, class_warnings, column_warnings, cut, follows, share
from concours.api.recognised import maybe, recognised, usual_lineup
from concours.contest.contest_text import EntrantText, Setting, toml, toml_of
from concours.core.errors import DataError
from concours.core.kind import Form
from concours.core.optional import install_command, installed
from concours.core.written import counted
from concours.engine.usage import available_memory, usable_cores
from concours.entrants.zoo import specs
from concours.tasks.advice.portfolio import shipped
from concours.tasks.advice.rules import Facts
from concours.tasks.alike import columns_alike
from concours.tasks.discovery import Findings, Note, discover, with_written
from concours.tasks.division import usual_folds
from concours.tasks.hints import hints
from concours.tasks.kinds import Kind
from concours.tasks.readers.opened import Options
from concours.tasks.sources import Found, find_source, written_in

_SMALL = 1000
_FULL = 2000
_REPEATED = 0.01
_FIRST = 3
_BUDGETS = ((60, 1e5), (120, 1e6), (300, 2e7), (600, float("inf")))
"""Seconds, up to so many cells (rows, inputs and classes multiplied) on two cores."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A contest that suits some data, before it is written.

    Attributes:
        findings: what was found in the data; none where its kind alone looked at it.
        settings: the keys of the contest, each with the reason for its value.
        warnings: what a person should look into.
        after: commands for after the run.
        text: the contest file.
        left_out: how many rows were left out in reading.
    """

    findings: Findings | None
    settings: tuple[Setting, ...]
    warnings: tuple[str, ...]
    after: tuple[str, ...]
    text: str
    left_out: int = 0

    def to_json(self) -> dict[str, Any]:
        """The findings and the settings as JSON."""
        known = fields(self.findings) if self.findings else ()
        found = {field.name: _json(getattr(self.findings, field.name)) for field in known}
        settings = [{"table": s.table, "key": s.key, "value": _json(s.value), "why": s.why} for s in self.settings]
        return {"findings": found, "settings": settings, "warnings": list(self.warnings)}


def draft(
    data: str,
    *,
    target: str | Sequence[str] | None = None,
    header: bool | int | None = None,
    on_bad_row: Literal["fail", "skip"] = "fail",
    out: Path = Path("contest.toml"),
    kind: str | None = None,
    models: Path | None = None,
) -> Draft:
    """A contest for what lies in a file, a folder, an archive, or behind a name like `sklearn:iris`.

    Args:
        target: the column to predict, or several; by default found where the signs are strong.
        header: whether a CSV file has a line with the names of the columns, or which; by default found out.
        on_bad_row: whether a row with another number of cells, or a broken picture, stops the reading or is left out.
        out: where the contest file will lie, to which its paths are relative.
        kind: of task, where it is one that only a person can tell, such as a forecast.
        models: a file that lists language models, which compete instead of a line-up.

    Raises:
        ContestError: the file of models is wrong.
        DataError: the data is missing, damaged or several unrelated tables, or its target is not clear; or it is a
            contest.
    """
    _refuse_contest(Path(data))
    entrants = [EntrantText(keys=keys) for keys in listed(models, out.parent)] if models else []
    targets = (target,) if isinstance(target, str) else tuple(target or ())
    options = Options(header=header, names=targets, on_bad_row=on_bad_row)
    if known := recognised(data, kind, options):
        return _recognised(data, *known, out, entrants)
    found = find_source(data, options)
    skip = on_bad_row == "skip"
    findings = discover(found.opened, found.opened_test, target=next(iter(targets), None), guide=found.guide, skip=skip)
    after = _after(found, findings, out)
    if findings.target and findings.kind.output.verbatim:
        again = written_in(found, findings.target.name, options)
        findings = with_written(findings, again.opened, again.opened_test)
    compete = _asked(findings.kind, entrants) if entrants else []
    if not entrants:
        compete, entrants = _compete(findings, usable_cores())
    settings = (*_task(found, findings, out.parent, options, after), *compete)
    if kind not in (None, findings.kind.name):
        raise DataError(f"--kind: {findings.name} is for a task of kind {findings.kind.name}, as far as it can be told")
    warnings = (*_warnings(found, findings), *maybe(data), *_hints(found, data))
    head = (f"Written by `concours new {data}`. Change what you know better.", _said(found, findings))
    text = toml_of(settings, head, warnings, entrants)
    left_out = found.opened.left_out + findings.left_out
    return Draft(findings=findings, settings=settings, warnings=warnings, after=after, text=text, left_out=left_out)


def _refuse_contest(path: Path) -> None:
    """Refuses a contest file in place of its data. Raises DataError."""
    if path.suffix != ".toml" or not path.is_file():
        return
    try:
        task = tomllib.loads(path.read_text(encoding="utf-8")).get("task")
    except (OSError, ValueError):
        return
    if isinstance(task, dict):
        data = task.get("data")
        whose = f"name its data, {data!r}" if isinstance(data, str) else "name the data that it is about"
        raise DataError(f"{path} is a contest, not data; {whose}, or hold it: concours run {shlex.quote(str(path))}")


def _hints(found: Found, data: str) -> list[str]:
    """What the table may be instead."""
    return hints(found.opened.x, data) if isinstance(found.opened.x, pa.Table) else []


def _recognised(
    data: str, kind: Kind, settings: tuple[Setting, ...], out: Path, entrants: Sequence[EntrantText]
) -> Draft:
    """The contest of a kind that knows the source itself."""
    if entrants:
        settings = (*(setting for setting in settings if setting.table != "compete"), *_asked(kind, entrants))
    paths = ("data", "test", *kind.input.paths) if Path(data).exists() else ()  # else it is a name of the kind's own
    placed = (replace(s, value=_paths(s.value, out.parent)) if s.key in paths else s for s in settings)
    settings = (*placed,)
    head = (f"Written by `concours new {data}`. Change what you know better.",)
    warnings = () if entrants else tuple(_absent(usual_lineup(kind)[1], kind.form))
    example = (EXAMPLE,) if "words" in kind.input.can and not entrants else ()
    text = toml_of(settings, head, warnings, (*entrants, *example))
    return Draft(findings=None, settings=settings, warnings=warnings, after=(), text=text)


def _asked(kind: Kind, entrants: Sequence[EntrantText]) -> list[Setting]:
    """The keys of a contest of models that are asked: without a line-up, and without an end after some seconds."""
    ways = joined(kind, [entrant.keys for entrant in entrants])
    return [LINEUP, *([ways] if ways else [])]


def _said(found: Found, findings: Findings) -> str:
    """The data in one line."""
    columns = f", {findings.columns} columns" if findings.columns else ""
    count = found.opened.left_out + findings.left_out
    left = f", {count:,} left out" if count else ""
    return "; ".join((f"{findings.name}: {findings.rows:,} rows{left}{columns}", *found.notes, *findings.notes))


def _after(found: Found, findings: Findings, out: Path) -> tuple[str, ...]:
    """How rows that wait for predictions get them."""
    if found.rows is None and not (findings.test_unlabelled and isinstance(found.test, str)):
        return ()
    words = ["concours", "predict", f"runs/{out.stem}", found.rows or str(found.test)]
    words += ["--like", found.sample, "-o", "submission.csv"] if found.sample else ["-o", "predictions.csv"]
    return (shlex.join(words),)


def _task(found: Found, findings: Findings, folder: Path, options: Options, after: tuple[str, ...]) -> list[Setting]:
    """The keys of [task]."""
    data = _paths(found.data, folder)
    rows = Path(found.rows or str(found.test)).name
    hints = tuple(text for command in after for text in (f"{rows} has not the target; after the run:", command))
    settings = [
        Setting("task", "kind", findings.kind.name, _kind_why(findings)),
        Setting("task", "data", data, "" if isinstance(data, str) else "; ".join(found.notes), hints=hints),
    ]
    if found.source:
        settings.append(Setting("task", "source", found.source, "a column that says which file a row came from"))
    if found.test and _judges(findings):
        overlap = f"; {findings.overlap:,} of them have the inputs of a training row" if findings.overlap else ""
        why = f"{findings.test_rows:,} rows judge{overlap}"
        settings.append(Setting("task", "test", _paths(found.test, folder), why))
    settings += _header(found, findings, options.header)
    if options.on_bad_row == "skip":
        causes = {
            "blank, or of another number of cells": found.opened.left_out,
            "without the target": findings.left_out,
        }
        left = [f"{counted(count, 'row')} {cause}" for cause, count in causes.items() if count]
        why = f"left out: {', '.join(left)}" if left else "no row is left out"
        settings.append(Setting("task", "on_bad_row", "skip", why))
    if findings.target:
        settings.append(Setting("task", "target", findings.target.name, findings.target.why))
    return [*settings, *_labels(findings), *_columns(findings), _metrics(findings), _split(findings)]


def _header(found: Found, findings: Findings, given: bool | int | None) -> list[Setting]:
    """The line of the names, where it is not plainly the first."""
    line = findings.header
    if line is None or (line == 1 and given is None):
        return []
    if not line:
        return [Setting("task", "header", False, "the first line is a row; columns are called 0, 1, …")]
    if isinstance(found.data, tuple):
        return [] if given is None else [Setting("task", "header", True, "the files have names of columns")]
    return [Setting("task", "header", line, "the line with the names of the columns")]


def _kind_why(findings: Findings) -> str:
    form = findings.form
    why = f"the target has {form.why}"
    if 0 < len(findings.classes) <= LISTED:
        why += f": {', '.join(f'{label} ({count:,})' for label, count in findings.classes.items())}"
    if form.doubt and findings.otherwise:
        why += f'; {form.doubt}: if so, kind = "{findings.otherwise}", with its own metrics'
    return why


def _labels(findings: Findings) -> list[Setting]:
    """What classes are called, which comes first, which is sought."""
    settings = []
    if findings.labels and _judges(findings):
        why = "labels of the test part that are written otherwise"
        settings.append(Setting("task", "labels", dict(findings.labels), why))
    if findings.ordered:
        settings.append(Setting("task", "classes", list(findings.classes), "in the order of their scale"))
    (rare, few), *others = sorted(findings.classes.items(), key=lambda item: item[1]) or [(None, 0)]
    if len(others) == 1 and few < others[0][1]:
        why = f"the rarer class, {few:,} of {findings.rows:,} rows ({share(few, findings.rows)})"
        settings.append(Setting("task", "positive", rare, why))
    return settings


def _columns(findings: Findings) -> list[Setting]:
    """Which columns are text, which are of no use."""
    settings = []
    if findings.text:
        why = f"sentences, {findings.characters:.0f} characters a row"
        why += f"; not used: {_listed(findings.drop)}" if findings.drop else ""
        settings.append(Setting("task", "text", list(findings.text), why))
    elif findings.columns:
        if findings.id:
            why = f"{findings.id.why}: it names the rows, and no model gets it"
            settings.append(Setting("task", "id", findings.id.name, why))
        if findings.drop:
            names = [note.name for note in findings.drop]
            settings.append(Setting("task", "drop", names, _listed(findings.drop), hints=_put_back(findings)))
    return settings


def _put_back(findings: Findings) -> tuple[str, ...]:
    """How to use columns that were left out as leaks."""
    leaks = {note.name for note in findings.leaks}
    rest = [note.name for note in findings.drop if note.name not in leaks]
    line = f"write: drop = {toml(rest)}" if rest else "take this line out"
    return (f"if {cut(sorted(leaks))} is known when predictions are made, {line}",) if leaks else ()


def _metrics(findings: Findings) -> Setting:
    """What is measured, and by which weights of rows it could be."""
    names, why = _measured(findings)
    asked = (
        f'if {n.name} ({n.why}) says how much a row counts, add weight = "{n.name}"' for n in findings.maybe_weights
    )
    return Setting("task", "metrics", names, why, hints=tuple(asked))


def _measured(findings: Findings) -> tuple[list[str], str]:
    counts = sorted(findings.classes.values())
    if not counts:
        why = "the first one ranks"
        if findings.low >= 0 and findings.high > 100 * max(findings.low, 1):
            why += f"; values from {findings.low:.6g} to {findings.high:.6g}: rmsle would measure relative errors"
        return ["rmse", "mae", "r2"], why
    names = ["log_loss", "accuracy"]
    why = "the first one ranks"
    if len(counts) == 2 and counts[0] < RARE * findings.rows:
        names = ["log_loss", "average_precision", "balanced_accuracy", "f1", "accuracy"]
        why = f"the positive class is rare ({share(counts[0], findings.rows)}): accuracy alone would flatter"
    elif len(counts) == 2:
        names.append("roc_auc")
    elif counts[0] < counts[-1] / 10:
        names = ["log_loss", "balanced_accuracy", "f1_macro", "accuracy"]
        why = f"classes have from {counts[0]:,} to {counts[-1]:,} rows: accuracy alone would flatter"
    if findings.ordered:
        names.append("kappa_quadratic")
    return names, why


def _split(findings: Findings) -> Setting:
    rows = findings.rows
    apart = findings.test_rows and _judges(findings)
    judging = 0.0 if apart else 0.3 if rows < _SMALL else 0.2
    folds = usual_folds(int((1 - judging) * rows), slow=findings.kind.input.slow)
    split: dict[str, Any] = {}
    why = f"up to {folds} folds for {rows:,} rows, fewer where the budget is short"
    if apart:
        why += f", and the {findings.test_rows:,} rows that are set apart judge"
    else:
        split["test"] = judging
        which = f"the last {judging:.0%} of the rows" if findings.time else f"{judging:.0%} of the rows"
        why += f", and {which} judge"
    if findings.group:
        split["group"] = findings.group.name
        why += f"; rows of one {findings.group.name} keep together ({findings.group.why})"
    elif findings.time:
        split["time"] = findings.time.name
        why += f"; {findings.time.name} has {findings.time.why}"
    instead = ", instead of group," if findings.group else ""
    hints = [
        *(f'if rows of one {n.name} belong together, add group = "{n.name}" ({n.why})' for n in findings.maybe_groups),
        *(f'if later rows are to be predicted{instead} add time = "{n.name}" ({n.why})' for n in findings.maybe_times),
    ]
    return Setting("task", "split", split or {"folds": folds}, why, hints=tuple(hints))


def _compete(findings: Findings, cores: int) -> tuple[list[Setting], list[EntrantText]]:
    """The keys of [compete]; and who competes instead of a line-up, where the rules leave some of it out."""
    name, entrants = _lineup(findings)
    full = name == "full"
    why = f"{findings.rows:,} rows are few enough for all entrants" if full else "strong families, cheap ones first"
    width = findings.characters or findings.inputs
    outputs = min(len(findings.classes), 10) if len(findings.classes) > 2 else 1
    work = (findings.rows + findings.test_rows) * width * outputs * 2 / cores
    seconds = next(seconds for seconds, most in _BUDGETS if work <= most)
    budget = {"seconds": max(seconds, 120) if full else seconds}
    because = f"for {findings.rows:,} rows and {cores} cores; more seconds, more fits and better joint models"
    form, limit = _form(findings), Setting("compete", "budget", budget, because)
    facts = Facts(
        form=form.name,
        rows=findings.rows,
        columns=int(width),
        classes=len(findings.classes),
        cores=cores,
        memory=available_memory(),
        seconds=float(budget["seconds"]),
    )
    advice = lineup_for(facts, form, entrants)
    said = [f"entrants: {', '.join(entrants)}"] if entrants else []
    if sets := shipped().sets(form.name):
        first = ", ".join(one.name for one in advice.run[:_FIRST])
        said.append(f"first by the record of {len(sets)} sets, as `concours advise` says: {first}")
    if not advice.leave_out:
        return [Setting("compete", "lineup", name, why, hints=tuple(said)), limit], []
    left = f"of the line-up {name} those below; {'; '.join(f'{one.name}: {one.why}' for one in advice.leave_out)}"
    own = [EntrantText(keys={"recipe": one.name}, why=one.why) for one in advice.run]
    return [Setting("compete", "lineup", "none", left, hints=tuple(said[1:])), limit], own


def _lineup(findings: Findings) -> tuple[str, tuple[str, ...]]:
    """The name of the line-up that suits, and the entrants in it."""
    lineups = _form(findings).lineups
    name = "full" if findings.rows < _FULL else "fast"
    return name, lineups[name]


def _form(findings: Findings) -> Form:
    """The kind's form, or that of tables with columns of sentences."""
    return findings.kind.widest if findings.sentences else findings.kind.form


def _absent(entrants: Sequence[str], form: Form) -> list[str]:
    """Those whose packages are not installed, with what to do."""
    absent: dict[str, list[str]] = {}
    for name in entrants:
        package = specs(name)[form.name].package
        if package and not installed(package):
            absent.setdefault(install_command(package), []).append(name)
    return [f"not installed: {', '.join(names)}; get them with: {cure}" for cure, names in absent.items()]


def _warnings(found: Found, findings: Findings) -> tuple[str, ...]:
    rows = findings.rows
    said = list(findings.warnings)
    said += [
        f"{leak.name} alone predicts the target almost perfectly ({leak.why}): a leak? It is left out by drop; "
        "take it out of there if it is known when predictions are made"
        for leak in findings.leaks
    ]
    if findings.test_unlabelled and found.test:
        said.append(f"{Path(str(found.test)).name} has not the target: it cannot judge; `concours predict` reads it")
    if findings.follows:
        said.append(follows(findings))
    if findings.unknown:
        names = ", ".join(findings.unknown[:5])
        said.append(f"the test part is not used: it has labels that the training part has not: {names}")
    if findings.overlap:
        said.append(f"{findings.overlap:,} of {findings.test_rows:,} test rows have the inputs of a training row")
    if findings.duplicates > _REPEATED * rows:
        cure = "" if findings.group or findings.time else '; group = "duplicates" in split keeps them together'
        part = share(findings.duplicates, rows)
        count, verb = counted(findings.duplicates, "row"), "repeats" if findings.duplicates == 1 else "repeat"
        said.append(f"{count} ({part}) {verb} the inputs of another: scores may flatter{cure}")
    if isinstance(found.opened.x, pa.Table):
        dropped = {note.name for note in findings.drop}
        said += columns_alike([name for name in found.opened.x.column_names if name not in dropped])
    return (
        *said,
        *class_warnings(findings),
        *column_warnings(findings),
        *_absent(_lineup(findings)[1], _form(findings)),
    )


def _judges(findings: Findings) -> bool:
    """Whether a test part of its own is used."""
    return bool(findings.test_rows) and not findings.unknown


def _listed(notes: tuple[Note, ...]) -> str:
    return cut([f"{note.name}: {note.why}" for note in notes], "; ")


def _paths(names: str | tuple[str, ...], folder: Path) -> str | list[str]:
    """A file, or several, as seen from a folder."""
    return _path(names, folder) if isinstance(names, str) else [_path(name, folder) for name in names]


def _path(name: str, folder: Path) -> str:
    """A file as seen from a folder; names of sets as they are."""
    return name if name.startswith(("sklearn:", "openml:")) else Path(os.path.relpath(name, folder)).as_posix()


def _json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return {field.name: _json(getattr(value, field.name)) for field in fields(value)}
    return value
