"""HTTP of health."""

from typing import Any

from argus.core.errors import Unavailable
from argus.core.http import Blueprint, unlimited
from argus.core.runtime import Runtime
from argus.health.schemas import Alive, CheckOut, NotReadyProblem, Ready
from argus.health.service import Health, Outcome


class DependencyUnavailable(Unavailable):
    """A service that Argus depends on does not respond."""


def blueprint(argus: Runtime) -> Blueprint:
    health: Health = argus.health
    blp = Blueprint("health", __name__, chapter=90, description="For operators: whether Argus works.")

    @blp.route("/health")
    @unlimited
    @blp.response(200, Alive)
    def alive() -> dict[str, str]:
        """Check that Argus is alive

        The response does not depend on other services.
        """
        return {"status": "alive"}

    @blp.route("/ready")
    @unlimited
    @blp.response(200, Ready)
    @blp.alt_response(503, schema=NotReadyProblem, content_type="application/problem+json")
    def ready() -> dict[str, Any]:
        """Check that Argus is ready

        It checks DynamoDB, S3, SQS and the issuers of tokens, and returns the result of each: 503 if one has failed.
        Results are cached for three seconds.
        """
        checks = health.ready()
        if any(check.outcome is not Outcome.OK for check in checks):
            raise DependencyUnavailable(extensions={"checks": CheckOut(many=True).dump(checks)})
        return {"status": "ready", "checks": checks}

    return blp
