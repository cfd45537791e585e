"""What administrators look at."""

from __future__ import annotations

from concours.server.services import administration
from concours.server.services.access import Rule
from concours.server.services.administration import Forgotten, Part, Storage, Waiting, Worker, WorkToken
from concours.server.web.routes import Asked, Routes

ROUTES = Routes("/api/administration")


@ROUTES.get("/workers", Rule.ADMINISTRATOR)
def workers(asked: Asked) -> tuple[Worker, ...]:
    """Workers, and what they do."""
    return administration.workers(asked.db, asked.actor)


@ROUTES.get("/work-tokens", Rule.ADMINISTRATOR)
def work_tokens(asked: Asked) -> tuple[WorkToken, ...]:
    """The tokens that workers come with."""
    return administration.work_tokens(asked.db, asked.actor)


@ROUTES.get("/queue", Rule.ADMINISTRATOR)
def queue(asked: Asked) -> Waiting:
    """What is to be done."""
    return administration.queue(asked.db, asked.actor)


@ROUTES.get("/storage", Rule.ADMINISTRATOR)
def storage(asked: Asked) -> Storage:
    """What is kept, by competition."""
    return administration.storage(asked.db, asked.actor, asked.platform)


@ROUTES.get("/health", Rule.ADMINISTRATOR)
def health(asked: Asked) -> tuple[Part, ...]:
    """How each part of the platform does."""
    return administration.health(asked.db, asked.actor, asked.platform)


@ROUTES.get("/retention", Rule.ADMINISTRATOR)
def retention(asked: Asked) -> tuple[Forgotten, ...]:
    """What is forgotten, and when."""
    return administration.forgotten(asked.actor)
