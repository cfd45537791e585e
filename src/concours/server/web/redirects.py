"""Where people are sent."""

from __future__ import annotations


def local_path(next: str) -> str:
    """Where to go after a login: the path and query that `next` is, or `/` where it would lead off this site, by
    whatever reading of it a browser has."""
    if not next.startswith("/") or next.startswith("//") or len(next) > 2000:
        return "/"
    if any(letter <= " " or letter == "\\" or letter == "\x7f" for letter in next):
        return "/"
    return next
