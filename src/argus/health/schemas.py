"""Wire shapes of health."""

from marshmallow import fields

from argus.core.http import Problem, Schema, described, enum_field, items_field
from argus.health.service import Outcome


class Alive(Schema):
    """Argus is alive."""

    status = fields.String(required=True, **described("Always `alive`", enum=["alive"]))


class CheckOut(Schema):
    """The check of an AWS service, of the keys of a token issuer or, in the local environment, of a process."""

    name = fields.String(required=True, **described("What was checked"))
    outcome = enum_field(Outcome, "`ok`, `failed`, or `timeout` if it did not respond in time")
    ms = fields.Float(required=True, **described("How long the check took, in milliseconds"))


class Ready(Schema):
    """All services that Argus depends on respond."""

    status = fields.String(required=True, **described("Always `ready`: otherwise the status is 503", enum=["ready"]))
    checks = items_field(CheckOut, "The result of each check")


class NotReadyProblem(Problem):
    """A service that Argus depends on does not respond."""

    checks = items_field(CheckOut, "The result of each check")
