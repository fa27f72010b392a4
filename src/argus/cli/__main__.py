"""`python -m argus.cli`: runs the command without installing it."""

from argus.cli import main

main()
