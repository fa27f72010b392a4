"""For the tests that call every route: a resource for every id in a route, and a body for every request.

A capability needs nothing here if a POST of its OpenAPI example creates a resource. A capability that needs more, such
as an upload or a run of the workers, has a `tests/<capability>/resources.py`:

- `CREATORS`: name of an id in routes -> function that creates such a resource and returns its id;
- `BODIES`: endpoint -> function that creates the body from other resources;
- `QUERIES`: endpoint -> query string;
- `SHARED`: names of ids that do not belong to an organisation;
- `CONFLICTS`: endpoints that respond with 409 to the owner, because the resource is finished.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from flask import Flask
from werkzeug.routing import Rule

from argus.core.declarations import API_PREFIX
from services.api import openapi
from tests.conftest import Person, Workers

_MODULES = [
    import_module(f"tests.{path.parent.name}.resources") for path in Path(__file__).parent.glob("*/resources.py")
]


def _declared(name: str) -> dict[str, Any]:
    return {key: value for module in _MODULES for key, value in getattr(module, name, {}).items()}


CREATORS: dict[str, "Callable[[Resources], str]"] = _declared("CREATORS")
BODIES: dict[str, "Callable[[Resources], Any]"] = _declared("BODIES")
QUERIES: dict[str, str] = _declared("QUERIES")
SHARED = frozenset(name for module in _MODULES for name in getattr(module, "SHARED", ()))
CONFLICTS = frozenset(endpoint for module in _MODULES for endpoint in getattr(module, "CONFLICTS", ()))


@dataclass(frozen=True)
class Resources:
    """Ids by their names in routes; each resource is created on first use."""

    owner: Person
    workers: Workers
    made: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        if name not in self.made:
            self.made[name] = CREATORS[name](self) if name in CREATORS else self._created(name)
        return self.made[name]

    def _created(self, name: str) -> str:
        """Create a resource with a POST of the example to the collection of `<name>`."""
        (collection,) = {path.removesuffix(f"/{{{name}}}") for path in _paths() if path.endswith(f"/{{{name}}}")}
        address = re.sub(r"{(\w+)}", lambda outer: self[outer[1]], collection)
        response = self.owner.post(address, _example(_paths()[collection]["post"]))
        assert response.status_code < 300, response.get_data()
        return str(response.get_json()["id"])


class Call(NamedTuple):
    """One operation with the owner's ids."""

    method: str
    rule: Rule
    address: str
    body: Any

    @property
    def name(self) -> str:
        return f"{self.method} {re.sub('<[^>]*>', '{id}', str(self.rule)).removeprefix(API_PREFIX)}"

    def by(self, person: Person) -> Any:
        body = {"json": self.body} if self.body is not None else {}
        return person.call(self.method, self.address, **body)

    def on(self, resources: Resources) -> "Call":
        """The same operation with other resources."""
        return _call(self.method, self.rule, resources)


def calls(app: Flask, resources: Resources) -> list[Call]:
    """Every operation that is not public; DELETE last, since the other operations need the resources."""
    found = []
    for rule in app.url_map.iter_rules():
        if vars(app.view_functions[rule.endpoint])["argus_scope"] is None:
            continue
        methods = sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        found += [_call(method, rule, resources) for method in methods]
    return sorted(found, key=lambda call: call.method == "DELETE")


def _call(method: str, rule: Rule, resources: Resources) -> Call:
    address = re.sub(r"<(?:\w+:)?(\w+)>", lambda name: resources[name[1]], str(rule))
    if rule.endpoint in QUERIES:
        address += f"?{QUERIES[rule.endpoint]}"
    return Call(method, rule, address, _body(method, rule, resources))


def _body(method: str, rule: Rule, resources: Resources) -> Any:
    if rule.endpoint in BODIES:
        return BODIES[rule.endpoint](resources)
    path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(rule))
    return _example(_paths()[path][method.lower()])


@cache
def _paths() -> Mapping[str, Any]:
    paths: Mapping[str, Any] = openapi.document()["paths"]
    return paths


def _example(operation: Mapping[str, Any]) -> Any:
    content = operation.get("requestBody", {}).get("content", {})
    return content["application/json"]["example"] if content else None
