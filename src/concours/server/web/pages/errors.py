"""The page of what is not done."""

from __future__ import annotations

from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response


def page(request: Request, status: int, sentence: str) -> Response:  # noqa: ARG001 (its language will be asked for)
    """One line, and the way home."""
    return HTMLResponse(
        f'<!doctype html><html lang="en"><title>{status}</title><p>{escape(sentence)}</p><p><a href="/">Home</a></p>',
        status_code=status,
    )
