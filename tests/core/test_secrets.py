"""Secrets by reference, fetched from the embedded AWS."""

from dataclasses import replace
from typing import Any

import pytest

from argus.container import Container
from argus.core.secrets import Secrets, SecretUnavailable
from argus.core.settings import BadSetting, Settings
from infra.embedded.aws import EmbeddedAws

SECRET = "correct horse battery staple, twice"


@pytest.fixture
def references(aws: EmbeddedAws) -> dict[str, str]:
    """References to the same secret in both services."""
    name = "/argus/test/secret"
    aws.client("ssm").put_parameter(Name=name, Value=SECRET, Type="SecureString", Overwrite=True)
    manager = aws.client("secretsmanager")
    manager.delete_secret(SecretId="argus-test", ForceDeleteWithoutRecovery=True)
    arn = manager.create_secret(Name="argus-test", SecretString=SECRET)["ARN"]
    return {"ssm": f"ssm:{name}", "secretsmanager": f"secretsmanager:{arn}"}


@pytest.mark.parametrize("kind", ["ssm", "secretsmanager"])
def test_a_reference_is_fetched_once(aws: EmbeddedAws, references: dict[str, str], kind: str) -> None:
    services: list[str] = []

    def client(service: str) -> Any:
        services.append(service)
        return aws.client(service)

    secrets = Secrets(client)
    assert [secrets.reveal(references[kind]), secrets.reveal(references[kind])] == [SECRET, SECRET]
    assert services == [kind]


def test_a_value_without_a_prefix_is_the_secret() -> None:
    assert Secrets(lambda _: pytest.fail("called AWS")).reveal("plain") == "plain"


@pytest.mark.parametrize("reference", ["ssm:/argus/nowhere", "secretsmanager:nothing"])
def test_a_missing_secret_is_named_by_its_reference(aws: EmbeddedAws, reference: str) -> None:
    with pytest.raises(SecretUnavailable, match=reference):
        Secrets(aws.client).reveal(reference)


def test_a_secret_is_not_in_the_repr() -> None:
    secrets = Secrets(lambda _: None, {"ssm:/a": "hush"})
    assert "hush" not in repr(secrets)


def test_cursors_are_signed_with_the_referenced_secret(settings: Settings, references: dict[str, str]) -> None:
    named, plain = (
        Container(replace(settings, cursor_secret=secret)).cursors.seal({"pk": "a"}, bound_to="x")
        for secret in (references["ssm"], SECRET)
    )
    assert named == plain


def test_a_short_secret_is_rejected_wherever_it_is_stored(
    aws: EmbeddedAws, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.client("ssm").put_parameter(Name="/argus/test/short", Value="short", Type="SecureString", Overwrite=True)
    container = Container(replace(settings, stage="production", cursor_secret="ssm:/argus/test/short", environ={}))
    with pytest.raises(BadSetting, match="32"):
        _ = container.cursors
    with pytest.raises(BadSetting, match="32"):
        Settings.from_env({"ARGUS_STAGE": "production", "ARGUS_CURSOR_SECRET": "short"})
    assert Settings.from_env({"ARGUS_STAGE": "production", "ARGUS_CURSOR_SECRET": "ssm:/x"}).cursor_secret == "ssm:/x"
