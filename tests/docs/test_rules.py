"""The page on advice has the rules as they are."""

from __future__ import annotations

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_table_of_rules_is_that_of_the_code():
    """`python docs/rules.py` writes it anew."""
    spec = importlib.util.spec_from_file_location("rules_page", ROOT / "docs" / "rules.py")
    assert spec
    assert spec.loader
    rules = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(rules)
    text = (ROOT / "docs" / "advise.md").read_text(encoding="utf-8")
    assert rules.page(text) == text, "the rules have changed: python docs/rules.py"
