"""The operator decides, with credentials of AWS, how far an organisation's API keys may go."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import pytest

from services.deploy import tiers
from services.deploy.environment import Environment
from services.deploy.functions import FUNCTIONS
from services.local.aws import EmbeddedAws, StackOutputs
from tests.conftest import Person

Decide = Callable[..., int]


@dataclass(frozen=True)
class _Account:
    """An account, as far as this asks."""

    aws: EmbeddedAws

    @property
    def region(self) -> str:
        return self.aws.region

    def client(self, service: str, region: str = "") -> Any:
        return self.aws.client(service)


@pytest.fixture
def decide(aws: EmbeddedAws, outputs: StackOutputs) -> Iterator[Decide]:
    """Runs the command against a stage of the tests."""
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
        FunctionName=api.name("test"),
        Runtime="python3.11",
        Role=role,
        Handler="handler.handler",
        Code={"ZipFile": package.getvalue()},
        Environment={"Variables": variables},
    )

    def run(**asked: str) -> int:
        arguments = [part for name, value in asked.items() for part in (f"--{name}", value)]
        return tiers.main(arguments, environment=lambda: cast(Environment, _Account(aws)))

    yield run
    functions.delete_function(FunctionName=api.name("test"))
    iam.delete_role(RoleName="tiers")


def _made(person: Person, tier: str) -> int:
    return person.post("/api-keys", {"name": "n", "scopes": ["plugins:read"], "tier": tier}).status_code


def test_the_operator_raises_and_lowers_an_organisations_tier(
    decide: Decide, owner: Person, stranger: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = {"stage": "test", "organisation": owner.organisation_id}
    assert _made(owner, "high") == 422
    assert decide(**asked, tier="high") == 0
    assert f"keys of Personal ({owner.organisation_id}) may be high" in capsys.readouterr().out
    assert (_made(owner, "high"), _made(stranger, "high")) == (201, 422)
    assert decide(**asked, tier="standard") == 0
    assert _made(owner, "high") == 422
    assert {key["tier"] for key in owner.get("/api-keys").get_json()["items"]} == {"standard"}


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"tier": "golden"}, "golden: there are standard, high"),
        ({"organisation": "org_00000000000000000000000000"}, "There is no such organisation."),
        ({"stage": "nowhere"}, "AWS: "),
    ],
    ids=["tier", "organisation", "stage"],
)
def test_what_is_not_there_is_said(
    decide: Decide, owner: Person, capsys: pytest.CaptureFixture[str], changed: dict[str, str], why: str
) -> None:
    asked = {"stage": "test", "organisation": owner.organisation_id, "tier": "high"}
    assert decide(**{**asked, **changed}) == 1
    assert why in capsys.readouterr().err
    assert _made(owner, "high") == 422
