"""Is Argus alive, and is everything it stands on."""
