"""The commands for profiles."""

import os

import click

from argus.cli import cognito
from argus.cli.api import http_client
from argus.cli.errors import Misconfigured
from argus.cli.invocation import Group, Invocation
from argus.cli.profiles import Profiles
from argus.cli.tables import Column, Rows, Table

PROFILES = Table(
    "Profiles",
    (
        Column.of("Profile", "name", 1, whole=True),
        Column.of("URL", "url", 2),
        Column.of("User", "user", 3),
        Column.of("Active", "active", 4, lambda active: "yes" if active else ""),
    ),
)


@click.group(cls=Group)
def profile() -> None:
    """List and delete profiles. `argus login --profile NAME --url URL` creates one."""


@profile.command("list")
@click.pass_obj
def list_profiles(argus: Invocation) -> None:
    """List profiles and their users."""
    items = [
        {
            "name": name,
            "url": stored.url,
            "user": stored.session.user if stored.session else None,
            "active": name == argus.profile,
        }
        for name, stored in sorted(Profiles.of(os.environ).all().items())
    ]
    argus.screen.show({"items": items, "next_cursor": None}, *([Rows(PROFILES, items)] if items else []))
    if not items:
        argus.screen.note(f"{PROFILES.title}: none")


@profile.command()
@click.argument("name")
@click.pass_obj
def delete(argus: Invocation, name: str) -> None:
    """Delete a profile, and revoke the refresh token of its session."""
    profiles = Profiles.of(os.environ)
    stored = profiles.get(name)
    if stored is None:
        raise Misconfigured(f"The profile {name} does not exist. `argus profile list` lists the profiles.")
    profiles.delete(name)
    revoked = False
    if stored.session:
        with http_client() as http:
            revoked = cognito.revoke(http, stored.session)
    argus.screen.show({"name": name, "deleted": True, "revoked": revoked})
    argus.screen.line(f"Deleted {name}.")
    if stored.session and not revoked:
        argus.screen.note(cognito.NOT_REVOKED)


COMMANDS = (profile,)
