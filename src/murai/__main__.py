"""python -m murai: the command murai."""

from murai.cli import main

main()
