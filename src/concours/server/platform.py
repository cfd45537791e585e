"""What every process of a platform opens: its settings, its database, its store."""

from __future__ import annotations

from dataclasses import dataclass

from concours.core.errors import MissingPackage
from concours.core.optional import install_command, installed
from concours.server.database.opened import Database
from concours.server.settings import Settings
from concours.stores.address import AddressedStore, store_at

_NEEDED = ("fastapi", "uvicorn", "sqlalchemy", "alembic", "argon2", "nh3", "babel", "markdown_it")


@dataclass(frozen=True, kw_only=True)
class Platform:
    """A platform that is open."""

    settings: Settings
    database: Database
    store: AddressedStore

    @classmethod
    def opened(cls, settings: Settings) -> Platform:
        """Opens what lies there, or makes it.

        Raises:
            MissingPackage, ContestError (the database), StoreRefused (the store).
        """
        for module in _NEEDED:
            if not installed(module):
                raise MissingPackage(f"the platform needs {module}: {install_command(module)}")
        settings.data.mkdir(parents=True, exist_ok=True)
        database = Database.at(settings.database)
        database.require_form()
        return cls(settings=settings, database=database, store=store_at(settings.store))

    def close(self) -> None:
        self.database.close()
