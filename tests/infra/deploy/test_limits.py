"""Limits that no template can set: functions at once, and the tag of the budget."""

from typing import Any

import pytest
from botocore.stub import Stubber

from infra.deploy import limits, steps
from infra.deploy.environment import Account
from infra.deploy.options import Options
from tests.infra.deploy.conftest import Output, unconnected


@pytest.mark.parametrize(
    ("limit", "given", "shares", "left"),
    [
        (10, {}, ("2", "2", "2"), 4),
        (30, {}, ("6", "6", "6"), 12),
        (1000, {}, ("10", "10", "10"), 970),
        (10, {"ScansConcurrency": "5"}, ("2", "2", "5"), 1),
    ],
)
def test_queues_get_a_share_of_the_accounts_concurrency(
    limit: int, given: dict[str, str], shares: tuple[str, str, str], left: int
) -> None:
    class SomeAccount(Account):
        concurrency = limit

    output = Output()
    deployment = steps.Deployment("staging", SomeAccount("eu-west-1"), Options(), output, dict(given))
    steps.share_concurrency(deployment)
    assert tuple(deployment.values[name] for name in limits.QUEUE_CONCURRENCIES) == shares
    assert f"which leaves {left} to the API" in output.lines[0]
    assert ("the API may be throttled" in output.lines[-1]) is (left < 4)


class CostExplorer:
    """Cost Explorer's response to UpdateCostAllocationTagsStatus, as in its API reference."""

    def __init__(self, *errors: dict[str, str]) -> None:
        self.errors = list(errors)
        self.tags: list[dict[str, str]] = []

    def update_cost_allocation_tags_status(self, *, CostAllocationTagsStatus: list[dict[str, str]]) -> dict[str, Any]:
        self.tags += CostAllocationTagsStatus
        return {"Errors": self.errors}


@pytest.mark.parametrize(
    ("errors", "line"),
    [
        ([], "cost allocation tag stage: active; AWS needs up to a day until the budget counts"),
        (
            [{"TagKey": "stage", "Code": "TagKeysNotFoundException", "Message": "Tag keys not found"}],
            "the budget counts nothing yet: the cost allocation tag stage is not active (Tag keys not found).",
        ),
        (
            [{"TagKey": "stage"}],
            "the budget counts nothing yet: the cost allocation tag stage is not active (refused).",
        ),
    ],
)
def test_the_tag_of_the_budget_is_activated_or_the_operator_is_asked_to(
    monkeypatch: pytest.MonkeyPatch, errors: list[dict[str, str]], line: str
) -> None:
    billing, output = CostExplorer(*errors), Output()
    monkeypatch.setattr(Account, "client", lambda _, service, region="": {"ce": billing}[service])
    steps.activate_budget(steps.Deployment("staging", Account("eu-west-1"), Options(), output, {}))
    assert billing.tags == [{"TagKey": "stage", "Status": "Active"}]
    assert [one[: len(line)] for one in output.lines] == [line]


def test_an_account_that_may_not_activate_tags_is_deployed_anyway(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the account that pays may: that of the organisation."""
    billing, output = unconnected("ce"), Output()
    with Stubber(billing) as stub:
        stub.add_client_error(
            "update_cost_allocation_tags_status", "AccessDeniedException", "Linked account doesn't have access"
        )
        monkeypatch.setattr(Account, "client", lambda _, service, region="": billing)
        steps.activate_budget(steps.Deployment("staging", Account("eu-west-1"), Options(), output, {}))
    (line,) = output.lines
    assert line.startswith("the budget counts nothing yet")
    assert "Linked account doesn't have access" in line
