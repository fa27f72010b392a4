"""Stacks of an account: change sets, their failures, and the values of stacks."""

from typing import Any

import pytest
from botocore.stub import ANY, Stubber

from infra.deploy.stacks import ChangeSets, StackFailed
from infra.embedded.aws import EmbeddedAws
from infra.templates import Template
from tests.infra.deploy.conftest import unconnected

TOPIC = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "argus-broken"}}
BROKEN = {"Resources": {"Topic": TOPIC, "Other": {**TOPIC, "Properties": {"TopicName": "no!"}}}}


def test_a_stack_whose_creation_failed_is_deleted_before_the_next_attempt(aws: EmbeddedAws) -> None:
    stacks = ChangeSets(aws.client("cloudformation"))
    parts = {"parameters": {}, "tags": {}}
    with pytest.raises(StackFailed):
        stacks.deploy("argus-broken", template=Template("argus-broken", BROKEN), **parts)
    sound = Template("argus-broken", {"Resources": {"Topic": TOPIC}})
    assert stacks.deploy("argus-broken", template=sound, **parts)
    assert not stacks.deploy("argus-broken", template=sound, **parts)
    assert stacks.delete("argus-broken")
    assert not stacks.delete("argus-broken")


STACK_ID = "arn:aws:cloudformation:eu-west-1:123456789012:stack/argus-staging-data/1"


def described(status: str, **more: Any) -> dict[str, Any]:
    """AWS's response to DescribeStacks."""
    stack = {"StackId": STACK_ID, "StackName": "argus-staging-data", "CreationTime": 0, "StackStatus": status}
    return {"Stacks": [stack | more]}


def test_an_existing_stack_is_updated_with_parameters_and_tags_and_its_values_are_read() -> None:
    """moto loses the outputs of change sets: these are AWS's responses, as in its API reference."""
    client = unconnected("cloudformation")
    stacks = ChangeSets(client, lambda _: None)
    outputs = [{"OutputKey": "KeyArn", "OutputValue": "arn:key"}]
    resource = {
        "LogicalResourceId": "Key",
        "PhysicalResourceId": "k1",
        "ResourceType": "AWS::KMS::Key",
        "LastUpdatedTimestamp": 0,
        "ResourceStatus": "CREATE_COMPLETE",
    }
    expected = {
        "StackName": "argus-staging-data",
        "ChangeSetName": ANY,
        "ChangeSetType": "UPDATE",
        "TemplateBody": "{}",
        "Parameters": [{"ParameterKey": "Stage", "ParameterValue": "staging"}],
        "Tags": [{"Key": "project", "Value": "argus"}],
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "ImportExistingResources": True,
    }
    with Stubber(client) as stub:
        stub.add_response("describe_stacks", described("CREATE_COMPLETE"))
        stub.add_response("create_change_set", {"Id": "arn:change-set/1", "StackId": STACK_ID}, expected)
        stub.add_response("describe_change_set", {"Status": "CREATE_COMPLETE"})
        stub.add_response("execute_change_set", {})
        stub.add_response("describe_stacks", described("UPDATE_COMPLETE"))
        assert stacks.deploy(
            "argus-staging-data",
            template=Template("argus-staging-data", {}),
            parameters={"Stage": "staging"},
            tags={"project": "argus"},
        )
        stub.add_response("describe_stacks", described("UPDATE_COMPLETE", Outputs=outputs))
        assert stacks.outputs("argus-staging-data") == {"KeyArn": "arn:key"}
        stub.add_response("describe_stacks", described("UPDATE_COMPLETE"))
        stub.add_response("list_stack_resources", {"StackResourceSummaries": [resource]})
        assert stacks.resources("argus-staging-data") == {"Key": "k1"}
        for read in (stacks.outputs, stacks.resources):
            stub.add_client_error("describe_stacks", service_message="Stack with id x does not exist")
            assert read("argus-staging-data") == {}


DATA = Template(
    "argus-staging-data",
    {
        "Parameters": {"Stage": {"Type": "String"}},
        "Resources": {
            "Key": {"Type": "AWS::KMS::Key", "DeletionPolicy": "RetainExceptOnCreate"},
            "Alias": {"Type": "AWS::KMS::Alias", "Properties": {"TargetKeyId": {"Ref": "Key"}}},
        },
        "Outputs": {"KeyArn": {"Value": {"Fn::GetAtt": ["Key", "Arn"]}}},
    },
)
ONLY_KEY = Template(
    "argus-staging-data",
    {"Parameters": DATA.body["Parameters"], "Resources": {"Key": DATA.resources["Key"]}},
)
IMPORTED_KEY = {
    "ResourceType": "AWS::KMS::Key",
    "LogicalResourceId": "Key",
    "ResourceIdentifier": {"KeyId": "k1"},
}
MISSING = "Stack with id x does not exist"


def change_set(stub: Stubber, kind: str, template: Template, **more: Any) -> None:
    """AWS's responses to a change set that is created and executed. Some imports do not accept tags."""
    expected = {
        "StackName": "argus-staging-data",
        "ChangeSetName": ANY,
        "ChangeSetType": kind,
        "TemplateBody": template.text(),
        "Parameters": [{"ParameterKey": "Stage", "ParameterValue": "staging"}],
        **({} if kind == "IMPORT" else {"Tags": []}),
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        **more,
    }
    stub.add_response("create_change_set", {"Id": "arn:change-set/1", "StackId": STACK_ID}, expected)
    stub.add_response("describe_change_set", {"Status": "CREATE_COMPLETE"})
    stub.add_response("execute_change_set", {})
    stub.add_response("describe_stacks", described(f"{kind}_COMPLETE"))


def test_what_a_destroyed_stack_retained_is_imported_before_the_rest_is_created() -> None:
    client = unconnected("cloudformation")
    with Stubber(client) as stub:
        stub.add_client_error("describe_stacks", service_message=MISSING)
        change_set(stub, "IMPORT", ONLY_KEY, ResourcesToImport=[IMPORTED_KEY])
        change_set(stub, "UPDATE", DATA, ImportExistingResources=True)
        ChangeSets(client, lambda _: None).deploy(
            "argus-staging-data",
            template=DATA,
            parameters={"Stage": "staging"},
            tags={},
            existing=lambda: {"Key": {"KeyId": "k1"}},
        )
        stub.assert_no_pending_responses()


@pytest.mark.parametrize("state", ["DELETE_COMPLETE", "IMPORT_FAILED", "IMPORT_ROLLBACK_COMPLETE"])
def test_an_import_that_was_rolled_back_is_repeated(state: str) -> None:
    client = unconnected("cloudformation")
    gone = {
        "LogicalResourceId": "Key",
        "PhysicalResourceId": "k1",
        "ResourceType": "AWS::KMS::Key",
        "LastUpdatedTimestamp": 0,
        "ResourceStatus": state,
    }
    with Stubber(client) as stub:
        stub.add_response("describe_stacks", described("IMPORT_ROLLBACK_COMPLETE"))
        stub.add_response("describe_stacks", described("IMPORT_ROLLBACK_COMPLETE"))
        stub.add_response("list_stack_resources", {"StackResourceSummaries": [gone]})
        stub.add_response("delete_stack", {}, {"StackName": STACK_ID})
        stub.add_response("describe_stacks", described("DELETE_COMPLETE"))
        change_set(stub, "CREATE", DATA, ImportExistingResources=True)
        assert ChangeSets(client, lambda _: None).deploy(
            "argus-staging-data", template=DATA, parameters={"Stage": "staging"}, tags={}
        )
        stub.assert_no_pending_responses()


def test_remains_that_cannot_be_deleted_are_left_behind_for_the_next_import() -> None:
    """A user pool is protected from deletion: a stack that failed after creating one would block its own retry."""
    client = unconnected("cloudformation")
    with Stubber(client) as stub:
        stub.add_response("describe_stacks", described("ROLLBACK_FAILED"))
        stub.add_response("delete_stack", {}, {"StackName": STACK_ID})
        stub.add_response("describe_stacks", described("DELETE_FAILED"))
        stub.add_response("describe_stack_events", {"StackEvents": []})
        stub.add_response("delete_stack", {}, {"StackName": STACK_ID, "DeletionMode": "FORCE_DELETE_STACK"})
        stub.add_response("describe_stacks", described("DELETE_COMPLETE"))
        change_set(stub, "IMPORT", ONLY_KEY, ResourcesToImport=[IMPORTED_KEY])
        change_set(stub, "UPDATE", DATA, ImportExistingResources=True)
        parts = {"parameters": {"Stage": "staging"}, "tags": {}}
        left = {"Key": {"KeyId": "k1"}}
        ChangeSets(client, lambda _: None).deploy("argus-staging-data", template=DATA, **parts, existing=lambda: left)
        stub.assert_no_pending_responses()


def test_a_stack_that_rolled_back_reports_the_first_failures_only() -> None:
    """moto never rolls back: these are AWS's responses, as in its API reference."""
    client = unconnected("cloudformation")

    def event(name: str, status: str, reason: str) -> dict[str, Any]:
        return {
            "StackId": STACK_ID,
            "EventId": f"{name}-{status}",
            "StackName": "argus-staging-data",
            "Timestamp": 0,
            "LogicalResourceId": name,
            "ResourceType": "AWS::SQS::Queue",
            "ResourceStatus": status,
            "ResourceStatusReason": reason,
        }

    newest_first = [
        event("Other", "CREATE_FAILED", "Resource creation cancelled"),
        event("JobsQueue", "CREATE_FAILED", "already exists"),
        event("JobsQueue", "CREATE_IN_PROGRESS", ""),
    ]
    with Stubber(client) as stub:
        stub.add_client_error("describe_stacks", service_message="Stack with id x does not exist")
        stub.add_response("create_change_set", {"Id": "arn:change-set/1", "StackId": STACK_ID})
        stub.add_response("describe_change_set", {"Status": "CREATE_PENDING"})
        stub.add_response("describe_change_set", {"Status": "CREATE_COMPLETE"})
        stub.add_response("execute_change_set", {})
        stub.add_response("describe_stacks", described("ROLLBACK_COMPLETE"))
        stub.add_response("describe_stack_events", {"StackEvents": newest_first})
        waits: list[float] = []
        with pytest.raises(StackFailed) as error:
            ChangeSets(client, waits.append).deploy(
                "argus-staging-data", template=Template("argus-staging-data", {}), parameters={}, tags={}
            )
    assert str(error.value) == "argus-staging-data: JobsQueue (AWS::SQS::Queue): already exists"
    assert len(waits) == 1


def test_a_stack_whose_deletion_failed_is_not_updated() -> None:
    client = unconnected("cloudformation")
    key = {
        "LogicalResourceId": "Key",
        "PhysicalResourceId": "k1",
        "ResourceType": "AWS::KMS::Key",
        "LastUpdatedTimestamp": 0,
        "ResourceStatus": "DELETE_FAILED",
    }
    with Stubber(client) as stub:
        stub.add_response("describe_stacks", described("DELETE_FAILED"))
        stub.add_response("describe_stacks", described("DELETE_FAILED"))
        stub.add_response("list_stack_resources", {"StackResourceSummaries": [key]})
        with pytest.raises(StackFailed, match="its deletion failed; finish it with `make destroy`, then deploy again"):
            ChangeSets(client, lambda _: None).deploy("argus-staging-data", template=DATA, parameters={}, tags={})
