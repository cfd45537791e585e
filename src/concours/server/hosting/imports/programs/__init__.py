"""Programs that are copied beside those of others, and call them in the sandbox. They import nothing of ours."""

from pathlib import Path


def program(name: str) -> bytes:
    """The text of one of them."""
    return Path(__file__).with_name(f"{name}.py").read_bytes()
