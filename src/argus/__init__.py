"""Argus: a serverless inspection platform. One folder per capability; `core` holds the tools they share."""

__version__ = "0.1.0"
