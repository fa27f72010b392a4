"""Users for tests that share them, in fixtures of a module."""

import os

from flask.testing import FlaskClient

from tests.conftest import Issuer, Person


def create_owner(http: FlaskClient, issuer: Issuer) -> Person:
    """A user who owns a new organisation."""
    headers = {"Authorization": f"Bearer {issuer.token(f'subject-{os.urandom(8).hex()}')}"}
    me = Person(http, headers).get("/me").get_json()
    return Person(http, headers, me["organisation"]["id"])
