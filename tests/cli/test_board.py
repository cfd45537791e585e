"""The board in a terminal: what a person sees in 80 columns, and in fewer."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from concours import Contest, Entrant, Split, Task
from concours.api.credit import Credit, Part
from concours.cli.board import next_commands, print_result
from concours.core.boards import number

METRICS = ("log_loss", "accuracy", "roc_auc_ovr", "f1_macro", "matthews_corrcoef", "balanced_accuracy")
LONG = "a machine that counts how often each answer was given, of great"


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    """Six metrics, and two names that differ at their ends only."""
    return Contest(
        task=Task(kind="tabular-classification", data="sklearn:iris", metrics=METRICS, split=Split(test=0.3, folds=2)),
        entrants=[
            Entrant(f"{LONG} depth", "sklearn.naive_bayes:GaussianNB"),
            Entrant(f"{LONG} width", "sklearn.naive_bayes:GaussianNB", {"var_smoothing": 0.01}),
        ],
        engine="inline",
        out=tmp_path_factory.mktemp("board") / "run",
    ).run()


def printed(result, width: int) -> str:
    out = io.StringIO()
    print_result(result, Console(file=out, width=width, highlight=False))
    return out.getvalue()


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_no_metric_is_dropped(result, width):
    """Six metrics are all there, whatever the width: they go on in further blocks under the same names."""
    text = printed(result, width)
    for metric in METRICS:
        assert re.search(rf"(?<!\w){metric}(?!\w)", text), metric
    for line in result.standings:
        assert all(number(value) in text for value in line.metrics.values())
    assert all(len(line) <= width for line in text.splitlines())
    squeezed = re.sub(r"\s", "", text)
    assert "depth" in squeezed
    assert "width" in squeezed


def test_wide_terminals_have_one_block(result):
    """Where there is room, everything stands in one line."""
    assert printed(result, 200).count("name ") == 1
    assert printed(result, 80).count("name ") > 1


def test_credit_in_words(result):
    """Credit that cannot be shared out is a sentence, not 296% beside −438%."""
    from dataclasses import replace

    parts = {f"{LONG} depth": Part(shapley=0.02, stderr=0.3, share=None)}
    parts[f"{LONG} width"] = Part(shapley=-0.01, stderr=0.3, share=None)
    credit = Credit(value=0.01, prior=0.0, gain_stderr=0.3, part="test", exact=True, members=parts)
    name = next(name for name in result.alliances if name not in ("average", "vote"))
    text = " ".join(printed(replace(result, credit={name: credit}), 200).split())
    assert "gains 0.01 ± 0.3 in log_loss over guessing: too little here to share out" in text
    assert "credit: share" not in text


def test_next_lines(result):
    """The end tells how to predict, in a shell and in Python, and how to cite."""
    out = io.StringIO()
    next_commands(result, Console(file=out, width=80, highlight=False))
    text = out.getvalue()
    assert "concours predict " in text
    assert "Result.load(" in text
    assert result.digest in text


def test_in_python(result):
    """What a person prints is readable, and says how the models are joined."""
    assert str(result.standings) in str(result)
    assert "iris" in str(result)
    assert "★" in repr(result.standings)
    assert result.standings.default == result.default
    assert result.standings.metrics == METRICS
    assert "100.0%" in repr(result.alliances) or "% " in repr(result.alliances)
    assert "mappingproxy" not in repr(result.alliances) + repr(result.credit)
    assert "<table" in result._repr_html_()
    assert "<script" not in result._repr_html_()
