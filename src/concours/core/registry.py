"""Registries: what goes by a name, whether it is our own or a plugin brings it; and references, `module:attribute`.

A plugin is an installed distribution with entry points of the group `concours`. Each of them is one row of one table:
its name is that of the table and that of the row, `joins.median`, and its value is where the row lies,
`median.rows:MEDIAN`. So which names there are and who brings them is read from what is installed, and nothing is
imported but the row that somebody asks for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, reduce
from importlib import import_module
from typing import Any, Generic, TypeVar

from concours.core.errors import PluginError
from concours.core.visible import shortened, visible

GROUP = "concours"
"""The group of entry points."""

_TOLD = 300

Row = TypeVar("Row")


def load(reference: str) -> Any:
    """The attribute that `module:attribute` names.

    Raises:
        ValueError: the reference is not of that form.
        ImportError, AttributeError: it leads nowhere.
    """
    module, colon, attribute = reference.partition(":")
    if not (module and colon and attribute):
        raise ValueError(f"a reference is written module:attribute, got {reference!r}")
    return reduce(getattr, attribute.split("."), import_module(module))


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A row that a plugin brings.

    Attributes:
        table, name: where it stands; the table is empty where the entry point's name has no dot.
        reference: where it lies.
        distribution: what the plugin is called.
        version: of the distribution.
    """

    table: str
    name: str
    reference: str
    distribution: str
    version: str

    @property
    def entry(self) -> str:
        """The name of the entry point."""
        return ".".join(filter(None, (self.table, self.name)))

    @property
    def by(self) -> str:
        """Who brings it, in words."""
        return f"{self.distribution} {self.version}".strip()

    def row(self) -> Any:
        """The row, imported.

        Raises:
            PluginError: it cannot be.
        """
        try:
            return load(self.reference)
        except (Exception, SystemExit) as error:
            said = shortened(visible(f"{type(error).__name__}: {error}".splitlines()[0]), _TOLD)
            raise PluginError(
                f"plugin {self.by}: {self.entry} cannot be loaded from {self.reference}: {said}; repair the plugin or "
                "uninstall it"
            ) from error


@cache
def claims() -> tuple[Claim, ...]:
    """All rows of all plugins that are installed, by the names of their entry points; read once a process."""
    from importlib.metadata import entry_points  # takes as long to import as the rest of this module

    found = [_claim(point) for point in entry_points(group=GROUP)]
    return tuple(sorted(found, key=lambda claim: (claim.entry, claim.by)))


def claims_of(table: str) -> Mapping[str, tuple[Claim, ...]]:
    """Those of one table, by the name of the row: more than one where a name stands twice."""
    return _by_table().get(table, {})


@cache
def _by_table() -> Mapping[str, Mapping[str, tuple[Claim, ...]]]:
    found: dict[str, dict[str, tuple[Claim, ...]]] = {}
    for claim in claims():
        rows = found.setdefault(claim.table, {})
        rows[claim.name] = (*rows.get(claim.name, ()), claim)
    return found


def forget() -> None:
    """Forgets which plugins there are, so that they are looked for anew: for who has installed one meanwhile."""
    claims.cache_clear()
    _by_table.cache_clear()


def _claim(point: Any) -> Claim:
    table, dot, name = point.name.partition(".")
    try:
        distribution, version = str(point.dist.metadata["Name"]), str(point.dist.version)
    except (AttributeError, KeyError, TypeError):  # what is installed by halves must not keep others from their work
        distribution, version = "a distribution without a name", ""
    return Claim(
        table=table if dot else "",
        name=name if dot else table,
        reference=point.value.replace(" ", ""),
        distribution=visible(distribution),
        version=visible(version),
    )


class Registry(Mapping[str, Row], Generic[Row]):
    """One table: our own rows, and after them those of plugins. Iterating and `in` go by names, and import nothing.

    Args:
        table: its name, with which names of entry points begin.
        own: our own rows.
        of: what a row is an instance of.
        each: what the values of a row are, where it is a mapping.
    """

    def __init__(self, table: str, own: Mapping[str, Row], *, of: Any, each: type | None = None) -> None:
        self.table, self.own = table, own
        self._of, self._each = of, each

    def __getitem__(self, name: str) -> Row:
        """The row of that name.

        Raises:
            KeyError: there is none.
            PluginError: the name stands twice, or its row cannot be loaded or is none.
        """
        rivals = claims_of(self.table).get(name, ())
        if not rivals:
            return self.own[name]
        if len(rivals) > 1 or name in self.own:
            others = [f"plugin {claim.by}" for claim in rivals]
            both = " and in ".join(["Concours itself", *others] if name in self.own else others)
            raise PluginError(f"{self.table}.{name} stands twice: in {both}; uninstall one of them")
        return self._checked(rivals[0])

    def __iter__(self) -> Iterator[str]:
        yield from self.own
        yield from (name for name in claims_of(self.table) if name not in self.own)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        return name in self.own or name in claims_of(self.table)

    def _checked(self, claim: Claim) -> Row:
        row: Any = claim.row()
        called = getattr(row, "name", claim.name)
        each = list(row.values()) if self._each and isinstance(row, Mapping) else []
        if not isinstance(row, self._of) or not all(isinstance(value, self._each or object) for value in each):
            words = f"{self._of.__name__} of {self._each.__name__}" if self._each else self._of.__name__
            wrong = f"expected a {words}, got {shortened(visible(repr(row)), _TOLD)}"
        elif isinstance(called, str) and called != claim.name:
            wrong = f"the row calls itself {visible(called)!r}; give both one name"
        else:
            return row  # type: ignore[no-any-return]
        raise PluginError(f"plugin {claim.by}: {claim.entry} at {claim.reference}: {wrong}")
