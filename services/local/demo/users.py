"""The demo users: the owners of two organisations, and a viewer."""

from dataclasses import dataclass
from typing import Any

from argus.container import Container
from argus.identity.model import Role, Subject


@dataclass(frozen=True)
class DemoUser:
    """A user of the demo."""

    email: str
    organisation: str
    role: Role


USERS = (
    DemoUser("owner@north.example", "North Geothermal", Role.OWNER),
    DemoUser("viewer@north.example", "North Geothermal", Role.VIEWER),
    DemoUser("owner@south.example", "South Geothermal", Role.OWNER),
)


def create_users(argus: Container, cognito: Any, *, issuer: str, pool_id: str, password: str) -> None:
    """Create the demo users in the user pool, and their organisations and memberships."""
    organisations: dict[str, str] = {}
    for user in USERS:
        subject = Subject(issuer, _sign_up(cognito, pool_id, user.email, password))
        if user.organisation in organisations:
            argus.identity.add_member(subject, organisations[user.organisation], user.role)
        else:
            organisations[user.organisation] = argus.identity.create_organisation(
                subject, user.organisation
            ).organisation_id


def _sign_up(cognito: Any, pool_id: str, email: str, password: str) -> str:
    """Create a confirmed user with a password; returns the subject that tokens will contain."""
    created = cognito.admin_create_user(
        UserPoolId=pool_id,
        Username=email,
        UserAttributes=[{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}],
        MessageAction="SUPPRESS",
    )
    cognito.admin_set_user_password(UserPoolId=pool_id, Username=email, Password=password, Permanent=True)
    attributes = {entry["Name"]: entry["Value"] for entry in created["User"]["Attributes"]}
    return str(attributes["sub"])
