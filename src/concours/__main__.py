"""`python -m concours`."""

from concours.cli import main

main()
