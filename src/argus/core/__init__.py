"""Tools every capability borrows. Knows no capability."""
