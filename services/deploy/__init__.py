"""From this repository to a running stage."""
