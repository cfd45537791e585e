"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[Any]:
    """Where CONCOURS_NO_SKIPS is set, what is skipped has failed: it was to be tested there."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CONCOURS_NO_SKIPS"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be skipped: {report.longrepr[2]}"
    return report
