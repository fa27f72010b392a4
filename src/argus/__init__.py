"""Argus: a serverless inspection platform. One folder per capability; `core` contains what they share."""

__version__ = "0.1.0"
