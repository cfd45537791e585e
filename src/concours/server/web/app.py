"""The web process: all groups of routes, and what stands around them."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

import concours
from concours.server.platform import Platform
from concours.server.refusals import Refusal, TooMany
from concours.server.web.groups import GROUPS


def make(platform: Platform) -> FastAPI:
    """The application of a platform that is open."""
    app = FastAPI(
        title="Concours",
        version=concours.__version__,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.platform = platform
    for group in GROUPS:
        app.include_router(group.router)
    app.add_exception_handler(Refusal, _refused)
    return app


def _refused(_: Request, error: Any) -> Response:
    headers = {}
    if isinstance(error, TooMany) and error.after_s is not None:
        headers["retry-after"] = str(max(1, round(error.after_s)))
    return JSONResponse({"error": str(error)}, status_code=error.status, headers=headers)
