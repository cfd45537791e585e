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
    """Makes a token of somebody's with some scopes, by default that of a worker."""

    def make(name, *scopes):
        return people.program(name, *(scopes or ("work",))).headers["authorization"].removeprefix("Bearer ")

    return make


@pytest.fixture
def serving(app):
    """Serves the application on loopback; gives its address. May be left and entered again, at the same port."""

    return partial(listening, app)
