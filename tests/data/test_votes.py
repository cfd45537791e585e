"""Ratings from votes of people, as the example in `examples/votes` makes them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import concours

DATA = Path(os.environ.get("CONCOURS_DATA", "../shared/data"))
EXAMPLE = Path(__file__).parents[2] / "examples" / "votes" / "prepare.py"


def test_pandalm(tmp_path):
    """Five models by 2,997 votes: one first, one last, whatever is half a tie; copies of a question are not more votes."""
    source = DATA / "pandalm-human" / "testset-v1.json.gz"
    if not source.exists():
        pytest.skip("no pandalm-human in the data folder")
    table = tmp_path / "votes.csv"
    subprocess.run([sys.executable, str(EXAMPLE), str(source), str(table)], check=True)
    plain = concours.rate(table)
    assert plain.battles == 2997
    for options in ({}, {"ties": "davidson"}, {"ties": "rao-kupper"}, {"cluster": ["question"]}):
        found = concours.rate(table, **options).ratings
        assert found[0].name == "llama-7b" and found[0].rank_worst == 1
        assert found[-1].name == "cerebras-gpt-6.7B" and found[-1].rank_best == 5
    clustered = {line.name: line.stderr for line in concours.rate(table, cluster=["question"]).ratings}
    assert all(1.2 * line.stderr < clustered[line.name] for line in plain.ratings)
    assert concours.audit(table, voter="annotator").first_place["leader"] == "llama-7b"
