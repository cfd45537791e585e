"""The platform on loopback, and workers' tokens."""

from __future__ import annotations

from functools import partial

import pytest

from ..listening import listening


@pytest.fixture
def database(platform):
    return platform.database


@pytest.fixture
def token(people):
    """Makes a token of an administrator's with some scopes, by default that of a worker."""

    def make(name, *scopes):
        program = people.program(name, *(scopes or ("work",)), administrator=True)
        return program.headers["authorization"].removeprefix("Bearer ")

    return make


@pytest.fixture
def serving(app):
    """Serves the application on loopback; gives its address. May be left and entered again, at the same port."""

    return partial(listening, app)
