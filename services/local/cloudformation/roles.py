"""AWS::IAM::Role and RolePolicy, AWS::Logs::LogGroup: the resources that must exist before the functions."""

import json
from typing import Any

from services.local.cloudformation import first, tagging
from services.local.cloudformation.clients import Clients


def create_role(clients: Clients, properties: dict[str, Any]) -> str:
    iam = clients("iam")
    name = str(properties["RoleName"])
    iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps(properties["AssumeRolePolicyDocument"]),
        Description=properties.get("Description", ""),
        MaxSessionDuration=int(properties.get("MaxSessionDuration", 3600)),
        Tags=properties.get("Tags", []),
    )
    for policy in properties.get("Policies", []):
        iam.put_role_policy(
            RoleName=name, PolicyName=policy["PolicyName"], PolicyDocument=json.dumps(policy["PolicyDocument"])
        )
    for arn in properties.get("ManagedPolicyArns", []):
        _register_managed_policy(arn)
        iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    return name


def _register_managed_policy(arn: str) -> None:
    """Register one of AWS's managed policies; moto does not load them by default, because all take a second."""
    from moto.core.models import DEFAULT_ACCOUNT_ID
    from moto.iam.aws_managed_policies import aws_managed_policies_data
    from moto.iam.models import AWSManagedPolicy, iam_backends

    known = iam_backends[DEFAULT_ACCOUNT_ID]["aws"].managed_policies
    name = arn.rsplit("/", 1)[-1]
    data = json.loads(aws_managed_policies_data).get(name) if arn not in known else None
    if data:
        policy = AWSManagedPolicy.from_data(name, DEFAULT_ACCOUNT_ID, "aws", data)
        known[policy.arn] = policy


def read_role(clients: Clients, name: str, declared: dict[str, Any]) -> dict[str, Any]:
    """The role with only those inline policies that it declares itself; others are separate resources."""
    iam = clients("iam")
    role = iam.get_role(RoleName=name)["Role"]
    own = {policy["PolicyName"] for policy in declared.get("Policies", [])}
    inline = [policy for policy in iam.list_role_policies(RoleName=name)["PolicyNames"] if policy in own]
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    return {
        "RoleName": role["RoleName"],
        "Description": role.get("Description"),
        "AssumeRolePolicyDocument": role["AssumeRolePolicyDocument"],
        "MaxSessionDuration": role["MaxSessionDuration"],
        "Policies": [
            {
                "PolicyName": policy,
                "PolicyDocument": iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"],
            }
            for policy in inline
        ],
        "ManagedPolicyArns": [policy["PolicyArn"] for policy in attached],
        "Tags": tagging.from_pairs(role.get("Tags", [])),
    }


def delete_role(clients: Clients, name: str, properties: dict[str, Any]) -> None:
    """Delete the role and its own policies. Fails without changes while it has a policy of another resource."""
    iam = clients("iam")
    inline = set(iam.list_role_policies(RoleName=name)["PolicyNames"])
    if inline <= {policy["PolicyName"] for policy in properties.get("Policies", [])}:
        for policy in inline:
            iam.delete_role_policy(RoleName=name, PolicyName=policy)
    for arn in properties.get("ManagedPolicyArns", []):
        iam.detach_role_policy(RoleName=name, PolicyArn=arn)
    iam.delete_role(RoleName=name)


def create_role_policy(clients: Clients, properties: dict[str, Any]) -> str:
    role, policy = properties["RoleName"], properties["PolicyName"]
    clients("iam").put_role_policy(
        RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(properties["PolicyDocument"])
    )
    return f"{policy}|{role}"


def read_role_policy(clients: Clients, physical_id: str) -> dict[str, Any]:
    policy, _, role = physical_id.partition("|")
    found = clients("iam").get_role_policy(RoleName=role, PolicyName=policy)
    return {name: found[name] for name in ("RoleName", "PolicyName", "PolicyDocument")}


def delete_role_policy(clients: Clients, physical_id: str) -> None:
    policy, _, role = physical_id.partition("|")
    clients("iam").delete_role_policy(RoleName=role, PolicyName=policy)


def create_log_group(clients: Clients, properties: dict[str, Any]) -> str:
    logs = clients("logs")
    name = str(properties["LogGroupName"])
    key = {"kmsKeyId": properties["KmsKeyId"]} if "KmsKeyId" in properties else {}
    logs.create_log_group(logGroupName=name, tags=tagging.to_mapping(properties.get("Tags", [])), **key)
    if "RetentionInDays" in properties:
        logs.put_retention_policy(logGroupName=name, retentionInDays=int(properties["RetentionInDays"]))
    return name


def read_log_group(clients: Clients, name: str) -> dict[str, Any]:
    logs = clients("logs")
    found = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    group = first((group for group in found if group["logGroupName"] == name), name)
    return {
        "LogGroupName": name,
        "RetentionInDays": group.get("retentionInDays"),
        "KmsKeyId": group.get("kmsKeyId"),
        "Tags": tagging.from_mapping(logs.list_tags_log_group(logGroupName=name).get("tags", {})),
    }
