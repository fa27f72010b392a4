"""Regions of a thermal image that are hotter than their surroundings, or than a limit."""
