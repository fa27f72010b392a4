"""The operator sets the highest tier of an organisation's API keys, with AWS credentials."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import pytest

from infra.deploy import main
from infra.deploy.environment import Environment
from infra.deploy.functions import FUNCTIONS
from infra.embedded.aws import EmbeddedAws, StackOutputs
from tests.conftest import Person

SetTier = Callable[..., int]


@dataclass(frozen=True)
class _Account:
    """An environment with the methods that the command uses."""

    aws: EmbeddedAws

    @property
    def region(self) -> str:
        return self.aws.region

    @property
    def account_id(self) -> str:
        return self.aws.account_id

    def client(self, service: str, region: str = "") -> Any:
        return self.aws.client(service)


@pytest.fixture
def set_tier(aws: EmbeddedAws, outputs: StackOutputs) -> Iterator[SetTier]:
    """The command, against a stage of the tests."""
    variables = {
        "ARGUS_STAGE": "test",
        "ARGUS_ACCOUNT_ID": aws.account_id,
        "ARGUS_AWS_ENDPOINT": aws.endpoint_url,
        "ARGUS_KEY_RATE_LIMITS": "standard=9 per minute,high=90 per minute",
    }
    iam, functions, (api, *_) = aws.client("iam"), aws.client("lambda"), FUNCTIONS
    trust = {"Version": "2012-10-17", "Statement": []}
    role = iam.create_role(RoleName="tiers", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as zipped:
        zipped.writestr("handler.py", "")
    functions.create_function(
        FunctionName=api.name("dev"),
        Runtime="python3.11",
        Role=role,
        Handler="handler.handler",
        Code={"ZipFile": package.getvalue()},
        Environment={"Variables": variables},
    )

    def run(stage: str, **options: str) -> int:
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        return main.main(["tier", stage, *arguments], environment=lambda: cast(Environment, _Account(aws)))

    yield run
    functions.delete_function(FunctionName=api.name("dev"))
    iam.delete_role(RoleName="tiers")


def _create_key(person: Person, tier: str) -> int:
    """Create a key; returns the status."""
    return person.post("/api-keys", {"name": "n", "scopes": ["plugins:read"], "tier": tier}).status_code


def test_the_operator_raises_and_lowers_an_organisations_tier(
    set_tier: SetTier, owner: Person, stranger: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {"stage": "dev", "organisation": owner.organisation_id}
    assert _create_key(owner, "high") == 422
    assert set_tier(**options, tier="high") == 0
    _, text = capsys.readouterr().out.splitlines()
    assert text == f"API keys of Personal ({owner.organisation_id}) may now have the tier high"
    assert (_create_key(owner, "high"), _create_key(stranger, "high")) == (201, 422)
    assert set_tier(**options, tier="standard") == 0
    assert _create_key(owner, "high") == 422
    assert {key["tier"] for key in owner.get("/api-keys").get_json()["items"]} == {"standard"}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"tier": "golden"}, "The tier “golden” does not exist. Choose one of these: standard, high."),
        (
            {"organisation": "org_00000000000000000000000000"},
            "The organisation org_00000000000000000000000000 does not exist.",
        ),
        ({"stage": "staging"}, "AWS: "),
    ],
    ids=["tier", "organisation", "stage"],
)
def test_an_unknown_tier_organisation_or_stage_fails_with_a_reason(
    set_tier: SetTier, owner: Person, capsys: pytest.CaptureFixture[str], changed: dict[str, str], reason: str
) -> None:
    options = {"stage": "dev", "organisation": owner.organisation_id, "tier": "high"}
    assert set_tier(**{**options, **changed}) == 1
    assert reason in capsys.readouterr().err
    assert _create_key(owner, "high") == 422
