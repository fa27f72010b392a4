"""HTTP of identity."""

from typing import Any

from argus.core.http import Blueprint, current_caller, needs, public
from argus.identity import examples
from argus.identity.schemas import Me, SignInWays
from argus.identity.service import Identity


def blueprint(identity: Identity, ways: list[dict[str, str]]) -> Blueprint:
    blp = Blueprint("identity", __name__, description="Who is calling")

    @blp.route("/me")
    @needs("profile:read")
    @blp.response(200, Me, example=examples.ME)
    def me() -> dict[str, Any]:
        """The caller: user, organisation, role, scopes, issuer"""
        caller = current_caller()
        return {
            "user": {"id": caller.user_id},
            "organisation": identity.organisation(caller.organisation_id),
            "role": caller.role,
            "scopes": sorted(caller.scopes),
            "issuer": caller.issuer,
        }

    @blp.route("/sign-in")
    @public
    @blp.response(200, SignInWays, example=examples.SIGN_IN_WAYS)
    def sign_in() -> dict[str, Any]:
        """Where a client gets a token"""
        return {"items": ways}

    return blp
