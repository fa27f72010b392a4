"""The calls of identity in the journey of tests/infra/test_roles.py."""

from collections.abc import Callable

from tests.conftest import Person


def travel(http: Person, _work: Callable[[], None]) -> None:
    """Create an API key, use it, revoke it."""
    key = http.post("/api-keys", {"name": "n", "scopes": ["plugins:read"]}).get_json()
    assert http.get("/api-keys").status_code == 200
    assert Person(http.http, {"X-API-Key": key["key"]}).get("/plugins").status_code == 200
    assert http.delete(f"/api-keys/{key['id']}").status_code == 204
