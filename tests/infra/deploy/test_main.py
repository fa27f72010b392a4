"""The command of the operator."""

import pytest

from infra.deploy import main, steps
from services.local.rehearsal.main import Embedded


@pytest.mark.parametrize(
    ("arguments", "typed", "reason"),
    [
        (["destroy", "production"], "production", "To destroy production, pass --yes-really."),
        (["destroy", "production", "--yes-really"], "staging", "The name that you typed is not that of the stage."),
        (["destroy", "dev"], "", "The name that you typed is not that of the stage."),
        (["destroy", "dev"], "dev", "There is no stack of dev in account 123456789012, region eu-west-1."),
        (["rollback", "dev"], "", "There is no earlier release to roll back to. Stage dev keeps its functions."),
    ],
)
def test_the_command_requires_confirmation_and_an_earlier_release(
    environment: Embedded, arguments: list[str], typed: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(arguments, environment=lambda: environment, ask=lambda _: typed) == 1
    printed = capsys.readouterr()
    assert reason in printed.err
    assert printed.out.startswith(f"{arguments[0]}: {arguments[1]} in account 123456789012, region eu-west-1\n")


def test_the_command_lists_the_resources_that_it_kept(
    environment: Embedded, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(steps, "destroy", lambda _: ["AWS::DynamoDB::Table argus-dev-imagery"])
    assert main.main(["destroy", "dev"], environment=lambda: environment, ask=lambda _: "dev\n") == 0
    assert "argus-dev-imagery" in capsys.readouterr().out
