"""Toys: the smallest possible capability. `tests/journeys/test_toy.py` installs it into a copy of the sources."""
