"""The sender of e-mails to users is checked before anything is changed."""

import pytest
from botocore.stub import Stubber

from infra.deploy import steps
from infra.deploy.environment import Account
from infra.deploy.options import BadOption, Options
from tests.infra.deploy.conftest import Output, unconnected


@pytest.mark.parametrize(
    ("verified", "identity"),
    [
        ([True], "argus@mail.example.com"),
        ([False, True], "mail.example.com"),
        ([False, False, True], "example.com"),  # a verified domain includes the domains below it
    ],
)
@pytest.mark.parametrize("production", [False, True])
def test_mail_goes_through_an_identity_that_ses_has_verified(
    monkeypatch: pytest.MonkeyPatch, verified: list[bool], identity: str, production: bool
) -> None:
    client = unconnected("sesv2")
    output = Output()
    with Stubber(client) as stub:
        for is_verified in verified:
            stub.add_response("get_email_identity", {"VerifiedForSendingStatus": is_verified})
        stub.add_response("get_account", {"ProductionAccessEnabled": production})
        monkeypatch.setattr(Account, "client", lambda _, service, region="": {"sesv2": client}[service])
        options = Options(mail_from="argus@mail.example.com")
        deployment = steps.Deployment("staging", Account("eu-west-1"), options, output, {})
        steps.use_mail(deployment)
    assert deployment.values == {"MailFrom": "argus@mail.example.com", "MailIdentity": identity}
    assert any("SES is in its sandbox" in line for line in output.lines) is not production


def test_mail_from_an_address_that_ses_does_not_know_stops_the_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    client = unconnected("sesv2")
    with Stubber(client) as stub:
        for _ in range(2):
            stub.add_client_error("get_email_identity", "NotFoundException")
        monkeypatch.setattr(Account, "client", lambda _, service, region="": client)
        options = Options(mail_from="argus@example.com")
        with pytest.raises(BadOption, match=r"verify example\.com or the address in SES"):
            steps.use_mail(steps.Deployment("staging", Account("eu-west-1"), options, Output(), {}))
