"""The API is what its description says: requests are generated from it, and answers held against it."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("schemathesis")

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from sqlalchemy import select, update

from concours.server.database.tables import COMPETITIONS
from concours.server.platform import Platform
from concours.server.services import editing
from concours.server.settings import Settings
from concours.server.web.app import make
from concours.server.web.groups import GROUPS
from concours.server.web.limits import Limits

CONFIG = schemathesis.Config.from_dict({"seed": 7})
CHECKS = [
    schemathesis.checks.not_a_server_error,
    schemathesis.checks.status_code_conformance,
    schemathesis.checks.content_type_conformance,
    schemathesis.checks.response_schema_conformance,
]
HOST = {"host": "127.0.0.1:8000"}
OPERATIONS = [
    (min(route.methods), re.sub(r":path\}", "}", route.path))
    for group in GROUPS
    for route in group.router.routes
    if route.include_in_schema
]


class Unlimited(Limits):
    """Lets everybody ask as often as they like."""

    def _take(self, *_):
        pass


@pytest.fixture(scope="module")
def description(tmp_path_factory):
    """An application, and its description as programs get it."""
    opened = Platform.opened(Settings.of(tmp_path_factory.mktemp("platform")))
    app = make(opened)
    app.state.limits = Unlimited()
    yield app, schemathesis.openapi.from_asgi("/api/openapi.json", app, config=CONFIG, headers=HOST)
    opened.close()


@pytest.fixture
def app(description, platform_sqlite):
    """The application, of a platform that is this test's alone."""
    description[0].state.platform = platform_sqlite
    return description[0]


@pytest.fixture
def platform(platform_sqlite):
    return platform_sqlite


@pytest.fixture
def described(description, people, platform):
    """The description; and what an administrator's program sends, where there is a competition."""
    host = people.actor("hanna")
    with platform.database.writing() as db:
        editing.create(db, host, title="Wine", slug="wine")
        db.execute(update(COMPETITIONS).values(state="published"))
        wine = db.execute(select(COMPETITIONS.c.id)).scalar_one()
    people.member("mia", wine)
    token = people.program("root1", "read", "write", "submit", "host", "admin", administrator=True)
    return description[1], {**HOST, "authorization": token.headers["authorization"]}


@pytest.mark.slow
@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=lambda part: str(part))
def test_whatever_is_asked_is_answered_as_described(described, method, path):
    """No request is an error of ours, and no answer is of another form."""
    schema, headers = described

    @settings(max_examples=8, derandomize=True, deadline=None, database=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(case=schema[path][method].as_strategy())
    def ask(case):
        if "competition" in case.path_parameters and len(case.path_parameters["competition"]) % 2:
            case.path_parameters["competition"] = "wine"
        case.validate_response(case.call(headers=headers), checks=CHECKS)

    ask()
