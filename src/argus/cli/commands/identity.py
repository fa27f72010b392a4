"""The commands for sign-in and API keys."""

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import click

from argus.cli import cognito
from argus.cli.api import segment
from argus.cli.errors import Incomplete, Misconfigured, NotSignedIn
from argus.cli.formatting import joined, label, local_time
from argus.cli.invocation import Command, Group, Invocation
from argus.cli.options import paged
from argus.cli.tables import Column, Details, Item, Table


def _key(name: str) -> Callable[[Item], str | None]:
    """Reads a field of the caller's API key, if it uses one."""
    return lambda caller: (caller["key"] or {}).get(name)


CALLER = (
    Column.of("URL", "url"),
    Column.of("Profile", "profile"),
    Column("User", lambda caller: caller["name"] or caller["user"]["id"]),
    Column("User id", lambda caller: caller["user"]["id"]),
    Column("Organisation", lambda caller: caller["organisation"]["name"]),
    Column("Organisation id", lambda caller: caller["organisation"]["id"]),
    Column.of("Role", "role"),
    Column("API key", _key("name")),
    Column("API key id", _key("id")),
    Column("API key expires", _key("expires_at"), show=local_time),
    Column.of("Scopes", "scopes", show=joined),
    Column.of("Issuer", "issuer"),
)
KEYS = Table(
    "API keys",
    (
        Column.of("Key", "id", 1, whole=True),
        Column.of("Name", "name", 2),
        Column.of("State", "state", 3, label, coloured=True),
        Column.of("Scopes", "scopes", 5, joined),
        Column.of("Tier", "tier", 6),
        Column.of("Created", "created_at", 8, local_time, whole=True),
        Column.of("Expires", "expires_at", 4, local_time, whole=True),
        Column.of("Last used", "last_used_at", 7, local_time, whole=True),
    ),
)
KEY = (
    Column.of("Key", "id"),
    Column.of("Name", "name"),
    Column.of("State", "state", show=label, coloured=True),
    Column.of("Scopes", "scopes", show=joined),
    Column.of("Tier", "tier"),
    Column.of("Created by", "created_by"),
    Column.of("Created", "created_at", show=local_time),
    Column.of("Expires", "expires_at", show=local_time),
    Column.of("Last used", "last_used_at", show=local_time),
    Column.of("Revoked", "revoked_at", show=local_time),
)


@click.command(cls=Command)
@click.option("--user", metavar="EMAIL", help="The user to sign in.  [default: prompt]")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.pass_obj
def login(argus: Invocation, user: str | None, password_stdin: bool) -> None:
    """Sign in with a password.

    The URL and the session are stored in the profile, in ~/.config/argus/profiles.json, which only you can read. The
    session is renewed when needed.
    """
    if not user and (password_stdin or not sys.stdin.isatty()):
        raise click.UsageError("Specify the user with --user EMAIL.")
    if not password_stdin and not sys.stdin.isatty():
        raise click.UsageError("Standard input is not a terminal. Pass the password with --password-stdin.")
    issuers = argus.api.public("/sign-in")["items"]
    if not issuers:
        raise Misconfigured(
            f"{argus.url} does not support sign-in with a password. Set ARGUS_API_KEY or ARGUS_TOKEN instead."
        )
    user = user or click.prompt("Email", err=True)
    password = (
        sys.stdin.readline().rstrip("\r\n") if password_stdin else click.prompt("Password", hide_input=True, err=True)
    )
    api = replace(argus.api, fixed_token="", key="")
    session = cognito.sign_in(
        api.http, endpoint=issuers[0]["endpoint"], client_id=issuers[0]["client_id"], user=user, password=password
    )
    try:
        me = replace(api, fixed_token=session.access_token).get("/me")
    except NotSignedIn as error:
        raise NotSignedIn(f"{api.url} does not accept a token of its own sign-in service. Report this.") from error
    api.sessions.put(api.url, session)
    argus.screen.show(
        {"profile": argus.profile, "url": api.url, "user": user, "expires_at": _rfc3339(session.expires_at), "me": me}
    )
    argus.screen.line(f"Signed in to {api.url} as {user}, {me['role']} of {me['organisation']['name']}.")
    if variable := "ARGUS_API_KEY" if argus.api.key else "ARGUS_TOKEN" if argus.api.fixed_token else "":
        argus.screen.note(f"{variable} is set and takes precedence over this session.")


@click.command(cls=Command)
@click.pass_obj
def logout(argus: Invocation) -> None:
    """Delete the session, and revoke its refresh token."""
    api = argus.api
    session = api.sessions.get(api.url)
    if session is None:
        argus.screen.show({"url": api.url, "signed_out": False})
        argus.screen.line(f"Not signed in to {api.url}.")
        return
    api.sessions.delete(api.url)
    revoked = cognito.revoke(api.http, session)
    argus.screen.show({"url": api.url, "signed_out": True, "revoked": revoked})
    argus.screen.line(f"Signed out of {api.url}.")
    if not revoked:
        argus.screen.note(cognito.NOT_REVOKED)


@click.command(cls=Command)
@click.pass_obj
def token(argus: Invocation) -> None:
    """Print an access token, for use with curl.

    curl -H "Authorization: Bearer $(argus token)" …
    """
    if argus.api.key:
        raise click.UsageError("ARGUS_API_KEY is set. API keys have no access token: send the key in X-API-Key.")
    access_token = argus.api.token()
    argus.screen.show({"access_token": access_token})
    argus.screen.line(access_token)


@click.command(cls=Command)
@click.pass_obj
def whoami(argus: Invocation) -> None:
    """Show the caller: user or API key, organisation, role, scopes."""
    me = argus.api.get("/me")
    session = None if argus.api.fixed_token or argus.api.key else argus.api.session()
    client = {"url": argus.api.url, "profile": session and argus.profile, "name": session and session.user}
    argus.screen.show(me, Details(CALLER, {**me, **client}))


def _rfc3339(epoch_seconds: float) -> str:
    return datetime.fromtimestamp(epoch_seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@click.group(cls=Group)
def key() -> None:
    """Create, list, show and revoke API keys, for programs."""


@key.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    help="A scope of the key, such as images:read; repeatable. `argus whoami` lists your scopes.",
)
@click.option(
    "--days", type=click.IntRange(1, 365), default=90, show_default=True, help="The number of days until it expires."
)
@click.option("--tier", default="standard", show_default=True, help="The tier, which sets the rate limit.")
@click.pass_obj
def create(argus: Invocation, name: str, scopes: tuple[str, ...], days: int, tier: str) -> None:
    """Create a key and print it. It is not shown again.

    ARGUS_API_KEY=$(argus --quiet key create nightly --scope scans:read)
    """
    body = {"name": name, "scopes": list(scopes), "expires_in_days": days, "tier": tier}
    created = argus.api.post("/api-keys", body)
    argus.screen.show(created)
    if created["key"] is None:  # the first response was lost, and this one is a replay without the key
        raise Incomplete(
            f"{created['id']} was created, but the response with the key was lost. Revoke it and create another."
        )
    argus.screen.line(created["key"])
    argus.screen.note(
        f"The key {created['id']} expires on {local_time(created['expires_at'])}. The key itself is not shown again."
    )


@key.command("list")
@paged
@click.pass_obj
def list_keys(argus: Invocation, limit: int | None) -> None:
    """List the organisation's keys, newest first."""
    argus.screen.show_list(KEYS, argus.api.list("/api-keys", limit=limit))


@key.command()
@click.argument("key_id", metavar="KEY")
@click.pass_obj
def show(argus: Invocation, key_id: str) -> None:
    """Show one key, without the key itself."""
    found = argus.api.get(f"/api-keys/{segment(_require_id(key_id))}")
    argus.screen.show(found, Details(KEY, found))


@key.command()
@click.argument("key_id", metavar="KEY")
@click.pass_obj
def revoke(argus: Invocation, key_id: str) -> None:
    """Revoke a key. It is rejected from the next request on."""
    argus.api.delete(f"/api-keys/{segment(_require_id(key_id))}")
    argus.screen.show({"id": key_id, "revoked": True})
    argus.screen.line(f"Revoked {key_id}.")


def _require_id(key_id: str) -> str:
    """Reject the key itself in place of its id. It must not appear in a URL: proxies log URLs."""
    if key_id.startswith("argus_"):
        raise click.UsageError(f"This is the key itself, which must not appear in a URL. Its id is key_{key_id[6:32]}.")
    return key_id


COMMANDS = (login, logout, token, whoami, key)
