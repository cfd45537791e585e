"""Whether the platform works, and how it does in numbers."""

from __future__ import annotations

from fastapi.responses import Response
from sqlalchemy import text

from concours.server.services.access import Rule
from concours.server.web.meter import CONTENT_TYPE
from concours.server.web.routes import Asked, Routes

ROUTES = Routes()


@ROUTES.get("/health", Rule.ANYONE)
def health(asked: Asked) -> dict[str, str]:
    """That the web process and its database answer."""
    asked.db.execute(text("SELECT 1"))
    return {"status": "ok"}


@ROUTES.get(
    "/metrics",
    Rule.ADMINISTRATOR,
    scope="watch",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics(asked: Asked) -> Response:
    """Numbers for Prometheus, to a token of the scope `watch`."""
    asked.db.close()
    return Response(asked.request.app.state.meter.text(), media_type=CONTENT_TYPE)
