"""`python -m argus.cli`: the command where it is not installed."""

from argus.cli import main

main()
