"""Fuzzing: schemathesis generates requests from the OpenAPI document and checks the responses against it."""
