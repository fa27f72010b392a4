"""Wire shapes of health."""

from marshmallow import fields

from argus.core.http import Problem, Schema
from argus.health.service import Outcome


class Alive(Schema):
    """Argus is alive."""

    status = fields.String(required=True, metadata={"enum": ["alive"]})


class CheckOut(Schema):
    """The check of an AWS service, of the keys of a token issuer or, in the local environment, of a process."""

    name = fields.String(required=True)
    outcome = fields.Enum(Outcome, by_value=True, required=True)
    ms = fields.Float(required=True)


class Ready(Schema):
    """All services that Argus depends on respond."""

    status = fields.String(required=True, metadata={"enum": ["ready"]})
    checks = fields.List(fields.Nested(CheckOut), required=True)


class NotReadyProblem(Problem):
    """A service that Argus depends on does not respond."""

    checks = fields.List(fields.Nested(CheckOut), required=True)
