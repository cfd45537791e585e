"""The board in a terminal: what a person sees in 80 columns, and in fewer."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from concours import Contest, Entrant, Split, Task
from concours.cli.board import next_commands, print_result
from concours.contest.credit import Credit, Part
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

    parts = {
        f"{LONG} {one}": Part(shapley=v, stderr=0.3, share=None, lost=v, lost_stderr=0.02, joining_share=None)
        for one, v in (("depth", 0.02), ("width", -0.01))
    }
    credit = credit_of(parts, gain=0.01, stderr=0.3)
    name = next(name for name in result.alliances if name not in ("average", "vote"))
    text = " ".join(printed(replace(result, credit={name: credit}), 200).split())
    assert "gains 0.01 ± 0.3 in log_loss over guessing: too little here to share out" in text
    assert "credit: share" not in text


def test_credit_that_is_clear(result):
    """Shares of both gains and what would be lost, in 80 columns; or why the gain over the best is not shared out."""
    from dataclasses import replace

    name = next(name for name in result.alliances if name not in ("average", "vote"))
    members = list(result.alliances[name].weights)
    share = 1 / len(members)
    clear = Part(shapley=0.3 * share, stderr=0.01, share=share, lost=0.012, lost_stderr=0.0034, joining_share=share)
    credit = credit_of(dict.fromkeys(members, clear), gain=0.3, stderr=0.02, ahead=0.02)
    text = printed(replace(result, credit={name: credit}), 80)
    assert all(letters <= 80 for letters in map(len, text.splitlines()))
    flat = " ".join(text.split())
    assert "credit of joining loses" in flat
    assert "0.0120 ± 0.0034" in flat
    assert "gains 0.3 ± 0.02 in log_loss over guessing, 0.02 ± 0.003 over" in flat
    unclear = dict.fromkeys(members, replace(clear, joining_share=None))
    for ahead, why in ((0.004, "its best member, within the noise"), (-0.1, "nothing over")):
        credit = credit_of(unclear, gain=0.3, stderr=0.02, ahead=ahead)
        flat = " ".join(printed(replace(result, credit={name: credit}), 80).split())
        assert why in flat
        assert "of joining" not in flat


def credit_of(parts, *, gain, stderr, ahead=-0.01):
    """Credit of a test part, whose best member is the first."""
    return Credit(value=gain, prior=0.0, gain_stderr=stderr, best=next(iter(parts)), ahead=ahead, ahead_stderr=0.003,
                  part="test", exact=True, members=parts)  # fmt: skip


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
