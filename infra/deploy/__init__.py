"""Deploys this repository as a running stage."""
