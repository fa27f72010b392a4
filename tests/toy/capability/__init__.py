"""Toys: the smallest capability there can be. `tests/journeys/test_toy.py` installs it into a copy of the sources."""
