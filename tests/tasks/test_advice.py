"""Advice: the rules hold where they say, everybody is named once, and the record that is shipped can be read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from concours.tasks.advice.portfolio import Record, held, portfolio_of, shipped
from concours.tasks.advice.quality import missing_share, rarest_share
from concours.tasks.advice.rules import RULES, Facts, advised
from concours.tasks.kinds import KINDS

KNOWN = ("logistic", "lightgbm", "dnn", "svm", "knn", "forest")
USUAL = Facts(form="table:classes", rows=5000, columns=12, classes=2, cores=2, memory=16 << 30)
HOLDS = {
    "few rows": {"rows": 400},
    "wide": {"rows": 600, "columns": 700},
    "many gaps": {"missing": 0.2},
    "doubtful labels": {"noise": 0.2},
    "square of the rows": {"rows": 40_000},
    "memory of comparing": {"memory": 1 << 28},
    "little memory": {"memory": 1 << 30},
    "little time": {"seconds": 0.02},
    "little latency": {"latency_ms": 1.0},
}


def test_usual_data_has_the_order_of_the_record():
    """No rule holds; whom the record does not know comes behind, as the kind lists them."""
    assert [rule.name for rule in RULES if rule.holds(USUAL)] == []
    found = advised(USUAL, KNOWN, ["svm", "absent", "lightgbm"], sets=["a", "b"])
    assert [one.name for one in found.run] == ["svm", "lightgbm", "logistic", "dnn", "knn", "forest"]
    assert found.run[0].why == "by the record of 2 sets"
    assert found.run[2].why == "in a line-up of the kind, and not in the record"
    assert found.leave_out == ()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_holds_where_it_says(rule):
    """Of facts that differ in what it is about; whom it names goes first or is left out, with its reason."""
    facts = replace(USUAL, **HOLDS[rule.name])
    assert rule.holds(facts)
    assert not rule.holds(USUAL)
    found = advised(facts, KNOWN, ["lightgbm", "dnn"], sets=["a"])
    assert sorted(one.name for one in (*found.run, *found.leave_out)) == sorted(KNOWN)
    named = [name for name in KNOWN if name in rule.entrants]
    if rule.does == "leave out":
        assert set(named) <= {one.name for one in found.leave_out}
    else:
        assert {one.name for one in found.run[: len(named)]} == set(named)
        assert rule.why in found.run[0].why


def test_somebody_is_always_left():
    """Rules that would leave everybody out leave nobody out."""
    facts = replace(USUAL, latency_ms=0.1)
    assert [one.name for one in advised(facts, ("knn", "svm"), []).run] == ["knn", "svm"]


def test_rules_name_entrants_of_some_kind():
    """A name that no line-up has would be a rule about nobody."""
    known = {
        name
        for kind in KINDS.own.values()
        for names in (kind.lineups, kind.mixed)
        for one in names.values()
        for name in one
    }
    assert {name for rule in RULES for name in rule.entrants} <= known


def test_the_shipped_record():
    """It says when and how it was made, its entrants are of the line-ups, and a set is held by its own best."""
    found = shipped()
    assert found.date
    assert "benchmarks/portfolio.py" in found.command
    forms = {record.form for record in found.records}
    for form in forms:
        order = found.order(form)
        assert len(order) == len(set(order))
        assert found.sets(form)
    for record in found.records:
        best = min(record.scores, key=lambda name: record.scores[name])
        assert best in record.near
        assert held(record, [best])
    assert found.order("no:such") == []


def test_a_record_of_other_forms_does_not_count():
    """A portfolio is of the sets of its form."""
    records = [
        Record(name="a", form="x", rows=9, baseline=1.0, scores={"m": 0.5, "n": 0.9}, near=("m",)),
        Record(name="b", form="y", rows=9, baseline=1.0, scores={"m": 0.9, "n": 0.5}, near=("n",)),
    ]
    assert portfolio_of(records, "x") == ["m", "n"]
    assert portfolio_of(records, "y") == ["n", "m"]


def test_quality():
    """Shares of missing cells, and of the rarest class."""
    assert missing_share(pa.table({"a": [1, None], "b": ["x", "y"]})) == 0.25
    assert missing_share(np.array([[1.0, np.nan]])) == 0.5
    assert missing_share(["text"]) == 0.0
    assert rarest_share(np.array([0, 0, 0, 1]), 2) == 0.25
    assert rarest_share(np.array([0.5]), 0) == 1.0
