"""An account as the environment of a deployment, and a rehearsal, which reaches none."""

import pytest
from botocore.stub import Stubber

from infra.deploy.environment import Account
from services.local.rehearsal.main import Embedded
from tests.infra.deploy.conftest import unconnected


def test_the_region_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "af-south-1")
    account = Account.of_environment()
    assert (account.region, account.variables["AWS_DEFAULT_REGION"]) == ("af-south-1", "af-south-1")
    assert account.sign_in_url() == "https://cognito-idp.af-south-1.amazonaws.com"


def test_the_concurrency_of_an_account_is_what_is_not_reserved(monkeypatch: pytest.MonkeyPatch) -> None:
    client = unconnected("lambda")
    monkeypatch.setattr(Account, "client", lambda _, service, region="": {"lambda": client}[service])
    with Stubber(client) as stub:
        limit = {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 900}
        stub.add_response("get_account_settings", {"AccountLimit": limit})
        assert Account("eu-west-1").concurrency == 900


def test_the_endpoint_of_an_account_is_the_output_of_its_stack() -> None:
    account = Account("eu-west-1")
    with account.api_endpoint("dev", {"ApiUrl": "https://api.argus.example"}) as url:
        assert url == "https://api.argus.example"


def test_a_rehearsal_reaches_no_account(environment: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "a-developers-own")
    assert "AWS_PROFILE" not in environment.variables
    assert environment.variables["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
