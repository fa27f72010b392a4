"""Stacks, deployed through change sets: CloudFormation computes the changes first, and rolls back when one fails.

A resource that a destroyed stack retained is imported, not created a second time. CloudFormation finds it itself if its
name is its identifier and literal in the template (`ImportExistingResources`). For the others, whose identifiers AWS
assigns, the caller gives the identifiers (`retained.py`), and a change set that only imports comes first.

Sources: AWS CloudFormation API reference, CreateChangeSet, ExecuteChangeSet, DeleteStack, DescribeStackEvents; user
guide, "Import AWS resources into a CloudFormation stack automatically" and "with a resource import".
"""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import ClientError, WaiterError

from argus.core.errors import ArgusError
from infra.templates import Template

WAIT_SECONDS = 5
WAIT_ATTEMPTS = 720  # one hour: certificates and CloudFront distributions take long
_NEVER_CREATED = frozenset({"REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"})
_MAYBE_EMPTY = frozenset({"IMPORT_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_FAILED", "DELETE_FAILED"})
_ABSENT = frozenset({"DELETE_COMPLETE", "IMPORT_FAILED", "IMPORT_ROLLBACK_COMPLETE"})  # states of a resource
_NO_CHANGE = ("didn't contain changes", "No updates are to be performed")


class StackFailed(ArgusError):
    """A stack could not be deployed."""


Identifiers = Mapping[str, Mapping[str, str]]  # by logical id, as CloudFormation expects them: {"KeyId": "…"}


def _is_no_change(reason: str) -> bool:
    return any(sentence in reason for sentence in _NO_CHANGE)


class Stacks(Protocol):
    """The stacks of one region."""

    def deploy(
        self,
        name: str,
        *,
        template: Template,
        parameters: Mapping[str, str],
        tags: Mapping[str, str],
        existing: Callable[[], Identifiers] = dict,
    ) -> bool:
        """Create or update the stack; returns whether anything changed.

        If the stack does not exist, the resources that `existing` finds are imported instead of created.
        """

    def outputs(self, name: str) -> dict[str, str]:
        """The stack's outputs; empty when the stack does not exist."""

    def resources(self, name: str) -> dict[str, str]:
        """Physical ids by logical id; empty when the stack does not exist."""

    def delete(self, name: str) -> bool:
        """Delete the stack except retained resources; returns whether it existed."""


@dataclass(frozen=True)
class ChangeSets:
    """The stacks of one region of an account."""

    cloudformation: Any
    sleep: Callable[[float], None] = time.sleep

    def deploy(
        self,
        name: str,
        *,
        template: Template,
        parameters: Mapping[str, str],
        tags: Mapping[str, str],
        existing: Callable[[], Identifiers] = dict,
    ) -> bool:
        """See `Stacks`. Raises StackFailed."""
        given = {
            "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
        }
        exists = self._delete_if_never_created(name)  # may leave resources behind that `existing` then finds
        if not exists and (found := existing()):
            resources = [
                {
                    "ResourceType": template.resources[logical_id]["Type"],
                    "LogicalResourceId": logical_id,
                    "ResourceIdentifier": identifier,
                }
                for logical_id, identifier in found.items()
            ]
            # An import may neither create other resources nor declare outputs; the update sets the tags.
            untagged = {key: value for key, value in given.items() if key != "Tags"}
            self._execute(name, "IMPORT", template.only(found), ResourcesToImport=resources, **untagged)
            exists = True
        kind = "UPDATE" if exists else "CREATE"
        return self._execute(name, kind, template, ImportExistingResources=True, **given)

    def _execute(self, name: str, kind: str, template: Template, **given: Any) -> bool:
        """Create a change set and execute it; returns whether it changes anything. Raises StackFailed."""
        try:
            created = self.cloudformation.create_change_set(
                StackName=name,
                ChangeSetName=f"deploy-{secrets.token_hex(6)}",
                ChangeSetType=kind,
                TemplateBody=template.text(),
                **given,
            )
            if not self._has_changes(name, created["Id"]):
                self.cloudformation.delete_change_set(ChangeSetName=created["Id"], StackName=name)
                return False
            self.cloudformation.execute_change_set(ChangeSetName=created["Id"], StackName=name)
        except ClientError as error:
            message = error.response["Error"]["Message"]
            if _is_no_change(message):
                return False
            raise StackFailed(f"{name}: {message}") from error
        self._wait(name, created["StackId"], f"stack_{kind.lower()}_complete")
        return True

    def outputs(self, name: str) -> dict[str, str]:
        stack = self._find(name)
        return {entry["OutputKey"]: entry["OutputValue"] for entry in (stack or {}).get("Outputs", [])}

    def resources(self, name: str) -> dict[str, str]:
        stack = self._find(name)
        if stack is None:
            return {}
        pages = self.cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack["StackId"])
        return {
            entry["LogicalResourceId"]: entry.get("PhysicalResourceId", "")
            for page in pages
            for entry in page["StackResourceSummaries"]
            if entry["ResourceStatus"] not in _ABSENT
        }

    def delete(self, name: str) -> bool:
        """See `Stacks`. Raises StackFailed."""
        stack = self._find(name)
        if stack is None:
            return False
        self._delete(name, stack["StackId"])
        return True

    def _delete(self, name: str, stack_id: str, **options: str) -> None:
        self.cloudformation.delete_stack(StackName=stack_id, **options)
        self._wait(name, stack_id, "stack_delete_complete")

    def _delete_if_never_created(self, name: str) -> bool:
        """Whether the stack exists and can be updated. The remains of one whose creation failed are deleted.

        A resource that cannot be deleted, such as a user pool, which is protected, is left behind for the next import.
        """
        stack = self._find(name)
        if stack is None:
            return False
        status = stack["StackStatus"]
        if status not in _NEVER_CREATED and not (status in _MAYBE_EMPTY and not self.resources(name)):
            if status == "DELETE_FAILED":
                raise StackFailed(f"{name}: its deletion failed; finish it with `make destroy`, then deploy again")
            return True
        try:
            self._delete(name, stack["StackId"])
        except StackFailed:
            self._delete(name, stack["StackId"], DeletionMode="FORCE_DELETE_STACK")
        return False

    def _find(self, name: str) -> Mapping[str, Any] | None:
        try:
            (stack,) = self.cloudformation.describe_stacks(StackName=name)["Stacks"]
        except ClientError as error:
            if "does not exist" in error.response["Error"]["Message"]:
                return None
            raise
        return dict(stack)

    def _has_changes(self, name: str, change_set_id: str) -> bool:
        for _ in range(WAIT_ATTEMPTS):
            found = self.cloudformation.describe_change_set(ChangeSetName=change_set_id, StackName=name)
            if found["Status"] == "CREATE_COMPLETE":
                return True
            if found["Status"] == "FAILED":
                reason = found.get("StatusReason", "")
                if _is_no_change(reason):
                    return False
                raise StackFailed(f"{name}: {reason}")
            self.sleep(WAIT_SECONDS)
        raise StackFailed(f"{name}: the change set is not ready after {WAIT_SECONDS * WAIT_ATTEMPTS} s; deploy again")

    def _wait(self, name: str, stack_id: str, waiter: str) -> None:
        try:
            self.cloudformation.get_waiter(waiter).wait(
                StackName=stack_id, WaiterConfig={"Delay": WAIT_SECONDS, "MaxAttempts": WAIT_ATTEMPTS}
            )
        except WaiterError as error:
            raise StackFailed(f"{name}: {'; '.join(self._failures(stack_id)) or error}") from error

    def _failures(self, stack_id: str) -> list[str]:
        """Each resource that failed with its reason, oldest first, without those cancelled as a consequence."""
        events = self.cloudformation.describe_stack_events(StackName=stack_id)["StackEvents"]
        return [
            f"{event['LogicalResourceId']} ({event['ResourceType']}): {event.get('ResourceStatusReason', '')}"
            for event in reversed(events)
            if event["ResourceStatus"].endswith("_FAILED")
            and "cancelled" not in event.get("ResourceStatusReason", "").lower()
        ]
