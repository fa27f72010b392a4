"""Wire shapes of health."""

from marshmallow import fields

from argus.core.http import Problem, Schema
from argus.health.service import Outcome


class Alive(Schema):
    """Argus is alive."""

    status = fields.String(required=True, metadata={"enum": ["alive"]})


class CheckOut(Schema):
    """One thing Argus stands on: a service of AWS, the keys of an issuer of tokens or, on a laptop, a process."""

    name = fields.String(required=True, metadata={"example": "dynamodb"})
    outcome = fields.Enum(Outcome, by_value=True, required=True)
    ms = fields.Float(required=True)


class Ready(Schema):
    """Everything Argus stands on answers."""

    status = fields.String(required=True, metadata={"enum": ["ready"]})
    checks = fields.List(fields.Nested(CheckOut), required=True)


class NotReadyProblem(Problem):
    """Something that Argus stands on does not answer."""

    checks = fields.List(fields.Nested(CheckOut), required=True)
