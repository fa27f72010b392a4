"""Requests nobody would think of: schemathesis makes them from the OpenAPI document, and judges the answers by it."""
