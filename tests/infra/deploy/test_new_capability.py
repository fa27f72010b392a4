"""A new capability: its template is found, deployed, monitored, backed up and deleted without other changes."""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from infra.deploy import plans, steps
from infra.embedded.aws import EmbeddedAws
from infra.templates import CAPABILITIES, INFRA, capability_templates
from services.local.rehearsal.main import Embedded, no_function
from services.local.sockets import Sockets
from tests.infra.test_roles import characters, policies, rows
from tests.infra.test_rules import Templates, copied, resources, templates_in, undocumented, unwatched_queues

QUEUES = """
  LedgerQueue:
    Type: AWS::SQS::Queue
    Properties: {QueueName: !Sub "argus-${Stage}-ledger"}
"""
ALARM = """
  LedgerAge:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmName: !Sub argus-${Stage}-ledger-age
      AlarmDescription: Entries wait longer than five minutes.
      Namespace: AWS/SQS
      MetricName: ApproximateAgeOfOldestMessage
      Dimensions: [{Name: QueueName, Value: !Sub "argus-${Stage}-ledger"}]
      Statistic: Maximum
      Period: 60
      EvaluationPeriods: 5
      Threshold: 300
      ComparisonOperator: GreaterThanThreshold
      AlarmActions: [!Sub "arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:argus-${Stage}-alarms"]
"""


@dataclass(frozen=True)
class Folders:
    """Copies of infra/ and the folders of src/argus, with one more capability in both."""

    infra: Path
    capabilities: Path

    @property
    def templates(self) -> Templates:
        return templates_in(self.infra)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    found = Folders(tmp_path_factory.mktemp("infra"), tmp_path_factory.mktemp("argus"))
    for template in INFRA.glob("*.yaml"):
        shutil.copy(template, found.infra)
    text = (INFRA / "reports.yaml").read_text().replace("reports", "ledger").replace("Reports", "Ledger")
    (found.infra / "ledger.yaml").write_text(text + QUEUES + ALARM)
    for folder in [*(path.name for path in CAPABILITIES.iterdir() if path.is_dir()), "ledger"]:
        (found.capabilities / folder).mkdir()
        (found.capabilities / folder / "capability.py").touch()
    return found


# ---------------------------------------------------------------- in the tests over all templates


def test_its_template_is_found_with_the_others(folders: Folders) -> None:
    names = [path.stem for path in capability_templates(folders.infra, folders.capabilities)]
    assert names == sorted([*(path.stem for path in capability_templates()), "ledger"])
    assert not undocumented(folders.templates["ledger"], is_capability=True)


def test_its_resources_are_cases_of_the_tests_over_all_templates(folders: Folders) -> None:
    tables = {case.id for case in resources("AWS::DynamoDB::Table", among=folders.templates)}
    added = {case.id for case in resources(among=folders.templates)} - {case.id for case in resources()}
    assert {"ledger-LedgerTable", "ledger-ApiLedgerPolicy"} <= added
    assert "ledger-LedgerTable" in tables
    assert "argus-production-ledger" in copied(folders.templates)


def test_its_permissions_are_added_to_the_roles(folders: Folders) -> None:
    for role in ("api", "worker", "scheduler", "links"):
        assert [policy.template for policy in policies(role, folders.templates)].count("ledger") == 1
        assert characters(role, folders.templates) > characters(role)
    documented = [row for row in rows(folders.infra, folders.templates) if row.endswith("| ledger |")]
    assert "| api | dynamodb: GetItem, PutItem, Query | `table/argus-<stage>-ledger` | Ledger | ledger |" in documented


def test_a_queue_of_its_own_needs_an_alarm_of_its_own(folders: Folders, tmp_path: Path) -> None:
    assert not unwatched_queues(folders.templates)
    shutil.copytree(folders.infra, tmp_path, dirs_exist_ok=True)
    ledger = tmp_path / "ledger.yaml"
    ledger.write_text(ledger.read_text().replace(ALARM, ""))
    assert unwatched_queues(templates_in(tmp_path)) == {"argus-production-ledger"}


# ---------------------------------------------------------------- in a deployment


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    with EmbeddedAws.start(stage="newcomer") as aws, Sockets.start(no_function) as sockets:
        yield Embedded(aws, sockets, logs=tmp_path_factory.mktemp("newcomer"))


def deploy(stage: str, environment: Embedded, stacks: Iterable[plans.Plan]) -> steps.Deployment:
    deployment = steps.prepare(stage, environment, {}, lambda _: None)
    for plan in stacks:
        steps.deploy_stack(deployment, plan)
    return deployment


def test_a_new_capability_is_deployed_as_declared_used_and_deleted(
    environment: Embedded, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = plans.capability_plans(capability_templates(folders.infra, folders.capabilities))
    monkeypatch.setattr(steps, "BEFORE_FUNCTIONS", (plans.PACKAGES, plans.DATA, plans.ROLES, *found))
    deployment = deploy("newcomer", environment, steps.BEFORE_FUNCTIONS)
    assert "argus-newcomer-ledger" in environment.aws.stacks.stacks
    item = {"pk": {"S": "org_a"}, "sk": {"S": "entry"}}
    role = f"arn:aws:iam::{environment.account_id}:role/argus-newcomer-{environment.region}-api"
    with environment.aws.as_role(role) as api:
        api("dynamodb").put_item(TableName="argus-newcomer-ledger", Item=item)
        with pytest.raises(ClientError, match="not authorized to perform: dynamodb:DeleteItem"):
            api("dynamodb").delete_item(TableName="argus-newcomer-ledger", Key=item)
    environment.aws.refusals.clear()

    retained = steps.destroy(deployment)
    assert "AWS::DynamoDB::Table argus-newcomer-ledger" in retained
    roles = [role["RoleName"] for role in environment.client("iam").list_roles()["Roles"]]
    assert not [name for name in roles if name.startswith("argus-newcomer-")]
    assert not environment.aws.stacks.outputs("argus-newcomer-data")


def test_a_role_cannot_be_deleted_before_the_capabilities_that_use_it(
    environment: Embedded, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This is why a stage is deleted in reverse order of creation."""
    (ledger,) = plans.capability_plans([folders.infra / "ledger.yaml"])
    deployment = deploy("reversed", environment, (plans.DATA, plans.ROLES, ledger))
    monkeypatch.setattr(steps, "BEFORE_FUNCTIONS", (ledger, plans.ROLES))
    with pytest.raises(ClientError, match="must delete policies first"):
        steps.destroy(deployment)
