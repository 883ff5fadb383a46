"""`python -m aiaas` is the command."""

from aiaas.cli import main

main()
