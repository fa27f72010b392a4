"""Tools that every capability uses. Imports no capability."""
