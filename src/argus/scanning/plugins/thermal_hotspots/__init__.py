"""Places in a thermal image that are hotter than what surrounds them, or than a limit."""
