"""The web process: all groups of routes, and what stands around them."""

from __future__ import annotations

from fastapi import FastAPI

import concours
from concours.server.accounts.openid import OpenId
from concours.server.platform import Platform
from concours.server.web.answers import HANDLERS
from concours.server.web.groups import GROUPS
from concours.server.web.limits import Limits
from concours.server.web.live import Feed
from concours.server.web.meter import Meter
from concours.server.web.security import Guarded


def make(platform: Platform) -> FastAPI:
    """The application of a platform that is open. Raises ContestError: its `concours.toml` is wrong."""
    app = FastAPI(
        title="Concours",
        version=concours.__version__,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers=dict(HANDLERS),
    )
    app.state.platform, app.state.limits, app.state.openid = platform, Limits(), OpenId.of(platform.settings)
    app.state.feed = feed = Feed(platform.database)
    app.state.meter = meter = Meter(platform, feed)
    app.add_middleware(Guarded, settings=platform.settings, answered=meter.answered)
    for group in GROUPS:
        app.router.routes.extend(group.router.routes)  # as they are, so that each is looked at once
    return app
