"""Registries: our own rows and those of plugins, by name."""

from __future__ import annotations

import sys

import pytest

from concours.core.errors import PluginError
from concours.core.joins import JOINS, Join
from concours.core.registry import Registry, claims
from concours.entrants.zoo import ZOO
from concours.report.sections.all import SECTIONS
from concours.tasks.metrics.named import metric_named

ROW = "from concours.core.joins import Join\nROW = Join(what='{}', plan='nowhere:at_all')\n"


def test_a_row_of_a_plugin_stands_beside_our_own(site):
    """By its name, after ours, as what its distribution holds; and only asking for the row imports anything."""
    site.write(median=ROW.format("the median"))
    site.install("median", {"joins.median": "median:ROW"}, version="2.5")
    assert list(JOINS) == [*JOINS.own, "median"]
    assert len(JOINS) == len(JOINS.own) + 1
    assert "median" in JOINS
    assert "mean" not in JOINS
    assert "median" not in sys.modules
    assert JOINS["stack"] is JOINS.own["stack"]
    assert "median" not in sys.modules
    assert JOINS["median"].what == "the median"
    assert JOINS.get("mean") is None
    assert [(claim.entry, claim.by) for claim in claims()] == [("joins.median", "median 2.5")]


def test_a_row_belongs_to_one_table(site):
    """The same name elsewhere is another row, or none."""
    site.write(median=ROW.format("the median"))
    site.install("median", {"joins.median": "median:ROW"})
    assert "median" not in ZOO
    assert "median" not in SECTIONS


@pytest.mark.parametrize("others", [("alpha",), ("alpha", "beta")])
def test_a_name_that_stands_twice_is_refused(site, others):
    """Which of the two is meant nobody can know: both distributions are named, and who asks for other rows is not kept
    from these.
    """
    site.write(rows=ROW.format("one"))
    name = "stack" if len(others) == 1 else "median"
    for other in others:
        site.install(other, {f"joins.{name}": "rows:ROW"})
    both = "Concours itself and in plugin alpha 1.0" if name == "stack" else "plugin alpha 1.0 and in plugin beta 1.0"
    with pytest.raises(PluginError, match=rf"^joins\.{name} stands twice: in {both}; uninstall one of them$"):
        JOINS[name]
    assert JOINS["greedy"] is JOINS.own["greedy"]
    assert list(JOINS).count(name) == 1


@pytest.mark.parametrize(
    ("text", "reference", "said"),
    [
        ("import nonesuch_at_all", "broken:ROW", "ModuleNotFoundError: No module named 'nonesuch_at_all'"),
        ("raise SystemExit(3)", "broken:ROW", "SystemExit: 3"),
        ("1 / 0", "broken:ROW", "ZeroDivisionError: division by zero"),
        ("raise ValueError('red\\x1b[31m\\nand more')", "broken:ROW", r"ValueError: red\x1b[31m"),
        ("ROW = 1", "broken:OTHER", "AttributeError: module 'broken' has no attribute 'OTHER'"),
        ("ROW = 1", "broken", "ValueError: a reference is written module:attribute, got 'broken'"),
    ],
)
def test_a_plugin_that_cannot_be_imported_is_told_in_a_line(site, text, reference, said):
    """Which distribution, what of it, why; and others' rows are there as ever."""
    site.write(broken=text, whole=ROW.format("whole"))
    site.install("broken", {"joins.broken": reference})
    site.install("whole", {"joins.whole": "whole:ROW"})
    with pytest.raises(PluginError) as caught:
        JOINS["broken"]
    assert str(caught.value) == (
        f"plugin broken 1.0: joins.broken cannot be loaded from {reference}: {said}; repair the plugin or uninstall it"
    )
    assert JOINS["whole"].what == "whole"
    assert {"broken", "whole"} <= set(JOINS)


@pytest.mark.parametrize(
    ("entry", "text", "said"),
    [
        ("joins.odd", "ROW = 'text'", "expected a Join, got 'text'"),
        ("entrants.odd", "ROW = {'table:classes': 1}", "expected a Mapping of ModelSpec, got {'table:classes': 1}"),
        ("sections.odd", "ROW = 3", "expected a Callable, got 3"),
        ("metrics.odd", "from concours.tasks.metrics.table import METRICS\nROW = METRICS['mae']", "calls itself 'mae'"),
    ],
)
def test_what_is_no_row_of_the_table_is_told(site, entry, text, said):
    """A row of another type, or under another name, does no harm later on."""
    site.write(odd=text)
    site.install("odd", {entry: "odd:ROW"})
    tables: dict[str, Registry] = {"joins": JOINS, "entrants": ZOO, "sections": SECTIONS}
    with pytest.raises(PluginError) as caught:
        tables[entry.partition(".")[0]]["odd"] if not entry.startswith("metrics") else metric_named("odd", "number")
    assert str(caught.value).startswith(f"plugin odd 1.0: {entry} at odd:ROW: ")
    assert said in str(caught.value)


def test_metadata_by_halves_keeps_nobody_from_work(site):
    """A distribution without a name still brings its rows."""
    site.write(median=ROW.format("the median"))
    site.install("median", {"joins.median": "median:ROW"})
    next(site.folder.glob("*.dist-info/METADATA")).unlink()
    assert isinstance(JOINS["median"], Join)


def test_nothing_is_looked_for_at_the_start(site, tmp_path):
    """`import concours`, the modules that read a contest file, and the help read no metadata and import no plugin."""
    site.write(loud="raise SystemExit('imported')")
    site.install("loud", {f"{table}.loud": "loud:ROW" for table in ("joins", "kinds", "entrants", "sections")})
    seen = (
        "import sys, concours, concours.contest.config, concours.api.contest, concours.core.registry as registry\n"
        "print(registry.claims.cache_info().currsize, 'loud' in sys.modules)"
    )
    done = site.python("-c", seen, cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("0 False\n", "")
    assert site.concours("--help", cwd=tmp_path).returncode == 0
