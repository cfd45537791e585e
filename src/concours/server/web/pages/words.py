"""Words for what stands in the database, as pages say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final


def N_(text: str) -> str:  # noqa: N802 (as gettext's tools look for it)
    """Marks a text for the catalogues; it is said where it is shown."""
    return text


WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "theme": {"system": N_("as the system"), "light": N_("light"), "dark": N_("dark")},
    "competition": {
        "draft": N_("draft"),
        "checking": N_("being checked"),
        "published": N_("published"),
        "coming": N_("coming"),
        "open": N_("open"),
        "closed": N_("finished"),
        "archived": N_("archived"),
    },
    "phase": {
        "waiting": N_("to come"),
        "open": N_("open"),
        "closing": N_("being closed"),
        "closed": N_("finished"),
    },
    "submission": {
        "waiting": N_("waiting"),
        "running": N_("running"),
        "scored": N_("scored"),
        "failed": N_("failed"),
        "stopped": N_("stopped"),
    },
    "brings": {"predictions": N_("predictions"), "code": N_("code")},
    "shown": {"visible": N_("everybody"), "members": N_("members"), "hidden": N_("hosts only")},
    "visibility": {"all": N_("everybody"), "members": N_("members only")},
    "part": {"public": N_("public"), "private": N_("private")},
    "role": {"host": N_("you host"), "member": N_("you take part")},
    "correction": {"waiting": N_("being read"), "applied": N_("in use"), "refused": N_("refused")},
    "worker": {"alive": N_("alive"), "lost": N_("not heard of")},
    "receipt": {
        "task": N_("Task"),
        "problem": N_("Problem"),
        "data": N_("Data"),
        "predictions": N_("Predictions"),
        "file": N_("File"),
        "scorer": N_("Scorer"),
        "code": N_("Code"),
        "versions": N_("Versions"),
        "journal": N_("Record in the journal"),
        "signature": N_("Signature"),
    },
    "scope": {
        "read": N_("see what you see"),
        "submit": N_("submit, and choose finals"),
        "write": N_("join, teams, posts, votes, your profile"),
        "host": N_("whatever hosts of your competitions may"),
        "admin": N_("whatever administrators may"),
        "work": N_("run jobs, as a worker; nothing else"),
        "watch": N_("read the numbers of the platform, for Prometheus; nothing else"),
    },
    "suspicion": {
        "file": N_("the same file"),
        "alike": N_("predictions that are nearly equal"),
        "address": N_("sent from the same address"),
        "gap": N_("a private score far from the public one"),
        "failed": N_("predictions could not be compared"),
    },
    "explained": {
        "file": N_("A file that everybody has, such as the sample, explains that; so does a notebook shared openly."),
        "alike": N_(
            "They are alike also where they differ from what is usual. A notebook shared openly explains that; so do "
            "simple models of the same columns."
        ),
        "address": N_("A household, an office or a school explains that; so does one person in several teams."),
        "gap": N_(
            "It is further than chance allows, once what shifts all teams alike is taken off. An entry that was fitted "
            "to the public rows explains that."
        ),
        "failed": N_("It is tried again once other entries are the best of their teams, and when the phase ends."),
    },
    "voter": {"at random": N_("at random"), "against the crowd": N_("against the crowd")},
    "number": {
        "users": N_("Users"),
        "competitions": N_("Competitions"),
        "submissions": N_("Submissions"),
        "waiting": N_("Waiting"),
        "running": N_("Running"),
        "jobs": N_("Jobs of workers"),
        "openings": N_("Data to be read"),
        "signals": N_("To be taken in"),
        "sent": N_("Sent by participants"),
        "files": N_("Files of competitions"),
        "free": N_("Free on the disk"),
    },
    "check": {
        "database": N_("Database"),
        "store": N_("Store"),
        "conductor": N_("Conductor"),
        "workers": N_("Workers"),
        "disk": N_("Disk"),
    },
    "part of the platform": {"well": N_("well"), "look": N_("worth a look"), "bad": N_("failing")},
    "choice": {
        "registration": N_("Who may register"),
        "name": N_("What the platform is called"),
        "language": N_("The language of who has chosen none"),
        "competition_gb": N_("Gigabytes of a competition"),
        "user_gb": N_("Gigabytes of all that somebody has sent"),
    },
    "allowed": {
        "open": N_("everybody"),
        "invitation": N_("who has an invitation"),
        "closed": N_("nobody"),
        "browser": N_("that of their browser"),
        "en": "English",
        "zh": "中文",
    },
    "setting": {
        "data": N_("Folder of data"),
        "database": N_("Database"),
        "store": N_("Store"),
        "address": N_("Address"),
        "workers": N_("Workers"),
        "upload": N_("Largest upload"),
        "version": N_("Version"),
    },
    "done": {
        "out": N_("You are signed out."),
        "kept": N_("It is kept."),
        "deleted": N_("It is deleted."),
        "password": N_("Your password is another now."),
        "joined": N_("You take part now. Good luck!"),
        "sent": N_("It is received."),
        "stopped": N_("It is stopped."),
        "chosen": N_("Your choice is kept."),
        "posted": N_("It is posted."),
        "invited": N_("The invitation waits for an answer."),
        "answered": N_("Your answer is kept."),
        "left": N_("You have left the team."),
        "gone": N_("You take part no more."),
        "checking": N_("The check has begun."),
        "published": N_("It is published."),
        "closed": N_("It is being closed."),
        "archived": N_("It is archived."),
        "rescoring": N_("It is being scored again."),
    },
    "error": {
        "400": N_("This cannot be done"),
        "401": N_("Sign in first"),
        "403": N_("This is not for you"),
        "404": N_("Not found"),
        "405": N_("This cannot be done"),
        "409": N_("Not as things stand now"),
        "413": N_("Too large"),
        "421": N_("Another address"),
        "422": N_("Something is missing or wrong"),
        "429": N_("Too much at once"),
        "500": N_("Something went wrong here"),
        "503": N_("Not at present"),
    },
}
"""By what it is of, and by the text in the database."""
