"""Ids, times, cursors, settings and errors."""

import json
import math
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argus import capabilities
from argus.container import Container
from argus.core.clock import from_rfc3339, rfc3339
from argus.core.declarations import Build, Capability
from argus.core.errors import ArgusError, Invalid, NotFound
from argus.core.http import MissingScope
from argus.core.ids import Ids, is_id
from argus.core.paging import BadCursor, Cursors
from argus.core.runtime import Runtime
from argus.core.sealing import Sealer
from argus.core.settings import BadSetting, Settings, declared, setting

PRODUCTION = {
    "ARGUS_STAGE": "production",
    "ARGUS_CURSOR_SECRET": "x" * 32,
    "ARGUS_TRUSTED_ISSUERS": json.dumps(
        [{"issuer": "https://i.example", "jwks_url": "https://i.example/jwks", "client_ids": ["c"]}]
    ),
}


# ---------------------------------------------------------------- ids and times


def test_ids_are_unique_prefixed_and_sort_by_their_time() -> None:
    moments = iter(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(milliseconds=step) for step in range(1000))
    ids = Ids(clock=lambda: next(moments))
    made = [ids.new("img") for _ in range(1000)]
    assert made == sorted(set(made))
    assert all(is_id(one, "img") and not is_id(one, "scan") for one in made)


@given(st.text())
def test_is_id_accepts_any_text(text: str) -> None:
    assert not is_id(text, "img") or text.startswith("img_")


@pytest.mark.parametrize(
    "text", ["img_", "img_" + "0" * 25, "img_" + "0" * 27, "img_" + "O" * 26, "img_" + "0" * 26 + "\n"]
)
def test_a_malformed_id_is_rejected(text: str) -> None:
    assert not is_id(text, "img")


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)), st.integers(-12, 14))
def test_times_are_utc_with_milliseconds(moment: datetime, hours: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(hours=hours)))
    text = rfc3339(aware)
    assert text.endswith("Z")
    assert abs(from_rfc3339(text) - aware) < timedelta(milliseconds=1)


# ---------------------------------------------------------------- cursors


@given(st.dictionaries(st.text(max_size=10), st.text(max_size=30), max_size=4), st.text(max_size=20))
def test_a_cursor_opens_only_for_the_listing_it_was_made_for(key: dict[str, str], listing: str) -> None:
    cursors = Cursors(Sealer("secret"))
    sealed = cursors.seal(key, bound_to=listing)
    assert cursors.open(sealed, bound_to=listing) == key
    for other in (Cursors(Sealer("another")), cursors):
        with pytest.raises(BadCursor):
            other.open(sealed, bound_to=listing if other is not cursors else f"{listing}x")


@given(st.text())
def test_a_malformed_cursor_is_rejected(text: str) -> None:
    with pytest.raises(BadCursor):
        Cursors(Sealer("secret")).open(text, bound_to="listing")


def test_the_secret_of_cursors_is_not_in_the_repr() -> None:
    assert "hush" not in repr(Cursors(Sealer("hush")))


# ---------------------------------------------------------------- settings


def test_the_default_stage_is_local() -> None:
    assert Settings.from_env({}).is_local


def test_complete_production_settings_are_accepted() -> None:
    settings = Settings.from_env(PRODUCTION)
    assert not settings.is_local
    assert Container(settings).tokens.issuers[0].client_ids == ("c",)
    assert settings.queue_url("jobs") == "https://sqs.eu-west-1.amazonaws.com/123456789012/argus-production-jobs"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"ARGUS_CURSOR_SECRET": "short"}, "at least 32"),
        ({"ARGUS_TRUSTED_ISSUERS": "[{}]"}, "ARGUS_TRUSTED_ISSUERS is invalid"),
        ({"ARGUS_MEDIA_ORIGIN": "http://media.example"}, "ARGUS_MEDIA_ORIGIN is invalid: .* is not encrypted"),
        ({"ARGUS_LINK_SECONDS": "ten"}, "ARGUS_LINK_SECONDS is invalid"),
        ({"ARGUS_LINK_SECONDS": "60"}, "must be shorter"),
        ({"ARGUS_UPLOAD_SECONDS": "1"}, "must be between 60"),
        ({"ARGUS_KEY_RATE_LIMITS": ""}, "ARGUS_KEY_RATE_LIMITS is invalid"),
        ({"ARGUS_KEY_RATE_LIMITS": "high=9 per minute"}, "the first tier must be standard"),
        ({"ARGUS_KEY_RATE_LIMITS": "standard=9 per minute,standard=10 per minute"}, "one limit for each tier"),
        ({"ARGUS_KEY_RATE_LIMITS": "standard=9 per minute,Very High=10 per minute"}, "one limit for each tier"),
        ({"ARGUS_SOCKET_URL": "ws://socket.example"}, "ARGUS_SOCKET_URL is invalid: .* begins with wss://"),
        ({"ARGUS_SOCKET_URL": "wss://"}, "ARGUS_SOCKET_URL is invalid"),
        ({"ARGUS_SOCKET_URL": "wss://me@socket.example"}, "ARGUS_SOCKET_URL is invalid"),
        ({"ARGUS_SOCKET_URL": "wss://socket.example/dev?token=x"}, "ARGUS_SOCKET_URL is invalid"),
        ({"ARGUS_CONNECTIONS_ENDPOINT": "http://socket.example"}, "ARGUS_CONNECTIONS_ENDPOINT is invalid"),
        ({"ARGUS_CONNECTIONS_ENDPOINT": "https://*.example/dev"}, "ARGUS_CONNECTIONS_ENDPOINT is invalid"),
        ({"ARGUS_STAGE": "Production!"}, "must be 2-16 lower case letters"),
    ],
)
def test_a_dangerous_or_invalid_setting_is_rejected_at_start(changed: dict[str, str], why: str) -> None:
    with pytest.raises(BadSetting, match=why):
        Container(Settings.from_env({**PRODUCTION, **changed}))


def test_secret_settings_are_not_in_the_repr() -> None:
    assert "x" * 32 not in repr(Settings.from_env(PRODUCTION))


def test_every_setting_has_a_description() -> None:
    assert all(setting.metadata["about"] for kind in capabilities.settings() for setting in declared(kind))


# ---------------------------------------------------------------- errors


def _kinds(kind: type[ArgusError]) -> list[type[ArgusError]]:
    return [kind, *(deeper for below in kind.__subclasses__() for deeper in _kinds(below))]


def test_every_kind_of_error_has_a_title_and_its_own_code() -> None:
    kinds = [kind for kind in _kinds(ArgusError) if kind.__module__.startswith("argus.")]
    assert all(kind.__doc__ and kind.__doc__.strip().splitlines()[0].endswith(".") for kind in kinds)
    names = [kind.__name__ for kind in kinds]
    assert len(names) == len(set(names))


def test_a_code_is_the_class_name_in_snake_case() -> None:
    class NoSuchToy(NotFound):
        """The toy does not exist."""

    error = NoSuchToy()
    assert (error.code, error.title, error.status) == ("no_such_toy", "The toy does not exist.", 404)


def test_an_error_without_a_message_of_its_own_has_that_of_its_kind() -> None:
    class NoSuchToy(NotFound):
        """The toy does not exist."""

    assert NoSuchToy().message == NotFound().message
    assert str(NoSuchToy()) == "No resource exists at this URL. Check the path."


def test_an_operators_error_shows_its_cause_to_the_log_and_not_to_users() -> None:
    error = BadSetting("ARGUS_STAGE is empty")
    assert str(error) == "ARGUS_STAGE is empty"
    assert error.message.code == "internal_server_error"
    assert "ARGUS_STAGE" not in error.message.sentence()


def test_a_message_repeats_at_most_500_characters_of_a_parameter() -> None:
    assert MissingScope(scope="x" * 600).message.parameters == {"scope": "x" * 500}


# ---------------------------------------------------------------- the runtime


def _runtime(**services: Build) -> Runtime:
    return Runtime(Settings.from_env({}), capabilities=(Capability(name="made_up", about="", services=services),))


def test_a_service_is_built_once_by_its_name() -> None:
    runtime = _runtime(one=lambda _: object(), other=lambda argus: [argus.one])
    assert runtime.other == [runtime.one]
    with pytest.raises(AttributeError, match="no capability declares a service 'third'"):
        _ = runtime.third


@pytest.mark.parametrize("name", ["links", "clock", "target_kinds", "settings"])
def test_a_service_cannot_have_the_name_of_a_tool(name: str) -> None:
    with pytest.raises(TypeError, match=f"is called {name}"):
        _runtime(**{name: lambda _: object()})


def test_two_services_with_one_name_are_rejected_at_start() -> None:
    one = Capability(name="one", about="", services={"same": lambda _: 1})
    with pytest.raises(TypeError, match="other: another service or tool is called same"):
        Runtime(Settings.from_env({}), capabilities=(one, replace(one, name="other")))


def test_a_cycle_of_services_is_named() -> None:
    with pytest.raises(TypeError, match="one -> other -> one"):
        _ = _runtime(one=lambda argus: argus.other, other=lambda argus: argus.one).one


def test_an_error_while_building_is_not_taken_for_a_missing_service(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TypeError, match=r"the service one cannot be built: .*no attribute 'nothing'"):
        _ = _runtime(one=lambda _: object().nothing).one  # type: ignore[attr-defined]

    def broken(_settings: Settings) -> None:
        raise AttributeError("the library has changed")

    monkeypatch.setattr("argus.core.runtime.Aws", broken)
    with pytest.raises(AttributeError, match="the library has changed"):
        _ = _runtime().aws


def test_a_setting_without_the_prefix_is_rejected() -> None:
    with pytest.raises(TypeError, match="OTHER_TURNS neither begins with ARGUS_ nor is AWS_REGION"):
        setting("OTHER_TURNS", "1", "never read")


@pytest.mark.parametrize("value", [math.nan, -math.inf, 1e200, 10**60, "x" * 2000], ids=str)
def test_a_message_can_be_stored_whatever_its_parameters(argus: Container, value: Any) -> None:
    item = {"pk": "org_x#notes", "sk": "message", **asdict(Invalid(value=value).message)}
    table = argus.table("reports")
    table.put(item)
    stored = table.get("org_x#notes", "message")
    assert stored is not None
    assert stored["parameters"] == {"value": str(value)[:500]}
